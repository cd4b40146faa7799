// Package sdktest tries a source from the outside: it does what the converter does with a source, and some of what only
// misfortune does, and says what it saw. Authors call [Run] in a test of theirs, where the source stays in the process of
// the test but behind the wire that plugins are spoken to over; `converter plugin test` runs the same checks against a
// plugin in any language, in its own process.
//
// It owns the checks and their words. How a plugin is started is the caller's: a [Process] is a source that can be killed.
//
// Memory: about 150 bytes for each record and each path to a file; what sources say is kept up to 1 MiB; with a golden file,
// the records of one reading. [Test] waits for
// every call it makes, except for one that does not end when it is cancelled, which is a failed check; such a source is
// not used again. It returns no errors: whatever goes wrong is in a [Result].
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// Config says what is tested.
type Config struct {
	// Start returns a new source that is not configured. One that is an io.Closer is closed in the end.
	Start func(ctx context.Context) (sdk.Source, error)
	// Configuration is what every source is configured with. Where its logger is not set, one is, and what is logged is
	// searched for secrets.
	Configuration sdk.Configuration
	// Limit is the time of one call; default: 10 min.
	Limit time.Duration
	// Patience is how long a source may take to end a call that was cancelled; default: 10 s.
	Patience time.Duration
	// Hold is how long the host pretends to be busy, to see what a source does then; default: 500 ms.
	Hold time.Duration
	// Memory is how many bytes a source may grow by meanwhile; default: 64 MiB.
	Memory int64
	// Golden is the path of a file with the records that are to come, one JSON object a line; default: none.
	Golden string
	// Update writes the records that come to Golden instead of comparing; default: false.
	Update bool
}

// Process is a source in a process of its own.
type Process interface {
	sdk.Source
	io.Closer // asks the process to end, kills it if it does not, and waits

	// Kill ends the process at once, and waits.
	Kill()
	// Forced says, after Close, whether the process had to be killed.
	Forced() bool
	// Memory is what the process takes up, in bytes; 0: not known.
	Memory() int64
	// Printed is what the process printed on standard output, the handshake apart.
	Printed() string
	// Logged is everything else that it printed or logged.
	Logged() string
}

// Outcome is how a check ended.
type Outcome string

// The outcomes. A check is skipped when the source, or the sample it was given, has nothing that could be checked.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is what came of one check.
type Result struct {
	Name    string  `json:"name"` // one of Names
	Outcome Outcome `json:"outcome"`
	Seen    string  `json:"seen"`             // what was seen
	Advice  string  `json:"advice,omitempty"` // what to do about it
}

// check is one of the suite.
type check struct {
	name string
	run  func(ctx context.Context, b *bench) Result
}

// suite are the checks in the order they are made in: each may use what those before it have learnt.
func suite() []check {
	return []check{
		{"spec", checkSpec},
		{"schema", checkSchema},
		{"broken options", checkBroken},
		{"check", checkCheck},
		{"discover", checkDiscover},
		{"read", checkRead},
		{"records", checkRecords},
		{"golden", checkGolden},
		{"counts", checkCounts},
		{"same again", checkAgain},
		{"resume", checkResume},
		{"cancel", checkCancel},
		{"busy host", checkBusy},
		{"unchanged", checkUnchanged},
		{"assets", checkAssets},
		{"files", checkFiles},
		{"kill", checkKill},
		{"end", checkEnd},
		{"standard output", checkPrinted},
		{"secrets", checkSecrets},
	}
}

// Names are the names of all checks, in order.
func Names() []string {
	var names []string
	for _, c := range suite() {
		names = append(names, c.name)
	}
	return names
}

// Test makes the checks, one after the other, and yields what came of each. Every check is there, in the order of
// [Names]. When ctx ends, the rest is skipped.
func Test(ctx context.Context, c Config) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		b := newBench(c)
		defer b.close(context.WithoutCancel(ctx))
		if err := b.start(ctx); err != nil {
			b.lost = fmt.Sprintf("the source was not started: %v", err)
		}
		for _, check := range suite() {
			r := b.make(ctx, check)
			r.Name = check.name
			if !yield(r) {
				return
			}
		}
	}
}

// bench is what the checks share.
type bench struct {
	Config

	said    *paper
	source  sdk.Source // the one that most checks use
	lost    string     // why there is no source to use any more; said of the first check that wants it
	told    bool       // that was said
	spec    sdk.Spec
	streams []sdk.Stream
	names   []string  // of the streams; nil: not discovered
	first   *recorder // the first whole reading; nil: it failed
	refuses bool      // the last comparison failed before a record came
	live    []sdk.Source
}

func newBench(c Config) *bench {
	c.Limit = or(c.Limit, 10*time.Minute)
	c.Patience = or(c.Patience, 10*time.Second)
	c.Hold = or(c.Hold, 500*time.Millisecond)
	c.Memory = or(c.Memory, 64<<20)
	b := &bench{Config: c, said: &paper{}}
	if c.Configuration.Log == nil {
		b.Configuration.Log = slog.New(slog.NewTextHandler(b.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return b
}

func or[N ~int64](value, standard N) N {
	if value <= 0 {
		return standard
	}
	return value
}

// make makes one check, if there is something to make it with.
func (b *bench) make(ctx context.Context, c check) Result {
	switch {
	case ctx.Err() != nil:
		return skipped("the test was ended")
	case b.lost != "" && c.name != "secrets": // which is about what was said until now
		if b.told {
			return skipped("there is no source any more to check it with")
		}
		b.told = true
		return failed("see to this first: nothing else can be checked", "%s", b.lost)
	}
	r := c.run(ctx, b)
	if b.lost != "" {
		b.told = true // by the check that lost it
	}
	return r
}

// open starts one more source.
func (b *bench) open(ctx context.Context) (sdk.Source, error) {
	s, err := b.Start(ctx)
	if err != nil {
		b.said.error(err)
		return nil, err
	}
	b.live = append(b.live, s)
	return s, nil
}

func (b *bench) start(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	b.source = s
	var spec sdk.Spec
	err = b.call(ctx, func(context.Context) error {
		spec = s.Spec()
		return nil
	})
	if err == nil {
		b.spec = spec
	}
	return err
}

// configure hands the right options to a source.
func (b *bench) configure(ctx context.Context, s sdk.Source) error {
	return b.call(ctx, func(ctx context.Context) error { return s.Configure(ctx, b.Configuration) })
}

// close ends every source that was started.
func (b *bench) close(ctx context.Context) {
	for _, s := range b.live {
		if c, isCloser := s.(io.Closer); isCloser {
			_ = survive(ctx, func(context.Context) error { return c.Close() }) // whether it ends well is a check of its own
		}
	}
}

var errHangs = errors.New("the call did not end when it was cancelled")

// call makes a call to a source, in the time there is for it. A source that does not come back is lost.
func (b *bench) call(ctx context.Context, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.Limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- survive(ctx, f) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		timer := time.NewTimer(b.Patience)
		defer timer.Stop()
		select {
		case err = <-done:
		case <-timer.C:
			err = errHangs
			b.lost = fmt.Sprintf("a call had not ended %s after it was cancelled", b.Patience)
		}
	}
	b.said.error(err)
	return err
}

// survive turns a panic into an error, as the SDK does.
func survive(ctx context.Context, f func(ctx context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the source panicked: %v", v)
		}
	}()
	return f(ctx)
}

func ok(format string, args ...any) Result {
	return Result{Outcome: OK, Seen: fmt.Sprintf(format, args...)}
}

func failed(advice, format string, args ...any) Result {
	return Result{Outcome: Failed, Advice: advice, Seen: fmt.Sprintf(format, args...)}
}

// count is a number of things, in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func skipped(why string) Result {
	return Result{Outcome: Skipped, Seen: why}
}

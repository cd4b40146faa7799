package host

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// Read hands what the plugin reads to out, in the order it is sent. It returns nil only if everything came.
//
// A plugin that is silent for StallAfter is reported to out; one that does not answer pings for StallKill either is
// killed, and so is one that has sent nothing for StallLimit, whatever it answers. The time that out takes is not the
// plugin's.
func (p *Process) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	watching, cancel := context.WithCancel(ctx)
	clock := &silence{since: time.Now()}
	var watch sync.WaitGroup
	watch.Go(func() { p.watch(watching, clock, out) })
	defer watch.Wait()
	defer cancel()
	return p.wire.ReadTimed(ctx, request, out, clock)
}

// silence measures how long a plugin has kept its host waiting.
type silence struct {
	mu      sync.Mutex
	waiting bool
	since   time.Time
}

// Start is that of [sourceclient.Clock].
func (s *silence) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.since = true, time.Now()
}

// Stop is that of [sourceclient.Clock].
func (s *silence) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
}

// length returns how long the host has been waiting, and for which message: since when.
func (s *silence) length() (time.Duration, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waiting {
		return 0, s.since
	}
	return time.Since(s.since), s.since
}

// watch looks after a reading until ctx ends. Nothing is asked of a plugin that keeps talking.
//
//	talking ──StallAfter──► silent (reported; pinged) ──no answer for StallKill, or StallLimit over──► killed
//	   ▲                       │ answers a ping: silent, reported again after another StallAfter
//	   └────── a message ──────┘
func (p *Process) watch(ctx context.Context, clock *silence, out sdk.Writer) {
	tick := time.NewTicker(max(min(p.config.StallAfter, p.config.StallKill, p.config.StallLimit)/4, 1))
	defer tick.Stop()
	var about time.Time    // the silence that was reported
	var reported int       // how often
	var answered time.Time // last answer in it
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		length, since := clock.length()
		if length < min(p.config.StallAfter, p.config.StallLimit) {
			continue
		}
		if !since.Equal(about) {
			about, reported, answered = since, 0, time.Now()
		}
		alive := p.ping(ctx) == nil
		if alive {
			answered = time.Now()
		}
		if times := int(length / p.config.StallAfter); times > reported {
			reported = times
			out.Report(p.silent(length, alive))
		}
		if again, of := clock.length(); again < length || !of.Equal(since) {
			continue // it has sent something meanwhile
		}
		if cause := p.overdue(length, answered); cause != byItself && ctx.Err() == nil {
			p.child.kill(cause)
			return
		}
	}
}

// overdue says why a silent plugin has to be killed, if it has to.
func (p *Process) overdue(length time.Duration, answered time.Time) why {
	switch {
	case time.Since(answered) >= p.config.StallKill:
		return killedForStall
	case length >= p.config.StallLimit:
		return killedForSilence
	}
	return byItself
}

func (p *Process) silent(length time.Duration, alive bool) sdk.Diagnostic {
	answer := "but still answers"
	if !alive {
		answer = "and does not answer"
	}
	return sdk.Diagnostic{
		Severity: sdk.SeverityWarning, Kind: sdk.Unavailable, Code: CodeStalled,
		Summary: fmt.Sprintf("plugin %q has sent nothing for %s, %s", p.config.Name, short(length.Round(time.Second)), answer),
	}
}

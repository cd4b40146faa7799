package host

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	lastLines   = 8   // kept of what a plugin printed last
	panicLines  = 8   // kept of the start of a panic
	linesShown  = 400 // bytes of a kept line
	linesSecond = 200 // lines logged in a second, and as many warnings and errors; the rest is counted
)

// OutputKey and Stdout are the attribute that tells lines of standard output from everything else a plugin logs.
const (
	OutputKey = "output"
	Stdout    = "stdout"
)

// talk takes in all that a plugin prints: it logs it, with the plugin's name, and remembers the last of it.
type talk struct {
	log slog.Handler

	mu      sync.Mutex
	muted   bool
	last    []string
	panic   []string
	second  time.Time // start of the second that is counted
	logged  [2]int    // in that second: lines; warnings and errors
	dropped int       // in that second
}

func newTalk(name string, log *slog.Logger) *talk {
	return &talk{log: log.Handler().WithAttrs([]slog.Attr{slog.String("plugin", name)})}
}

// print takes in a line of standard output, and says in the log that it was printed there.
func (t *talk) print(ctx context.Context, line string) {
	t.say(ctx, entry{level: slog.LevelInfo, text: line, attrs: []slog.Attr{slog.String(OutputKey, Stdout)}})
}

// say takes in an entry.
func (t *talk) say(ctx context.Context, e entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remember(e)
	if t.muted || !t.log.Enabled(ctx, e.level) {
		return
	}
	now := time.Now()
	if now.Sub(t.second) >= time.Second {
		t.nextSecond(ctx, now)
	}
	budget := &t.logged[0]
	if e.level >= slog.LevelWarn {
		budget = &t.logged[1]
	}
	if *budget == linesSecond {
		t.dropped++
		return
	}
	*budget++
	r := slog.NewRecord(now, e.level, e.text, 0)
	r.AddAttrs(e.attrs...)
	_ = t.log.Handle(ctx, r) // there is nowhere to say that the log cannot be written
}

func (t *talk) nextSecond(ctx context.Context, now time.Time) {
	if t.dropped > 0 {
		r := slog.NewRecord(now, slog.LevelWarn, "plugin printed too fast", 0)
		r.AddAttrs(slog.Int("lines_left_out", t.dropped))
		_ = t.log.Handle(ctx, r)
	}
	t.second, t.logged, t.dropped = now, [2]int{}, 0
}

func (t *talk) remember(e entry) {
	text := strings.TrimSpace(e.text)
	if text == "" {
		return
	}
	if len(text) > linesShown {
		text = strings.ToValidUTF8(text[:linesShown], "") + " …"
	}
	if e.panic && len(t.panic) < panicLines {
		t.panic = append(t.panic, text)
	}
	if len(t.last) == lastLines {
		t.last = append(t.last[:0], t.last[1:]...)
	}
	t.last = append(t.last, text)
}

// mute ends the logging: nobody waits for what comes now.
func (t *talk) mute() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.muted = true
}

// words returns the line that tells most about the end of a plugin, and all that is remembered: the first lines of a
// panic where there was one, else the last lines.
func (t *talk) words() (line, all string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.panic) > 0:
		return t.panic[0], strings.Join(t.panic, "\n")
	case len(t.last) > 0:
		return t.last[len(t.last)-1], strings.Join(t.last, "\n")
	}
	return "", ""
}

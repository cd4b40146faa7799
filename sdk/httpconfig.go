package sdk

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"
)

// HTTPConfig says how a client of [Environment.HTTPWith] differs from that of [Environment.HTTP], which the zero value is.
type HTTPConfig struct {
	Tries      int           // how often a request is sent at most; default: 4
	TryLimit   time.Duration // how long one try may take, its body included; default: 2 minutes
	FirstPause time.Duration // before the second try; each further one is twice as long; default: half a second
	MaxBody    int64         // bytes of a body; default: 64 MiB
	InFlight   int           // tries under way at one time, for each host; default: any number
	Interval   time.Duration // from the beginning of one try to that of the next, for each host; default: none

	// KeepAll keeps what neither carries a validator nor says how long it holds, too: it answers requests that are only-if-cached
	// and stands in for a server that is away. Default: false.
	KeepAll bool
	// StaleLimit is how long what is kept stands in for a server that is away, where that has not said; negative: never; default: a day.
	StaleLimit time.Duration
	// Unconditional asks as if nothing were kept. Default: false.
	Unconditional bool

	// Judge says what becomes of what a try came to. Default: as HTTP says.
	Judge func(r *http.Request, t Try) Verdict
}

// Try is one attempt at a request, with the whole answer.
type Try struct {
	Number int // from 1
	Err    error
	Status int // 0: there is no answer, Err says why
	Header http.Header
	Body   []byte
}

// Verdict is what becomes of a try.
type Verdict struct {
	// Again sends the request again while tries are left, after what Retry-After says or a pause.
	Again bool
	// Rest leaves the host alone until then, as 429 does: no other request is sent to it.
	Rest bool
	// Err says that this is no answer: it is not kept, what was kept before may stand in for it, and else Do returns Err. Where Err
	// is nil, Do returns the answer, or says that there was none.
	Err error
}

func (c HTTPConfig) tries() int                { return cmp.Or(c.Tries, maxTries) }
func (c HTTPConfig) tryLimit() time.Duration   { return cmp.Or(c.TryLimit, tryLimit) }
func (c HTTPConfig) firstPause() time.Duration { return cmp.Or(c.FirstPause, firstPause) }
func (c HTTPConfig) maxBody() int64            { return cmp.Or(c.MaxBody, maxBody) }
func (c HTTPConfig) staleLimit() time.Duration { return cmp.Or(c.StaleLimit, staleLimit) }

// gate lets the tries at one host through: so many at a time, each some time after the one before, and none while the host
// wants to be left alone.
type gate struct {
	slots    chan struct{} // nil: any number
	interval time.Duration

	mu    sync.Mutex // guards what follows
	next  time.Time  // when the next try may begin
	until time.Time  // the host is left alone
}

func (w *web) gate(host string) *gate {
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.gates[host]
	if g == nil {
		g = &gate{interval: w.config.Interval}
		if w.config.InFlight > 0 {
			g.slots = make(chan struct{}, w.config.InFlight)
		}
		w.gates[host] = g
	}
	return g
}

// enter waits for a turn. The caller leaves when the try is over.
func (g *gate) enter(ctx context.Context, w *web) (leave func(), err error) {
	if g.slots == nil {
		return func() {}, g.turn(ctx, w)
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-g.slots }
	if err := g.turn(ctx, w); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// turn waits until a try may begin. Who waits has a place in the row, and a new one where the host asked for a rest meanwhile.
func (g *gate) turn(ctx context.Context, w *web) error {
	for {
		g.mu.Lock()
		now := w.now()
		at := now
		for _, t := range []time.Time{g.next, g.until} {
			if t.After(at) {
				at = t
			}
		}
		g.next = at.Add(g.interval)
		resting := max(g.until.Sub(now), 0)
		g.mu.Unlock()
		if at.Equal(now) {
			return ctx.Err()
		}
		err := w.pause(ctx, at.Sub(now))
		waited := w.now().Sub(now)
		resting = min(resting, waited)
		w.meter.count(Metrics{PauseWait: resting, LimitWait: waited - resting})
		if err != nil {
			return err
		}
		g.mu.Lock()
		again := g.until.After(at)
		g.mu.Unlock()
		if !again {
			return nil
		}
	}
}

// rest leaves the host alone until then.
func (g *gate) rest(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.until) {
		g.until = until
	}
}

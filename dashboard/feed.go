package dashboard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/dashboard/page"
)

// scene is what a feed shows.
type scene struct {
	every time.Duration
	// version changes when it is worth rendering again; nil: every time.
	version func() string
	// regions returns what there is to see; last says that it will not change any more.
	regions func(ctx context.Context) (regions []page.Region, last bool)
}

// feed renders a scene once per tick and hands the frame to everybody. While nobody is subscribed it has no goroutine
// and renders nothing.
//
//	subscribe (first) ─► loop: tick ─► render if changed ─► a slot per subscriber
//	unsubscribe (last) ─► loop ends, and is waited for
//
// A slot holds one frame: a newer one replaces one that was not taken yet, so a slow browser never holds up the others.
type feed struct {
	scene scene
	log   *slog.Logger

	mu      sync.Mutex
	frame   *frame                   // the newest; guarded by mu
	made    time.Time                // when it was last looked whether it is; guarded by mu
	version string                   // of the frame; guarded by mu
	slots   map[chan *frame]struct{} // guarded by mu
	stop    func()                   // ends the loop and waits for it; guarded by mu
}

func newFeed(s scene, log *slog.Logger) *feed {
	return &feed{scene: s, log: log, slots: map[chan *frame]struct{}{}}
}

// current returns a frame that is not older than a tick, nil when none can be rendered.
func (f *feed) current(ctx context.Context) *frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frame == nil || time.Since(f.made) >= f.scene.every {
		f.refresh(ctx)
	}
	return f.frame
}

// newest renders whatever is the case now.
func (f *feed) newest(ctx context.Context) *frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refresh(ctx)
	return f.frame
}

// refresh makes a frame if there is something new and puts it into all slots. The caller holds mu.
func (f *feed) refresh(ctx context.Context) {
	f.made = time.Now()
	version := ""
	if f.scene.version != nil {
		if version = f.scene.version(); f.frame != nil && version == f.version {
			return
		}
	}
	regions, last := f.scene.regions(ctx)
	next, err := newFrame(ctx, f.frame, regions, last)
	if err != nil {
		f.log.Error("page not rendered", "error", err)
		return
	}
	f.version = version
	if next == f.frame {
		return
	}
	f.frame = next
	for slot := range f.slots {
		put(slot, next)
	}
}

// put replaces what is in a slot. Only the holder of the feed's mutex puts, so the second send finds room.
func put(slot chan *frame, next *frame) {
	select {
	case <-slot:
	default:
	}
	slot <- next
}

// subscribe returns a slot that has the current frame in it already. The context is that of the subscriber; the loop
// outlives it when others stay.
func (f *feed) subscribe(ctx context.Context) chan *frame {
	slot := make(chan *frame, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frame == nil || time.Since(f.made) >= f.scene.every {
		f.refresh(ctx)
	}
	if f.frame != nil {
		slot <- f.frame
	}
	f.slots[slot] = struct{}{}
	if f.stop == nil {
		loopContext, cancel := context.WithCancel(context.WithoutCancel(ctx))
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.loop(loopContext)
		}()
		f.stop = func() {
			cancel()
			<-done
		}
	}
	return slot
}

// unsubscribe gives the slot back; the last one to leave waits until the loop has ended.
func (f *feed) unsubscribe(slot chan *frame) {
	f.mu.Lock()
	delete(f.slots, slot)
	var stop func()
	if len(f.slots) == 0 {
		stop, f.stop = f.stop, nil
	}
	f.mu.Unlock()
	if stop != nil {
		stop()
	}
}

func (f *feed) loop(ctx context.Context) {
	ticker := time.NewTicker(f.scene.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if now := f.newest(ctx); now != nil && now.last {
				return
			}
		}
	}
}

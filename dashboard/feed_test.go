package dashboard

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a-h/templ"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

func plainRegion(id, text string) page.Region {
	return page.Region{ID: id, Text: true, Body: page.Plain(text)}
}

func TestFrame(t *testing.T) {
	ctx := t.Context()
	first, err := newFrame(ctx, nil, []page.Region{plainRegion("a", "1"), plainRegion("b", "1")}, false)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := newFrame(ctx, first, []page.Region{plainRegion("a", "1"), plainRegion("b", "2")}, false)
	third, _ := newFrame(ctx, second, []page.Region{plainRegion("a", "3"), plainRegion("b", "2")}, false)
	part := func(id, text string) string {
		return `<hx-partial hx-target="#` + id + `" hx-swap="textContent">` + text + `</hx-partial>`
	}
	for _, tt := range []struct {
		name  string
		frame *frame
		since uint64
		want  string
	}{
		{"all of the first", first, 0, part("a", "1") + part("b", "1")},
		{"what changed", second, first.seq, part("b", "2")},
		{"what changed since two frames before", third, first.seq, part("a", "3") + part("b", "2")},
		{"all of the last", third, 0, part("a", "3") + part("b", "2")},
	} {
		want := "id: " + tt.frame.id + "\ndata: " + tt.want + "\n\n"
		if got := string(tt.frame.event(tt.since)); got != want {
			t.Errorf("%s: %q, want %q", tt.name, got, want)
		}
	}
	if third.event(third.seq) != nil {
		t.Error("who has seen it is sent it again")
	}
	if same, _ := newFrame(ctx, third, []page.Region{plainRegion("a", "3"), plainRegion("b", "2")}, false); same != third {
		t.Error("the same regions made another frame")
	}
	if last, _ := newFrame(ctx, third, []page.Region{plainRegion("a", "3"), plainRegion("b", "2")}, true); last == third || last.id != third.id {
		t.Error("that nothing will follow is not told")
	}
	broken := page.Region{ID: "c", Body: templ.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("no") })}
	if _, err := newFrame(ctx, third, []page.Region{broken}, false); err == nil {
		t.Error("a region that cannot be rendered made a frame")
	}
}

// TestSlowSubscriber: who does not take frames finds the newest one, and has held up nobody.
func TestSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		f := newFeed(scene{every: tick, regions: func(context.Context) ([]page.Region, bool) {
			return []page.Region{plainRegion("n", strconv.FormatInt(n.Add(1), 10))}, false
		}}, slog.New(slog.DiscardHandler))
		slow, quick := f.subscribe(t.Context()), f.subscribe(t.Context())
		taken := 0
		for range 20 {
			time.Sleep(tick)
			synctest.Wait()
			<-quick
			taken++
		}
		if got := <-slow; got.seq != uint64(n.Load()) || taken != 20 {
			t.Errorf("the slow one got frame %d of %d, the quick one %d", got.seq, n.Load(), taken)
		}
		f.unsubscribe(slow)
		f.unsubscribe(quick)
	})
}

// TestFeedUnderLoad comes and goes from many goroutines while frames are made; the race detector watches, and at the end
// nothing may be left.
func TestFeedUnderLoad(t *testing.T) {
	var n atomic.Int64
	f := newFeed(scene{every: time.Millisecond, regions: func(context.Context) ([]page.Region, bool) {
		return []page.Region{plainRegion("n", strconv.FormatInt(n.Add(1), 10)), plainRegion("still", "")}, false
	}}, slog.New(slog.DiscardHandler))
	var viewers sync.WaitGroup
	for range 16 {
		viewers.Go(func() {
			for range 20 {
				slot := f.subscribe(t.Context())
				var seen uint64
				for range 3 {
					next := <-slot
					if next.seq <= seen {
						t.Errorf("frame %d came after %d", next.seq, seen)
					}
					seen = next.seq
				}
				f.unsubscribe(slot)
			}
		})
	}
	viewers.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.slots) != 0 || f.stop != nil {
		t.Errorf("%d slots are left, the loop runs: %t", len(f.slots), f.stop != nil)
	}
}

// BenchmarkFrame is what a tick costs, however many look at it.
func BenchmarkFrame(b *testing.B) {
	pulse, library := beating(), &shelf{}
	for i := range listLimit {
		library.runs = append(library.runs, ended("r-"+strconv.Itoa(i), core.Partial))
	}
	s, err := New(Config{Library: library, Live: pulse})
	if err != nil {
		b.Fatal(err)
	}
	for name, scene := range map[string]scene{"run": s.liveScene(), "list": s.listScene()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var before *frame
			for b.Loop() {
				pulse.read(1)
				regions, last := scene.regions(b.Context())
				if before, err = newFrame(b.Context(), before, regions, last); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(before.html())), "frame-bytes")
		})
	}
}

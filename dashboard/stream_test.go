package dashboard

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

var target = regexp.MustCompile(`<hx-partial hx-target="#(\w+)"`)

// regions names what a message replaces.
func regions(m message) string {
	var names []string
	for _, match := range target.FindAllStringSubmatch(m.data, -1) {
		names = append(names, match[1])
	}
	return strings.Join(names, " ")
}

const allRegions = "title say actions notices cards stages problems coverage working kinds latest facts caches store"

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w, leave, gone := h.open(t, "/runs/r-0042/events")
		synctest.Wait()
		got, _ := messages(w.take())
		if len(got) != 1 || regions(got[0]) != allRegions || got[0].id == "" {
			t.Fatalf("at once: %d messages, want the whole frame", len(got))
		}
		if !strings.Contains(got[0].data, "line one\nevent: end\n\nline two") {
			t.Error("line ends of a source's text broke the message apart")
		}
		if w.head.Get("Content-Type") != "text/event-stream" || w.head.Get("X-Accel-Buffering") != "no" || w.head.Get("Content-Encoding") != "" {
			t.Errorf("headers: %v", w.head)
		}

		h.pulse.read(30)
		time.Sleep(tick)
		synctest.Wait()
		got, _ = messages(w.take())
		if len(got) != 1 || regions(got[0]) != "title say cards stages" {
			t.Fatalf("after a change: %d messages, of %q; want one of what changed", len(got), regions(got[0]))
		}

		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if rest := w.take(); rest != "" {
			t.Errorf("between ticks: %q", rest)
		}
		if w.late {
			t.Error("a message was written without a deadline")
		}
		leave()
		<-gone
		if !w.deadline.IsZero() {
			t.Error("the deadline stays on the connection, which may serve other requests")
		}
	})
}

// TestStreamStandsStill: times move every second, the rest is not sent again; and the line is kept open.
func TestStreamStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w, leave, gone := h.open(t, "/runs/r-0042/events")
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		w.take()
		time.Sleep(16 * time.Second)
		synctest.Wait()
		got, comments := messages(w.take())
		if len(got) < 15 || len(got) > 17 {
			t.Errorf("%d messages in 16 s, want one a second", len(got))
		}
		for _, m := range got {
			if regions(m) != "cards" {
				t.Errorf("%q was sent again", regions(m))
			}
		}
		if comments != 1 {
			t.Errorf("%d comments in 16 s, want one", comments)
		}
		leave()
		<-gone
	})
}

func TestStreamEnds(t *testing.T) {
	for _, tt := range []struct {
		name      string
		staysOpen bool
		want      string
	}{
		{"the dashboard stays", true, "The run has ended. This page shows how it stands now."},
		{"the dashboard closes with it", false, "Run finished and its dashboard closed with it. Open it again: converter serve"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(c *Config) { c.StaysOpen = tt.staysOpen })
				w, _, gone := h.open(t, "/runs/r-0042/events")
				synctest.Wait()
				w.take()
				h.pulse.change(func(s *core.Snapshot) { s.State = core.Partial })
				<-gone
				got, _ := messages(w.take())
				if len(got) != 2 || !strings.Contains(got[0].data, "partial") {
					t.Fatalf("%d messages, want the last frame and the end", len(got))
				}
				if got[1] != (message{event: "end", data: tt.want}) {
					t.Errorf("%+v", got[1])
				}

				again, _, gone := h.open(t, "/runs/r-0042/events")
				<-gone
				if got, _ := messages(again.take()); len(got) != 2 || regions(got[0]) != allRegions || got[1].event != "end" {
					t.Errorf("who comes later gets %d messages, want the whole frame and the end", len(got))
				}
			})
		})
	}
}

func TestStreamOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		distant := ended("r-0050", core.Running)
		distant.EndedMS, distant.HeartbeatMS = 0, time.Now().Add(time.Hour).UnixMilli()
		h := newHouse(t)
		h.shelf.change(func(s *shelf) { s.runs = append(s.runs, distant) })
		var wires []*wire
		var gone []chan struct{}
		for range 3 {
			w, _, g := h.open(t, "/runs/r-0050/events")
			wires, gone = append(wires, w), append(gone, g)
		}
		synctest.Wait()
		for _, w := range wires {
			if got, _ := messages(w.take()); len(got) != 1 || !strings.Contains(got[0].data, "another process") {
				t.Fatalf("%d messages", len(got))
			}
		}
		_, before := h.shelf.asked()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if _, after := h.shelf.asked(); after-before < 9 || after-before > 11 {
			t.Errorf("the library was asked %d times in 20 s by three viewers, want once in 2 s", after-before)
		}

		h.shelf.change(func(s *shelf) { s.err = errAway })
		time.Sleep(distantTick)
		synctest.Wait()
		if got := wires[0].take(); !strings.Contains(got, "cannot be read now") || strings.Contains(got, "event: end") {
			t.Errorf("while the history is away: %q", got)
		}
		h.shelf.change(func(s *shelf) {
			s.err = nil
			s.runs[2].State = core.Succeeded
		})
		for _, g := range gone {
			<-g
		}
		if got := wires[2].take(); !strings.Contains(got, "succeeded") || !strings.Contains(got, "event: end") {
			t.Error("the end of the run did not arrive")
		}
		if len(h.feeds.others) != 0 {
			t.Error("a feed is kept that nobody looks at")
		}
	})
}

func TestFifthStreamMakesTheFirstYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		browser := func(name string) func(*http.Request) {
			return func(r *http.Request) {
				r.AddCookie(&http.Cookie{Name: browserCookie, Value: strings.Repeat(name, 32)})
			}
		}
		var wires []*wire
		var gone []chan struct{}
		for range 5 {
			w, leave, g := h.open(t, "/events", browser("a"))
			defer leave()
			synctest.Wait()
			wires, gone = append(wires, w), append(gone, g)
		}
		other, leave, _ := h.open(t, "/events", browser("b"))
		defer leave()
		<-gone[0]
		synctest.Wait()
		if got, _ := messages(wires[0].take()); len(got) != 2 || got[1].event != "yield" {
			t.Errorf("the oldest stream got %v", got)
		}
		for i, w := range append(wires[1:], other) {
			if got, _ := messages(w.take()); len(got) != 1 || got[0].event != "" {
				t.Errorf("stream %d got %d messages", i, len(got))
			}
		}
	})
}

func TestStreamsHaveALimit(t *testing.T) {
	s := newSeats()
	var leave []func()
	for range seatsInAll {
		_, l, ok := s.take("")
		if !ok {
			t.Fatal("full too early")
		}
		leave = append(leave, l)
	}
	if _, _, ok := s.take("x"); ok {
		t.Error("there is no limit")
	}
	for _, l := range leave {
		l()
	}
	if s.total != 0 || len(s.taken) != 0 {
		t.Errorf("%d seats and %d browsers are left over", s.total, len(s.taken))
	}
}

func TestBrokenStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w, _, gone := h.open(t, "/runs/r-0042/events")
		synctest.Wait()
		w.mu.Lock()
		w.broken = errors.New("broken pipe")
		w.mu.Unlock()
		h.pulse.read(1)
		<-gone
	})
}

// TestNobodyLooks: without a subscriber nothing is rendered, and no goroutine is left.
func TestNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		_, leave, gone := h.open(t, "/runs/r-0042/events")
		time.Sleep(time.Second)
		leave()
		<-gone
		looks := h.pulse.looked()
		time.Sleep(time.Minute)
		if more := h.pulse.looked() - looks; more != 0 {
			t.Errorf("the run was looked at %d times while nobody was there", more)
		}
	})
}

func TestFrameIsRenderedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		for range 40 {
			_, leave, gone := h.open(t, "/runs/r-0042/events")
			defer func() {
				leave()
				<-gone
			}()
		}
		synctest.Wait()
		before := h.pulse.looked()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if looks := h.pulse.looked() - before; looks > 45 {
			t.Errorf("40 viewers looked %d times in 20 ticks; the run is to be looked at for all of them at once", looks)
		}
	})
}

func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		first := h.ask(t, http.MethodGet, "/runs/r-0042/frame")
		id := first.head.Get("Frame-Id")
		if got := regions(message{data: first.text}); got != allRegions || id == "" {
			t.Fatalf("frame %q has %q", id, got)
		}
		same := h.ask(t, http.MethodGet, "/runs/r-0042/frame?since="+id)
		if same.status != http.StatusNoContent {
			t.Errorf("the same again: %d", same.status)
		}
		h.pulse.change(func(s *core.Snapshot) { s.State = core.Failed })
		time.Sleep(tick)
		last := h.ask(t, http.MethodGet, "/runs/r-0042/frame?since="+id)
		if last.status != http.StatusOK || last.head.Get("Frame-Last") != "true" {
			t.Errorf("the last one: %d, %v", last.status, last.head)
		}
	})
}

func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w, leave, gone := h.open(t, "/events")
		synctest.Wait()
		if got, _ := messages(w.take()); len(got) != 1 || regions(got[0]) != "say notices attention running history" {
			t.Fatalf("%d messages", len(got))
		}
		lists, _ := h.shelf.asked()
		h.shelf.change(func(s *shelf) { s.err = errAway })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		more, _ := h.shelf.asked()
		if more-lists > 11 {
			t.Errorf("the library was asked %d times in 20 s, want once in 2 s", more-lists)
		}
		if got := w.take(); !strings.Contains(got, "History unavailable since") || !strings.Contains(got, "goes on from memory") {
			t.Error("the page does not say that the history is away")
		}
		leave()
		<-gone
	})
}

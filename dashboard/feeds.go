package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

const (
	tick        = 500 * time.Millisecond
	distantTick = 2 * time.Second // of a run that another process converts
)

// feeds are the feeds by what they show. Those of the list and of this process's run are always there; that of another
// run is there while somebody looks at it.
type feeds struct {
	mu     sync.Mutex
	others map[string]*shared // guarded by mu
}

type shared struct {
	feed    *feed
	viewers int
}

// listScene is the list of runs.
func (s *Server) listScene() scene {
	return scene{every: tick, regions: func(ctx context.Context) ([]page.Region, bool) {
		return s.runsView(ctx).Regions(), false
	}}
}

// liveScene is the run of this process. It is worth rendering when something was counted, and every second for the
// times on it.
func (s *Server) liveScene() scene {
	return scene{
		every: tick,
		version: func() string {
			now := s.config.Live.Snapshot()
			return fmt.Sprint(now.Revision, now.AtMS/1000, now.State, s.cancelling.Load())
		},
		regions: func(context.Context) ([]page.Region, bool) {
			view := s.liveView()
			return view.Regions(), !view.Moving()
		},
	}
}

// distantScene is a run that another process converts. When the history cannot be read, what is known stays.
func (s *Server) distantScene(known core.Summary) scene {
	return scene{every: distantTick, regions: func(ctx context.Context) ([]page.Region, bool) {
		found, err := s.history.find(ctx, known.ID)
		if err == nil {
			known = found
		}
		view := s.pastView(known)
		if err != nil {
			view.Notices = []page.Notice{{Tone: "bad", Text: "The history cannot be read now: these are the last known numbers."}}
		}
		return view.Regions(), err == nil && !view.Moving()
	}}
}

// feed returns the feed of a run and a function that gives it back.
func (s *Server) feed(ctx context.Context, id string) (f *feed, release func(), err error) {
	if s.here(id) {
		return s.live, func() {}, nil
	}
	found, err := s.history.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	entry := s.feeds.others[found.ID]
	if entry == nil {
		entry = &shared{feed: newFeed(s.distantScene(found), s.config.Log)}
		s.feeds.others[found.ID] = entry
	}
	entry.viewers++
	return entry.feed, func() {
		s.feeds.mu.Lock()
		defer s.feeds.mu.Unlock()
		if entry.viewers--; entry.viewers == 0 {
			delete(s.feeds.others, found.ID)
		}
	}, nil
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, s.list, s.closed)
}

func (s *Server) listFrame(w http.ResponseWriter, r *http.Request) { s.once(w, r, s.list) }

func (s *Server) runEvents(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	f, release, err := s.feed(r.Context(), id)
	if err != nil {
		s.noRun(w, r, id, err)
		return
	}
	defer release()
	s.stream(w, r, f, func() string {
		if s.here(id) && !s.config.StaysOpen {
			return s.closed()
		}
		return "The run has ended. This page shows how it stands now."
	})
}

func (s *Server) runFrame(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	f, release, err := s.feed(r.Context(), id)
	if err != nil {
		s.noRun(w, r, id, err)
		return
	}
	defer release()
	s.once(w, r, f)
}

// closed is what a page says when its server ends.
func (s *Server) closed() string {
	what := "The dashboard has closed."
	if s.config.Live != nil && s.config.Live.Snapshot().State.Ended() {
		what = "Run finished and its dashboard closed with it."
	}
	return what + " Open it again: " + s.config.Reopen
}

package dashboard

import (
	"slices"
	"sync"
)

const (
	seatsPerBrowser = 4 // a browser has six connections to a host; a page needs one to load
	seatsInAll      = 256
)

// seats are the live streams by browser. A browser opens at most six connections to one server, and a stream holds one
// for as long as its page is open: the seventh page would never load. So the oldest stream of a browser has to yield to
// the fifth, and its page asks every two seconds instead.
type seats struct {
	mu    sync.Mutex
	taken map[string][]*seat // by browser, oldest first; guarded by mu
	total int                // guarded by mu
}

// seat is one stream; yield is closed when it has to make room.
type seat struct {
	yield chan struct{}
	gone  bool // told to yield; guarded by the mutex of seats
}

func newSeats() *seats { return &seats{taken: map[string][]*seat{}} }

// take returns a seat, or none when the server is full. A browser that does not say who it is has no limit of its own.
func (s *seats) take(browser string) (taken *seat, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= seatsInAll {
		return nil, nil, false
	}
	s.total++
	taken = &seat{yield: make(chan struct{})}
	if browser == "" {
		return taken, func() { s.leave("", taken) }, true
	}
	s.taken[browser] = append(s.taken[browser], taken)
	staying := 0
	for _, other := range slices.Backward(s.taken[browser]) {
		if other.gone {
			continue
		}
		if staying++; staying > seatsPerBrowser {
			other.gone = true
			close(other.yield)
		}
	}
	return taken, func() { s.leave(browser, taken) }, true
}

func (s *seats) leave(browser string, left *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if browser == "" {
		return
	}
	row := slices.DeleteFunc(s.taken[browser], func(other *seat) bool { return other == left })
	if len(row) == 0 {
		delete(s.taken, browser)
		return
	}
	s.taken[browser] = row
}

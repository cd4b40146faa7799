package dashboard

import (
	"bytes"
	"net/http"
	"time"
)

const (
	frameDeadline = 10 * time.Second // for a browser to take one frame
	heartbeat     = 15 * time.Second // shorter than the patience of anything in between
)

// stream sends a feed's frames as server-sent events until the browser leaves, has to make room, or nothing will come
// any more. The end is said, so that it does not look like a lost connection.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, f *feed, ending func() string) {
	browser := browserOf(r)
	mine, leave, ok := s.seats.take(browser)
	if !ok {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	out := &sender{w: w, control: http.NewResponseController(w)}
	defer out.release()
	slot := f.subscribe(r.Context())
	defer f.unsubscribe(slot)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-mine.yield:
			out.send(named("yield", "every 2 s"))
			return
		case <-s.closing:
			out.frame(f.newest(r.Context()))
			out.send(named("end", s.closed()))
			return
		case next := <-slot:
			if out.frame(next); next.last {
				out.send(named("end", ending()))
				return
			}
		case <-beat.C:
			out.send([]byte(": still here\n\n"))
		}
	}
}

// sender writes messages, each with a deadline of its own, and remembers what the browser has.
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	seen    uint64
	err     error
}

func (s *sender) frame(f *frame) {
	if f == nil {
		return
	}
	if message := f.event(s.seen); message != nil {
		s.send(message)
		s.seen = f.seq
	}
}

func (s *sender) send(message []byte) {
	if s.err != nil {
		return
	}
	if s.err = s.control.SetWriteDeadline(time.Now().Add(frameDeadline)); s.err != nil {
		return
	}
	if _, s.err = bytes.NewReader(message).WriteTo(s.w); s.err != nil {
		return
	}
	s.err = s.control.Flush()
}

// release takes the deadline off the connection, which may serve other requests after this one.
func (s *sender) release() { _ = s.control.SetWriteDeadline(time.Time{}) }

// once answers with the frame as it is now, or with nothing when the page has it already: the way of pages that had to
// give up their stream.
func (s *Server) once(w http.ResponseWriter, r *http.Request, f *feed) {
	current := f.current(r.Context())
	if current == nil {
		http.Error(w, "The page cannot be rendered now.", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Frame-Id", current.id)
	if current.last {
		h.Set("Frame-Last", "true")
	}
	if r.URL.Query().Get("since") == current.id {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(current.html()) // the browser has gone: nobody is left to tell
}

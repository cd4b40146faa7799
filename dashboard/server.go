package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// healthy is the answer of a server that is up; Listen knows a dashboard by it.
const healthy = "converter dashboard: ok\n"

// grace is how long requests under way have to end when the server closes.
const grace = 3 * time.Second

// Server is a dashboard.
type Server struct {
	config  Config
	files   *files
	history *history
	feeds   feeds
	list    *feed
	live    *feed
	seats   *seats
	gate    *gate
	handler http.Handler

	cancelling atomic.Bool // cancelling was asked for here
	closeOnce  sync.Once
	closing    chan struct{} // closed when the streams have to end
}

// New returns the dashboard a config describes. It touches nothing: it has goroutines and reads the library only while
// somebody looks.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	static, err := newFiles()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:  config,
		files:   static,
		history: &history{library: config.Library, log: config.Log},
		feeds:   feeds{others: map[string]*shared{}},
		seats:   newSeats(),
		gate:    newGate(),
		closing: make(chan struct{}),
	}
	s.list = newFeed(s.listScene(), config.Log)
	s.live = newFeed(s.liveScene(), config.Log)
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.HandleFunc(r.pattern, r.serve)
	}
	s.handler = s.gate.handler(guard(mux))
	return s, nil
}

// route is a pattern and what serves it.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

func (s *Server) routes() []route {
	routes := []route{
		{"GET /{$}", s.runsPage},
		{"GET /runs", s.runsPage},
		{"GET /events", s.listEvents},
		{"GET /frame", s.listFrame},
		{"GET /runs/{id}", s.runPage},
		{"GET /runs/{id}/events", s.runEvents},
		{"GET /runs/{id}/frame", s.runFrame},
		{"GET /assets/{sha}/{resolution}", s.picture},
		{"GET /static/{hash}/{file}", s.files.serve},
		{"POST /theme", s.theme},
		{"GET /metrics", s.metrics},
		{"GET /healthz", s.healthz},
		{"GET /readyz", s.readyz},
		{"GET /", s.noPage},
	}
	if s.config.Cancel != nil && s.config.Live != nil {
		routes = append(routes, route{"POST /runs/{id}/cancel", s.cancel})
	}
	return routes
}

// Handler serves the dashboard, for a test or a server of one's own. Its streams end with their requests.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves a listener, which it closes, until the context ends. Then every stream gets its last frame and is told that
// it was the last, requests under way have three seconds to end, and Run returns when nothing of it is running.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	fresh := &fresh{conns: map[net.Conn]struct{}{}}
	server := &http.Server{
		Handler:           s.handler,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnState:         fresh.watch,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	var serving, failure error
	served := make(chan struct{})
	go func() {
		defer close(served)
		serving = server.Serve(ln)
	}()

	select {
	case <-served:
		failure = fmt.Errorf("dashboard: serve %s: %w", ln.Addr(), serving)
	case <-ctx.Done():
	}
	s.closeOnce.Do(func() { close(s.closing) })
	fresh.close()
	patience, stop := context.WithTimeout(base, grace)
	defer stop()
	if err := server.Shutdown(patience); err != nil {
		s.config.Log.Warn("dashboard requests cut off", "error", err)
		_ = server.Close() // the listener is closed already, and that is all it could complain about
	}
	cut()
	<-served
	s.gate.close()
	<-s.gate.empty
	return failure
}

// fresh are the connections on which nothing was asked yet. Browsers open them in advance, and a server that shuts down
// would wait for them.
type fresh struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
	shut  bool                  // guarded by mu
}

func (f *fresh) watch(conn net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state != http.StateNew {
		delete(f.conns, conn)
		return
	}
	if f.shut {
		_ = conn.Close() // nobody has asked anything on it
		return
	}
	f.conns[conn] = struct{}{}
}

func (f *fresh) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = true
	for conn := range f.conns {
		_ = conn.Close() // nobody has asked anything on it
	}
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(healthy)) // whoever asked has gone
}

// readyz says whether the history can be read.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if _, away := s.history.newest(r.Context()); !away.IsZero() {
		http.Error(w, "The history cannot be read since "+away.Format(time.RFC3339)+".", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ready\n")) // whoever asked has gone
}

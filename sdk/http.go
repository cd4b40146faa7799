package sdk

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxBody is the largest body that is taken from a server, in bytes.
	maxBody = 64 << 20
	// maxTries is how often a request is sent.
	maxTries = 4
	// tryLimit is how long one try may take, its body included.
	tryLimit = 2 * time.Minute
	// firstPause is the pause after the first try; each further one is twice as long.
	firstPause = 500 * time.Millisecond
	// longestPause is how long a server may make us wait. One that asks for more gets its way: its answer is returned.
	longestPause = time.Minute
)

// HTTP returns a client for what a source fetches.
//
// Answers to GET requests are kept in CacheDir, where there is one, and used again as HTTP says: for as long as max-age or
// Expires allows without asking, afterwards when the server confirms the ETag or the Last-Modified date. What the server
// marks no-store is not kept. While the server cannot be reached, or answers 429 or with an error of its own, an answer
// that is too old is used for the time its stale-if-error says, a day where it says nothing, and never where it says
// must-revalidate or no-cache. The header Cache-Status says where an answer came from. Nothing is ever removed from
// CacheDir; one file a request lies in its folder http.
//
// A request with credentials is neither looked for nor kept: one with the header Authorization or Cookie, or with any
// other than Accept, Accept-Language, Cache-Control, Pragma, Referer and User-Agent, as nobody knows which one carries a
// key. Put keys into headers, not into addresses, which show up in errors.
//
// A try takes two minutes at most. A request that can be repeated is sent up to four times: after 429 and 503, and for GET
// and HEAD also after 502, 504 and a broken connection. In between the client waits for what Retry-After says up to a
// minute, else half a second, one and two. The last answer is returned, whatever it is; no answer at all is an error of kind
// Unavailable.
//
// A host that answers 429, or says Retry-After, is left alone for that long by all requests of the client.
//
// A request with the header "Cache-Control: only-if-cached" is never sent: what is kept and still holds answers it, with
// "only-if-cached, max-stale" whatever is kept, and 504 where there is nothing.
//
// A body is read before Do returns and is held in memory; one of more than 64 MiB is an error of kind Unsupported. Each
// request names the plugin and its version as User-Agent unless it has one. What was fetched is reported as [Metrics] by
// the reading that runs, or by the next one.
func (e Environment) HTTP() *http.Client {
	w := e.web
	if w == nil {
		w = newWeb(e, "", nil)
	}
	return &http.Client{Transport: w}
}

// HTTPWith is [Environment.HTTP] with other habits. Call it once for each server: limits are those of one client. Its idle
// connections are the caller's to close, with CloseIdleConnections.
func (e Environment) HTTPWith(c HTTPConfig) *http.Client {
	agent, m := "", (*meter)(nil)
	if e.web != nil {
		agent, m = e.web.agent, e.web.meter
	}
	w := newWeb(e, agent, m)
	w.config = c
	if t, ok := w.base.(*http.Transport); ok && c.InFlight > 0 {
		t.MaxConnsPerHost, t.MaxIdleConnsPerHost = c.InFlight, c.InFlight
	}
	return &http.Client{Transport: w}
}

// web is the transport of the clients of one source.
type web struct {
	config HTTPConfig
	base   http.RoundTripper
	store  *store // nil: nothing is kept
	agent  string // User-Agent; empty: that of net/http
	meter  *meter
	log    *slog.Logger
	now    func() time.Time
	pause  func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex // guards what follows
	gates map[string]*gate
}

func newWeb(e Environment, agent string, m *meter) *web {
	w := &web{base: http.DefaultTransport, agent: agent, meter: m, log: e.Log, now: time.Now, pause: pause, gates: map[string]*gate{}}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		w.base = t.Clone() // its own connections, which end with the source
	}
	if e.CacheDir != "" {
		w.store = &store{dir: filepath.Join(e.CacheDir, "http")}
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	return w
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CloseIdleConnections ends the connections that wait for another request.
func (w *web) CloseIdleConnections() {
	if c, ok := w.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip answers a request from the cache, or from the server.
func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.store == nil || !cacheable(r) {
		if _, only := directives(r.Header)["only-if-cached"]; only {
			return w.absent(r), nil
		}
		a, err := w.send(r)
		if err != nil {
			return nil, err
		}
		return a.response(r, ""), nil
	}
	key := keyOf(r)
	kept := w.store.load(key)
	if answered := w.kept(r, kept); answered != nil {
		return answered, nil
	}
	request := r
	if !w.config.Unconditional {
		request = conditional(r, kept)
	}
	a, err := w.send(request)
	switch {
	case kept != nil && r.Context().Err() == nil && (err != nil || troubled(a.Status)) && kept.usable(w.now(), w.config.staleLimit()):
		w.meter.count(Metrics{Hits: 1})
		w.log.Warn("server not to be had, stored answer used", "host", r.URL.Host, "path", r.URL.Path, "stored", kept.Stored)
		return kept.response(r, "converter; hit; detail=stale"), nil
	case err != nil:
		w.meter.count(Metrics{Misses: 1})
		return nil, err
	case kept != nil && a.Status == http.StatusNotModified:
		w.meter.count(Metrics{Hits: 1, Confirmed: 1})
		kept.confirm(a.Header)
		w.keep(key, kept)
		return kept.response(r, "converter; hit; detail=confirmed"), nil
	}
	w.meter.count(Metrics{Misses: 1})
	w.keep(key, a)
	return a.response(r, "converter; fwd=miss"), nil
}

// kept answers a request that does not need the server. It returns nil where it has to be asked.
func (w *web) kept(r *http.Request, kept *answer) *http.Response {
	said := directives(r.Header)
	_, only := said["only-if-cached"]
	_, old := said["max-stale"]
	switch {
	case kept != nil && (only && old || kept.fresh(w.now()) && !asksAnew(r)):
		w.meter.count(Metrics{Hits: 1})
		return kept.response(r, "converter; hit")
	case only:
		return w.absent(r)
	}
	return nil
}

// absent answers a request that is not to be sent, and for which nothing is kept.
func (w *web) absent(r *http.Request) *http.Response {
	w.meter.count(Metrics{Misses: 1})
	a := &answer{Status: http.StatusGatewayTimeout, Header: http.Header{}}
	return a.response(r, "converter; fwd=miss; detail=only-if-cached")
}

// keep stores an answer that may be; that it cannot be is no reason not to use it.
func (w *web) keep(key string, a *answer) {
	if !a.storable() || !w.config.KeepAll && !a.reusable() {
		if a.Status == http.StatusOK {
			w.store.drop(key)
		}
		return
	}
	a.Stored = w.now()
	if err := w.store.save(key, a); err != nil {
		w.log.Warn("answer not stored", "error", err)
	}
}

// send asks the server, more than once where that is allowed and may help.
func (w *web) send(r *http.Request) (*answer, error) {
	g := w.gate(r.URL.Host)
	for try := 1; ; try++ {
		leave, err := g.enter(r.Context(), w)
		if err != nil {
			return nil, err
		}
		a, err := w.try(r, try)
		leave()
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		v := w.judge(r, try, a, err)
		wait, again := w.wait(r, try, a, v)
		resting := v.Rest || busy(a)
		if resting {
			g.rest(w.now().Add(wait))
		}
		switch {
		case again:
		case v.Err != nil:
			return nil, v.Err
		case err != nil:
			return nil, unreachable(r, err)
		default:
			return a, nil
		}
		w.log.Info("request is tried again", "host", r.URL.Host, "path", r.URL.Path, "try", try+1, "wait", wait.String())
		if err := w.sitOut(r.Context(), wait, resting); err != nil {
			return nil, err
		}
	}
}

// sitOut waits before a request is sent once more, and counts how long.
func (w *web) sitOut(ctx context.Context, wait time.Duration, resting bool) error {
	begun := w.now()
	err := w.pause(ctx, wait)
	waited := Metrics{BackoffWait: w.now().Sub(begun)}
	if resting {
		waited = Metrics{PauseWait: waited.BackoffWait}
	}
	w.meter.count(waited)
	return err
}

// try sends a request once and reads the whole answer.
func (w *web) try(r *http.Request, try int) (*answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), w.config.tryLimit())
	defer cancel()
	one := r.Clone(ctx)
	if try > 1 && r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		one.Body = body
	}
	if w.agent != "" && one.Header.Get("User-Agent") == "" {
		one.Header.Set("User-Agent", w.agent)
	}
	var body []byte
	w.meter.begin(try)
	defer func() { w.meter.land(int64(len(body))) }()
	response, err := w.base.RoundTrip(one)
	if err != nil {
		return nil, err
	}
	limit := w.config.maxBody()
	body, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, &Diagnostic{
			Kind: Unsupported, Code: "http_too_large",
			Summary: fmt.Sprintf("what %s sent is larger than %d MiB", r.URL.Host, limit>>20),
		}
	}
	return &answer{Status: response.StatusCode, Header: response.Header, body: body, length: response.ContentLength}, nil
}

// judge says what becomes of what a try came to.
func (w *web) judge(r *http.Request, number int, a *answer, err error) Verdict {
	reading := r.Method == "" || r.Method == http.MethodGet || r.Method == http.MethodHead
	t := Try{Number: number, Err: err}
	if a != nil {
		t.Status, t.Header, t.Body = a.Status, a.Header, a.body
	}
	switch {
	case w.config.Judge != nil:
		v := w.config.Judge(r, t)
		v.Again = v.Again && !hopeless(err)
		return v
	case err != nil:
		return Verdict{Again: reading && !hopeless(err)}
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable:
		return Verdict{Again: true}
	case a.Status == http.StatusBadGateway, a.Status == http.StatusGatewayTimeout:
		return Verdict{Again: reading}
	}
	return Verdict{}
}

// wait says whether a request is sent again, and after which pause.
func (w *web) wait(r *http.Request, try int, a *answer, v Verdict) (time.Duration, bool) {
	repeatable := r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
	wait := w.config.firstPause() << (try - 1)
	wait = min(wait/2+rand.N(wait/2+1), longestPause) //nolint:gosec // it spreads requests, it hides nothing
	again := v.Again && try < w.config.tries() && repeatable
	if a != nil {
		if asked, ok := retryAfter(a.Header, w.now()); ok && busy(a) {
			return min(asked, longestPause), again && asked <= longestPause
		}
	}
	return wait, again
}

// busy returns whether a server wants to be left alone.
func busy(a *answer) bool {
	return a != nil && (a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "")
}

// hopeless returns whether the same request would end in the same error.
func hopeless(err error) bool {
	_, said := errors.AsType[*Diagnostic](err)
	_, forged := errors.AsType[*tls.CertificateVerificationError](err)
	lookup, unknown := errors.AsType[*net.DNSError](err)
	return said || forged || unknown && lookup.IsNotFound
}

// retryAfter returns how long a server wants us to wait.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

func unreachable(r *http.Request, err error) error {
	if _, said := errors.AsType[*Diagnostic](err); said {
		return err
	}
	return &Diagnostic{
		Kind: Unavailable, Code: "http_unreachable", Summary: r.URL.Host + " cannot be reached", Cause: err,
		Suggestion: "look whether this machine is online and the address is right, then try again",
	}
}

// troubled returns whether a status says that the server is not itself.
func troubled(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// response makes a response of an answer.
func (a *answer) response(r *http.Request, from string) *http.Response {
	header := a.Header.Clone()
	if from != "" {
		header.Set("Cache-Status", from)
	}
	length := int64(len(a.body))
	if r.Method == http.MethodHead {
		length = a.length
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)),
		StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: length, Request: r,
	}
}

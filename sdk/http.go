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

// web is the transport of the clients of one source.
type web struct {
	base  http.RoundTripper
	store *store // nil: nothing is kept
	agent string // User-Agent; empty: that of net/http
	meter *meter
	log   *slog.Logger
	now   func() time.Time
	pause func(ctx context.Context, d time.Duration) error
}

func newWeb(e Environment, agent string, m *meter) *web {
	w := &web{base: http.DefaultTransport, agent: agent, meter: m, log: e.Log, now: time.Now, pause: pause}
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
		a, err := w.send(r)
		if err != nil {
			return nil, err
		}
		return a.response(r, ""), nil
	}
	key := keyOf(r)
	kept := w.store.load(key)
	if kept != nil && kept.fresh(w.now()) && !asksAnew(r) {
		w.meter.count(Metrics{Hits: 1})
		return kept.response(r, "converter; hit"), nil
	}
	a, err := w.send(conditional(r, kept))
	switch {
	case kept != nil && r.Context().Err() == nil && (err != nil || troubled(a.Status)) && kept.usable(w.now()):
		w.meter.count(Metrics{Hits: 1})
		w.log.Warn("server not to be had, stored answer used", "host", r.URL.Host, "path", r.URL.Path, "stored", kept.Stored)
		return kept.response(r, "converter; hit; detail=stale"), nil
	case err != nil:
		w.meter.count(Metrics{Misses: 1})
		return nil, err
	case kept != nil && a.Status == http.StatusNotModified:
		w.meter.count(Metrics{Hits: 1})
		kept.confirm(a.Header)
		w.keep(key, kept)
		return kept.response(r, "converter; hit; detail=confirmed"), nil
	}
	w.meter.count(Metrics{Misses: 1})
	w.keep(key, a)
	return a.response(r, "converter; fwd=miss"), nil
}

// keep stores an answer that may be; that it cannot be is no reason not to use it.
func (w *web) keep(key string, a *answer) {
	if !a.storable() {
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
	for try := 1; ; try++ {
		a, err := w.try(r, try)
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		wait, again := w.again(r, try, a, err)
		switch {
		case !again && err != nil:
			return nil, unreachable(r, err)
		case !again:
			return a, nil
		}
		w.log.Info("request is tried again", "host", r.URL.Host, "path", r.URL.Path, "try", try+1, "wait", wait.String())
		if err := w.pause(r.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// try sends a request once and reads the whole answer.
func (w *web) try(r *http.Request, try int) (*answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), tryLimit)
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
	w.meter.count(Metrics{Requests: 1})
	response, err := w.base.RoundTrip(one)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	w.meter.count(Metrics{Bytes: int64(len(body))})
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, &Diagnostic{
			Kind: Unsupported, Code: "http_too_large",
			Summary: fmt.Sprintf("what %s sent is larger than %d MiB", r.URL.Host, maxBody>>20),
		}
	}
	return &answer{Status: response.StatusCode, Header: response.Header, body: body, length: response.ContentLength}, nil
}

// again says whether a request is to be sent again, and after which pause.
func (w *web) again(r *http.Request, try int, a *answer, err error) (time.Duration, bool) {
	reading := r.Method == "" || r.Method == http.MethodGet || r.Method == http.MethodHead
	repeatable := r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
	if try == maxTries || !repeatable {
		return 0, false
	}
	wait := firstPause << (try - 1)
	wait = wait/2 + rand.N(wait/2) //nolint:gosec // it spreads requests, it hides nothing
	if err != nil {
		return wait, reading && !hopeless(err)
	}
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if asked, ok := retryAfter(a.Header, w.now()); ok {
			return asked, asked <= longestPause
		}
		return wait, true
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return wait, reading
	}
	return 0, false
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

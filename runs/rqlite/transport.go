package rqlite

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// headSize is how much of an answer is kept for saying what went wrong. An answer that is an error is shorter.
const headSize = 1 << 10

var errTooLarge = errors.New("answer too large")

// answer is what the wire showed of one attempt, which gorqlite does not tell.
type answer struct {
	host      string
	limit     int64
	status    int    // 0: there was no answer
	head      []byte // the first bytes of the body
	failure   error  // why there was no whole answer
	untrusted error  // the certificate was not accepted
	tooLarge  bool
}

type answerKey struct{}

// transport sends user and password with each request, keeps them out of URLs, and notes what came back in the answer
// that the request's context carries.
type transport struct {
	base           *http.Transport
	user, password string
}

func newTransport(c Config) *transport {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment, // never for the loopback
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   2 * time.Second,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if len(c.CA) > 0 {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(c.CA) // validated before
		base.TLSClientConfig.RootCAs = pool
	}
	return &transport{base: base, user: c.User, password: c.Password}
}

// client returns the HTTP client of all connections. It follows no redirect: user and password go nowhere else.
func (t *transport) client() *http.Client {
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.user != "" {
		request = request.Clone(request.Context())
		request.SetBasicAuth(t.user, t.password)
	}
	seen, _ := request.Context().Value(answerKey{}).(*answer)
	response, err := t.base.RoundTrip(request)
	if seen == nil {
		return response, err
	}
	seen.host = request.URL.Host
	if err != nil {
		seen.failure = err
		if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			seen.untrusted = untrusted
		}
		return nil, err
	}
	seen.status = response.StatusCode
	response.Body = &watchedBody{ReadCloser: response.Body, seen: seen, left: seen.limit}
	return response, nil
}

// watchedBody notes the head of a body and ends one that is too large.
type watchedBody struct {
	io.ReadCloser
	seen *answer
	left int64
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if room := headSize - len(b.seen.head); room > 0 {
		b.seen.head = append(b.seen.head, p[:min(n, room)]...)
	}
	if b.left -= int64(n); b.left < 0 {
		b.seen.tooLarge = true
		return n, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.seen.failure = err
	}
	return n, err
}

func withAnswer(ctx context.Context, limit int64) (context.Context, *answer) {
	seen := &answer{limit: limit}
	return context.WithValue(ctx, answerKey{}, seen), seen
}

package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// The actions of an error handler.
const (
	retry       = "retry"
	rateLimited = "rate_limited"
	ignore      = "ignore"
	fail        = "fail"
)

const (
	defaultAttempts = 5
	mostAttempts    = 20
	// mostFailures is how many requests may fail on end, each with all its attempts, until the server is not asked any more.
	mostFailures = 10
)

// handler is an error handler with its defaults.
type handler struct {
	actions  map[string]string
	attempts int
	split    bool
	probing  bool // statuses are answers: the request is only to find out whether they come again
}

func newHandler(h *ErrorHandler) *handler {
	if h == nil {
		h = &ErrorHandler{}
	}
	return &handler{
		actions: h.Actions, attempts: cmp.Or(h.MaxAttempts, defaultAttempts), split: h.SplitFailingPage == nil || *h.SplitFailingPage,
	}
}

// probe is the handler for parts of a page that has failed: what the server says once is enough.
func (h *handler) probe() *handler {
	p := *h
	p.probing = true
	return &p
}

// action is what is done about a class of answers: a status, or a word.
func (h *handler) action(class string) string {
	patterns := []string{class}
	if len(class) == 3 {
		patterns = append(patterns, class[:2]+"x", class[:1]+"xx")
	}
	for _, p := range patterns {
		if a, ok := h.actions[p]; ok {
			return a
		}
	}
	switch {
	case class == "408", class == "429", class == "transport", class == "truncated", class == "not_json", class[0] == '5':
		return retry
	}
	return fail
}

type handlerKey struct{}

// fault is an answer that is none.
type fault struct {
	class   string
	said    string // by the server
	cause   error
	ignored bool
}

func (f *fault) Error() string {
	text := map[string]string{
		"transport": "the server cannot be reached", "truncated": "the answer breaks off", "not_json": "the answer is not JSON",
	}[f.class]
	if text == "" {
		text = "the server answers " + f.class
	}
	if f.said != "" {
		text += ": " + f.said
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *fault) Unwrap() error { return f.cause }

// transient returns whether the same request may go well later.
func (f *fault) transient() bool {
	return f.class == "transport" || f.class == "truncated" || f.class == "not_json" || f.class == "429" || f.class == "408" || f.class[0] == '5'
}

// judge decides about one attempt. It is called by the client.
func judge(r *http.Request, t sdk.Try) sdk.Verdict {
	h, _ := r.Context().Value(handlerKey{}).(*handler)
	if h == nil {
		h = newHandler(nil)
	}
	f := faultOf(t)
	if f == nil {
		return sdk.Verdict{}
	}
	action := h.action(f.class)
	if t.Status != 0 && f.class != "not_json" && (h.probing || action == fail || action == ignore) {
		return sdk.Verdict{} // an answer after all: get knows what it is worth
	}
	if _, said := errors.AsType[*sdk.Diagnostic](t.Err); said {
		return sdk.Verdict{}
	}
	return sdk.Verdict{
		Again: (action == retry || action == rateLimited) && t.Number < h.attempts, Rest: action == rateLimited, Err: f,
	}
}

// faultOf says what is wrong with an attempt; nil: nothing, or that somebody else sees to it.
func faultOf(t sdk.Try) *fault {
	switch {
	case errors.Is(t.Err, io.ErrUnexpectedEOF):
		return &fault{class: "truncated", cause: t.Err}
	case t.Err != nil:
		return &fault{class: "transport", cause: t.Err}
	case t.Status == http.StatusNotModified, t.Status >= 300 && t.Status < 400:
		return nil
	case t.Status >= 400:
		return &fault{class: strconv.Itoa(t.Status), said: said(t.Header, t.Body)}
	case !json.Valid(t.Body):
		return &fault{class: "not_json", said: said(t.Header, t.Body)}
	}
	return nil
}

// said is what a server says in place of an answer, as far as it is short and plain.
func said(h http.Header, body []byte) string {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	var object struct{ Detail, Error, Message string }
	switch {
	case json.Unmarshal(body, &object) == nil:
		return clip(cmp.Or(object.Detail, object.Error, object.Message))
	case kind == "text/html":
		return "a page of " + strconv.Itoa(len(body)) + " bytes in HTML"
	}
	return clip(strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " "))
}

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// answer is what the server sent, or what was kept of it.
type answer struct {
	body   []byte
	header http.Header
	url    *url.URL
}

// get fetches an address. The error is a *fault, or a *sdk.Diagnostic, or that of the context.
func (s *Source) get(ctx context.Context, u *url.URL, h *handler) (*answer, error) {
	if err := s.ours(u); err != nil {
		return nil, err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.isOff(); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(context.WithValue(ctx, handlerKey{}, h), http.MethodGet, s.signed(u).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	s.sign(r)
	response, err := s.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.note(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest { // all else was looked at when it came
		f := faultOf(sdk.Try{Status: response.StatusCode, Header: response.Header, Body: body})
		f.ignored = h.action(f.class) == ignore
		if response.StatusCode == http.StatusGatewayTimeout && s.options.Cache == "only-if-cached" {
			return nil, failure("rest.not_kept", u, "nothing is kept of what this address answers, and the server is not asked")
		}
		return nil, s.note(f)
	}
	_ = s.note(nil)
	s.listen(response)
	return &answer{body: body, header: response.Header, url: u}, nil
}

// note counts failures on end, and makes a fault of an error of the client, which has the whole address in it.
func (s *Source) note(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, isFault := errors.AsType[*fault](err)
	switch {
	case err == nil, isFault && !f.transient():
		s.failed = 0
	case isFault:
		if s.failed++; s.failed == mostFailures {
			s.off = err
		}
	}
	return err
}

// isOff returns why the server is not asked any more.
func (s *Source) isOff() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off == nil {
		return nil
	}
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "rest.host_off", Cause: s.off,
		Summary:    fmt.Sprintf("%s is not asked any more: %d requests on end have failed", s.base.Host, mostFailures),
		Suggestion: "look whether the server is up, and run again later",
	}
}

// ours refuses addresses of other hosts.
func (s *Source) ours(u *url.URL) error {
	if u.Host == s.base.Host && u.Scheme == s.base.Scheme && u.User == nil {
		return nil
	}
	d := failure("rest.other_host", nil, "the server leads to %s, which is not %s", u.Host, s.base.Host)
	d.Suggestion = "only the host of base_url is asked: correct it if the server has moved"
	return d
}

// resolve makes an address of what stands in a configuration or an answer.
func (s *Source) resolve(path string) (*url.URL, error) {
	ref, err := url.Parse(path)
	if err != nil {
		return nil, failure("rest.address", nil, "%q is no address", clip(path))
	}
	u := s.base.ResolveReference(ref)
	if u.Host == s.base.Host {
		u.Scheme = s.base.Scheme // never to a scheme that hides less
	}
	u.Fragment = ""
	return u, nil
}

// with adds the parameters of the client and of a resource to an address, in one order for all.
func (s *Source) with(u *url.URL, more ...map[string]string) *url.URL {
	query := u.Query()
	for _, params := range append([]map[string]string{s.options.Client.Params}, more...) {
		for name, value := range params {
			query.Set(name, value)
		}
	}
	v := *u
	v.RawQuery = query.Encode()
	return &v
}

// signed adds the secret to an address that takes it as a parameter. That address is for the request alone.
func (s *Source) signed(u *url.URL) *url.URL {
	if s.options.Client.Auth.Type != "query" {
		return u
	}
	return s.with(u, map[string]string{s.options.Client.Auth.Name: s.secret})
}

// sign adds headers.
func (s *Source) sign(r *http.Request) {
	r.Header.Set("Accept", "application/json")
	for name, value := range s.options.Client.Headers {
		r.Header.Set(name, value)
	}
	switch a := s.options.Client.Auth; a.Type {
	case "header":
		r.Header.Set(a.Name, s.secret)
	case "bearer":
		r.Header.Set("Authorization", "Bearer "+s.secret)
	}
	control := "no-cache"
	if s.options.Cache == "only-if-cached" {
		control = "only-if-cached, max-stale"
	}
	r.Header.Set("Cache-Control", control)
}

// listen notes what the server says of itself.
func (s *Source) listen(r *http.Response) {
	var words []string
	for _, w := range r.Header.Values("Warning") {
		if after, ok := strings.CutPrefix(w, "299 "); ok {
			words = append(words, strings.Trim(after, `"- `))
		}
	}
	if v := r.Header.Get("Deprecation"); v != "" {
		words = append(words, "deprecated: "+v)
	}
	if v := r.Header.Get("Sunset"); v != "" {
		words = append(words, "it ends on "+v)
	}
	if strings.Contains(r.Header.Get("Cache-Status"), "detail=stale") {
		words = append(words, staleNote)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range words {
		if _, known := s.notes[clip(w)]; !known {
			s.notes[clip(w)] = false
		}
	}
}

const staleNote = "some answers could not be had anew; those of an earlier reading stand in for them"

// failure is a Diagnostic about an address.
func failure(code string, u *url.URL, format string, args ...any) *sdk.Diagnostic {
	d := &sdk.Diagnostic{Kind: sdk.Invalid, Code: code, Summary: fmt.Sprintf(format, args...)}
	if u != nil {
		d.Origin.URI = u.String()
	}
	return d
}

// explain makes a Diagnostic of what get returned.
func explain(err error, u *url.URL, what string) *sdk.Diagnostic {
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		one := *d
		if one.Origin.URI == "" && u != nil {
			one.Origin.URI = u.String()
		}
		return &one
	}
	d := failure("rest.failed", u, "%s cannot be had", what)
	d.Cause, d.Suggestion = err, "look at the address in a browser; the rest was read"
	if f, ok := errors.AsType[*fault](err); ok {
		d.Code = "rest." + f.class
		if f.class[0] >= '0' && f.class[0] <= '9' {
			d.Code = "rest.status_" + f.class
		}
		switch {
		case f.class == "404" || f.class == "410":
			d.Kind = sdk.NotFound
		case f.transient():
			d.Kind, d.Suggestion = sdk.Unavailable, "run again later; the rest was read"
		}
	}
	return d
}

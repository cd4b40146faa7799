// Package rest is the source of web APIs that answer in JSON: lists in pages, records by themselves, described by
// configuration alone.
//
// It owns how such an API is asked: pages side by side where they can be counted and one after the other where not, details,
// child lists, what is tried again and what is given up, and what the answers mean: ids, licences, links. Sending, keeping and
// pacing requests is the SDK's client. Reading waits for all goroutines that it starts. Its errors are *sdk.Diagnostic with
// codes that begin with "rest.": a record, a page or a list that cannot be had is skipped with one and the others go on; when
// nothing at all can be had the reading fails.
//
// The records of a list come in the order of the server, whichever answer comes first.
//
// Memory: some pages of each list that are ahead of the one being sent, the records of resources that others refer to, and an
// id and a hash for each record.
package rest

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// New returns the source. It is not configured yet.
func New() sdk.Source {
	return sdk.Define(sdk.Plugin[Options]{
		Name:         "rest",
		Version:      Version,
		Summary:      "Reads any web API that answers in JSON, by configuration alone.",
		License:      "MIT",
		Kinds:        sdk.Kinds[:],
		StateVersion: 1,
		Resumable:    true,
		Incremental:  true,
		Open:         sdk.NewOpener(Open),
	})
}

// Source is an opened API.
type Source struct {
	options   Options
	env       sdk.Environment
	client    *http.Client
	base      *url.URL
	resources []*resource
	secret    string
	slots     chan struct{} // of requests, with all their attempts and the pauses between them

	mu     sync.Mutex       // guards what follows
	firsts map[string]*part // first pages that Discover has fetched, by resource; each is used once
	notes  map[string]bool  // what the server says of itself, by its words: false until it is reported
	failed int              // requests that failed on end
	off    error            // the last of them, when there are too many
}

// resource is a resource with its defaults filled in.
type resource struct {
	Resource

	url     *url.URL // of the list; {param} in it stands as it is
	handler *handler
	held    bool // other resources want its records
	source  *Source
}

const (
	defaultInFlight = 4
	defaultTimeout  = time.Minute
	defaultStale    = 24 * time.Hour
	discoverLimit   = 90 * time.Second
)

// Open opens an API. It sends nothing yet.
func Open(_ context.Context, o Options, env sdk.Environment) (*Source, error) {
	base, err := url.Parse(o.Client.BaseURL)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	s := &Source{options: o, env: env, base: base, firsts: map[string]*part{}, notes: map[string]bool{}}
	s.slots = make(chan struct{}, 2*s.inFlight())
	if name := o.Client.Auth.Env; name != "" {
		if s.secret = os.Getenv(name); s.secret == "" {
			return nil, &sdk.Diagnostic{
				Kind: sdk.Invalid, Code: "rest.no_secret", ConfigPath: "/client/auth/env", Summary: "the plugin sees no variable " + name,
				Suggestion: "set it, and hand it on in the source: env: {" + name + ": ${" + name + "}}",
			}
		}
	}
	for _, r := range o.Resources {
		one := &resource{Resource: r.over(o.ResourceDefaults), source: s}
		if one.Detail != nil && *one.Detail == (Detail{}) {
			one.Detail = nil
		}
		one.handler = newHandler(one.ErrorHandler)
		if one.url, err = s.resolve(one.Path); err != nil {
			return nil, err
		}
		s.resources = append(s.resources, one)
	}
	for _, r := range s.resources {
		if r.Resolve != nil {
			s.named(r.Resolve.Resource).held = true
		}
		for _, l := range r.License {
			if l.From != "" {
				s.named(l.From).held = true
			}
		}
	}
	s.client = s.newClient()
	return s, nil
}

func (s *Source) newClient() *http.Client {
	c, limit := s.options.Client, time.Duration(0)
	if c.RateLimit.Count > 0 {
		limit = c.RateLimit.Interval.or(time.Second) / time.Duration(c.RateLimit.Count)
	}
	stale := s.options.StaleIfError.or(defaultStale)
	if stale == 0 {
		stale = -1
	}
	first := Duration{}
	if h := s.options.ResourceDefaults.ErrorHandler; h != nil {
		first = h.FirstPause
	}
	client := s.env.HTTPWith(sdk.HTTPConfig{
		Tries: mostAttempts, TryLimit: c.Timeout.or(defaultTimeout), FirstPause: first.or(0),
		MaxBody: int64(c.MaxBodyMB) << 20, InFlight: s.inFlight(), Interval: limit,
		KeepAll: true, StaleLimit: stale, Unconditional: s.options.Cache == "bypass", Judge: judge,
	})
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return failure("rest.redirects", r.URL, "the server sends from one address to the next without end")
		}
		return s.ours(r.URL)
	}
	return client
}

func (s *Source) inFlight() int {
	if n := s.options.Client.MaxInFlight; n > 0 {
		return n
	}
	return defaultInFlight
}

// named returns a resource that Validate has seen.
func (s *Source) named(name string) *resource {
	i := slices.IndexFunc(s.resources, func(r *resource) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return s.resources[i]
}

// Close ends the connections that wait for another request.
func (s *Source) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

func (r *resource) stream() bool { return r.Role != "reference" }

// Discover lists the streams. It fetches the first page of each list, which mostly says how many records there are, and keeps
// it for the reading. What cannot be had is said when it is read.
func (s *Source) Discover(ctx context.Context) ([]sdk.Stream, error) {
	limited, cancel := context.WithTimeout(ctx, discoverLimit)
	defer cancel()
	found := map[string]*part{}
	var group errgroup.Group
	var mu sync.Mutex
	for _, r := range s.resources {
		if !r.stream() || r.Resolve != nil || r.Incremental != nil {
			continue
		}
		group.Go(func() error {
			if first := s.first(limited, r); limited.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				found[r.Name] = first
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return none
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.firsts = found
	s.mu.Unlock()
	var streams []sdk.Stream
	for _, r := range s.resources {
		if !r.stream() {
			continue
		}
		stream := sdk.Stream{Name: r.Name, Title: r.Title, Kind: r.Entity.Kind}
		if p := found[r.Name]; p != nil && p.err == nil {
			stream.Revision = r.state(p)
		}
		if p := found[r.Name]; p != nil && p.err == nil && p.total >= 0 {
			stream.Records = sdk.Estimate{Count: int64(p.total), Quality: sdk.Exact}
			if r.Where != nil {
				stream.Records = sdk.Estimate{}
			}
		}
		streams = append(streams, stream)
	}
	return streams, nil
}

// takeFirst returns the first page of a list, if Discover has it.
func (s *Source) takeFirst(name string) *part {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.firsts[name]
	delete(s.firsts, name)
	return p
}

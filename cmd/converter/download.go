package main

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/flight"
	"github.com/seed-98789ff7/converter/sdk"
)

// downloads fetches pictures by their addresses, each address by one worker at a time: when documents of two sources name
// the same picture, the second worker finds what the first one has fetched in the cache. A request is through when its
// answer is there as a whole, and in the cache.
type downloads struct {
	base  http.RoundTripper
	locks flight.Locks[string]
}

// downloader returns a client whose cache is in the state folder, and what says how often its workers met.
func (j *job) downloader() (*http.Client, func() core.Meeting) {
	environment := sdk.Environment{CacheDir: filepath.Join(j.state, "cache", "web"), Log: j.log}
	client := environment.HTTP()
	d := &downloads{base: client.Transport}
	client.Transport = d
	return client, d.meeting
}

// RoundTrip implements [http.RoundTripper].
func (d *downloads) RoundTrip(r *http.Request) (*http.Response, error) {
	unlock, err := d.enter(r.Context(), r)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return d.base.RoundTrip(r)
}

func (d *downloads) enter(ctx context.Context, r *http.Request) (unlock func(), err error) {
	address := *r.URL
	address.Fragment, address.RawFragment = "", "" // it is not sent
	return d.locks.Lock(ctx, address.String())
}

func (d *downloads) meeting() core.Meeting {
	s := d.locks.Stats()
	return core.Meeting{Place: "download", Calls: s.Calls, Waits: s.Waits, WaitedUS: s.Waited.Microseconds(), Contended: s.Contended}
}

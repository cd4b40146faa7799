package sdk

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// fetcher fetches one address when it is opened and twice when it is read.
type fetcher struct {
	client  *http.Client
	address string
}

func (f *fetcher) fetch(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address, nil)
	if err != nil {
		return err
	}
	response, err := f.client.Do(r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func (f *fetcher) Read(ctx context.Context, _ ReadRequest, out Writer) error {
	out.(MetricsWriter).Metrics(Metrics{Unchanged: 3, Changed: 1})
	for range 2 {
		if err := f.fetch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// TestMetricsOverTheWire reports what was fetched before the reading with it, and every number once.
func TestMetricsOverTheWire(t *testing.T) {
	agents := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents <- r.UserAgent()
		says("orcs", "Cache-Control", "max-age=60")(w, r)
	}))
	t.Cleanup(server.Close)
	client := connect(t, Define(Plugin[noOptions]{
		Name: "test", Version: "1.0.0", Homepage: "https://example.org",
		Open: NewOpener(func(ctx context.Context, _ noOptions, env Environment) (*fetcher, error) {
			f := &fetcher{client: env.HTTP(), address: server.URL}
			return f, f.fetch(ctx)
		}),
	}))
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{CacheDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []Metrics{{Requests: 1, Hits: 2, Misses: 1, Bytes: 4, Unchanged: 3, Changed: 1, MostInFlight: 1}, {Hits: 2, Unchanged: 3, Changed: 1}} {
		all, err := messages(t, client, &sourcepb.ReadRequest{Streams: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		var got Metrics
		for _, m := range all {
			n := m.GetMetrics()
			got = got.plus(Metrics{
				Requests: n.GetHttpRequests(), Hits: n.GetCacheHits(), Misses: n.GetCacheMisses(), Bytes: n.GetBytesFetched(),
				Unchanged: n.GetRecordsUnchanged(), Changed: n.GetRecordsChanged(),
				InFlight: n.GetInFlight(), MostInFlight: n.GetMostInFlight(),
			})
		}
		if got != want {
			t.Errorf("%+v, not %+v", got, want)
		}
		if last := all[len(all)-1].GetStatus(); last.GetState() != sourcepb.StreamStatus_STATE_COMPLETE {
			t.Errorf("it ends with %v", all[len(all)-1])
		}
	}
	if agent := <-agents; agent != "test/1.0.0 (converter plugin; +https://example.org)" {
		t.Errorf("agent %q", agent)
	}
}

// TestMetricsAreNotSentOneByOne counts the messages of a source that reports all the time.
func TestMetricsAreNotSentOneByOne(t *testing.T) { synctest.Test(t, metricsAreNotSentOneByOne) }

func metricsAreNotSentOneByOne(t *testing.T) {
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		for range 10_000 {
			out.(MetricsWriter).Metrics(Metrics{Requests: 1})
		}
		return nil
	}))
	all, err := messages(t, client, &sourcepb.ReadRequest{Streams: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var sent, sum int64
	for _, m := range all {
		if n := m.GetMetrics(); n != nil {
			sent, sum = sent+1, sum+n.GetHttpRequests()
		}
	}
	if sum != 10_000 || sent > 5 {
		t.Errorf("%d requests in %d messages", sum, sent)
	}
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// shelf is a source in memory. It reads its items in order and gives a checkpoint after every few of them.
type shelf struct {
	plugin string
	items  []item
	every  int    // items between two checkpoints; 0: no checkpoints
	facts  bool   // tell how many items were seen, before each checkpoint
	resume bool   // it goes on behind the checkpoint it is given
	state  string // of all its streams, as looking at them shows; empty: it does not say
	hidden bool   // it cannot say which streams it has
	// guess is how many records it says a stream has that has n. Nil: it knows.
	guess  func(n int64) int64
	bytes  map[string][]byte
	report sdk.Metrics // what each reading says it fetched; zero: nothing
	// during is asked before each item, and after the last one, with the attempt and the item's place in all items. It may
	// wait, and end the reading with an error.
	during func(ctx context.Context, attempt, at int) error
	// fetch is asked before an asset is opened.
	fetch func(ctx context.Context, key string) error

	check, discover error
	// look is asked before the source is checked, and before its streams are listed.
	look func(ctx context.Context) error

	mu       sync.Mutex // guards what follows
	attempts int
	states   []map[string][]byte // that came with the attempts
	fetched  map[string]int
}

// item is a record, or the word that one cannot be read.
type item struct {
	stream string
	record sdk.Record
	skip   error
	torn   bool // it cannot be read, and nobody says why
}

// doc makes an item of a stream with a document that says who it is.
func doc(stream, id string, change ...func(*sdk.Record)) item {
	r := sdk.Record{
		ID: id, Scope: "w", Kind: "item", Name: "Thing " + id,
		JSON: json.RawMessage(fmt.Sprintf(`{"_id":"x","name":"Thing %s","weight":1e1}`, id)),
	}
	for _, c := range change {
		c(&r)
	}
	return item{stream: stream, record: r}
}

func docs(stream string, n int) []item {
	items := make([]item, n)
	for i := range items {
		items[i] = doc(stream, fmt.Sprintf("%s.%03d", stream, i))
	}
	return items
}

func (s *shelf) Spec() sdk.Spec {
	name := s.plugin
	if name == "" {
		name = "shelf"
	}
	return sdk.Spec{
		Name: name, Version: "1.0.0", StateVersion: 7, Can: sdk.Capabilities{Discover: !s.hidden, Resumable: s.resume, FetchAsset: true},
	}
}

func (s *shelf) Configure(context.Context, sdk.Configuration) error { return nil }

func (s *shelf) Check(ctx context.Context) error {
	if s.look != nil {
		return errors.Join(s.look(ctx), s.check)
	}
	return s.check
}

func (s *shelf) Discover(ctx context.Context) ([]sdk.Stream, error) {
	if s.look != nil {
		if err := s.look(ctx); err != nil {
			return nil, err
		}
	}
	if s.discover != nil || s.hidden {
		return nil, s.discover
	}
	var streams []sdk.Stream
	counts := map[string]int64{}
	for _, it := range s.items {
		if counts[it.stream] == 0 && it.stream != unlisted {
			streams = append(streams, sdk.Stream{Name: it.stream, Title: "The " + it.stream, Revision: []byte(s.state)})
		}
		counts[it.stream]++
	}
	for i := range streams {
		streams[i].Records = sdk.Estimate{Count: counts[streams[i].Name], Quality: sdk.Exact}
		if s.guess != nil {
			streams[i].Records = sdk.Estimate{Count: s.guess(streams[i].Records.Count), Quality: sdk.Approximate}
		}
	}
	return streams, nil
}

// unlisted is a stream that a shelf does not announce.
const unlisted = "unlisted"

func (s *shelf) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	s.mu.Lock()
	s.attempts++
	attempt := s.attempts
	s.states = append(s.states, request.State)
	s.mu.Unlock()
	if s.report != (sdk.Metrics{}) {
		out.(sdk.MetricsWriter).Metrics(s.report)
	}
	seen := map[string]int{}
	var body []byte // one for all records, as a careful source has it
	for at, it := range s.items {
		if len(request.Streams) > 0 && it.stream != unlisted && !slices.Contains(request.Streams, it.stream) {
			continue
		}
		if s.during != nil {
			if err := s.during(ctx, attempt, at); err != nil {
				return err
			}
		}
		seen[it.stream]++
		if done, _ := strconv.Atoi(string(request.State[it.stream])); s.resume && seen[it.stream] <= done {
			continue
		}
		var err error
		if it.skip != nil || it.torn {
			err = out.Skip(it.stream, it.record.ID, it.skip)
		} else {
			body = append(body[:0], it.record.JSON...)
			record := it.record
			record.JSON = body
			err = out.Record(it.stream, record)
			clear(body)
		}
		if err == nil && s.every > 0 && seen[it.stream]%s.every == 0 {
			if s.facts {
				err = out.(sdk.FactsWriter).Facts(it.stream, sdk.Fact{Name: "seen", Number: int64(seen[it.stream])})
			}
			if err != nil {
				return err
			}
			err = out.Checkpoint(it.stream, strconv.AppendInt(nil, int64(seen[it.stream]), 10))
		}
		if err != nil {
			return err
		}
	}
	if s.during != nil {
		return s.during(ctx, attempt, len(s.items))
	}
	return nil
}

func (s *shelf) FetchAsset(ctx context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	if s.fetch != nil {
		if err := s.fetch(ctx, ref.Key); err != nil {
			return sdk.Asset{}, err
		}
	}
	data, ok := s.bytes[ref.Key]
	if !ok {
		return sdk.Asset{}, &sdk.Diagnostic{Kind: sdk.NotFound, Code: "shelf.no_asset", Summary: "no such asset"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetched == nil {
		s.fetched = map[string]int{}
	}
	s.fetched[ref.Key]++
	size := int64(len(data))
	switch {
	case strings.HasPrefix(ref.Key, "unknown"):
		size = -1
	case strings.HasPrefix(ref.Key, "unsaid"):
		size = 0
	case strings.HasPrefix(ref.Key, "lies"):
		size--
	case strings.HasPrefix(ref.Key, "torn"):
		return sdk.Asset{Body: io.NopCloser(io.MultiReader(strings.NewReader("x"), torn{})), Size: -1}, nil
	}
	return sdk.Asset{Body: io.NopCloser(strings.NewReader(string(data))), Size: size}, nil
}

type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

// died is the error of a source whose plugin died.
func died() error {
	return &sdk.Diagnostic{Kind: sdk.Unavailable, Code: "plugin_crashed", Summary: "the plugin ended unexpectedly"}
}

// diesAt makes a source die in its first attempts, before the items at the places given.
func diesAt(places ...int) func(context.Context, int, int) error {
	return func(_ context.Context, attempt, at int) error {
		if attempt <= len(places) && at == places[attempt-1] {
			return died()
		}
		return nil
	}
}

// started returns how often reading was begun.
func (s *shelf) started() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

var _ sdk.Source = (*shelf)(nil)

package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// printer is a Writer that prints.
type printer struct{}

func (printer) Record(stream string, r sdk.Record) error {
	fmt.Println("record", stream, r.ID, string(r.JSON))
	return nil
}

func (printer) Skip(stream, id string, reason error) error {
	fmt.Println("skip", stream, id, reason)
	return nil
}

func (printer) Checkpoint(stream string, state []byte) error {
	fmt.Println("checkpoint", stream, string(state))
	return nil
}

func (printer) Progress(stream string, done, total int64, note string) error {
	fmt.Println("progress", stream, done, total, note)
	return nil
}

func (printer) Report(d sdk.Diagnostic) { fmt.Println("report", d.Summary) }

func (printer) Metrics(m sdk.Metrics) { fmt.Println("metrics", m.Requests, m.Hits, m.Misses, m.Bytes) }

func (printer) Facts(stream string, facts ...sdk.Fact) error {
	for _, f := range facts {
		fmt.Println("fact", stream, f)
	}
	return nil
}

type none struct{}

// run configures a source and reads all of it to standard output.
func run(source sdk.Source, c sdk.Configuration, state map[string][]byte) {
	ctx := context.Background()
	if err := source.Configure(ctx, c); err != nil {
		fmt.Println(err)
		return
	}
	if err := source.Read(ctx, sdk.ReadRequest{State: state}, printer{}); err != nil {
		fmt.Println(err)
	}
}

// Everything that can be said while reading.
func ExampleWriter() {
	read := func(_ context.Context, _ none, _ sdk.ReadRequest, out sdk.Writer) error {
		out.Report(sdk.Diagnostic{Severity: sdk.SeverityInfo, Code: "guard.old", Summary: "the gate is old"})
		return errors.Join(
			out.Progress("guards", 1, 2, "at the gate"),
			out.Record("guards", sdk.Record{ID: "guard-1", JSON: json.RawMessage(`{"name": "Guard"}`)}),
			out.Skip("guards", "guard-2", errors.New("asleep")),
			out.Checkpoint("guards", []byte("2")),
		)
	}
	run(sdk.Define(sdk.Plugin[none]{Name: "guard", Version: "0.1.0", Read: read}), sdk.Configuration{}, nil)
	// Output:
	// report the gate is old
	// progress guards 1 2 at the gate
	// record guards guard-1 {"name": "Guard"}
	// skip guards guard-2 asleep
	// checkpoint guards 2
}

// A source that goes on where the last checkpoint was.
func ExampleReadRequest() {
	read := func(_ context.Context, _ none, request sdk.ReadRequest, out sdk.Writer) error {
		done, _ := strconv.Atoi(string(request.State["guards"])) // none yet: 0
		for n := done + 1; n <= 3; n++ {
			id := strconv.Itoa(n)
			if err := out.Record("guards", sdk.Record{ID: id, JSON: json.RawMessage(`{}`)}); err != nil {
				return err
			}
			if err := out.Checkpoint("guards", []byte(id)); err != nil {
				return err
			}
		}
		return nil
	}
	source := sdk.Define(sdk.Plugin[none]{Name: "guard", Version: "0.1.0", Resumable: true, Read: read})
	run(source, sdk.Configuration{}, map[string][]byte{"guards": []byte("2")})
	// Output:
	// record guards 3 {}
	// checkpoint guards 3
}

// Options with a default and a secret, and a check of what a schema cannot say.
func ExamplePlugin() {
	source := sdk.Define(sdk.Plugin[gate]{
		Name: "gate", Version: "0.1.0", Summary: "One gate.", License: "MIT", Kinds: []string{"scene"},
		Read: func(_ context.Context, o gate, _ sdk.ReadRequest, out sdk.Writer) error {
			return out.Record("gates", sdk.Record{ID: "gate", JSON: fmt.Appendf(nil, `{"width": %d}`, o.Width)})
		},
	})
	run(source, sdk.Configuration{Options: json.RawMessage(`{"width": -1}`)}, nil)
	run(source, sdk.Configuration{Options: json.RawMessage(`{"password": "friend"}`)}, nil)
	// Output:
	// the width must be at least 1
	// record gates gate {"width": 3}
}

type gate struct {
	Width    int    `json:"width" jsonschema:"default=3,minimum=1"`
	Password string `json:"password" jsonschema:"writeOnly=true"`
}

// Validate refuses a gate that nobody fits through.
func (g gate) Validate() error {
	if g.Width < 1 {
		return errors.New("the width must be at least 1")
	}
	return nil
}

// castle is an opened source that can do everything.
type castle struct{ folder string }

func openCastle(_ context.Context, o folderOptions, env sdk.Environment) (*castle, error) {
	return &castle{folder: env.Path(o.Folder)}, nil
}

func (c *castle) Check(context.Context) error {
	if _, err := os.Stat(c.folder); err != nil {
		return &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "castle.no_folder", Summary: "there is no castle", ConfigPath: "/folder",
			Suggestion: "look at the option folder",
		}
	}
	return nil
}

func (c *castle) Discover(context.Context) ([]sdk.Stream, error) {
	return []sdk.Stream{{Name: "halls", Title: "The halls", Kind: "location"}}, nil
}

func (c *castle) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	return out.Record("halls", sdk.Record{
		ID: "great", JSON: json.RawMessage(`{"image": "hall.png"}`),
		Assets: []sdk.AssetRef{{URI: "hall.png", Pointer: "/image", Role: "map", Status: sdk.Present, Key: "hall"}},
	})
}

func (c *castle) FetchAsset(_ context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	picture := "picture of " + ref.Key
	return sdk.Asset{
		Body: io.NopCloser(strings.NewReader(picture)), MediaType: "image/png", Size: int64(len(picture)),
	}, nil
}

func newCastle() sdk.Source {
	return sdk.Define(sdk.Plugin[folderOptions]{Name: "castle", Version: "0.1.0", Open: sdk.NewOpener(openCastle)})
}

// The life of a source, as the converter sees it.
func ExampleSource() {
	source := newCastle()
	run(source, sdk.Configuration{Source: "home", Options: json.RawMessage(`{"folder": "/no/castle"}`)}, nil)
	streams, err := source.Discover(context.Background())
	fmt.Println(streams[0].Title, err)
	// Output:
	// record halls great {"image": "hall.png"}
	// The halls <nil>
}

// What an opened source has methods for shows in the Spec.
func ExampleOpener() {
	fmt.Printf("%+v\n", newCastle().Spec().Can)
	// Output: {Check:true Discover:true Resumable:false Incremental:false FetchAsset:true}
}

// The least that can be opened.
func ExampleReader() {
	var r sdk.Reader = &castle{}
	fmt.Println(r.Read(context.Background(), sdk.ReadRequest{}, printer{}))
	// Output:
	// record halls great {"image": "hall.png"}
	// <nil>
}

// A check that says which option to look at.
func ExampleChecker() {
	var c sdk.Checker = &castle{folder: "/no/castle"}
	for _, d := range sdk.Diagnose(c.Check(context.Background()), "") {
		fmt.Println(d.Summary, d.ConfigPath, d.Kind)
	}
	// Output: there is no castle /folder not_found
}

// The streams of a source, before anything is read.
func ExampleDiscoverer() {
	var d sdk.Discoverer = &castle{}
	streams, err := d.Discover(context.Background())
	fmt.Println(streams[0].Name, err)
	// Output: halls <nil>
}

// An asset that only the plugin can open.
func ExampleFetcher() {
	var f sdk.Fetcher = &castle{}
	asset, err := f.FetchAsset(context.Background(), sdk.AssetRef{Key: "hall"})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(asset.Body)
	fmt.Println(string(body), asset.MediaType, errors.Join(err, asset.Body.Close()))
	// Output: picture of hall image/png <nil>
}

// tavern reads what a server sends.
type tavern struct {
	client  *http.Client
	address string
}

func (t *tavern) Read(ctx context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	for n := range 2 { // the second time, it comes from the cache
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.address, nil)
		if err != nil {
			return err
		}
		response, err := t.client.Do(request)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		if err := out.Record("songs", sdk.Record{ID: strconv.Itoa(n), JSON: body}); err != nil {
			return err
		}
	}
	return nil
}

// A client that keeps what it fetched, and reports it.
func ExampleEnvironment_HTTP() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = io.WriteString(w, `{"song": "Hail"}`)
	}))
	defer server.Close()
	cache, err := os.MkdirTemp("", "tavern-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(cache) }()

	source := sdk.Define(sdk.Plugin[none]{
		Name: "tavern", Version: "0.1.0",
		Open: sdk.NewOpener(func(_ context.Context, _ none, env sdk.Environment) (*tavern, error) {
			return &tavern{client: env.HTTP(), address: server.URL}, nil
		}),
	})
	run(source, sdk.Configuration{CacheDir: cache}, nil)
	// Output:
	// metrics 1 0 0 0
	// metrics 0 0 0 16
	// metrics 0 0 1 0
	// record songs 0 {"song": "Hail"}
	// metrics 0 1 0 0
	// record songs 1 {"song": "Hail"}
}

// A source with a cache of its own says how that does.
func ExampleMetricsWriter() {
	read := func(_ context.Context, _ none, _ sdk.ReadRequest, out sdk.Writer) error {
		if m, ok := out.(sdk.MetricsWriter); ok {
			m.Metrics(sdk.Metrics{Requests: 1, Hits: 40, Misses: 1, Bytes: 2048})
		}
		return nil
	}
	run(sdk.Define(sdk.Plugin[none]{Name: "guard", Version: "0.1.0", Read: read}), sdk.Configuration{}, nil)
	// Output: metrics 1 40 1 2048
}

// A source says what is known of a stream beside its records.
func ExampleFactsWriter() {
	read := func(_ context.Context, _ none, _ sdk.ReadRequest, out sdk.Writer) error {
		f, ok := out.(sdk.FactsWriter)
		if !ok {
			return nil
		}
		return errors.Join(
			f.Facts("guards", sdk.Fact{Name: "form", Text: "scroll"}, sdk.Fact{Name: "size", Number: 2048, Unit: "bytes"}),
			out.Checkpoint("guards", []byte("all")),
		)
	}
	run(sdk.Define(sdk.Plugin[none]{Name: "guard", Version: "0.1.0", Read: read}), sdk.Configuration{}, nil)
	// Output:
	// fact guards {form  0 scroll  false}
	// fact guards {size  2048  bytes false}
	// checkpoint guards all
}

// A source that says what has not changed since an earlier run, as a whole or record by record.
func ExampleRevisionWriter() {
	roll := map[string]string{"guard-1": "on the wall", "guard-2": "asleep"}
	source := sdk.Define(sdk.Plugin[none]{
		Name: "guard", Version: "0.1.0", Incremental: true,
		Read: func(_ context.Context, _ none, request sdk.ReadRequest, out sdk.Writer) error {
			memory := out.(sdk.RevisionWriter)
			now, _ := json.Marshal(roll) // mostly a hash; this one says of each record what it was
			if bytes.Equal(request.Known["guards"], now) {
				return memory.Unchanged("guards")
			}
			var was map[string]string
			_ = json.Unmarshal(request.Known["guards"], &was) // none yet: nothing is known
			for _, id := range slices.Sorted(maps.Keys(roll)) {
				var err error
				if was[id] == roll[id] {
					err = memory.UnchangedRecord("guards", id)
				} else {
					err = out.Record("guards", sdk.Record{ID: id, JSON: fmt.Appendf(nil, `{"where": %q}`, roll[id])})
				}
				if err != nil {
					return err
				}
			}
			return memory.Revision("guards", now)
		},
	})
	if err := source.Configure(context.Background(), sdk.Configuration{}); err != nil {
		fmt.Println(err)
		return
	}
	read := func(known map[string][]byte) map[string][]byte {
		p := reviser{known: map[string][]byte{}}
		if err := source.Read(context.Background(), sdk.ReadRequest{Known: known}, p); err != nil {
			fmt.Println(err)
		}
		return p.known
	}
	known := read(nil)
	read(known)
	roll["guard-2"] = "awake"
	read(known)
	// Output:
	// record guards guard-1 {"where": "on the wall"}
	// record guards guard-2 {"where": "asleep"}
	// unchanged guards
	// unchanged guards guard-1
	// record guards guard-2 {"where": "awake"}
}

// reviser is a printer that remembers revisions.
type reviser struct {
	printer

	known map[string][]byte
}

func (r reviser) Revision(stream string, revision []byte) error {
	r.known[stream] = revision
	return nil
}

func (reviser) Unchanged(stream string) error {
	fmt.Println("unchanged", stream)
	return nil
}

func (reviser) UnchangedRecord(stream, id string) error {
	fmt.Println("unchanged", stream, id)
	return nil
}

package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

const schema = `{"type": "object", "additionalProperties": false, "properties": {
	"count": {"type": "integer"}, "token": {"$ref": "#/$defs/token"}},
	"$defs": {"token": {"type": "string", "writeOnly": true}}}`

// guards is a source of some guards, good but for one planted fault.
type guards struct {
	fault      string
	file       string
	token      string
	configured bool
	reads      int
	fetches    int
	config     sdk.Configuration

	// What only a process can do.
	killed bool
	dead   chan struct{}
	looks  int64
}

const guardCount = 300

func (g *guards) is(fault string) bool { return g.fault == fault }

func (g *guards) Spec() sdk.Spec {
	s := sdk.Spec{
		Name: "guard", Version: "1.0.0", Summary: "Guards.", Options: json.RawMessage(schema), Kinds: []string{"creature"},
		Can: sdk.Capabilities{Check: true, Discover: true, Resumable: true, Incremental: true, FetchAsset: true},
	}
	switch g.fault {
	case "spec":
		s.Version = "one"
	case "kinds of its own":
		s.Kinds = []string{"creature", "guard"}
	case "no schema":
		s.Options = nil
	case "lax schema":
		s.Options = json.RawMessage(`{"type": "object"}`)
	case "wrong schema":
		s.Options = json.RawMessage(`{"type": 7}`)
	}
	return s
}

func (g *guards) Configure(_ context.Context, c sdk.Configuration) error {
	d := json.NewDecoder(bytes.NewReader(c.Options))
	d.DisallowUnknownFields()
	var o struct {
		Count int
		Token string
	}
	if err := d.Decode(&o); err != nil && !g.is("takes anything") {
		if g.is("wrong kind") {
			return err
		}
		if g.is("does not live") {
			g.fault = "dead"
		}
		return &sdk.Diagnostic{Kind: sdk.Invalid, Summary: err.Error()}
	}
	if g.is("dead") {
		return errors.New("I said no")
	}
	if g.is("logs secrets") {
		c.Log.Info("opening the gate", "token", o.Token)
	}
	g.file, g.token, g.config, g.configured = filepath.Join(c.WorkDir, "a.png"), o.Token, c, true
	return os.WriteFile(g.file, []byte("picture"), 0o600)
}

func (g *guards) Check(context.Context) error {
	if g.is("check") {
		return errors.New("no gate")
	}
	return nil
}

func (g *guards) Discover(context.Context) ([]sdk.Stream, error) {
	count := sdk.Estimate{Count: guardCount, Quality: sdk.Exact}
	switch g.fault {
	case "no streams":
		return nil, nil
	case "stream of no kind":
		return []sdk.Stream{{Name: "guards", Kind: "guard"}}, nil
	case "twin streams":
		return []sdk.Stream{{Name: "guards"}, {Name: "guards"}}, nil
	case "wrong estimate":
		count.Count++
	case "panics":
		panic("no gate")
	}
	return []sdk.Stream{{Name: "guards", Records: count}}, nil
}

func (g *guards) guard(i int) sdk.Record {
	r := sdk.Record{ID: fmt.Sprintf("guard-%d", i), JSON: fmt.Appendf(nil, `{"name": "Guard %d"}`, i)}
	switch {
	case g.is("twin ids") && i == 7:
		r.ID = "guard-6"
	case g.is("no id") && i == 7:
		r.ID = ""
	case g.is("no object") && i == 7:
		r.JSON = []byte(`[]`)
	case g.is("no such kind") && i == 7:
		r.Kind = "monster"
	case g.is("no such status") && i == 7:
		r.Assets = []sdk.AssetRef{{URI: "x.png", Status: "there"}}
	case g.is("no such role") && i == 7:
		r.Assets = []sdk.AssetRef{{URI: "x.png", Role: "art"}}
	case g.is("no such link") && i == 7:
		r.Links = []sdk.Link{{Kind: "lair", Target: "guard-1"}}
	case g.is("no pointer") && i == 7:
		r.Links = []sdk.Link{{Kind: "reference", Pointer: "portrait", Target: "guard-1"}}
	case g.is("two for one") && i >= 7 && i <= 8:
		r.Assets = []sdk.AssetRef{{URI: "guard.png", Status: sdk.Present, Key: fmt.Sprint("key", i)}}
	case g.is("no JSON") && i == 7:
		r.JSON = []byte(`{"name": }`)
	case g.is("two locators") && i == 7:
		r.Assets = []sdk.AssetRef{{Path: g.file, Key: "k"}}
	case g.is("changes") && i == 7:
		r.JSON = fmt.Appendf(nil, `{"reads": %d}`, g.reads)
	case i == 1:
		r.Assets = []sdk.AssetRef{{URI: "a.png", Status: sdk.Present, Path: g.file}, {URI: "b.png", Status: sdk.Present, Key: "b", Size: 5}}
	}
	if g.is("no file") && i == 1 {
		r.Assets[0].Path = "/nowhere/at/all.png"
	}
	if g.is("folder") && i == 1 {
		r.Assets[0].Path = filepath.Dir(g.file)
	}
	if g.is("file outside") && i == 1 {
		r.Assets[0].Path = g.stranger()
	}
	if g.is("link that leads out") && i == 1 {
		r.Assets[0].Path = filepath.Join(g.config.WorkDir, "link.png")
		_ = os.Symlink(g.stranger(), r.Assets[0].Path) // there from the reading before
	}
	if g.is("misspelt") && i == 7 {
		r.JSON = fmt.Appendf(nil, `{"name": "Watchman %d"}`, i)
	}
	return r
}

// stranger is a file that nobody has named.
func (g *guards) stranger() string {
	path, err := filepath.Abs("suite_test.go")
	if err != nil {
		panic(err)
	}
	return path
}

func (g *guards) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	g.reads++
	from := 0
	if state, resumed := request.State["guards"]; resumed && !g.is("forgets") {
		if _, err := fmt.Sscan(string(state), &from); err != nil {
			return err
		}
	}
	switch {
	case g.is("read"):
		return errors.New("no gate")
	case g.is("empty"):
		return nil
	case g.is("once") && g.reads > 1:
		return errors.New("all are read")
	case g.is("waits for nobody"):
		return g.flood(ctx, out)
	}
	memory, _ := out.(sdk.RevisionWriter) // one that is busy is none
	if known := string(request.Known["guards"]); known == "on watch" && !g.is("sends all") && !g.is("knows one") && !g.is("knows a stranger") || known != "" && g.is("knows anything") {
		return memory.Unchanged("guards")
	}
	count := guardCount + map[string]int{"one less": -1, "one more": 1}[g.fault]
	for i := from; i < count; i++ {
		if g.killed {
			return errors.New("killed")
		}
		var err error
		if len(request.Known) > 0 && (g.is("knows one") && i == 7 || g.is("knows a stranger") && i == 8) {
			err = memory.UnchangedRecord("guards", map[bool]string{true: "guard-7", false: "guard-777"}[i == 7])
		} else {
			err = out.Record("guards", g.guard(i))
		}
		if err != nil && g.is("hangs") || g.is("deaf") && g.reads == 4 { // the fourth is the one that is cancelled
			<-g.dead
		}
		if err != nil && !g.is("goes on") {
			return err
		}
		if i%100 == 49 {
			if err := out.Checkpoint("guards", fmt.Append(nil, i+1)); err != nil && !g.is("goes on") {
				return err
			}
		}
	}
	if memory == nil || g.is("goes on") {
		return nil
	}
	return memory.Revision("guards", []byte("on watch"+map[bool]string{true: fmt.Sprint(g.reads)}[g.is("another each time")]))
}

// flood sends from as many goroutines as there are records, or gathers memory, while the Writer waits.
func (g *guards) flood(ctx context.Context, out sdk.Writer) error {
	if g.reads <= 4 {
		g.fault = ""
		defer func() { g.fault = "waits for nobody" }()
		g.reads--
		defer func() { g.reads++ }()
		return g.Read(ctx, sdk.ReadRequest{}, out)
	}
	done := make(chan error, guardCount)
	for i := range guardCount {
		go func() { done <- out.Record("guards", sdk.Record{ID: fmt.Sprint(i), JSON: []byte("{}")}) }()
	}
	var err error
	for range guardCount {
		err = errors.Join(err, <-done)
	}
	return err
}

func (g *guards) FetchAsset(context.Context, sdk.AssetRef) (sdk.Asset, error) {
	g.fetches++
	body := "12345"
	switch g.fault {
	case "no asset":
		return sdk.Asset{}, errors.New("no such picture")
	case "short asset":
		body = "1234"
	case "other asset":
		body = fmt.Sprintf("%05d", g.fetches)
	}
	return sdk.Asset{Body: io.NopCloser(strings.NewReader(body)), Size: -1}, nil
}

func (g *guards) Close() error {
	if g.is("close") {
		return errors.New("the gate is stuck")
	}
	return nil
}

// garrison is guards in a process of their own, as far as the checks can see.
type garrison struct{ *guards }

func (g garrison) Kill()        { g.killed = true }
func (g garrison) Forced() bool { return g.is("does not end") }
func (g garrison) Memory() int64 {
	g.looks++
	return map[bool]int64{true: g.looks << 30}[g.is("grows")]
}

func (g garrison) Logged() string {
	return map[bool]string{true: "token=" + g.token}[g.is("process logs secrets")]
}

func (g garrison) Printed() string {
	return map[bool]string{true: "Loading…\n"}[g.is("prints")]
}

// How the guards of a test can be reached.
const (
	direct   = "a direct call"
	overWire = "the wire"
	process  = "a process"
)

// goldenFile has all that comes of good guards.
const goldenFile = "testdata/guards.jsonl"

var update = flag.Bool("update", false, "write the golden files anew")

// try tests guards with a fault.
func try(t *testing.T, fault, way string) map[string]Result {
	t.Helper()
	dead := make(chan struct{})
	defer close(dead)
	starts := 0
	c := Config{
		Start: func(ctx context.Context) (sdk.Source, error) {
			starts++
			g := &guards{fault: fault, dead: dead}
			switch {
			case fault == "start", fault == "restart" && starts == 3:
				return nil, errors.New("the gate is shut")
			case way == process:
				return garrison{g}, nil
			case way == overWire:
				return wire(ctx, g)
			}
			return g, nil
		},
		Configuration: sdk.Configuration{Source: "test", Options: json.RawMessage(`{"token": "s3cret-t0ken"}`), WorkDir: t.TempDir()},
		Patience:      200 * time.Millisecond, Hold: 50 * time.Millisecond,
		Golden: goldenFile,
	}
	if fault == "no golden file" {
		c.Golden = filepath.Join(t.TempDir(), "nowhere")
	}
	results := map[string]Result{}
	var names []string
	for r := range Test(t.Context(), c) {
		results[r.Name] = r
		names = append(names, r.Name)
		if r.Seen == "" {
			t.Errorf("check %q says nothing", r.Name)
		}
	}
	if got, want := strings.Join(names, ", "), strings.Join(Names(), ", "); got != want {
		t.Errorf("checks made:\n%s\nwant\n%s", got, want)
	}
	return results
}

func TestGoodSource(t *testing.T) {
	onlyProcess := map[string]bool{"kill": true, "standard output": true}
	for _, way := range []string{direct, overWire, process} {
		for name, r := range try(t, "", way) {
			want := OK
			if onlyProcess[name] && way != process {
				want = Skipped
			}
			if r.Outcome != want {
				t.Errorf("by %s: %s: %s: %s", way, name, r.Outcome, r.Seen)
			}
		}
	}
}

// TestPlantedFaults plants one fault at a time: the check made for it fails, says what it saw and what to do, by whatever
// way the fault can be seen.
func TestPlantedFaults(t *testing.T) {
	covered := map[string]bool{}
	ways := map[string][]string{
		"restart": {process}, "does not end": {process}, "prints": {process}, "grows": {process}, "process logs secrets": {process},
		// Between a source that sends little and its host lies room for all of it: nobody is kept waiting, and nothing fails.
		"hangs": {process}, "goes on": {process}, "waits for nobody": {direct},
	}
	for _, f := range []struct{ fault, check, seen string }{
		{"start", "spec", "the gate is shut"},
		{"spec", "spec", `"one" is not semantic`},
		{"no schema", "schema", "there is no JSON Schema"},
		{"lax schema", "schema", "takes an option that there is not"},
		{"wrong schema", "schema", "does not compile"},
		{"takes anything", "broken options", "was taken"},
		{"wrong kind", "broken options", "of kind internal"},
		{"does not live", "broken options", "I said no"},
		{"check", "check", "no gate"},
		{"no streams", "discover", "no stream was discovered"},
		{"twin streams", "discover", `"guards" is there twice`},
		{"panics", "discover", "no gate"},
		{"read", "read", "no gate"},
		{"empty", "read", "no records came"},
		{"twin ids", "records", `"guard-6" came twice`},
		{"no id", "records", "a record has no id"},
		{"no object", "records", "not a JSON object"},
		{"no JSON", "records", "not JSON"},
		{"no such kind", "records", `no kind "monster"`},
		{"no such status", "records", `the status "there"`},
		{"no such role", "records", `the role "art"`},
		{"no such link", "records", `no kind of link "lair"`},
		{"no pointer", "records", `"portrait" is no JSON Pointer`},
		{"two for one", "records", `the reference "guard.png" leads elsewhere`},
		{"stream of no kind", "discover", `no kind "guard"`},
		{"kinds of its own", "spec", `no kind "guard"`},
		{"two locators", "records", "more than one of URL, Path and Key"},
		{"no golden file", "golden", "there is no golden file"},
		{"misspelt", "golden", `line 8, "guard-7", is another`},
		{"one less", "golden", `line 300, "guard-299", did not come; there are 299 lines instead of 300`},
		{"one more", "golden", `line 301, "guard-300", is new; there are 301 lines instead of 300`},
		{"wrong estimate", "counts", "exactly 301 records were foretold, 300 came"},
		{"changes", "same again", `"guard-7", is not as it was`},
		{"once", "same again", "all are read"},
		{"forgets", "resume", `number 1 is "guard-0" instead of "guard-50"`},
		{"goes on", "cancel", "still ended as if everything had been sent"},
		{"hangs", "cancel", "had not ended"},
		{"deaf", "cancel", "had not ended"},
		{"waits for nobody", "busy host", "300 calls of the Writer waited"},
		{"grows", "busy host", "grew by"},
		{"sends all", "unchanged", "300 of 300 records came again"},
		{"another each time", "unchanged", "300 of 300 records came again"},
		{"knows anything", "unchanged", "since a revision that it never had"},
		{"knows one", "unchanged", "299 of 300 records came again"},
		{"knows a stranger", "unchanged", `"guard-777"`},
		{"no asset", "assets", "no such picture"},
		{"short asset", "assets", "has 4 bytes, and the record says 5"},
		{"other asset", "assets", "others"},
		{"no file", "files", "/nowhere/at/all.png"},
		{"folder", "files", "not a regular file"},
		{"file outside", "files", "it lies outside of the folders"},
		{"link that leads out", "files", "a link on its way leads out of the folders"},
		{"restart", "kill", "the gate is shut"},
		{"does not end", "end", "was killed"},
		{"close", "end", "the gate is stuck"},
		{"prints", "standard output", "Loading…"},
		{"logs secrets", "secrets", "/token was logged"},
		{"process logs secrets", "secrets", "/token was logged"},
	} {
		covered[f.check] = true
		t.Run(f.fault, func(t *testing.T) {
			seen := ways[f.fault]
			if seen == nil {
				seen = []string{overWire, process}
			}
			for _, way := range seen {
				r := try(t, f.fault, way)[f.check]
				if r.Outcome != Failed || !strings.Contains(r.Seen, f.seen) {
					t.Errorf("by %s: %s: %s: %q; want failed, with %q", way, f.check, r.Outcome, r.Seen, f.seen)
				}
				if r.Outcome == Failed && r.Advice == "" {
					t.Error("no advice")
				}
			}
		})
	}
	for _, name := range Names() {
		if !covered[name] {
			t.Errorf("no fault is planted for check %q", name)
		}
	}
}

func TestRun(t *testing.T) {
	options := map[string]string{"token": "s3cret"}
	t.Run("golden", func(t *testing.T) {
		RunGolden(t, func() sdk.Source { return &guards{} }, options, goldenFile, *update)
	})
	t.Run("plain", func(t *testing.T) {
		Run(t, func() sdk.Source { return &guards{} }, options)
	})
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := Config{Start: func(context.Context) (sdk.Source, error) { return &guards{}, nil }}
	for r := range Test(ctx, c) {
		cancel()
		if r.Name != "spec" && r.Outcome != Skipped {
			t.Errorf("%s: %s", r.Name, r.Outcome)
		}
	}
}

//go:build unix

package sourcepython_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/sdk"
)

// bench is a copy of the folder, so that Python leaves nothing in it, with a Python that can run what is there.
type bench struct {
	python, dir string
}

func newBench(t *testing.T) bench {
	t.Helper()
	b := bench{python: testdata.Python(t), dir: t.TempDir()}
	for _, from := range []string{".", "testdata"} {
		if err := os.CopyFS(b.dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// start starts a plugin of the folder.
func (b bench) start(t *testing.T, name string, log *slog.Logger) *host.Process {
	t.Helper()
	command := []string{b.python, filepath.Join(b.dir, host.FilePrefix+name)}
	p, err := host.Start(t.Context(), host.Config{Name: name, Command: command, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (b bench) configure(t *testing.T, p *host.Process, options string) error {
	t.Helper()
	return p.Configure(t.Context(), sdk.Configuration{Source: "s", Options: json.RawMessage(options), BaseDir: b.dir, WorkDir: t.TempDir()})
}

// collector is a Writer that keeps all.
type collector struct {
	mu       sync.Mutex
	records  []sdk.Record
	skips    []*sdk.Diagnostic
	points   []string
	progress []string
	reports  []sdk.Diagnostic
	metrics  []sdk.Metrics
	facts    []sdk.Fact
	onRecord func() error
}

func (c *collector) Record(_ string, r sdk.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, r)
	if c.onRecord != nil {
		return c.onRecord()
	}
	return nil
}

func (c *collector) Skip(stream, id string, reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := *sdk.Diagnose(reason, "")[0]
	d.Stream, d.RecordID = stream, id
	c.skips = append(c.skips, &d)
	return nil
}

func (c *collector) Checkpoint(stream string, state []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.points = append(c.points, fmt.Sprintf("%s %q after %d", stream, state, len(c.records)))
	return nil
}

func (c *collector) Progress(stream string, done, total int64, note string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = append(c.progress, fmt.Sprintf("%s %d/%d %s", stream, done, total, note))
	return nil
}

func (c *collector) Report(d sdk.Diagnostic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = append(c.reports, d)
}

func (c *collector) Facts(_ string, facts ...sdk.Fact) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts = append(c.facts, facts...)
	return nil
}

func (c *collector) Metrics(m sdk.Metrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics = append(c.metrics, m)
}

func (c *collector) ids() []string {
	ids := []string{}
	for _, r := range c.records {
		ids = append(ids, r.ID)
	}
	return ids
}

const lowCountry = `{"folder": "sample", "license": "CC0-1.0", "password": "follow-the-light", "checkpoint_every": 2}`

// TestBestiary reads the sample as the converter does.
func TestBestiary(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start(t, "bestiary", nil)
	if err := b.configure(t, p, lowCountry); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams, err := p.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (sdk.Estimate{Count: 6, Quality: sdk.Exact}); len(streams) != 2 || streams[0].Name != "marsh" || streams[0].Records != want ||
		streams[0].Title != "Marsh" || streams[0].License.Expression != "CC0-1.0" || streams[1].Name != "moor" {
		t.Errorf("streams %+v", streams)
	}

	var c collector
	if err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"marsh", "moor"}}, &c); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"marsh/bog-lantern", "marsh/eel-king", "marsh/mud-page", "marsh/reed-heron", "marsh/sunken-bell",
		"moor/peat-knight", "moor/standing-stone", "moor/wind-hound",
	}
	if got := c.ids(); !slices.Equal(got, want) {
		t.Errorf("records %q", got)
	}
	if want := []string{`marsh "eel-king.txt" after 2`, `marsh "reed-heron.txt" after 4`, `marsh "torn-page.txt" after 5`, `moor "standing-stone.txt" after 7`}; !slices.Equal(c.points, want) {
		t.Errorf("checkpoints %q", c.points)
	}
	if len(c.skips) != 1 || c.skips[0].RecordID != "marsh/torn-page" || c.skips[0].Code != "bestiary.syntax" || c.skips[0].Kind != sdk.Invalid ||
		c.skips[0].Suggestion == "" || filepath.Base(c.skips[0].Origin.URI) != "torn-page.txt" {
		t.Errorf("skipped %+v", c.skips)
	}
	if t.Failed() {
		return
	}
	heron := c.records[3]
	if heron.Name != "Reed Heron" || heron.NativeType != "beast" || heron.Lang != "en" || heron.Origin.URI != "marsh/reed-heron.txt" {
		t.Errorf("%+v", heron)
	}
	var body struct {
		Level  int      `json:"level"`
		Attack []string `json:"attack"`
		HP     int      `json:"hit_points"`
	}
	if err := json.Unmarshal(heron.JSON, &body); err != nil || body.Level != 3 || body.HP != 22 || len(body.Attack) != 1 {
		t.Errorf("%s: %+v, %v", heron.JSON, body, err)
	}
	if hound := c.records[7]; len(hound.Links) != 2 || hound.Links[1].Target != "marsh/bog-lantern" || hound.Links[1].Pointer != "/see/1" {
		t.Errorf("links %+v", hound.Links)
	}
	b.testAssets(t, p, heron.Assets, c.records[0].Assets)
}

// testAssets looks at a picture that is a file, and at one that the plugin alone can get at.
func (b bench) testAssets(t *testing.T, p *host.Process, portrait, plate []sdk.AssetRef) {
	t.Helper()
	if len(portrait) != 1 || portrait[0].Path != filepath.Join(b.dir, "sample", "marsh", "reed-heron.png") || portrait[0].Role != "portrait" {
		t.Errorf("portrait %+v", portrait)
	}
	if len(plate) != 1 || plate[0].Key != "marsh/bog-lantern.png" || plate[0].Revision != "51a08cbb" || plate[0].Status != sdk.Present {
		t.Fatalf("plate %+v", plate)
	}
	asset, err := p.FetchAsset(t.Context(), plate[0])
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	n, err := io.Copy(h, asset.Body)
	if err := errors.Join(err, asset.Body.Close()); err != nil {
		t.Fatal(err)
	}
	const sum = "d393a0ee1bc9dd743f09990a3c2ebe8b29bd1e9184894a1975daa9d9bfb7c803"
	if got := hex.EncodeToString(h.Sum(nil)); n != 67391 || asset.Size != n || plate[0].Size != n || asset.MediaType != "image/png" || got != sum {
		t.Errorf("%d of %d bytes of %s, sum %s", n, asset.Size, asset.MediaType, got)
	}
	if _, err := p.FetchAsset(t.Context(), sdk.AssetRef{Key: "marsh/none.png"}); sdk.KindOf(err) != sdk.NotFound {
		t.Errorf("a plate that is not there: %v", err)
	}
}

// TestBestiaryGoesOn resumes, and is killed in between.
func TestBestiaryGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start(t, "bestiary", nil)
	if err := b.configure(t, p, lowCountry); err != nil {
		t.Fatal(err)
	}
	var c collector
	request := sdk.ReadRequest{Streams: []string{"marsh", "moor"}, State: map[string][]byte{"marsh": []byte("mud-page.txt"), "moor": []byte("zzz")}}
	if err := p.Read(t.Context(), request, &c); err != nil {
		t.Fatal(err)
	}
	if got := c.ids(); !slices.Equal(got, []string{"marsh/reed-heron", "marsh/sunken-bell"}) {
		t.Errorf("records %q", got)
	}
}

// TestBestiaryRefuses: wrong options are said with what to do, without the secret, and the process takes better ones.
func TestBestiaryRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start(t, "bestiary", nil)
	for _, tt := range []struct{ options, want, code, at string }{
		{`{"folder": "nowhere"}`, "there is no folder", "bestiary.no_folder", "/folder"},
		{`{"folder": "sample", "password": "s3cret"}`, "does not open with this password", "bestiary.password", "/password"},
		{`{"folder": "sample"}`, "needs a password", "bestiary.password", "/password"},
		{`{"fold": "sample"}`, `there is no option "fold"`, "options_unknown", "/fold"},
		{`{"folder": 5}`, "option 'folder' has to be of type string", "options_invalid", "/folder"},
		{`{"folder": "sample", "checkpoint_every": 0}`, "has to be 1 at least", "options_invalid", "/checkpoint_every"},
		{`[]`, "the options have to be of type object", "options_invalid", ""},
	} {
		err := b.configure(t, p, tt.options)
		d, ok := errors.AsType[*sdk.Diagnostic](err)
		if !ok || d.Kind != sdk.Invalid || d.Code != tt.code || d.ConfigPath != tt.at || !strings.Contains(d.Summary, tt.want) {
			t.Errorf("%s: %v, %+v", tt.options, err, d)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, d), "s3cret") {
			t.Errorf("the password is said: %+v", d)
		}
	}
	if err := b.configure(t, p, lowCountry); err != nil {
		t.Error(err)
	}
	if err := b.configure(t, p, lowCountry); err == nil || !strings.Contains(err.Error(), "configured already") {
		t.Errorf("configured twice: %v", err)
	}
}

var _ sdk.MetricsWriter = (*collector)(nil)

// read reads all of a stream with a plugin that is told what to do.
func (b bench) read(t *testing.T, deed string, c *collector) (*host.Process, error) {
	t.Helper()
	p := b.odd(t, deed, nil)
	return p, p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"all"}}, c)
}

// odd starts a plugin that is told what to do.
func (b bench) odd(t *testing.T, deed string, log *slog.Logger) *host.Process {
	t.Helper()
	p := b.start(t, "odd", log)
	if err := b.configure(t, p, fmt.Sprintf(`{"deed": %q}`, deed)); err != nil {
		t.Fatal(err)
	}
	return p
}

package foundry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/sdk"
)

// options are those of the source, by name.
type options map[string]any

// open makes a configured source, which is closed at the end of the test.
func open(t *testing.T, o options) sdk.Source {
	t.Helper()
	s := foundry.New()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(t.Context(), sdk.Configuration{Source: "home", Options: text, WorkDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// put writes files into the folder dir, by their paths.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// entries are the keys and values of a pack.
type entries map[string]string

// store makes a pack of entries in the folder dir/name, in tables.
func store(t *testing.T, dir, name string, e entries) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := leveldb.OpenFile(name, &opt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range e {
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.CompactRange(util.Range{}), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// heard is a Writer that keeps what it is told.
type heard struct {
	all     []string // everything, in order, in short
	records []sdk.Record
	skipped []*sdk.Diagnostic
	states  map[string][]byte // the last checkpoints, as they are
	reports []sdk.Diagnostic
	facts   map[string][]sdk.Fact   // by stream
	factsAt map[string]int          // the same, how much of all came before them
	fail    func(what string) error // nil: never
}

func (h *heard) tell(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	h.all = append(h.all, what)
	if h.fail != nil {
		return h.fail(what)
	}
	return nil
}

func (h *heard) Record(stream string, r sdk.Record) error {
	h.records = append(h.records, r)
	return h.tell("record %s %s", stream, r.ID)
}

func (h *heard) Skip(stream, id string, reason error) error {
	d := sdk.Diagnose(reason, "no_diagnostic")[0]
	h.skipped = append(h.skipped, d)
	return h.tell("skip %s %s %s", stream, id, d.Code)
}

func (h *heard) Checkpoint(stream string, state []byte) error {
	if h.states == nil {
		h.states = map[string][]byte{}
	}
	h.states[stream] = state
	done, _, _ := strings.Cut(string(state), `,"files":`)
	return h.tell("checkpoint %s %s}", stream, strings.TrimSuffix(done, "}"))
}

func (h *heard) Progress(stream string, done, total int64, _ string) error {
	return h.tell("progress %s %d/%d", stream, done, total)
}

func (h *heard) Facts(stream string, facts ...sdk.Fact) error {
	if h.facts == nil {
		h.facts, h.factsAt = map[string][]sdk.Fact{}, map[string]int{}
	}
	h.facts[stream], h.factsAt[stream] = facts, len(h.all)
	return nil
}

func (h *heard) Report(d sdk.Diagnostic) {
	h.reports = append(h.reports, d)
	_ = h.tell("report %s %s", d.Code, d.Summary)
}

// of returns the record of a name.
func (h *heard) of(t *testing.T, name string) sdk.Record {
	t.Helper()
	i := slices.IndexFunc(h.records, func(r sdk.Record) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no record %q in %q", name, h.all)
	}
	return h.records[i]
}

// codes are those of the reports, with how often.
func (h *heard) codes() map[string]int {
	codes := map[string]int{}
	for _, d := range h.reports {
		codes[d.Code]++
	}
	return codes
}

// read reads everything, or the streams named.
func read(t *testing.T, s sdk.Source, streams ...string) *heard {
	t.Helper()
	h := &heard{}
	if err := s.Read(t.Context(), sdk.ReadRequest{Streams: streams}, h); err != nil {
		t.Fatal(err)
	}
	return h
}

// streams are the names of the streams.
func streams(t *testing.T, s sdk.Source) []string {
	t.Helper()
	found, err := s.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, st := range found {
		names = append(names, st.Name)
	}
	return names
}

// library makes a Data folder with one module of one pack.
func library(t *testing.T, typ string, e entries) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"modules/m/module.json": `{"id": "m", "title": "Module", "version": "2", "packs": [{"name": "p", "label": "Pack", "type": "` + typ + `"}]}`,
	})
	store(t, dir, "modules/m/packs/p", e)
	return dir
}

func TestOptions(t *testing.T) {
	for name, tt := range map[string]struct {
		options string
		want    string // code and place of every fault
	}{
		"none":                      {``, "options_missing "},
		"a misspelt one":            {`{"roots": ["x"], "core_rot": "y"}`, "options_unknown /core_rot"},
		"no root":                   {`{"roots": []}`, "foundry.root_unnamed /roots"},
		"a root without a name":     {`{"roots": ["x", ""]}`, "foundry.root_unnamed /roots"},
		"roots that are no list":    {`{"roots": "x"}`, "options_invalid /roots"},
		"users":                     {`{"roots": ["x"], "world_collections": ["actors", "users", "settings", "messages", "fog", "combats"]}`, ""},
		"another collection":        {`{"roots": ["x"], "world_collections": ["actors", "drawings"]}`, "foundry.world_collection /world_collections/1"},
		"patterns":                  {`{"roots": ["x"], "include": {"packages": ["dnd*"], "packs": ["?", "a/b"], "types": ["Item/*"]}, "exclude": {"packs": ["x"]}}`, ""},
		"no patterns":               {`{"roots": ["x"], "include": {"packages": ["[", "a"]}, "exclude": {"types": ["", "[a"]}}`, "foundry.pattern /include/packages/0, foundry.pattern /exclude/types/0, foundry.pattern /exclude/types/1"},
		"secrets":                   {`{"roots": ["x"], "secrets": "show"}`, "foundry.secrets /secrets"},
		"secrets and language":      {`{"roots": ["x"], "secrets": "drop", "language": "pt-BR"}`, ""},
		"several faults":            {`{"roots": [], "world_collections": ["drawings", "Actors"]}`, "foundry.root_unnamed /roots, foundry.world_collection /world_collections/0, foundry.world_collection /world_collections/1"},
		"a way out of the world":    {`{"roots": ["x"], "world_collections": ["../../secret"]}`, "foundry.world_collection /world_collections/0"},
		"a collection without name": {`{"roots": ["x"], "world_collections": [""]}`, "foundry.world_collection /world_collections/0"},
	} {
		t.Run(name, func(t *testing.T) {
			err := foundry.New().Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(tt.options)})
			var got []string
			for _, d := range sdk.Diagnose(err, "no_diagnostic") {
				got = append(got, d.Code+" "+d.ConfigPath)
				if d.Kind != sdk.Invalid {
					t.Errorf("%s is of kind %s", d.Code, d.Kind)
				}
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

// TestSchema: what the schema lets through is what Validate does, so that an editor and the plugin say the same.
func TestSchema(t *testing.T) {
	var schema struct {
		Required   []string `json:"required"`
		Additional *bool    `json:"additionalProperties"`
		Properties struct {
			Collections struct {
				Items struct {
					Enum []string `json:"enum"`
				} `json:"items"`
			} `json:"world_collections"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(foundry.New().Spec().Options, &schema); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(schema.Required, []string{"roots"}) || schema.Additional == nil || *schema.Additional {
		t.Errorf("the schema lets too much through: %s", foundry.New().Spec().Options)
	}
	enum := schema.Properties.Collections.Items.Enum
	if len(enum) != 14 {
		t.Errorf("collections that may be asked for: %q", enum)
	}
	if err := (&foundry.Options{Roots: []string{"x"}, WorldCollections: enum}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestKindsAreDeclared(t *testing.T) {
	declared := foundry.New().Spec().Kinds
	s := open(t, options{"roots": []string{library(t, "Item", entries{"!items!a": `{}`})}})
	for _, r := range read(t, s).records {
		if !slices.Contains(declared, r.Kind) {
			t.Errorf("%s has the kind %q", r.ID, r.Kind)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"file": "", "bad.zip": "PK", "empty/note.txt": "", "core/icons/a.webp": "",
		"old/modules/m/module.json":  `{"id": "m", "packs": [{"name": "p", "path": "packs/p.db", "type": "Item"}]}`,
		"old/modules/m/packs/p.db":   `{"_id":"a"}`,
		"gone/modules/m/module.json": `{"id": "m", "packs": [{"name": "p", "type": "Item"}]}`,
	})
	good := library(t, "Item", entries{"!items!a": `{}`})
	for name, tt := range map[string]struct {
		options options
		kind    sdk.Kind
		want    string // code and place of every fault
		says    string // somewhere in what the user sees
	}{
		"good":                    {options{"roots": []string{good}}, 0, "", ""},
		"good, with core":         {options{"roots": []string{good}, "core_root": filepath.Join(dir, "core")}, 0, "", ""},
		"a missing root":          {options{"roots": []string{filepath.Join(dir, "none")}}, sdk.NotFound, "foundry.root_missing /roots/0", "correct the path"},
		"the second is missing":   {options{"roots": []string{good, filepath.Join(dir, "none")}}, sdk.NotFound, "foundry.root_missing /roots/1", "none"},
		"both are missing":        {options{"roots": []string{dir + "/x", dir + "/y"}}, sdk.NotFound, "foundry.root_missing /roots/0, foundry.root_missing /roots/1", ""},
		"a file":                  {options{"roots": []string{filepath.Join(dir, "file")}}, sdk.Invalid, "foundry.root_not_a_folder /roots/0", "Data folder"},
		"a folder without packs":  {options{"roots": []string{filepath.Join(dir, "empty")}}, sdk.NotFound, "foundry.nothing_found /roots", "systems, modules and worlds"},
		"a package by itself":     {options{"roots": []string{filepath.Join(good, "modules", "m")}}, 0, "", ""},
		"a pack by itself":        {options{"roots": []string{filepath.Join(good, "modules", "m", "packs", "p")}}, 0, "", ""},
		"older packs alone":       {options{"roots": []string{filepath.Join(dir, "old")}}, 0, "", ""},
		"nothing is left":         {options{"roots": []string{good}, "exclude": map[string]any{"packages": []string{"*"}}}, sdk.NotFound, "foundry.nothing_found /roots", "exclude"},
		"a zip file that is none": {options{"roots": []string{filepath.Join(dir, "bad.zip")}}, sdk.Invalid, "foundry.zip_unreadable /roots/0", "unpack it"},
		"packs that are gone":     {options{"roots": []string{filepath.Join(dir, "gone")}}, sdk.NotFound, "foundry.nothing_found /roots", "modules/m/packs/p"},
		"no core":                 {options{"roots": []string{good}, "core_root": filepath.Join(dir, "none")}, sdk.NotFound, "foundry.root_missing /core_root", ""},
		"core is a file":          {options{"roots": []string{good}, "core_root": filepath.Join(dir, "file")}, sdk.Invalid, "foundry.root_not_a_folder /core_root", "resources/app/public"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, tt.options)
			err := s.Check(t.Context())
			var got, text []string
			for _, d := range sdk.Diagnose(err, "no_diagnostic") {
				got = append(got, d.Code+" "+d.ConfigPath)
				text = append(text, d.Summary, d.Detail, d.Suggestion)
				if d.Suggestion == "" {
					t.Errorf("%s: nothing to do next", d.Code)
				}
			}
			if strings.Join(got, ", ") != tt.want || err != nil && sdk.KindOf(err) != tt.kind {
				t.Errorf("got  %q of kind %s\nwant %q of kind %s", strings.Join(got, ", "), sdk.KindOf(err), tt.want, tt.kind)
			}
			if !strings.Contains(strings.Join(text, "\n"), tt.says) {
				t.Errorf("%q is not said in %q", tt.says, text)
			}
		})
	}
}

// TestMissingRootIsNotRead: whoever does not check is told when he reads.
func TestMissingRootIsNotRead(t *testing.T) {
	good := library(t, "Item", entries{"!items!a": `{}`})
	s := open(t, options{"roots": []string{good, filepath.Join(good, "none")}})
	if _, err := s.Discover(t.Context()); sdk.KindOf(err) != sdk.NotFound {
		t.Errorf("Discover: %v", err)
	}
	h := &heard{}
	if err := s.Read(t.Context(), sdk.ReadRequest{}, h); sdk.KindOf(err) != sdk.NotFound || len(h.all) > 0 {
		t.Errorf("Read: %v, and wrote %q", err, h.all)
	}
}

// TestRoots: folders that are named instead of the right ones are understood.
func TestRoots(t *testing.T) {
	user := t.TempDir()
	put(t, user, map[string]string{
		"Config/options.json":              "{}",
		"Data/modules/a/module.json":       `{"id": "a", "packs": [{"name": "p", "type": "Item"}]}`,
		"app/resources/app/public/icons/i": "",
	})
	store(t, user, "Data/modules/a/packs/p", entries{"!items!i": `{"img": "icons/i.webp"}`})
	put(t, user, map[string]string{"app/resources/app/public/icons/i.webp": "x"})
	other := library(t, "Item", entries{"!items!a": `{}`})
	for name, tt := range map[string]struct {
		roots []string
		want  []string
	}{
		"the user data folder": {[]string{user}, []string{"module/a/p"}},
		"its Data":             {[]string{filepath.Join(user, "Data")}, []string{"module/a/p"}},
		"two":                  {[]string{user, other}, []string{"module/a/p", "module/m/p"}},
		"two, the other way":   {[]string{other, user}, []string{"module/m/p", "module/a/p"}},
		"the same twice":       {[]string{user, filepath.Join(user, "Data"), user + "/."}, []string{"module/a/p"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, options{"roots": tt.roots, "core_root": filepath.Join(user, "app")})
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := streams(t, s); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			h := read(t, s, "module/a/p")
			if len(h.reports) > 0 || !maps.Equal(statuses(h), map[sdk.AssetStatus]int{sdk.Present: 1}) {
				t.Errorf("reports %v, assets %v", h.reports, statuses(h))
			}
		})
	}
}

// TestRelativeRoot: names are seen from the config file.
func TestRelativeRoot(t *testing.T) {
	dir := library(t, "Item", entries{"!items!a": `{}`})
	s := foundry.New()
	err := s.Configure(t.Context(), sdk.Configuration{
		BaseDir: filepath.Dir(dir), Options: json.RawMessage(fmt.Sprintf(`{"roots": [%q]}`, filepath.Base(dir))),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.(io.Closer).Close()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func statuses(h *heard) map[sdk.AssetStatus]int {
	counts := map[sdk.AssetStatus]int{}
	for _, r := range h.records {
		for _, a := range r.Assets {
			counts[a.Status]++
		}
	}
	return counts
}

package pack_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/jcs"
	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// listing is one line of what the official command line tool made of a pack.
type listing struct {
	Key         string         `json:"key"`
	Collection  string         `json:"collection"`
	ID          string         `json:"id"`
	Embedded    map[string]int `json:"embedded"`
	SHA256      string         `json:"sha256"`
	SHA256NoKey string         `json:"sha256_nokey"`
}

// TestExpected holds every document of every real pack against the official tool's.
func TestExpected(t *testing.T) {
	root := testdata.Dir(t, "foundry")
	packs := packFolders(t, root)
	if len(packs) != 37 {
		t.Errorf("%d packs found, want 37", len(packs))
	}
	for _, name := range packs {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, filepath.FromSlash(name))
			want := readListing(t, filepath.Join(root, "expected", filepath.FromSlash(name)+".jsonl"))
			before := fingerprint(t, dir)
			compareListing(t, dir, want)
			if after := fingerprint(t, dir); !maps.Equal(before, after) {
				t.Errorf("the folder changed:\nbefore %v\nafter  %v", before, after)
			}
		})
	}
}

func compareListing(t *testing.T, dir string, want []listing) {
	t.Helper()
	docs, report := readAll(t, dir)
	counts := map[string]int{}
	for i := range max(len(docs), len(want)) {
		if i >= len(docs) {
			t.Fatalf("%d documents, want %d: %s is missing", len(docs), len(want), want[i].Key)
		}
		if i >= len(want) {
			t.Fatalf("%d documents, want %d: %s is too much", len(docs), len(want), docs[i].Key)
		}
		compareDocument(t, docs[i], want[i])
		counts[docs[i].Collection]++
	}
	p := open(t, dir)
	if got, err := p.Counts(); err != nil || !maps.Equal(got, counts) {
		t.Errorf("Counts = %v, %v; want %v", got, err, counts)
	}
	if report.FaultCount+report.Missing+len(report.Orphans)+len(report.Database.Damage)+len(report.Database.Torn) > 0 {
		t.Errorf("the pack is whole, the report says otherwise: %+v", report)
	}
}

func compareDocument(t *testing.T, got pack.Document, want listing) {
	t.Helper()
	if got.Key != want.Key || got.Collection != want.Collection || got.ID != want.ID {
		t.Fatalf("got %s (%s, %s), want %s (%s, %s)", got.Key, got.Collection, got.ID, want.Key, want.Collection, want.ID)
	}
	if !maps.Equal(got.Embedded, want.Embedded) {
		t.Errorf("%s embeds %v, want %v", got.Key, got.Embedded, want.Embedded)
	}
	var v any
	if err := json.Unmarshal(got.JSON, &v); err != nil {
		t.Fatalf("%s: %v", got.Key, err)
	}
	if sum := canonicalSum(t, v); sum != want.SHA256 {
		t.Errorf("%s: sha256 %s, want %s", got.Key, sum, want.SHA256)
	}
	if sum := canonicalSum(t, withoutKeys(v)); sum != want.SHA256NoKey {
		t.Errorf("%s: sha256 without keys %s, want %s", got.Key, sum, want.SHA256NoKey)
	}
}

func canonicalSum(t *testing.T, v any) string {
	t.Helper()
	text, err := jcs.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var keyPattern = regexp.MustCompile(`^!([^!]+)!(.+)$`)

func withoutKeys(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutKeys(v[i])
		}
	case map[string]any:
		if key, ok := v["_key"].(string); ok && keyPattern.MatchString(key) {
			delete(v, "_key")
		}
		for name := range v {
			v[name] = withoutKeys(v[name])
		}
	}
	return v
}

// packFolders lists the LevelDB folders below root, in order.
func packFolders(t *testing.T, root string) []string {
	t.Helper()
	var packs []string
	err := filepath.WalkDir(filepath.Join(root, "Data"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == "CURRENT" {
			name, relErr := filepath.Rel(root, filepath.Dir(path))
			packs, err = append(packs, filepath.ToSlash(name)), relErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(packs)
	return packs
}

func readListing(t *testing.T, path string) []listing {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var lines []listing
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var l listing
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(lines, func(a, b listing) int { return strings.Compare(a.Key, b.Key) })
	return lines
}

// fingerprint says of every file in dir what must not change: content and time of change.
func fingerprint(t *testing.T, dir string) map[string]string {
	t.Helper()
	prints := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		prints[e.Name()] = info.ModTime().String() + info.Mode().String() + hex.EncodeToString(sum[:])
	}
	return prints
}

func open(t *testing.T, dir string) *pack.Pack {
	t.Helper()
	p, err := pack.Open(dir)
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

func readAll(t *testing.T, dir string) ([]pack.Document, pack.Report) {
	t.Helper()
	p := open(t, dir)
	var docs []pack.Document
	for d, err := range p.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	return docs, p.Report()
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// README.md of the examples promises these numbers.
func TestCounts(t *testing.T) {
	want := map[string]int{"actors": 10, "items": 14, "journal": 6, "tables": 3, "scenes": 2, "folders": 6}
	got, pages := map[string]int{}, 0
	for _, d := range allDocuments(t) {
		pages += len(list(d.body, "pages"))
		collection, err := primary(d.body)
		if err != nil {
			t.Fatal(err)
		}
		got[collection]++
	}
	for collection, n := range want {
		if got[collection] != n {
			t.Errorf("%d %s, want %d", got[collection], collection, n)
		}
	}
	if pages != 23 {
		t.Errorf("%d pages, want 23", pages)
	}
	if len(got) != len(want) {
		t.Errorf("collections %v, want %v", got, want)
	}
}

// Every link leads to a document that is there, and every anchor to a heading on that page.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	known := addresses(t)
	absolute := regexp.MustCompile(`Compendium(?:\.[A-Za-z0-9-]+)+(?:#[a-z0-9-]+)?`)
	relative := regexp.MustCompile(`@(?:UUID|Embed)\[(\.[A-Za-z0-9]{16}(?:#[a-z0-9-]+)?)`)
	links := 0
	check := func(file, link string) {
		links++
		uuid, anchor, _ := strings.Cut(link, "#")
		headings, ok := known[uuid]
		if !ok {
			t.Errorf("%s: nothing at %s", file, uuid)
		}
		if anchor != "" && !slices.Contains(headings, anchor) {
			t.Errorf("%s: no heading #%s at %s, only %v", file, anchor, uuid, headings)
		}
	}
	for _, d := range allDocuments(t) {
		parent := address(t, d)
		for _, text := range allTexts(d.body) {
			for _, link := range absolute.FindAllString(text, -1) {
				check(d.file, link)
			}
			for _, link := range relative.FindAllStringSubmatch(text, -1) {
				check(d.file, parent+".JournalEntryPage"+link[1])
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links found", links)
	}
}

// Ids in scenes, and folders, name documents of these packs.
func TestEveryIDLeadsSomewhere(t *testing.T) {
	known := map[string]bool{}
	for _, d := range allDocuments(t) {
		walk(d.body, func(name string, value any) {
			if id, ok := value.(string); ok && name == "_id" {
				known[id] = true
			}
		})
	}
	found := 0
	for _, d := range allDocuments(t) {
		walk(d.body, func(name string, value any) {
			id, ok := value.(string)
			if !ok || !slices.Contains([]string{"actorId", "entryId", "pageId", "folder", "journal", "journalEntryPage", "category"}, name) {
				return
			}
			found++
			if !known[id] {
				t.Errorf("%s: %s names %s, which does not exist", d.file, name, id)
			}
		})
	}
	if found < 50 {
		t.Errorf("only %d ids found", found)
	}
}

// Every file that a document shows is there, but for the one that is missing on purpose.
func TestOnePictureIsMissing(t *testing.T) {
	file := regexp.MustCompile(`(?:modules|systems)/[a-z0-9/-]+\.[a-z]+`)
	missing := map[string]bool{}
	shown := map[string]bool{}
	for _, d := range allDocuments(t) {
		for _, text := range allTexts(d.body) {
			for _, name := range file.FindAllString(text, -1) {
				shown[name] = true
				if _, err := os.Stat(filepath.Join(dataDir, name)); err != nil {
					missing[name] = true
				}
			}
		}
	}
	if len(missing) != 1 || !missing[moduleDir+"/portraits/missing-on-purpose.webp"] {
		t.Errorf("missing: %v", missing)
	}
	drawn, err := pictures()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range drawn {
		if !shown[moduleDir+"/"+p.file] {
			t.Errorf("no document shows %s", p.file)
		}
	}
}

// The manifests are JSON and name exactly the packs that exist.
func TestManifestsNameTheirPacks(t *testing.T) {
	for _, dir := range packages(t) {
		var manifest struct {
			ID, License string
			Packs       []struct{ Name, Path, Type string }
		}
		kind, id := filepath.Split(dir)
		name := strings.TrimSuffix(filepath.Base(kind), "s") + ".json"
		if err := json.Unmarshal(read(t, sourceDir, filepath.Join(dir, name)), &manifest); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		if manifest.ID != id || manifest.License != "CC0-1.0" {
			t.Errorf("%s: id %q, license %q", dir, manifest.ID, manifest.License)
		}
		var named []string
		for _, p := range manifest.Packs {
			named = append(named, p.Path)
		}
		slices.Sort(named)
		found, err := filepath.Glob(filepath.Join(sourceDir, dir, "packs", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range found {
			found[i] = "packs/" + filepath.Base(p)
		}
		if !slices.Equal(named, found) {
			t.Errorf("%s: the manifest names %v, the folder has %v", dir, named, found)
		}
	}
}

func allDocuments(t *testing.T) []document {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(sourceDir, "*", "*", "packs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []document
	for _, dir := range dirs {
		name, err := filepath.Rel(sourceDir, dir)
		if err != nil {
			t.Fatal(err)
		}
		documents, err := readPack(os.DirFS(sourceDir), filepath.ToSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, documents...)
	}
	return out
}

// address is the UUID of a primary document: Compendium.package.pack.Type.id.
func address(t *testing.T, d document) string {
	t.Helper()
	collection, err := primary(d.body)
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{
		"actors": "Actor", "items": "Item", "journal": "JournalEntry", "tables": "RollTable", "scenes": "Scene", "folders": "Folder",
	}[collection]
	parts := strings.Split(d.file, "/") // modules/ninth-lamp/packs/people/bosun.yaml
	id, _ := member(d.body, "_id").(string)
	return strings.Join([]string{"Compendium", parts[1], parts[3], kind, id}, ".")
}

// addresses maps the UUID of every primary document and page to the anchors of its headings.
func addresses(t *testing.T) map[string][]string {
	t.Helper()
	heading := regexp.MustCompile(`<h[1-6]>([^<]+)</h[1-6]>`)
	other := regexp.MustCompile(`[^a-z0-9]+`)
	out := map[string][]string{}
	for _, d := range allDocuments(t) {
		parent := address(t, d)
		out[parent] = nil
		pages, _ := member(d.body, "pages").([]any)
		for _, p := range pages {
			page, _ := p.(yaml.MapSlice)
			id, _ := member(page, "_id").(string)
			headings := []string{}
			for _, text := range allTexts(page) {
				for _, h := range heading.FindAllStringSubmatch(text, -1) {
					headings = append(headings, strings.Trim(other.ReplaceAllString(strings.ToLower(h[1]), "-"), "-"))
				}
			}
			out[parent+".JournalEntryPage."+id] = headings
		}
	}
	return out
}

func allTexts(value any) []string {
	var out []string
	walk(value, func(_ string, v any) {
		if text, ok := v.(string); ok {
			out = append(out, text)
		}
	})
	return out
}

// walk visits every member of every map below value, and every item of every list under the name of the list.
func walk(value any, visit func(name string, value any)) {
	switch v := value.(type) {
	case yaml.MapSlice:
		for _, m := range v {
			name, _ := m.Key.(string)
			if list, ok := m.Value.([]any); ok {
				for _, item := range list {
					visit(name, item)
				}
			} else {
				visit(name, m.Value)
			}
			walk(m.Value, visit)
		}
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}

package foundry_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// three makes a Data folder with three packs, a, b and c, of two items each.
func three(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{"systems/s/system.json": `{"id": "s", "packs": [
		{"name": "a", "type": "Item"}, {"name": "b", "type": "Item"}, {"name": "c", "type": "Item"}]}`})
	for _, name := range []string{"a", "b", "c"} {
		store(t, dir, "systems/s/packs/"+name, entries{"!items!1": `{"name":"one"}`, "!items!2": `{"name":"two"}`})
	}
	return dir
}

// told is all that a reading of the streams of three tells.
func told(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, "record system/s/"+n+" Compendium.s."+n+".Item.1", "record system/s/"+n+" Compendium.s."+n+".Item.2",
			"checkpoint system/s/"+n+` {"done":true}`)
	}
	return all
}

func TestRead(t *testing.T) {
	s := open(t, options{"roots": []string{three(t)}})
	done := []byte(`{"done":true}`)
	for name, tt := range map[string]struct {
		request sdk.ReadRequest
		want    []string
	}{
		"everything":           {sdk.ReadRequest{}, told("a", "b", "c")},
		"one stream":           {sdk.ReadRequest{Streams: []string{"system/s/b"}}, told("b")},
		"in the order asked":   {sdk.ReadRequest{Streams: []string{"system/s/c", "system/s/a"}}, told("c", "a")},
		"what is done is left": {sdk.ReadRequest{State: map[string][]byte{"system/s/a": done, "system/s/c": done}}, told("b")},
		"all is done": {
			sdk.ReadRequest{Streams: []string{"system/s/a"}, State: map[string][]byte{"system/s/a": done, "other": done}}, nil,
		},
		"an unknown state": {
			sdk.ReadRequest{Streams: []string{"system/s/a"}, State: map[string][]byte{"system/s/a": []byte(`{"at":3}`)}}, told("a"),
		},
		"a stream that is gone": {
			sdk.ReadRequest{Streams: []string{"system/s/x", "system/s/a"}}, append([]string{"skip system/s/x  foundry.pack_gone"}, told("a")...),
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the same again
				h := &heard{}
				if err := s.Read(t.Context(), tt.request, h); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(h.all, tt.want) {
					t.Errorf("got  %q\nwant %q", h.all, tt.want)
				}
			}
		})
	}
}

// TestWriterEndsReading: whatever the writer refuses is the last that it hears.
func TestWriterEndsReading(t *testing.T) {
	dir := three(t)
	if err := each(filepath.Join(dir, "systems/s/packs/b"), "MANIFEST-*", otherOrder); err != nil {
		t.Fatal(err)
	}
	s := open(t, options{"roots": []string{dir}})
	enough := errors.New("enough")
	for n, last := range []string{
		"record system/s/a Compendium.s.a.Item.1", "record system/s/a Compendium.s.a.Item.2", `checkpoint system/s/a {"done":true}`,
		"skip system/s/b systems/s/packs/b foundry.pack_unreadable", "record system/s/c Compendium.s.c.Item.1",
	} {
		h := &heard{fail: func(what string) error {
			if what == last {
				return enough
			}
			return nil
		}}
		if err := s.Read(t.Context(), sdk.ReadRequest{}, h); !errors.Is(err, enough) || len(h.all) != n+1 {
			t.Errorf("after %q: %v, and it heard %q", last, err, h.all)
		}
	}
}

func TestCancel(t *testing.T) {
	s := open(t, options{"roots": []string{three(t)}})
	ctx, cancel := context.WithCancel(t.Context())
	h := &heard{fail: func(string) error { cancel(); return nil }}
	if err := s.Read(ctx, sdk.ReadRequest{}, h); !errors.Is(err, context.Canceled) || len(h.all) != 1 {
		t.Errorf("%v after %q", err, h.all)
	}
	if _, err := s.Discover(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Discover: %v", err)
	}
	if err := s.Read(ctx, sdk.ReadRequest{}, &heard{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
}

// TestUnreadablePack: one that cannot be opened is listed without a number and skipped, and not called done.
func TestUnreadablePack(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(pack string) error
		kind  sdk.Kind
	}{
		"damaged": {func(pack string) error {
			return errors.Join(os.WriteFile(pack+"/CURRENT", []byte("MANIFEST-x"), 0o644), each(pack, "*.l*", os.Remove))
		}, sdk.Invalid},
		"other order": {func(pack string) error { return each(pack, "MANIFEST-*", otherOrder) }, sdk.Unsupported},
		"no rights": {func(pack string) error {
			return each(pack, "*.ldb", func(name string) error { return os.Chmod(name, 0) })
		}, sdk.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			dir := three(t)
			pack := filepath.Join(dir, "systems", "s", "packs", "b")
			if err := tt.spoil(pack); err != nil {
				t.Fatal(err)
			}
			if name == "no rights" && os.Geteuid() <= 0 {
				t.Skip("SKIPPED: this user may read everything, or this system has no such rights")
			}
			s := open(t, options{"roots": []string{dir}})
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			found, err := s.Discover(t.Context())
			if err != nil || len(found) != 3 || found[1].Records != (sdk.Estimate{}) || found[2].Records.Count != 2 {
				t.Errorf("found %+v, %v", found, err)
			}
			h := read(t, s)
			want := slices.Concat(told("a"), []string{"skip system/s/b systems/s/packs/b foundry.pack_unreadable"}, told("c"))
			if !slices.Equal(h.all, want) {
				t.Fatalf("got  %q\nwant %q", h.all, want)
			}
			if d := h.skipped[0]; d.Kind != tt.kind || d.Suggestion == "" || d.Cause == nil || d.Stream != "system/s/b" {
				t.Errorf("it says %+v", d)
			}
		})
	}
}

// otherOrder makes a MANIFEST one of a database that orders its keys in another way.
func otherOrder(name string) error {
	record := []byte("\x01\x05other")
	fragment := binary.LittleEndian.AppendUint16(make([]byte, 4), uint16(len(record)))
	fragment = append(append(fragment, 1), record...)
	sum := crc32.Checksum(fragment[6:], crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(fragment, (sum>>15|sum<<17)+0xa282ead8)
	return os.WriteFile(name, fragment, 0o644)
}

func each(dir, pattern string, do func(name string) error) error {
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	for _, name := range names {
		err = errors.Join(err, do(name))
	}
	return err
}

// TestDamage: a damaged block costs the documents in it, and it is said where it lies.
func TestDamage(t *testing.T) {
	e := entries{}
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		text := make([]byte, 400)
		for j := range text {
			text[j] = byte('a' + noise.IntN(26))
		}
		e[fmt.Sprintf("!items!%03d", i)] = fmt.Sprintf(`{"name":"%d","system":{"text":%q}}`, i, text)
	}
	dir := library(t, "Item", e)
	tables, err := filepath.Glob(filepath.Join(dir, "modules", "m", "packs", "p", "*.ldb"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	tables = tables[len(tables)-1:] // an older one may not have been removed yet
	bytes, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	bytes[len(bytes)/2] ^= 4
	if err := os.WriteFile(tables[0], bytes, 0o644); err != nil {
		t.Fatal(err)
	}
	h := read(t, open(t, options{"roots": []string{dir}}))
	if n := len(h.records); n < 80 || n > 99 {
		t.Errorf("%d of 100 documents were read", n)
	}
	if len(h.reports) != 1 || len(h.skipped) != 0 || h.all[len(h.all)-1] != `checkpoint module/m/p {"done":true}` {
		t.Fatalf("got %q", h.all[len(h.records):])
	}
	d := h.reports[0]
	file := filepath.Base(tables[0])
	if d.Code != "foundry.pack_damaged" || d.RecordID != "modules/m/packs/p/"+file || d.Suggestion == "" || d.Stream != "module/m/p" ||
		!strings.Contains(d.Summary, file+" at byte ") {
		t.Errorf("it says %+v", d)
	}
}

// TestFaultsOfEntries: every primary document is either sent or skipped; the rest is reported, in the same order always.
func TestFaultsOfEntries(t *testing.T) {
	dir := library(t, "Actor", entries{
		"!actors!a": `{"name":"whole","items":["i"]}`, "!actors.items!a.i": `{"name":"sword"}`,
		"!actors!b": `not JSON`,
		"!actors!c": `{"name":"parts","_id":"other","items":["j","k"],"effects":["e"]}`, "!actors.items!c.k": `[]`,
		"!actors!d":           "{\"name\":\"\xff\"}",
		"!actors.items!x.i":   `{}`,
		"!actors.effects!x.i": `{}`,
		"!scenes.walls!x.w":   `{}`,
		"!tables.results!x.w": `{}`,
		"!users!u":            `{"name":"Gamemaster","password":"secret"}`, "!users!v": `no JSON`,
		"!settings!s": `{}`, "!messages!m": `{}`, "!fog!f": `{}`,
		"strange": `{}`,
	})
	var first []string
	for range 5 {
		s := open(t, options{"roots": []string{dir}})
		h := read(t, s)
		if first == nil {
			first = h.all
		}
		if !slices.Equal(h.all, first) {
			t.Fatalf("got  %q\nthen %q", first, h.all)
		}
		found, err := s.Discover(t.Context())
		if err != nil || found[0].Records.Count != int64(len(h.records)+len(h.skipped)) {
			t.Errorf("%d documents were promised, %d sent and %d skipped", found[0].Records.Count, len(h.records), len(h.skipped))
		}
		if strings.Contains(fmt.Sprint(h.all, h.skipped, h.reports), "secret") || slices.ContainsFunc(h.records, func(r sdk.Record) bool {
			return r.NativeType != "Actor"
		}) {
			t.Errorf("private documents were read: %q", h.all)
		}
		if c := h.of(t, "parts"); !c.Incomplete || !slices.Equal(c.Warnings, []string{
			"it lists !actors.items!c.j, which is not in the pack", "it lists !actors.items!c.k, which is not in the pack",
			"it lists !actors.effects!c.e, which is not in the pack",
		}) {
			t.Errorf("incomplete %v, warnings %q", c.Incomplete, c.Warnings)
		}
		if a := h.of(t, "whole"); a.Incomplete || len(a.Warnings) > 0 {
			t.Errorf("incomplete %v, warnings %q", a.Incomplete, a.Warnings)
		}
	}
	h := read(t, open(t, options{"roots": []string{dir}}))
	for i, key := range []string{"!actors!b", "!actors!d"} {
		if d := h.skipped[i]; d.RecordID != key || d.Severity != sdk.SeverityError || d.Suggestion == "" || d.Stream != "module/m/p" {
			t.Errorf("of %s it says %+v", key, d)
		}
	}
	var skips, orphans []string
	for _, line := range first {
		if strings.HasPrefix(line, "skip") {
			skips = append(skips, line)
		}
		if strings.HasPrefix(line, "report foundry.orphans") {
			orphans = append(orphans, line)
		}
	}
	if want := []string{"skip module/m/p !actors!b foundry.entry_unusable", "skip module/m/p !actors!d foundry.entry_unusable"}; !slices.Equal(skips, want) {
		t.Errorf("skipped %q, want %q", skips, want)
	}
	if len(orphans) != 4 || !slices.IsSorted(orphans) {
		t.Errorf("orphans: %q", orphans)
	}
}

// TestManyFaults: what is not listed any more is counted.
func TestManyFaults(t *testing.T) {
	e := entries{"!items!ok": `{}`}
	for i := range 1003 {
		e[fmt.Sprintf("!items!x%04d", i)] = `-`
	}
	h := read(t, open(t, options{"roots": []string{library(t, "Item", e)}}))
	if len(h.skipped) != 1000 || len(h.reports) != 1 || h.reports[0].Summary != "3 more entries of the pack cannot be used" {
		t.Errorf("%d skipped, reports %v", len(h.skipped), h.reports)
	}
}

// state is what is in a folder: name, time and content of every file.
func state(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		what := fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			bytes, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			what += fmt.Sprintf(" %x", sha256.Sum256(bytes))
		}
		found[name] = what
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNothingIsWritten: not even the lock file that LevelDB makes.
func TestNothingIsWritten(t *testing.T) {
	dir := three(t)
	if err := os.Remove(filepath.Join(dir, "systems", "s", "packs", "b", "LOCK")); err != nil {
		t.Fatal(err)
	}
	before := state(t, dir)
	s := open(t, options{"roots": []string{dir}})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams(t, s)
	read(t, s)
	if after := state(t, dir); !maps.Equal(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}

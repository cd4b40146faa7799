//go:build integration

package runs

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

func TestPictures(t *testing.T) {
	l := openLibrary(t, Config{})
	body := []byte("rendition")
	name, err := l.Blobs().Put(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	want := core.Asset{
		ID: strings.Repeat("ab", 32), MediaType: "image/webp", Width: 5, Note: "x'41'",
		Renditions: []core.Rendition{{Resolution: "original", SHA256: name, Bytes: int64(len(body)), Ext: "webp"}},
	}
	lookup := func(id, recipe string) bool {
		t.Helper()
		got, found, err := l.Lookup(t.Context(), id, recipe)
		if err != nil {
			t.Fatal(err)
		}
		if found && !reflect.DeepEqual(got, want) {
			t.Errorf("found %+v", got)
		}
		return found
	}
	if lookup(want.ID, "webp80") {
		t.Error("found before it was stored")
	}
	for range 2 {
		if err := l.Store(t.Context(), "webp80", want); err != nil {
			t.Fatal(err)
		}
	}
	if !lookup(want.ID, "webp80") || lookup(want.ID, "webp90") || lookup("x'41'", "webp80") {
		t.Error("found what was not stored, or not what was")
	}
	want.Renditions[0].Width = 9
	if err := l.Store(t.Context(), "webp80", want); err != nil || !lookup(want.ID, "webp80") {
		t.Errorf("stored anew: %v", err)
	}
	if err := os.WriteFile(l.blobs.Path(name), body[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if lookup(want.ID, "webp80") {
		t.Error("found with a rendition that is not whole")
	}
	if err := l.Blobs().Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if lookup(want.ID, "webp80") {
		t.Error("found without its rendition")
	}
}

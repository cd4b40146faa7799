package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/blob/blobtest"
)

func packing(tb testing.TB) *packer {
	tb.Helper()
	p, err := newPacker()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestBodies(t *testing.T) {
	p, bodies := packing(t), blobtest.NewMemory()
	noise := make([]byte, inlineLimit+1)
	random := rand.NewChaCha8([32]byte{})
	if _, err := random.Read(noise); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		body        []byte
		plain, file bool
	}{
		"nothing":              {body: nil, plain: true},
		"small":                {body: []byte(`{"a":1.50,"b":"<\u0000>"}`), plain: true},
		"small, not UTF-8":     {body: []byte("{\"a\":\"\xff\"}")},
		"small, like a packed": {body: []byte(packedMark + "AAAA")},
		"large":                {body: []byte(strings.Repeat(`{"a":"b"}`, 1000))},
		"as large as can be":   {body: noise[:inlineLimit]},
		"larger":               {body: noise, file: true},
	} {
		inline, file, err := p.store(t.Context(), bodies, test.body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if test.file != (file != nil) || test.file != (inline == nil) {
			t.Errorf("%s: inline %v, file %v", name, inline, file)
		}
		text, _ := inline.(string)
		if test.plain && text != string(test.body) {
			t.Errorf("%s is stored as %q", name, text)
		}
		if len(text) > 64 && len(test.body) > 5000 && len(test.body) < 20_000 && len(text) > len(test.body)/4 {
			t.Errorf("%s: %d bytes were packed into %d", name, len(test.body), len(text))
		}
		sha256, _ := file.(string)
		back, err := p.load(t.Context(), bodies, text, sha256)
		if err != nil || !bytes.Equal(back, test.body) {
			t.Errorf("%s: %d bytes came back as %d, %v", name, len(test.body), len(back), err)
		}
	}
}

// TestHeadRest: what is known of an entity is in the columns of its row, or beside them, under the name that it had when all
// was there.
func TestHeadRest(t *testing.T) {
	columns := []string{"UID", "SourceOrder", "Source", "Stream", "Place", "Kind", "Name", "Row"}
	rest := reflect.TypeFor[headRest]()
	for field := range reflect.TypeFor[core.Head]().Fields() {
		beside, there := rest.FieldByName(field.Name)
		if there == slices.Contains(columns, field.Name) || there && beside.Type != field.Type {
			t.Errorf("%s: beside the columns: %v", field.Name, there)
		}
	}
	full := core.Head{
		BaseSlug: "a", System: "s", Edition: "b", Book: "k", Page: 9, Pack: "c", Scope: "d", NativeID: "e", Aliases: []string{"f"}, ContentSHA256: "g", RawBytes: 8,
	}
	text, err := encoded(restOf(&full))
	var back core.Head
	if err != nil || json.Unmarshal(text, &back) != nil || !reflect.DeepEqual(back, full) {
		t.Errorf("%s became %+v, %v", text, back, err)
	}
	for field := range reflect.ValueOf(*restOf(&full)).Fields() {
		if reflect.ValueOf(*restOf(&full)).FieldByName(field.Name).IsZero() {
			t.Errorf("%s is not tested", field.Name)
		}
	}
}

func TestDamagedBodies(t *testing.T) {
	p, bodies := packing(t), blobtest.NewMemory()
	good := p.inline(bytes.Repeat([]byte("body "), 1000))
	for _, text := range []string{packedMark + "?", packedMark + "AAAA", good[:len(good)-8]} {
		if _, err := p.load(t.Context(), bodies, text, ""); err == nil {
			t.Errorf("%.20s… was read", text)
		}
	}
	if _, err := p.load(t.Context(), bodies, "", blob.Name([]byte("gone"))); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func headsOf(n int, raw int64) []core.Head {
	list := make([]core.Head, n)
	for i := range list {
		list[i] = core.Head{UID: fmt.Sprint(i), RawBytes: raw}
	}
	return list
}

func TestReadAhead(t *testing.T) {
	for _, n := range []int{0, 1, entityPage, entityPage + 1, 1234} {
		synctest.Test(t, func(t *testing.T) {
			fetched := 0
			fetch := func(_ context.Context, heads []core.Head) ([]*core.Entity, error) {
				var list []*core.Entity
				for _, h := range heads {
					list = append(list, &core.Entity{UID: h.UID})
				}
				fetched += len(heads)
				return list, nil
			}
			i := 0
			for e, err := range readAhead(t.Context(), headsOf(n, 100), fetch) {
				if err != nil || e.UID != fmt.Sprint(i) {
					t.Fatalf("entity %d: %v, %v", i, e, err)
				}
				synctest.Wait()
				if ahead := fetched - i; ahead > 2*entityPage {
					t.Fatalf("%d entities are held", ahead)
				}
				i++
			}
			if i != n {
				t.Errorf("%d entities of %d", i, n)
			}
		})
	}
}

func TestReadAheadStops(t *testing.T) {
	broken := errors.New("broken")
	fetch := func(ctx context.Context, heads []core.Head) ([]*core.Entity, error) {
		if heads[0].UID != "0" {
			return nil, broken
		}
		return make([]*core.Entity, len(heads)), ctx.Err()
	}
	t.Run("at an error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, last := 0, error(nil)
			for _, err := range readAhead(t.Context(), headsOf(1000, 0), fetch) {
				n, last = n+1, err
			}
			if n != entityPage+1 || !errors.Is(last, broken) {
				t.Errorf("%d times, at last %v", n, last)
			}
		})
	})
	t.Run("when the reader does", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
			for range readAhead(t.Context(), headsOf(1000, 0), fetch) {
				break
			}
		})
	})
	t.Run("when the context ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			whole := func(_ context.Context, heads []core.Head) ([]*core.Entity, error) {
				return make([]*core.Entity, len(heads)), nil
			}
			n, last := 0, error(nil)
			for _, err := range readAhead(ctx, headsOf(1000, 0), whole) {
				n, last = n+1, err
				cancel()
			}
			if n >= 1000 || !errors.Is(last, context.Canceled) {
				t.Errorf("%d times, at last %v", n, last)
			}
		})
	})
}

func TestPageLength(t *testing.T) {
	for _, test := range []struct {
		n    int
		raw  int64
		want int
	}{{0, 0, 0}, {10, 100, 10}, {1000, 100, 200}, {1000, 8 << 10, 102}, {1000, 10 << 20, 15}} {
		if got := pageLength(headsOf(test.n, test.raw)); got != test.want {
			t.Errorf("%d entities of %d bytes: a page of %d, want %d", test.n, test.raw, got, test.want)
		}
	}
}

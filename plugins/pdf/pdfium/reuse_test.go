//go:build integration

package pdfium

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

func openFile(t *testing.T, l *Library, name string) *File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.Open(t.Context(), bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestReuse: pieces of memory are what they are wanted for, however they are taken, changed and given back, and those given back are used again.
func TestReuse(t *testing.T) {
	books := testdata.Dir(t, "pdf")
	library, err := Load(t.Context(), Config{CacheDir: CacheDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close(t.Context())
	f := openFile(t, library, filepath.Join(books, "odd6-core.pdf"))
	defer f.Close(t.Context())
	call := func(name string, arguments ...uint64) uint32 {
		got, err := f.call(t.Context(), name, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(got)
	}
	view := func(at, size uint32) []byte {
		memory, err := f.view(at, size)
		if err != nil {
			t.Fatal(err)
		}
		return memory
	}
	type piece struct {
		at, size uint32
		mark     byte
	}
	random := rand.New(rand.NewPCG(1, 2))
	sizes := func() uint32 {
		if random.IntN(8) == 0 {
			return random.Uint32N(70_000)
		}
		return random.Uint32N(560)
	}
	var held []piece
	hold := func(at, size uint32) {
		if at == 0 || at%8 != 0 {
			t.Fatalf("%d bytes at %d", size, at)
		}
		p := piece{at, size, byte(random.Uint32())}
		for i := range view(at, size) {
			view(at, size)[i] = p.mark
		}
		held = append(held, p)
	}
	check := func(p piece, size uint32) {
		if bytes.Count(view(p.at, size), []byte{p.mark}) != int(size) {
			t.Fatalf("%d bytes at %d are somebody else's too", p.size, p.at)
		}
	}
	take := func() piece {
		i := random.IntN(len(held))
		p := held[i]
		held[i] = held[len(held)-1]
		held = held[:len(held)-1]
		return p
	}
	// No more is put aside than is said: what many small pieces took is there for large ones.
	const small, many = 24, 1_000_000
	for range many {
		hold(call("malloc", small), small)
	}
	before := f.MemoryBytes()
	for _, p := range held {
		call("free", uint64(p.at))
	}
	call("malloc", (small+8)*many*9/10)
	if grown := f.MemoryBytes() - before; grown > 0 {
		t.Errorf("what was given back is not there: %d bytes more", grown)
	}
	held = nil
	for range 60_000 {
		switch n := random.IntN(20); {
		case n < 9:
			size := sizes()
			hold(call("malloc", uint64(size)), size)
		case n == 9:
			size := sizes()
			at := call("calloc", 1, uint64(size))
			if bytes.Count(view(at, size), []byte{0}) != int(size) {
				t.Fatalf("%d bytes of calloc are not empty", size)
			}
			hold(at, size)
		case n == 10 && len(held) > 0:
			p, size := take(), sizes()+1
			at := call("realloc", uint64(p.at), uint64(size))
			check(piece{at, size, p.mark}, min(size, p.size))
			hold(at, size)
		case len(held) > 0:
			p := take()
			check(p, p.size)
			call("free", uint64(p.at))
		}
	}
	for len(held) > 0 {
		p := take()
		check(p, p.size)
		call("free", uint64(p.at))
	}
	call("free", 0)
	for _, size := range []uint64{0, 1, 11, 12, 13, 24, 244, 245, 500} {
		at := call("malloc", size)
		call("free", uint64(at))
		if again := call("malloc", size); again != at {
			t.Errorf("%d bytes given back at %d are not used again, but %d", size, at, again)
		}
	}
}

// TestSameWithout: what is read is the same without the functions that are put in.
func TestSameWithout(t *testing.T) {
	books := testdata.Dir(t, "pdf")
	forms := map[string][2][]byte{}
	for i, program := range [][]byte{program, quicken(program)} {
		l := &Library{config: Config{MemoryMB: 512, Limits: Limits{}.orDefaults()}, files: map[uint32]source{}}
		defer l.Close(t.Context())
		if err := l.load(t.Context(), program); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"dungeon-world-pocket.pdf", "odd6-core.pdf", "cairn-2e-setting-wip.pdf", "dnd-5e-latex-example.pdf"} {
			f := openFile(t, l, filepath.Join(books, name))
			var form []byte
			for n := range f.Pages() {
				p, err := f.Page(t.Context(), n+1)
				if err != nil {
					t.Fatal(err)
				}
				if form, err = p.AppendBinary(form); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Close(t.Context()); err != nil {
				t.Error(err)
			}
			both := forms[name]
			both[i] = form
			forms[name] = both
		}
	}
	for name, both := range forms {
		if len(both[0]) == 0 || !bytes.Equal(both[0], both[1]) {
			t.Errorf("%s is read otherwise: %d and %d bytes", name, len(both[0]), len(both[1]))
		}
	}
}

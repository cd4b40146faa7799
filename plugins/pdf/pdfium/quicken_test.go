package pdfium

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/seed-98789ff7/converter/plugins/pdf/wasm"
)

// TestQuicken: the program that is carried is the one whose functions are known, and nothing but them changes.
func TestQuicken(t *testing.T) {
	got := quicken(program)
	if bytes.Equal(got, program) {
		t.Fatal("the functions are not what they were: is this another build?")
	}
	plain, err := wasm.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	quick, err := wasm.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	replaced := []int{mallocFunction, freeFunction, newFunction, searchFunction}
	n := 0
	for ; plain.Body(n) != nil || n < mallocFunction; n++ {
		if same := bytes.Equal(plain.Body(n), quick.Body(n)); same == slices.Contains(replaced, n) {
			t.Errorf("function %d is the same: %v", n, same)
		}
	}
	for i, f := range []int{newFunction, mallocFunction, freeFunction} {
		if !bytes.Equal(quick.Body(n+i), plain.Body(f)) {
			t.Errorf("function %d is not what %d was", n+i, f)
		}
	}
	if quick.Body(n+3) != nil {
		t.Error("there are more functions")
	}
	for _, other := range [][]byte{nil, program[:len(program)-1], program[:1<<20], program[1:], got} {
		if !bytes.Equal(quicken(other), other) {
			t.Errorf("another program of %d bytes was changed", len(other))
		}
	}
}

// The names of the functions in a searcher.
const (
	byPlain = "plain"
	byQuick = "quick"
)

// searcher is a module with both searches. What fonts answer themselves is the first word of theirs.
func searcher(t *testing.T) api.Module {
	t.Helper()
	const own = ownCharCode // the function that both call
	section := func(id byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	body := func(code []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(code))), code...) }
	export := func(name string, index uint64) []byte {
		return binary.AppendUvarint(append(append([]byte{byte(len(name))}, name...), 0), index)
	}
	quick := search()
	original, err := wasm.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	plain := original.Body(searchFunction)
	count := binary.AppendUvarint(nil, own+3)
	functions := append(slices.Clone(count), make([]byte, own+3)...)
	code := append(slices.Clone(count), bytes.Repeat(body([]byte{0, 0x20, 0, 0x28, 2, 0, 0x0b}), own+1)...)
	code = append(append(code, body(plain)...), body(quick)...)
	module := slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f}),
		section(3, functions),
		section(5, []byte{1, 0, 1}),
		section(7, slices.Concat([]byte{2}, export(byPlain, own+1), export(byQuick, own+2))),
		section(10, code),
	)
	runtime := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { runtime.Close(t.Context()) })
	m, err := runtime.Instantiate(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSearch: the search that is put in finds what the other one finds.
func TestSearch(t *testing.T) {
	m := searcher(t)
	const (
		font   = 64<<10 - 156 - 4*256 // its list is the end of the memory
		points = font + 156
		blank  = ' '
	)
	search := func(name string) int32 {
		found, err := m.ExportedFunction(name).Call(t.Context(), font, blank)
		if err != nil {
			t.Fatal(err)
		}
		return int32(found[0])
	}
	for own := range uint32(2) {
		m.Memory().WriteUint32Le(font, 7*own)
		for first := range uint32(257) { // 256: there is none
			for _, step := range []uint32{1, 3, 8, 300} {
				for i := range uint32(256) {
					point := uint32('a')
					if i >= first && (i-first)%step == 0 {
						point = blank
					}
					m.Memory().WriteUint32Le(points+4*i, point)
				}
				want := int32(first)
				switch {
				case own > 0:
					want = 7
				case first == 256:
					want = -1
				}
				if plain, quick := search(byPlain), search(byQuick); plain != want || quick != want {
					t.Fatalf("the first of the blanks at %d: plain %d, quick %d, want %d", first, plain, quick, want)
				}
			}
		}
	}
}

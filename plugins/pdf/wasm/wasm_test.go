package wasm

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// sample is a module that imports host.double, and exports two functions of an address: halve, which is 7, and twice, which is double.
func sample() []byte {
	part := func(id byte, content ...[]byte) []byte { return appendPart([]byte{id}, slices.Concat(content...)) }
	name := func(s string) []byte { return appendPart(nil, []byte(s)) }
	return slices.Concat(
		[]byte(head),
		part(1, []byte{1, 0x60, 1, 0x7f, 1, 0x7f}), // one type: a number to a number
		part(sectionImports, []byte{1}, name("host"), name("double"), []byte{0, 0}),
		part(sectionFunctions, []byte{2, 0, 0}),
		part(5, []byte{1, 0, 1}), // a page of memory
		part(7, []byte{2}, name("halve"), []byte{0, 1}, name("twice"), []byte{0, 2}),
		part(sectionBodies, []byte{2}, appendPart(nil, Body(0, 0, Number(7))), appendPart(nil, Body(0, 0, Get(0), Call(0)))),
		part(0, name("note"), []byte("kept as it is")),
	)
}

// start compiles a module.
func start(t *testing.T, program []byte) api.Module {
	t.Helper()
	r := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { r.Close(t.Context()) })
	double := func(x uint32) uint32 { return 2 * x }
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(double).Export("double").Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func call(t *testing.T, m api.Module, name string, argument uint32) uint32 {
	t.Helper()
	result, err := m.ExportedFunction(name).Call(t.Context(), uint64(argument))
	if err != nil {
		t.Fatal(err)
	}
	return uint32(result[0])
}

// TestParse: what is taken apart and put together is the same, and what is no module is refused.
func TestParse(t *testing.T) {
	program := sample()
	m, err := Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Bytes(), program) {
		t.Error("the module put together is another one")
	}
	for n, want := range map[int]bool{-1: false, 0: false, 1: true, 2: true, 3: false} {
		if got := m.Body(n) != nil; got != want {
			t.Errorf("function %d has a body: %v", n, got)
		}
	}
	for n := range program {
		cut, err := Parse(program[:n])
		if err == nil && !bytes.Equal(cut.Bytes(), program[:n]) {
			t.Errorf("the first %d bytes are another module", n)
		}
	}
	memory := bytes.Replace(program, []byte("double\x00\x00"), []byte("double\x02\x00"), 1) // it imports a memory
	for name, other := range map[string][]byte{
		"nothing": nil, "something else": []byte("%PDF-1.7"), "an import that is no function": memory,
		"a section longer than the module": append(slices.Clone(program), 9, 200), "a length without an end": append(slices.Clone(program), 9, 0x80),
		"a function without a body":    append([]byte(head), sectionFunctions, 2, 1, 0),
		"more functions than bytes":    append([]byte(head), sectionFunctions, 2, 100, 0),
		"something behind the imports": append([]byte(head), sectionImports, 2, 0, 0),
	} {
		if _, err := Parse(other); err == nil {
			t.Errorf("%s was taken for a module", name)
		}
	}
}

// TestReplace: a function does what it was given to do, and its copy what it did.
func TestReplace(t *testing.T) {
	m, err := Parse(sample())
	if err != nil {
		t.Fatal(err)
	}
	old := m.Copy(1)
	if old != 3 || !bytes.Equal(m.Body(old), m.Body(1)) {
		t.Fatalf("the copy is function %d", old)
	}
	m.Replace(1, Body(0, 0, Get(0), Number(10), AtMost, If, Get(0), Call(2), Return, End, Get(0), Call(old)))
	running := start(t, m.Bytes())
	for argument, want := range map[uint32]uint32{0: 0, 5: 10, 10: 20, 11: 7, 1 << 31: 7} {
		if got := call(t, running, "halve", argument); got != want {
			t.Errorf("of %d: %d, want %d", argument, got, want)
		}
	}
}

// TestInstructions: each does what it says.
func TestInstructions(t *testing.T) {
	const x, n, v = 0, 1, 2 // the argument, and two locals
	for name, tt := range map[string]struct {
		code Code
		want map[uint32]uint32
	}{
		"subtract": {slices.Concat(Get(x), Number(3), Subtract), map[uint32]uint32{3: 0, 2: ^uint32(0)}},
		"and":      {slices.Concat(Get(x), Number(^7), And), map[uint32]uint32{15: 8, 7: 0}},
		"zero":     {slices.Concat(Get(x), IsZero), map[uint32]uint32{0: 1, 5: 0}},
		"differ":   {slices.Concat(Get(x), Number(-1), Differ), map[uint32]uint32{^uint32(0): 0, 5: 1}},
		"less":     {slices.Concat(Get(x), Number(64), Less), map[uint32]uint32{63: 1, 64: 0, 1 << 31: 0}},
		"at least": {slices.Concat(Get(x), Number(-65), AtLeast), map[uint32]uint32{^uint32(64): 1, 5: 0}},
		"select":   {slices.Concat(Number(1), Number(2), Get(x), Select), map[uint32]uint32{0: 2, 9: 1}},
		"loop": {slices.Concat(Block, Loop, Get(x), IsZero, LeaveIf(1), Get(n), Get(x), Add, Set(n), Get(x), Number(1), Subtract, Set(x),
			Leave(0), End, End, Get(n)), map[uint32]uint32{0: 0, 4: 10}},
		"memory": {slices.Concat(Number(64), Get(x), Store(200), Number(0), Load(264)), map[uint32]uint32{7: 7, 1 << 30: 1 << 30}},
		"keep":   {slices.Concat(Get(x), Keep(n), Get(n), Add), map[uint32]uint32{7: 14}},
		"vector": {slices.Concat(Number(12), Get(x), Store(0), Number(0), VectorLoad(0), Number(9), Splat, VectorEqual,
			Number(0), VectorLoad(300), Get(v), VectorEqual, VectorOr, VectorAny), map[uint32]uint32{9: 1, 8: 1}},
		"vector of others": {slices.Concat(Number(12), Get(x), Store(0), Number(0), VectorLoad(0), Number(9), Splat, VectorEqual, VectorAny), map[uint32]uint32{9: 1, 8: 0}},
	} {
		m, err := Parse(sample())
		if err != nil {
			t.Fatal(err)
		}
		m.Replace(1, Body(1, 1, tt.code))
		running := start(t, m.Bytes())
		for argument, want := range tt.want {
			if got := call(t, running, "halve", argument); got != want {
				t.Errorf("%s: of %d: %d, want %d", name, argument, got, want)
			}
		}
	}
}

// TestNumber: constants are what they were, however large.
func TestNumber(t *testing.T) {
	for _, v := range []int32{0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, 1<<31 - 1, -1 << 31} {
		m, err := Parse(sample())
		if err != nil {
			t.Fatal(err)
		}
		m.Replace(1, Body(0, 0, Number(v)))
		if got := int32(call(t, start(t, m.Bytes()), "halve", 0)); got != v {
			t.Errorf("%d became %d", v, got)
		}
	}
}

// FuzzParse: whatever comes, it is taken apart and put together as it was, or refused.
func FuzzParse(f *testing.F) {
	f.Add(sample())
	f.Add([]byte(head))
	f.Fuzz(func(t *testing.T, program []byte) {
		m, err := Parse(program)
		if err != nil {
			return
		}
		again, err := Parse(m.Bytes())
		if err != nil || len(again.bodies) != len(m.bodies) || len(again.sections) != len(m.sections) {
			t.Errorf("%d functions became %v, %v", len(m.bodies), again, err)
		}
	})
}

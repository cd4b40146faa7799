// Package wasm takes a module of WebAssembly apart, so that some of its functions can be replaced by others.
//
// It owns the form of a module as far as functions go, and the few instructions that the replacements are made of. Which functions are
// replaced, and whether the others are what they should be, is for package pdfium to know; whether the module that comes out is a
// sound one is for whoever compiles it. It starts no goroutine, and reads what it is given without changing it.
package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// head is what a module begins with: what it is, and the version of its form.
const head = "\x00asm\x01\x00\x00\x00"

// The sections of a module that say what functions it has.
const (
	sectionImports   = 2
	sectionFunctions = 3  // the type of each that is not imported
	sectionBodies    = 10 // and what it does
)

// ErrForm says that something is no module, or imports more than functions.
var ErrForm = errors.New("it is no module of WebAssembly that can be taken apart")

// Module is a module. Functions have the numbers by which they call each other, in which the imported ones come first.
type Module struct {
	sections []section
	imported int
	types    []uint64
	bodies   [][]byte
}

type section struct {
	id      byte
	content []byte
}

// Parse takes a module apart. Its parts stay those of program, which must not change.
func Parse(program []byte) (*Module, error) {
	if !bytes.HasPrefix(program, []byte(head)) {
		return nil, ErrForm
	}
	m := &Module{}
	for r := (reader{b: program[len(head):]}); len(r.b) > 0; {
		s := section{id: r.byte(), content: r.part()}
		if r.failed {
			return nil, ErrForm
		}
		m.sections = append(m.sections, s)
		inner := reader{b: s.content}
		switch s.id {
		case sectionImports:
			m.imported = inner.imports()
		case sectionFunctions:
			m.types = list(&inner, (*reader).number)
		case sectionBodies:
			m.bodies = list(&inner, (*reader).part)
		default:
			continue
		}
		if inner.failed || len(inner.b) > 0 {
			return nil, ErrForm
		}
	}
	if len(m.types) != len(m.bodies) {
		return nil, ErrForm
	}
	return m, nil
}

// Body is what a function does; nil: it is imported, or there is none with that number.
func (m *Module) Body(function int) []byte {
	if function < m.imported || function-m.imported >= len(m.bodies) {
		return nil
	}
	return m.bodies[function-m.imported]
}

// Replace gives a function that has a body another one.
func (m *Module) Replace(function int, body []byte) { m.bodies[function-m.imported] = body }

// Copy adds a function that does what one with a body does now, and returns its number.
func (m *Module) Copy(function int) int {
	at := function - m.imported
	m.types, m.bodies = append(m.types, m.types[at]), append(m.bodies, m.bodies[at])
	return m.imported + len(m.bodies) - 1
}

// Bytes is the module put together.
func (m *Module) Bytes() []byte {
	size := len(head)
	for _, s := range m.sections {
		size += len(s.content)
	}
	b := append(make([]byte, 0, size+size/64), head...) // what is put in is short
	for _, s := range m.sections {
		content := s.content
		switch s.id {
		case sectionFunctions:
			content = binary.AppendUvarint(nil, uint64(len(m.types)))
			for _, t := range m.types {
				content = binary.AppendUvarint(content, t)
			}
		case sectionBodies:
			content = binary.AppendUvarint(make([]byte, 0, len(content)+size/64), uint64(len(m.bodies)))
			for _, body := range m.bodies {
				content = appendPart(content, body)
			}
		}
		b = appendPart(append(b, s.id), content)
	}
	return b
}

// appendPart appends bytes, and before that how many they are.
func appendPart(to, part []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(part))), part...)
}

// reader reads the parts of a module. After one that is none, it has failed and reads nothing more.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() { r.b, r.failed = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	first := r.b[0]
	r.b = r.b[1:]
	return first
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// part is bytes that say before how many they are.
func (r *reader) part() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

// imports counts imported functions, and fails with whatever else is imported.
func (r *reader) imports() int {
	n := r.number()
	for range n {
		r.part() // of which module
		r.part() // by which name
		if kind := r.byte(); kind != 0 {
			r.fail()
		}
		if r.number(); r.failed { // its type
			return 0
		}
	}
	return int(n)
}

// list reads as many things as it says there are.
func list[T any](r *reader, read func(*reader) T) []T {
	n := r.number()
	if n > uint64(len(r.b)) { // each takes a byte at least
		r.fail()
		return nil
	}
	all := make([]T, 0, n+4)
	for range n {
		all = append(all, read(r))
	}
	return all
}

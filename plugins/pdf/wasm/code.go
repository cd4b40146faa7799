package wasm

import (
	"encoding/binary"
	"slices"
)

// Code is instructions of a function, as they are written down in a module.
type Code []byte

// Instructions that take no argument. Numbers have 32 bits and no sign. Of a vector, which is four numbers, Equal compares each with its
// like, and Any says whether one bit is set.
var (
	Block  = Code{0x02, 0x40} // until End; Leave goes there
	Loop   = Code{0x03, 0x40} // until End; Leave goes back to it
	If     = Code{0x04, 0x40}
	End    = Code{0x0b}
	Return = Code{0x0f}
	Select = Code{0x1b} // the first of two where the third is not 0

	IsZero   = Code{0x45}
	Differ   = Code{0x47}
	Less     = Code{0x49}
	AtMost   = Code{0x4d}
	AtLeast  = Code{0x4f}
	Add      = Code{0x6a}
	Subtract = Code{0x6b}
	And      = Code{0x71}

	Splat       = Code{0xfd, 0x11} // a number, four times
	VectorEqual = Code{0xfd, 0x37}
	VectorOr    = Code{0xfd, 0x50}
	VectorAny   = Code{0xfd, 0x53}
)

// Get puts a local, or an argument, on the stack.
func Get(local uint64) Code { return with(local, 0x20) }

// Set takes a local from the stack.
func Set(local uint64) Code { return with(local, 0x21) }

// Keep is Set that leaves the value where it is.
func Keep(local uint64) Code { return with(local, 0x22) }

// Call calls a function.
func Call(function int) Code { return with(uint64(function), 0x10) }

// Leave goes to the end of a block or to the begin of a loop, the innermost being 0.
func Leave(outer uint64) Code { return with(outer, 0x0c) }

// LeaveIf is Leave where a number is not 0.
func LeaveIf(outer uint64) Code { return with(outer, 0x0d) }

// Load reads a number at an address of the stack and an offset.
func Load(offset uint64) Code { return with(offset, 0x28, 2) }

// Store writes a number. The address comes first, then the number.
func Store(offset uint64) Code { return with(offset, 0x36, 2) }

// VectorLoad reads four numbers.
func VectorLoad(offset uint64) Code { return with(offset, 0xfd, 0, 2) }

// with is an instruction with an argument.
func with(argument uint64, instruction ...byte) Code {
	return binary.AppendUvarint(instruction, argument)
}

// Number puts a constant on the stack.
func Number(v int32) Code {
	c := Code{0x41}
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(c, low)
		}
		c = append(c, low|0x80)
	}
}

// Body is what a function does, with locals behind its arguments: first numbers, then vectors.
func Body(numbers, vectors byte, instructions ...Code) []byte {
	body := []byte{2, numbers, 0x7f, vectors, 0x7b}
	if vectors == 0 {
		body = []byte{1, numbers, 0x7f}
	}
	return append(append(body, slices.Concat(instructions...)...), End...)
}

package pdfium

import "github.com/tetratelabs/wazero/experimental"

// limitedMemory is the memory of one PDFium. It lies where it is however it grows, and remembers that it was refused.
type limitedMemory struct {
	limit   uint64
	refused bool
	space   space
}

// Allocate implements [experimental.MemoryAllocator].
func (m *limitedMemory) Allocate(_, most uint64) experimental.LinearMemory {
	m.limit = min(m.limit, most)
	return m
}

// Reallocate implements [experimental.LinearMemory].
func (m *limitedMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused = true
		return nil
	}
	memory := m.space.grow(size, m.limit)
	m.refused = m.refused || memory == nil
	return memory
}

// Free implements [experimental.LinearMemory].
func (m *limitedMemory) Free() { m.space.free() }

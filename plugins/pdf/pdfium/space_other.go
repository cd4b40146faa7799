//go:build !linux

package pdfium

// space is memory that moves when it grows.
type space struct {
	memory []byte
}

func (s *space) grow(size, _ uint64) []byte {
	s.memory = append(s.memory, make([]byte, size-uint64(len(s.memory)))...)
	return s.memory
}

func (s *space) free() { s.memory = nil }

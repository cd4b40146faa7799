package pdfium

import "golang.org/x/sys/unix"

// space is a stretch of addresses, of which the front is memory. Growing copies nothing, and nothing waits to be collected.
type space struct {
	reserved []byte
}

func (s *space) grow(size, limit uint64) []byte {
	if s.reserved == nil {
		reserved, err := unix.Mmap(-1, 0, int(limit), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
		if err != nil {
			return nil
		}
		s.reserved = reserved
	}
	if err := unix.Mprotect(s.reserved[:size], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil
	}
	return s.reserved[:size:size]
}

func (s *space) free() {
	if s.reserved != nil {
		_ = unix.Munmap(s.reserved) // it was mapped
		s.reserved = nil
	}
}

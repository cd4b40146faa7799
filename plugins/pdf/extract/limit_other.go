//go:build !linux

package extract

// limitMemory limits nothing here: what PDFium may have is what bounds memory.
func limitMemory(uint64) error { return nil }

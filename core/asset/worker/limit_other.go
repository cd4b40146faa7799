//go:build !linux

package worker

// limitMemory limits nothing here: the budget and the weights of pictures are what bounds memory.
func limitMemory(uint64) error { return nil }

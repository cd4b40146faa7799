// Package engine runs a conversion: it reads the sources, carries records and pictures through a bounded pool, links what
// came of them and hands it to the outputs, in that order.
//
// It owns order, bounds, cancellation and accounting. It leaves what a record means to core/entity, pixels to core/asset,
// references to core/link, files to core/output, and remembering to the [Ledger] it is given. Sources are values of the
// contract authors implement: the engine does not know which of them live in other processes.
//
// [Run] starts every goroutine there is and returns when all of them are gone.
//
// # Going on
//
// What is stored of a run is numbered so that a later attempt at it ends with the same bytes and numbers as a run that nobody
// disturbed, whenever the one before it ended: see past.go, and docs/decisions/20261126-resume.md.
//
// # Bounds
//
// In flight are at most 64 MiB of records, one asset a worker up to 256 MiB of file bytes together, and the pixels that
// the memory budget of the pictures allows. The heads of all entities (about 500 bytes each), the ids of all records (about
// 200 bytes each) and the references to all assets (about 300 bytes each) are in memory; bodies are not. So is
// as much again of streams that are taken over from an earlier run.
//
// # Errors
//
// What goes wrong with one item is data: it goes to the [Recorder] and the run goes on. Run returns an error when the run
// as a whole could not be done: every source failed, more items failed than may, the ledger cannot store, no output could
// be written, or the context ended. What was in hand then, or waiting, is counted as cancelled, but for what the ledger has.
package engine

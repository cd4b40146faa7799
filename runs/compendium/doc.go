// Package compendium keeps the library that persists across runs.
//
// It owns [Store], the rows of the library in the database, [Build], which makes a new one, and [View], through which many
// look things up. It leaves the schema to package runs, large bodies to a [Bodies] that runs has, and what is in the library
// to core/engine.
//
// Every row belongs to a generation, and one row points to the generation that is the library:
//
//	Begin: claims the next generation ─► rows in batches ─► Publish: the pointer moves in one statement ─► the old rows go
//	            │                              │
//	            └── others wait                └── killed: nobody points to these rows; the next build removes them
//
// A lookup reads the pointer and what it points to in one statement, so what it answers is of one library, whatever is built,
// published or removed meanwhile.
//
// There is no goroutine. Errors are those of runs/rqlite and [ErrOvertaken].
//
// Memory: a Build holds one batch. A View holds what its cache may.
package compendium

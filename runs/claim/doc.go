// Package claim settles who creates something: of all workers of this process, and of all processes on the same store,
// exactly one.
//
// It owns [Book], which asks the store once for each id, in batches, and answers from memory after that. It leaves to its
// callers the table (one of two text columns, id and owner, with the id as its key), and what is created. It starts no
// goroutine: of those who wait for an answer one carries the batch.
//
// Errors are those of runs/rqlite, and of the context of whoever asks. After one the id is as before: whoever asks next
// may get it, also when the store had it written down already.
//
// Memory: about 100 bytes an id, for as long as the Book is used.
package claim

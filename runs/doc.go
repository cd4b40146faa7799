// Package runs remembers: the run under way, the runs before it, and the pictures of all of them.
//
// It owns the [Library], which is the store and the folder of blobs with everything in them, and the [Run]: its tables,
// its backlog of rows not stored yet, its sign of life. It leaves the database and its process to runs/rqlite, bytes to
// runs/blob, the numbers of a run at work to runs/memory, and every decision about content to its callers.
//
// A Run has two goroutines, one that stores the backlog and one that gives the sign of life; [Run.End] waits for both,
// and [Library.Close] for those of runs that were not ended. A Library has none besides the process of the private node.
//
// Errors: [StoreError] says that the store is lost for this run, what that means and what to do; [NotFoundError] that
// there is no such run. Others come from runs/rqlite and runs/blob and keep their types. A row that the store refuses
// is no error but a failure of its item, with the code store.row_refused.
//
// Memory: a Run holds at most 5,000 rows or 16 MB that are not stored yet, and while it yields entities two pages of
// about 1 MB. Bodies beyond 64 KB go to files and are never held.
package runs

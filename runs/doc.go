// Package runs remembers: the run under way, the runs before it, and the pictures of all of them.
//
// It owns the [Library], which is the store and the folder of blobs with everything in them, and the [Run]: its tables,
// its backlog of rows not stored yet, its sign of life. It leaves the database and its process to runs/rqlite, bytes to
// runs/blob, the form of backups to runs/archive, the numbers of a run at work to runs/memory, what was asked before to
// runs/cache, and every decision about content to its callers.
//
// A Run has a goroutine that stores the backlog, one that gives the sign of life, and at its beginning one that warms the
// caches; [Run.End] waits for them, and [Library.Close] for those of runs that were not ended. A Library has one for each
// of its caches, and the process of the private node.
//
// A run that did not finish can be resumed, and what failed in one can be tried again: their rows are kept, of so many runs
// as [Config.KeepRows] says. docs/decisions has what of them means what.
//
// Errors: [StoreError] says that the store is lost for this run, what that means and what to do; [NotFoundError] that
// there is no such run, [AliveError] that it is at work elsewhere, [RowsGoneError] that nothing of it is left to go on from,
// [AtWorkError] that a run stands in the way. Others come from runs/rqlite and runs/blob and keep their types. A row that
// the store refuses is no error but a failure of its item, with the code store.row_refused.
//
// Memory: a Run holds at most 5,000 rows or 16 MB that are not stored yet, and while it yields entities two pages of
// about 1 MB. The caches of pictures and of the compendium hold 16 MiB each, and that of pictures 8 MiB that are not stored
// yet. Bodies beyond 64 KB go to files and are never held.
package runs

// Package cache answers what was asked before: from memory (L1), else from rows in the store (L2), else from whoever
// really knows.
//
//	Get ──► L1 ──► rows not stored yet ──► L2 ──► load
//	         ▲               ▲              │       │
//	         └── promoted ───┼──────────────┘       │
//	         └── put ────────┴─ write-behind ◄──────┘
//
// It owns [Cache], one named set of keys with its bounds and its numbers, and [Queries], which keys the results of SQL
// queries. It leaves the rows to a [Table], which package runs has in the store and cachetest in memory, and to its
// callers what a value means and when it is out of date.
//
// A Cache has one goroutine, which writes to L2 and drops from L1 what has expired; [Cache.Close] waits for it.
//
// A cache that is ill is no reason for a caller to fail: when L2 does not answer, lookups go on without it (a fallback),
// first for a second, then longer, and a row whose checksum is wrong is dropped and loaded again. The only errors are
// those of a loader, of the context, of [Cache.Invalidate] and [Cache.Flush] when the store could not be told, and
// [ErrClosed].
//
// What is read is what was put last in this process, or nothing. Other processes on the same store are seen when an entry
// is not in L1, so they may be late by its time to live: values that change under their key want a short one.
//
// Memory: the values and keys in L1, with [Overhead] bytes an entry for what surrounds them, weigh at most
// [Config.MaxBytes], and there are at most [Config.MaxEntries]. Both hold because an entry weighs at least
// MaxBytes/MaxEntries: with many entries below that size the number is the bound, and MaxBytes is not used up. Rows that
// are not stored yet are held besides, at most [Config.MaxBacklog] of them and [Config.MaxBacklogBytes].
package cache

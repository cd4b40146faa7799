// Package rqlite is the one door to the store: an rqlite database, spoken to through gorqlite, and the private rqlited
// process that serves it when the operator names no cluster.
//
// It owns four calls (Apply, Query, QueryLinear, Claim) and what makes them honest: a write that was not confirmed
// statement by statement did not succeed, an attempt has a time limit, a lost answer leads to the same request again
// and a lost node to the next one. It owns the life of the private node, from finding the program to stopping it, and
// the numbering of schema versions. Another process may be the guest of a node ([Visit]): it reads, and cannot write. It leaves to its callers every table, every SQL text, and the rule that makes
// retries safe: whatever is written must be safe to write twice (see [Client.Apply]). No other package imports gorqlite.
//
// A [Client] starts no goroutine of its own. A [Node] has two, which [Node.Stop] waits for: one looks after the process,
// one holds it for as long as it lives, so that it ends with ours even when ours is killed.
//
// Errors branch on types and sentinels, never on text: [StatementError] (the SQL is wrong or broke a constraint),
// [ErrUnauthorized], [ErrRejected] (the request itself is not acceptable) are final; [ErrUnavailable] says that no
// answer came for as long as the call was allowed to try, and [ErrUnknown], which is always also ErrUnavailable, that
// a write may or may not have happened.
//
// Memory: an answer is held whole, at most [Config.MaxAnswer] bytes of it; a request as large as the caller made it.
package rqlite

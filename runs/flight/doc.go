// Package flight lets workers meet at a key without getting into each other's way.
//
// It owns [Group], in which one of those who want the same thing makes it and the others wait for it, and [Locks], a lock
// for readers and writers at each key. Both count who waited and for how long. It leaves to its callers what is made and
// whether it is remembered: a flight that has landed is forgotten.
//
// It starts no goroutine. Waiting ends with the context of whoever waits, whose error it then returns; others are the
// caller's own.
//
// Memory: a hundred bytes or two for each key that somebody is at, none for others.
package flight

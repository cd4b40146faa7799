// Package rqlitetest is a cluster of real nodes on the loopback for tests: they can be killed, frozen and started again,
// and looked into one by one. It works on Linux.
//
// It owns the processes, which end with the test, and with the test's process when that is killed. It leaves to the
// tests what is written and what has to be there afterwards. Each node has a goroutine that waits for its process; the
// test's clean-up waits for those.
package rqlitetest

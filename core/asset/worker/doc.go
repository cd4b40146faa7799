// Package worker renders pictures in processes of their own.
//
// It owns the processes: they are the same program, started again with a command that calls Serve. Each renders one picture at a
// time within a limit of memory, so that whatever a file does to a decoder, it does to a process that holds nothing else. A
// picture that killed two of them is not tried again: it comes back as failed, with its original and what killed them.
//
// It also sees what a process uses of the CPU, and kills one that a picture keeps busy for too long: on a machine that has other things
// to do, the clock says nothing about a picture. Where the system does not tell, it goes by the clock.
//
// It leaves to core/asset what is done to a picture, and to its caller how many are rendered at once and how long one may wait: when the
// context ends, the process is killed.
//
// The goroutines of a Render are gone when it returns; Close kills the processes that are left and waits for them. Errors are
// those of core/asset, and the context's.
package worker

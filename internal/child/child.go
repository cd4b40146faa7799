// Package child bounds a process that this program starts of itself for work that may not come to an end, or may want all the
// memory there is: the one that starts it binds it to its own life and sees what it has used, and the process limits its own memory
// before it opens anything that is not ours. On Linux the system sees to all of it; on other systems nothing has any effect, and nothing is seen.
//
// What is said to the process, and when it is killed, is for the package that starts it. Child starts no process and no
// goroutine. Its errors are those of the system, and say what was asked of it.
package child

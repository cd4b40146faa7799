//go:build race

package main

// underRace is true when the race detector slows drawing tenfold.
const underRace = true

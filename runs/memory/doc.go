// Package memory holds the numbers of one run while it is under way: what the dashboard and the progress line read, so
// that neither of them ever asks the database.
//
// It owns the counters per stage, per source and per stream, the causes of failures, the rate and the estimate made from it, and
// the legal changes of a run's state. It leaves storing all that to package runs, and deciding to the engine. It starts
// no goroutine: a publisher polls [State.Revision] and takes a [State.Snapshot] when it has grown; [State.Over] tells
// when nothing more will come. The only error it returns is that of [State.Transition], for a change that is not legal.
//
// Counting takes no lock that another counter could hold, so that workers never wait for each other or for a viewer.
//
// Memory is bounded: 500 causes with five examples each and texts cut to a few hundred bytes, 2,000 streams, 100
// sources, 100 caches, 128 items in hand, 12 pictures, one minute of rates. What goes beyond is counted under "other" or not shown.
package memory

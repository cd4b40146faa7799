// Package dashboard shows runs in a browser: a list of them, and a page for each one whose numbers move while it runs.
//
// It owns the routes, the live streams, what keeps other web sites out, and the files it serves. The markup is package
// page. What a run is it leaves to core, and remembering runs to whoever implements [Library] and [Live]: a viewer never
// causes a read of the database of its own. A frame is rendered once per tick, however many browsers look at it, and not
// at all when nobody does.
//
// [Server.Run] returns when all of its goroutines are gone. A feed's goroutine lives as long as somebody is subscribed,
// and the one who leaves last waits for it.
//
// Errors of [Listen] and [New] are texts for the operator. A [Library] or [Pictures] says that something is not there
// with an error that is [io/fs.ErrNotExist].
//
// Memory is bounded: at most 256 streams, each with one frame it shares with all others of its page; 32 summaries; lists
// cut by package page.
package dashboard

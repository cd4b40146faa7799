// Package page turns a run, or a list of runs, into HTML.
//
// It owns the words, the numbers as people read them and the markup of the dashboard: values in, components out. It does
// no I/O, starts no goroutine and returns no error kinds of its own. Serving, streaming and security are left to package
// dashboard.
//
// A page is a layout around regions. A region is what the live stream replaces, so each one renders the same way inside
// the first page and inside a later frame. Everything that comes from a source is hostile text: it is only ever written
// through templ's escaping.
package page

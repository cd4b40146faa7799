// Package pdfium reads PDF files: what a file says of itself, what is on its pages, the pictures in them, and how a page looks.
//
// It owns the calls into PDFium, which runs as WebAssembly in memory of its own and sees no file but the one that was opened.
// Whatever a file makes of it, it can use no more memory than was allowed, but as much time as it likes: what must not wait is
// for processes that can be killed, which package extract owns. What fragments are is for page to say. Some functions of PDFium
// are replaced by faster ones when it is loaded; taking it apart for that is package wasm's.
//
// It starts no goroutine. A Library may be used from several; each File from one at a time. An [*Error] says that PDFium
// refused the file, a [*TrapError] that PDFium came to a sudden end: nothing more can be had from that File then.
package pdfium

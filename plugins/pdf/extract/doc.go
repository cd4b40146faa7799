// Package extract reads PDF files in processes of their own, which are killed when a page takes too long.
//
// It owns the processes: they are the same program, started again with a command that calls Work. Each reads some pages of one
// file within limits of memory and time. A page that is too much for them is named with its fault, and the others are read all
// the same. What comes of a file does not depend on how many processes read it.
//
//	Pool ── asks ──► Work (a process) ── calls ──► pdfium
//	  ▲ orders, kills, replaces          pages, pictures
//	  └──────────── frames over pipes ◄──────┘
//
// It leaves to pdfium how a file is read, and to its caller what the pages mean. The goroutines of Pages are gone when its loop
// ends; Close ends the processes that are left and waits for them. What is wrong with a file is a [*sdk.Diagnostic] with one of
// the codes below.
package extract

// The codes of files that cannot be read.
const (
	CodePassword = "pdf_password"  // it wants a password, and none of those given is it
	CodeDamaged  = "pdf_damaged"   // it is damaged beyond repair, or too many pages in a row are
	CodeSecurity = "pdf_security"  // it is encrypted in a way that is not known
	CodeEmpty    = "pdf_empty"     // it has no bytes, or no pages
	CodeNotPDF   = "pdf_not_pdf"   // it is something else
	CodeTooLarge = "pdf_too_large" // it exceeds a limit
	CodeTimeout  = "pdf_timeout"   // opening it took too long
	CodeMemory   = "pdf_memory"    // opening it wants more memory than is allowed
	CodeTrap     = "pdf_trap"      // opening it made the reader do what it must not
	CodeGone     = "pdf_gone"      // it is not there, or cannot be opened
	CodeWorker   = "pdf_worker"    // no process can be started
)

// The codes of pages and pictures that cannot be read, which are also those of [page.Fault].
const (
	CodePageTimeout = "page_timeout" // it took too long
	CodePageMemory  = "page_memory"  // it wanted more memory than it may have
	CodePageTrap    = "page_trap"    // it made the reader do what it must not
	CodePageDamaged = "page_damaged" // it is not there, or damaged
	CodeImageLimit  = "image_limit"  // a picture has too many pixels
)

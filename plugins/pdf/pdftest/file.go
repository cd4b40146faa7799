package pdftest

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"fmt"
	"strings"
)

// File is a PDF that a test makes. The zero value has no pages.
type File struct {
	Catalog string // entries beside /Type and /Pages
	Info    string // entries of the document's properties
	Count   int    // of pages, as the file says; 0: as many as there are
	objects []string
	pages   []int
}

// The objects that every file has.
const (
	catalog = 1
	pages   = 2
	info    = 3
	font    = 4
	taken   = 4 // of the numbers
)

// Add adds an object, and returns its number.
func (f *File) Add(body string) int {
	f.objects = append(f.objects, body)
	return taken + len(f.objects)
}

// Set replaces an object.
func (f *File) Set(number int, body string) { f.objects[number-taken-1] = body }

// Stream adds a stream: its entries beside /Length, and its bytes.
func (f *File) Stream(entries string, data []byte) int { return f.Add(Stream(entries, data)) }

// Stream is the body of a stream.
func Stream(entries string, data []byte) string {
	return fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", entries, len(data), data)
}

// Deflate packs bytes as /FlateDecode wants them.
func Deflate(data []byte) []byte {
	var b bytes.Buffer
	w, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed) // the level is one
	_, _ = w.Write(data)                            // into memory
	_ = w.Close()
	return b.Bytes()
}

// Repeat packs n times the same bytes, without going through all of them: what is packed once is repeated. The checksum at the end
// is left out, as PDFium does not ask for it.
func Repeat(data []byte, n int) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is one
	_, _ = w.Write(data)                         // into memory
	_ = w.Flush()                                // up to a whole byte
	packed := []byte{0x78, 0x01}
	packed = append(packed, bytes.Repeat(b.Bytes(), n)...)
	return append(packed, 0x03, 0x00)
}

// Page adds a page of 612 by 792 points with what is to be painted. Entries come beside or instead of /MediaBox; resources
// beside the font /F1, which is Helvetica.
func (f *File) Page(entries, resources, content string) int {
	return f.PageOf(entries, resources, f.Stream("", []byte(content)))
}

// PageOf adds a page whose content is an object.
func (f *File) PageOf(entries, resources string, content int) int {
	if !strings.Contains(entries, "/MediaBox") {
		entries += " /MediaBox [0 0 612 792]"
	}
	n := f.Add(fmt.Sprintf("<</Type /Page /Parent %d 0 R %s /Contents %d 0 R /Resources <</Font <</F1 %d 0 R>> %s>>>>",
		pages, entries, content, font, resources))
	f.pages = append(f.pages, n)
	return n
}

// PageNumber adds an object as a page, whatever it is.
func (f *File) PageNumber(number int) { f.pages = append(f.pages, number) }

// Bytes is the file.
func (f *File) Bytes() []byte {
	var kids strings.Builder
	for _, n := range f.pages {
		fmt.Fprintf(&kids, "%d 0 R ", n)
	}
	count := f.Count
	if count == 0 {
		count = len(f.pages)
	}
	bodies := append([]string{
		fmt.Sprintf("<</Type /Catalog /Pages %d 0 R %s>>", pages, f.Catalog),
		fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", count, kids.String()),
		"<<" + f.Info + ">>",
		"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>",
	}, f.objects...)
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	places := make([]int, len(bodies))
	for i, body := range bodies {
		places[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(bodies)+1)
	for _, at := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d /Root %d 0 R /Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(bodies)+1, catalog, info, start)
	return b.Bytes()
}

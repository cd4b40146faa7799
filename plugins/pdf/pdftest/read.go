// Package pdftest gives tests the pages of PDF files, and small files to read.
//
// It leaves reading to pdfium. What it reads is kept for the process, and must not be changed. It fails the test that asks for what
// cannot be read.
package pdftest

import (
	"bytes"
	"context"
	"os"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
)

// Book is a file with its pages.
type Book struct {
	*page.Document
	Pages []*page.Page
}

var (
	mu    sync.Mutex // guards what follows
	books = map[string]*Book{}
)

// Read reads a file.
func Read(tb testing.TB, path string) *Book {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	if known := books[path]; known != nil {
		return known
	}
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	b := Parse(tb, data)
	books[path] = b
	return b
}

// Parse reads what a file would hold.
func Parse(tb testing.TB, data []byte) *Book {
	tb.Helper()
	ctx := context.Background() // what is read may outlive the test
	library, err := pdfium.Load(ctx, pdfium.Config{CacheDir: pdfium.CacheDir()})
	if err != nil {
		tb.Fatal(err)
	}
	defer library.Close(ctx) //nolint:errcheck // nothing is lost
	file, err := library.Open(ctx, bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close(ctx) //nolint:errcheck // nothing is lost
	b := &Book{}
	if b.Document, err = file.Document(ctx); err != nil {
		tb.Fatal(err)
	}
	for n := range file.Pages() {
		p, err := file.Page(ctx, n+1)
		if err != nil {
			tb.Fatalf("page %d: %v", n+1, err)
		}
		if n < len(b.Labels) {
			p.Label = b.Labels[n]
		}
		b.Pages = append(b.Pages, p)
	}
	page.Mend(b.Pages)
	return b
}

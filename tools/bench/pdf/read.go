package pdf

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
)

// Read is what was read of a file.
type Read struct {
	Text     string
	Headings []Heading
	Peak     int64 // bytes of the largest process that read pages, where some did
}

// ReadFile reads a file as a reader of it would. CacheDir is where PDFium's compiled form is kept.
func ReadFile(ctx context.Context, cacheDir, name string) (Read, error) {
	library, err := pdfium.Load(ctx, pdfium.Config{CacheDir: cacheDir})
	if err != nil {
		return Read{}, err
	}
	defer library.Close(ctx) //nolint:errcheck // nothing is lost
	from, err := os.Open(name)
	if err != nil {
		return Read{}, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	info, err := from.Stat()
	if err != nil {
		return Read{}, err
	}
	file, err := library.Open(ctx, from, info.Size(), "")
	if err != nil {
		return Read{}, err
	}
	defer file.Close(ctx) //nolint:errcheck // nothing is lost
	doc, err := file.Document(ctx)
	if err != nil {
		return Read{}, err
	}
	var pages []*page.Page
	for n := range file.Pages() {
		p, err := file.Page(ctx, n+1)
		if err != nil {
			return Read{}, fmt.Errorf("page %d of %s: %w", n+1, name, err)
		}
		pages = append(pages, p)
	}
	return Lay(*doc, pages), nil
}

// Lay is what the pages of a file say.
func Lay(doc page.Document, pages []*page.Page) Read {
	page.Mend(pages)
	book := layout.Lay(doc, slices.Values(pages))
	return Read{Text: layout.Text(book), Headings: HeadingsOf(book)}
}

// HeadingsOf are the titles of a book: its headings, and what else a bookmark leads to or stands above a table.
func HeadingsOf(book *layout.Book) []Heading {
	var list []Heading
	for _, b := range book.Blocks {
		switch {
		case b.Kind == layout.Heading || b.Kind == layout.Caption:
			list = append(list, Heading{b.Text, b.Page, b.Level})
		case b.Bookmark != "":
			list = append(list, Heading{b.Bookmark, b.Page, b.Level})
		}
	}
	return list
}

// ReadOutline reads bookmarks, one a line: level, page and title, apart by tabs.
func ReadOutline(name string) ([]Heading, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	var list []Heading
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("bookmarks in %s: the line %q has no level, page and title", name, lines.Text())
		}
		level, levelErr := strconv.Atoi(parts[0])
		number, pageErr := strconv.Atoi(parts[1])
		if levelErr != nil || pageErr != nil {
			return nil, fmt.Errorf("bookmarks in %s: the level or page in the line %q is no number", name, lines.Text())
		}
		list = append(list, Heading{parts[2], number, level})
	}
	return list, lines.Err()
}

package layout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// TestLostPage lays out a book of which a page could not be read: there is nothing of it, not even its size.
func TestLostPage(t *testing.T) {
	pages := []*page.Page{
		sheet(1, filled(50, 100, "Before", 10)...), {Number: 2, Faults: []page.Fault{{Code: "page_timeout"}}}, sheet(3, filled(50, 100, "Behind", 10)...),
	}
	book := layout.Lay(page.Document{Pages: 3}, slices.Values(pages))
	text := layout.Text(book)
	if len(book.Pages) != 3 || !strings.Contains(text, "Before") || !strings.Contains(text, "Behind") {
		t.Errorf("%d pages: %s", len(book.Pages), text)
	}
}

//go:build integration

package pdf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
)

// TestBars: the text of a rulebook in two columns, against one that people have checked, and its headings against its bookmarks.
func TestBars(t *testing.T) {
	books := testdata.Dir(t, "pdf")
	read, err := ReadFile(t.Context(), pdfium.CacheDir(), filepath.Join(books, "srd-5.1-cc.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile(filepath.Join(books, "ref", "srd-5.1-text-tabyltop.txt"))
	if err != nil {
		t.Fatal(err)
	}
	score := CompareText(string(reference), read.Text)
	t.Log(score)
	for _, bar := range Bars() {
		if got := bar.Of(score); !(got >= bar.Least) {
			t.Errorf("%s: %.4f, want %.4f", bar.Name, got, bar.Least)
		}
	}
	marks, err := ReadOutline(filepath.Join(books, "ref", "srd-5.1-outline.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	// The bookmarks leave out headings, misspell some, and name places that have none.
	headings := CompareHeadings(marks, read.Headings)
	t.Log(headings)
	if headings.Precision < 0.73 || headings.Recall < 0.87 || headings.Levels < 0.95 {
		t.Errorf("headings: %v", headings)
	}
}

package pdfium

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Document is what the file says of itself.
func (f *File) Document(ctx context.Context) (*page.Document, error) {
	d := &page.Document{Pages: f.pages}
	for tag, field := range map[string]*string{
		"Title": &d.Title, "Author": &d.Author, "Subject": &d.Subject, "Producer": &d.Producer, "Creator": &d.Creator,
	} {
		name, err := f.text(ctx, tag)
		if err != nil {
			return nil, err
		}
		value, err := f.wide(ctx, "FPDF_GetMetaText", f.document, uint64(name))
		if err != nil {
			return nil, err
		}
		f.release(ctx, name)
		*field = clean(value)
	}
	language, err := f.wide(ctx, "FPDFCatalog_GetLanguage", f.document)
	if err != nil {
		return nil, err
	}
	d.Language = clean(language)
	d.Encrypted = f.encrypted
	tagged, err := f.call(ctx, "FPDFCatalog_IsTagged", f.document)
	if err != nil {
		return nil, err
	}
	d.Tagged = tagged != 0
	if d.Labels, err = f.labels(ctx); err != nil {
		return nil, err
	}
	d.Outline, err = f.outline(ctx)
	return d, err
}

// titleBytes is the most that is kept of a title and the like.
const titleBytes = 500

// clean makes one line of a text, without what cannot be shown.
func clean(s string) string {
	if len(s) > titleBytes {
		s = s[:titleBytes] // a character cut in two is left out below
	}
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))), " ")
}

// labels are the numbers that the file gives its pages.
func (f *File) labels(ctx context.Context) ([]string, error) {
	labels := make([]string, 0, min(f.pages, f.library.config.Limits.Pages))
	labelled := false
	for n := range min(f.pages, f.library.config.Limits.Pages) {
		label, err := f.wide(ctx, "FPDF_GetPageLabel", f.document, uint64(n))
		if err != nil {
			return nil, err
		}
		labels = append(labels, clean(label))
		if labelled = labelled || label != ""; !labelled && n > 8 {
			break
		}
	}
	if !labelled {
		return nil, nil
	}
	return labels, nil
}

// outline is the tree of bookmarks, in reading order.
func (f *File) outline(ctx context.Context) ([]page.Bookmark, error) {
	limits := f.library.config.Limits
	first, err := f.call(ctx, "FPDFBookmark_GetFirstChild", f.document, 0)
	if err != nil {
		return nil, err
	}
	var heights []float32
	if first != 0 {
		if heights, err = f.heights(ctx); err != nil {
			return nil, err
		}
	}
	var marks []page.Bookmark
	seen := map[uint64]bool{} // a tree that bites its tail is none
	path := []uint64{first}   // the next one of each level
	for len(path) > 0 && len(marks) < limits.Bookmarks {
		level := len(path) - 1
		at := path[level]
		if at == 0 || seen[at] {
			path = path[:level]
			continue
		}
		seen[at] = true
		mark, err := f.bookmark(ctx, at, level, heights)
		if err != nil {
			return nil, err
		}
		marks = append(marks, mark)
		if path[level], err = f.call(ctx, "FPDFBookmark_GetNextSibling", f.document, at); err != nil {
			return nil, err
		}
		if len(path) < limits.Depth {
			child, err := f.call(ctx, "FPDFBookmark_GetFirstChild", f.document, at)
			if err != nil {
				return nil, err
			}
			if child != 0 {
				path = append(path, child)
			}
		}
	}
	return marks, nil
}

// heights are those of the pages. PDFium finds the page of a bookmark by walking through all of them, unless it has met them before; here it
// meets them.
func (f *File) heights(ctx context.Context) ([]float32, error) {
	heights := make([]float32, 0, min(f.pages, f.library.config.Limits.Pages))
	for n := range cap(heights) {
		height, err := f.pageHeight(ctx, n)
		if err != nil {
			return nil, err
		}
		heights = append(heights, height)
	}
	return heights, nil
}

// pageHeight is how high the nth page is, from 0.
func (f *File) pageHeight(ctx context.Context, n int) (float32, error) {
	ok, err := f.call(ctx, "FPDF_GetPageSizeByIndexF", f.document, uint64(n), uint64(f.room))
	if err != nil || ok == 0 {
		return 0, err
	}
	size, err := f.floats(2)
	if err != nil {
		return 0, err
	}
	return size[1], nil
}

func (f *File) bookmark(ctx context.Context, at uint64, level int, heights []float32) (page.Bookmark, error) {
	mark := page.Bookmark{Level: level, Y: -1}
	title, err := f.wide(ctx, "FPDFBookmark_GetTitle", at)
	if err != nil {
		return mark, err
	}
	mark.Title = clean(title)
	target, err := f.call(ctx, "FPDFBookmark_GetDest", f.document, at)
	if err != nil || target == 0 {
		return mark, err
	}
	index, err := f.call(ctx, "FPDFDest_GetDestPageIndex", f.document, target)
	if err != nil {
		return mark, err
	}
	n := int(int32(index))
	if n < 0 || n >= f.pages {
		return mark, nil
	}
	mark.Page = n + 1
	mark.Y, err = f.fromTop(ctx, target, n, heights)
	return mark, err
}

// The views of a target that say how high on the page it is, by where among the view's numbers.
var levels = map[uint64]int{1: 1, 3: 0, 5: 3, 7: 0}

// fromTop is how far below the top of its page a target is; negative: it does not say.
func (f *File) fromTop(ctx context.Context, target uint64, n int, heights []float32) (float32, error) {
	count, numbers := uint64(f.room), uint64(f.room)+8
	view, err := f.call(ctx, "FPDFDest_GetView", target, count, numbers)
	if err != nil {
		return -1, err
	}
	memory, err := f.view(f.room, 24)
	if err != nil {
		return -1, err
	}
	place, ok := levels[view]
	if !ok || int(binary.LittleEndian.Uint32(memory)) <= place {
		return -1, nil
	}
	y := float(memory[8+4*place:])
	if n < len(heights) {
		return max(0, min(heights[n]-y, heights[n])), nil
	}
	height, err := f.pageHeight(ctx, n)
	if err != nil {
		return -1, err
	}
	return max(0, min(height-y, height)), nil
}

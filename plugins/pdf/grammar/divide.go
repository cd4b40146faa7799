package grammar

import "github.com/seed-98789ff7/converter/plugins/pdf/layout"

// divide returns the book with its blocks divided in front of lines, and in which block of it a line stands. Tables stay whole.
func (f *finder) divide(cuts map[int]bool) (book layout.Book, blockOf func(line int) int) {
	book = layout.Book{Pages: f.book.Pages, Body: f.book.Body, Blocks: make([]layout.Block, 0, len(f.book.Blocks))}
	at := make([]int, len(f.lines))
	for from := 0; from < len(f.lines); {
		to := from + 1
		for to < len(f.lines) && f.lines[to].block == f.lines[from].block {
			to++
		}
		begin := from
		for i := from; i < to; i++ {
			if i > begin && cuts[i] && f.lines[i].kind != layout.Table {
				book.Blocks = append(book.Blocks, f.part(begin, i))
				begin = i
			}
			at[i] = len(book.Blocks)
		}
		if begin == from {
			book.Blocks = append(book.Blocks, f.book.Blocks[f.lines[from].block])
		} else {
			book.Blocks = append(book.Blocks, f.part(begin, to))
		}
		from = to
	}
	return book, func(line int) int {
		if line < 0 || line >= len(at) {
			return len(book.Blocks)
		}
		return at[line]
	}
}

// part makes a block of some lines of one.
func (f *finder) part(from, to int) layout.Block {
	b := f.book.Blocks[f.lines[from].block]
	if f.lines[from].at > 0 {
		b.Bookmark = ""
	}
	set := b.Lines
	if len(set) == 0 {
		set = rows(&b)
		b.Lines = nil
	} else {
		b.Lines = set[f.lines[from].at : f.lines[from].at+to-from]
	}
	b.Spans, b.Places = nil, nil
	var text []byte
	for i := from; i < to; i++ {
		l := set[f.lines[i].at]
		switch {
		case len(text) == 0:
		case len(b.Lines) == 0:
			text = append(text, '\n')
		default:
			text = f.joint(text, i, f.lines[i].text)
			for n := len(b.Spans) - 1; n >= 0 && b.Spans[n].To > len(text); n-- {
				b.Spans[n].To = len(text)
			}
		}
		for _, s := range l.Spans {
			s.From, s.To = s.From+len(text), s.To+len(text)
			b.Spans = append(b.Spans, s)
		}
		text = append(text, l.Text...)
		b.Places = append(b.Places, l.Place)
	}
	b.Text = string(text)
	b.Page, b.PageEnd = f.lines[from].place.Page, f.lines[to-1].place.Page
	return b
}

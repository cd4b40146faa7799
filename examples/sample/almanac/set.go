package main

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"strings"
)

// Lengths are points. A page is A5.
const (
	pageWidth  = 420
	pageHeight = 595
	top        = 540
	bottom     = 50
	left       = 36
	columnGap  = 18
	columnSize = (pageWidth - 2*left - columnGap) / 2
	bodySize   = 9
	leading    = 11.5
)

// face is one of the fonts that every reader has, with the widths of its letters from blank to tilde in thousandths of its size.
type face struct {
	name   string
	base   string
	widths [95]int
}

var (
	regular = face{"R", "Helvetica", [95]int{
		278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
		278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,
		611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833,
		556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
	}}
	italic = face{"I", "Helvetica-Oblique", regular.widths}
	bold   = face{"B", "Helvetica-Bold", [95]int{
		278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556,
		333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667,
		611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889,
		611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
	}}
)

func (f face) width(text string, size float64) float64 {
	sum := 0
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			sum += f.widths[r-' ']
		case r == '\u2019':
			sum += 222
		default:
			sum += 556
		}
	}
	return float64(sum) * size / 1000
}

// word is a word in its face.
type word struct {
	text string
	face face
}

// bookmark leads to a heading.
type bookmark struct {
	title string
	level int
	page  int // from 0
	y     float64
}

// setter puts words onto pages.
type setter struct {
	pages     []strings.Builder
	bookmarks []bookmark
	column    int
	y         float64
	title     string
}

// set makes the file: words in the form of almanac.txt, and a picture on a page of its own.
func set(words string, picture []byte) ([]byte, error) {
	s := &setter{}
	caption := ""
	var rows [][]string
	var box []string
	for line := range strings.Lines(strings.ReplaceAll(words, "'", "\u2019") + "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") && rows != nil {
			s.table(rows)
			rows = nil
		}
		if !strings.HasPrefix(line, ">") && box != nil {
			s.sidebar(box)
			box = nil
		}
		switch mark, text, _ := strings.Cut(line, " "); mark {
		case "":
			if s.pages != nil {
				s.y -= leading / 2
			}
		case "=":
			s.title = text
		case "~":
			s.page()
			s.line([]word{{s.title, bold}}, left, 22, "0.35 0.1 0.1")
			s.y -= 30
			s.line([]word{{text, italic}}, left, 10, "0")
			s.y -= 26
		case "#":
			s.heading(text, 16, 0)
		case "##":
			s.heading(text, 11, 1)
		case "|":
			var row []string
			for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
				row = append(row, strings.TrimSpace(cell))
			}
			rows = append(rows, row)
		case ">":
			box = append(box, text)
		case "!":
			caption = text
		default:
			s.paragraph(line)
		}
	}
	return s.file(picture, caption)
}

func (s *setter) page() {
	s.pages = append(s.pages, strings.Builder{})
	s.column, s.y = 0, top
	p := s.current()
	if n := len(s.pages); n > 1 {
		fmt.Fprintf(p, "BT /I 8 Tf 0.4 g %d 565 Td %s Tj ET\n", left, literal(s.title))
		fmt.Fprintf(p, "BT /R 8 Tf 0.4 g %d 28 Td %s Tj ET\n", pageWidth/2-6, literal(fmt.Sprintf("\u2013 %d \u2013", n)))
	}
}

func (s *setter) current() *strings.Builder { return &s.pages[len(s.pages)-1] }

func (s *setter) x() float64 { return left + float64(s.column)*(columnSize+columnGap) }

// room goes on to the next column, or page, when so much does not fit.
func (s *setter) room(height float64) {
	if s.y-height >= bottom {
		return
	}
	if s.column == 0 {
		s.column, s.y = 1, top
		if len(s.pages) == 1 {
			s.y = top - 56
		}
		return
	}
	s.page()
}

// line sets words from x on; the y of the setter is the baseline.
func (s *setter) line(words []word, x, size float64, color string) {
	p := s.current()
	for i, w := range words {
		text := w.text
		if i < len(words)-1 {
			text += " "
		}
		fmt.Fprintf(p, "BT /%s %g Tf %s %s %.2f %.2f Td %s Tj ET\n", w.face.name, size, color, shade(color), x, s.y, literal(text))
		x += w.face.width(text, size)
	}
}

func shade(color string) string {
	if strings.Contains(color, " ") {
		return "rg"
	}
	return "g"
}

func (s *setter) heading(text string, size float64, level int) {
	s.room(size + 4*leading)
	s.y -= size * 0.6
	s.bookmarks = append(s.bookmarks, bookmark{text, level, len(s.pages) - 1, s.y + size})
	s.line([]word{{text, bold}}, s.x(), size, "0.35 0.1 0.1")
	s.y -= size*0.4 + 8
}

// wrap divides words of the body into lines.
func wrap(words []word, width float64) (lines [][]word) {
	var line []word
	used := 0.0
	for _, w := range words {
		wide := w.face.width(w.text+" ", bodySize)
		if len(line) > 0 && used+wide > width {
			lines = append(lines, line)
			line, used = nil, 0
		}
		line = append(line, w)
		used += wide
	}
	return append(lines, line)
}

// styled are the words of a line: italic between _, bold between **.
func styled(line string) (words []word) {
	f := regular
	if inner, ok := strings.CutPrefix(line, "_"); ok {
		line, f = strings.TrimSuffix(inner, "_"), italic
	}
	for i, part := range strings.Split(line, "**") {
		in := f
		if i%2 == 1 {
			in = bold
		}
		for text := range strings.FieldsSeq(part) {
			words = append(words, word{text, in})
		}
	}
	return words
}

func (s *setter) paragraph(line string) {
	for _, l := range wrap(styled(line), columnSize) {
		s.room(leading)
		s.line(l, s.x(), bodySize, "0")
		s.y -= leading
	}
}

// table sets rows without lines around them: the columns are as wide as they have to be.
func (s *setter) table(rows [][]string) {
	s.room(float64(len(rows)) * leading)
	starts := []float64{0}
	for c := range len(rows[0]) - 1 {
		wide := 0.0
		for _, row := range rows {
			wide = max(wide, bold.width(row[c], bodySize))
		}
		starts = append(starts, starts[c]+wide+10)
	}
	for i, row := range rows {
		f := regular
		if i == 0 {
			f = bold
		}
		lines := 1
		for c, cell := range row {
			width := columnSize - starts[c]
			if c+1 < len(row) {
				width = starts[c+1] - starts[c]
			}
			var words []word
			for text := range strings.FieldsSeq(cell) {
				words = append(words, word{text, f})
			}
			at := s.y
			all := wrap(words, width)
			for _, l := range all {
				s.line(l, s.x()+starts[c], bodySize, "0")
				s.y -= leading
			}
			lines, s.y = max(lines, len(all)), at
		}
		s.y -= float64(lines) * leading
	}
}

// sidebar sets a title and a text on a grey ground.
func (s *setter) sidebar(lines []string) {
	const margin = 6
	var all [][]word
	for i, line := range lines {
		words := styled(line)
		for j := range words {
			if i == 0 {
				words[j].face = bold
			}
		}
		all = append(all, wrap(words, columnSize-2*margin)...)
	}
	high := float64(len(all))*leading + 2*margin
	s.room(high)
	fmt.Fprintf(s.current(), "0.9 g %.2f %.2f %d %.2f re f\n", s.x(), s.y+leading-margin/2-high, columnSize, high)
	s.y -= margin / 2
	for _, l := range all {
		s.line(l, s.x()+margin, bodySize, "0")
		s.y -= leading
	}
	s.y -= margin
}

// file puts the pages, the picture and the bookmarks together.
func (s *setter) file(picture []byte, caption string) ([]byte, error) {
	about, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("the map: %w", err)
	}
	s.page()
	wide := float64(pageWidth - 2*left)
	high := wide * float64(about.Height) / float64(about.Width)
	fmt.Fprintf(s.current(), "q %.2f 0 0 %.2f %d %.2f cm /Map Do Q\n", wide, high, left, top-high)
	s.y = top - high - 18
	s.line(styled("_"+caption+"_"), left, bodySize, "0")

	f := &file{}
	root, tree := f.reserve(), f.reserve()
	var fonts strings.Builder
	for _, a := range []face{regular, bold, italic} {
		n := f.add(fmt.Sprintf("<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding>>", a.base))
		fmt.Fprintf(&fonts, "/%s %d 0 R", a.name, n)
	}
	drawing := f.stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode",
		about.Width, about.Height), picture)
	var pages []int
	for i := range s.pages {
		content := f.stream("", []byte(s.pages[i].String())) // not packed: packers change
		pages = append(pages, f.add(fmt.Sprintf("<</Type/Page/Parent %d 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<<%s>>/XObject<</Map %d 0 R>>>>>>",
			tree, pageWidth, pageHeight, content, fonts.String(), drawing)))
	}
	var kids strings.Builder
	for _, p := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", p)
	}
	f.put(tree, fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids.String(), len(pages)))
	f.put(root, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R/Outlines %d 0 R/Lang(en)>>", tree, f.outline(s.bookmarks, pages)))
	info := f.add(fmt.Sprintf("<</Title%s/Author(The keepers of Pellwick)/Creator(examples/sample/almanac)>>", title(s.title)))
	return f.bytes(root, info), nil
}

// outline adds the bookmarks, chapters with what is in them, and returns the number of their root.
func (f *file) outline(marks []bookmark, pages []int) int {
	root := f.reserve()
	numbers := make([]int, len(marks))
	for i := range marks {
		numbers[i] = f.reserve()
	}
	var chapters []int
	inside := map[int][]int{}
	for i, m := range marks {
		if m.level == 0 {
			chapters = append(chapters, i)
		} else {
			last := chapters[len(chapters)-1]
			inside[last] = append(inside[last], i)
		}
	}
	f.siblings(marks, numbers, pages, chapters, root, inside)
	for chapter, list := range inside {
		f.siblings(marks, numbers, pages, list, numbers[chapter], nil)
	}
	f.put(root, fmt.Sprintf("<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>",
		numbers[chapters[0]], numbers[chapters[len(chapters)-1]], len(marks)))
	return root
}

func (f *file) siblings(marks []bookmark, numbers, pages, list []int, parent int, inside map[int][]int) {
	for n, i := range list {
		m := marks[i]
		text := fmt.Sprintf("<</Title%s/Parent %d 0 R/Dest[%d 0 R/XYZ 0 %.2f 0]", title(m.title), parent, pages[m.page], m.y)
		if n > 0 {
			text += fmt.Sprintf("/Prev %d 0 R", numbers[list[n-1]])
		}
		if n+1 < len(list) {
			text += fmt.Sprintf("/Next %d 0 R", numbers[list[n+1]])
		}
		if below := inside[i]; len(below) > 0 {
			text += fmt.Sprintf("/First %d 0 R/Last %d 0 R/Count %d", numbers[below[0]], numbers[below[len(below)-1]], len(below))
		}
		f.put(numbers[i], text+">>")
	}
}

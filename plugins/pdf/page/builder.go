package page

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The rules by which characters become fragments, in em: the size of the type they are set in.
const (
	wordGap   = 0.08 // beyond the tracking, from here on there is a blank between two characters, whether or not there is one in the file
	guessGap  = 0.05 // the same where PDFium guesses one, and in lines without any that are set tightly
	breakGap  = 1.00 // beyond it a fragment ends, though the file sets it as one text
	joinGap   = 0.75 // up to it neighbours in the stream are one fragment
	strayGap  = 0.28 // up to it others on the line are: more would fuse columns
	lowered   = 0.25 // how far below the baseline of a fragment a character of it may stand
	raised    = 0.75 // and how far above
	backwards = 0.20 // how far a character may begin before the one in front of it
	aligned   = 0.10 // baselines this close are one when fragments are joined
	initial   = 2.2  // type larger than its neighbour by this factor is an initial, and a fragment of its own
	ligature  = 0.40 // width from which a control code is a ligature
)

// Setting is how characters are set.
type Setting struct {
	Font  Font
	Size  float32 // as seen on the page
	Color uint32
	// DX and DY is the direction in which the text runs, of length 1. (1, 0) is upright.
	DX, DY float32
}

func (s Setting) upright() bool { return s.DX > 0.999 }

// Char is a code point that the page paints. Several in one place are one glyph.
type Char struct {
	Rune rune
	Box  Box     // its advance wide, ascent and descent high
	X, Y float32 // its origin on the baseline
}

// hyphenMark is what PDFium puts in place of a hyphen at the end of a line.
const hyphenMark = '\x02'

// Builder makes fragments of characters that come in the order in which the page paints them. The zero value is ready.
type Builder struct {
	setting Setting
	sets    int // how many there have been
	em      float32
	fresh   bool   // a text begins
	place   []Char // the code points in one place
	fonts   []Font
	lines   []*line
	open    *line
	chars   int

	// What the line that is open is made in.
	text   []byte // without blanks
	spaced []byte // with them
	glyphs []glyph
	gaps   []float32
	words  []Word

	// Where it is kept.
	lineRoom room[line]
	textRoom room[byte]
	wordRoom room[Word]
}

// line is a fragment that grows.
type line struct {
	Fragment
	text    []byte // Text, until it is complete
	glyphs  []glyph
	setting Setting // of its last character
	sets    int     // which one it is
	lead    float32 // size of its largest type
	dx, dy  float32
	v       float32 // its baseline, across the direction
	u0, u1  float32 // along the direction: where it begins, where its last visible character ends
	last    float32 // where that begins
	blank   bool    // a blank follows it in the file
	guess   bool    // PDFium guesses that one does
	order   int
}

// glyph is a visible one of a line.
type glyph struct {
	from         int // byte offset in the text without blanks
	u0, u1       float32
	gap          float32 // in front of it, in em
	blank, guess bool    // in front of it
}

// Set begins a text of the file, and says how it is set.
func (b *Builder) Set(s Setting) {
	b.flush()
	if s.DX == 0 && s.DY == 0 {
		s.DX = 1
	}
	b.setting, b.fresh = s, true
	b.sets++
}

// Add adds a character.
func (b *Builder) Add(c Char) {
	if n := len(b.place); n > 0 {
		if p := &b.place[n-1]; p.Box != c.Box || p.X != c.X || p.Y != c.Y {
			b.flush()
		}
	}
	b.place = append(b.place, c)
}

// Build puts what came into a page.
func (b *Builder) Build(p *Page) {
	b.flush()
	b.finish()
	p.Fonts, p.Chars = b.fonts, b.chars
	lines := join(b.lines)
	size := 0
	for _, l := range lines {
		size += len(l.text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, l := range lines {
		all.Write(l.text)
	}
	text := all.String()
	composed := norm.NFC.IsNormalString(text) // then each part of it is
	p.Fragments = slices.Grow(p.Fragments, len(lines))
	for _, l := range lines {
		f := l.Fragment
		f.Text, text = text[:len(l.text)], text[len(l.text):]
		if !composed && !norm.NFC.IsNormalString(f.Text) {
			rewrite(&f, func(piece string, _ int) string { return norm.NFC.String(piece) })
		}
		p.Fragments = append(p.Fragments, f)
	}
	mendPage(p)
}

// flush takes the glyph that is complete.
func (b *Builder) flush() {
	if len(b.place) == 0 {
		return
	}
	first := b.place[0]
	b.em = b.setting.Size
	if height := first.Box.Y1 - first.Box.Y0; b.em < 0.5 && b.setting.upright() && height > 1 {
		b.em = height // a font that draws its own glyphs may have any size
	}
	b.em = max(b.em, 0.1)
	text, hyphen := b.meaning()
	b.place = b.place[:0]
	switch {
	case text == "":
	case text == " " && b.open == nil:
	case text == " " && first.Box.X0 == first.Box.X1 && first.Box.Y0 == first.Box.Y1:
		b.open.guess = true
	case text == " ":
		b.open.blank = true
	default:
		b.chars++
		b.put(&first, text, hyphen)
	}
}

// meaning is what the glyph stands for: fonts may map it to several code points, of which some are the letters of a ligature,
// and others say the same again.
func (b *Builder) meaning() (text string, hyphen bool) {
	var all [8]rune
	runes := all[:0]
	width := max(b.place[0].Box.X1-b.place[0].Box.X0, b.place[0].Box.Y1-b.place[0].Box.Y0)
	if b.setting.upright() {
		width = b.place[0].Box.X1 - b.place[0].Box.X0
	}
	if len(b.place) == 1 {
		r := b.place[0].Rune
		if letters := controlLigature(r); letters != "" && width > ligature*b.em {
			return letters, false
		}
		if r > ' ' && r < 0x7f {
			return ascii[r-' ' : r-' '+1], false
		}
	}
	for i := 0; i < len(b.place); i++ {
		r := b.place[i].Rune
		if high := r; high >= 0xD800 && high < 0xDC00 && i+1 < len(b.place) {
			if low := b.place[i+1].Rune; low >= 0xDC00 && low < 0xE000 {
				r = 0x10000 + (high-0xD800)<<10 + (low - 0xDC00)
				i++
			}
		}
		switch {
		case r == hyphenMark || r == 0xFFFE || r == 0xAD:
			hyphen, r = true, '-'
		case isBlank(r):
			r = ' '
		case r == 0x336 && width > ligature*b.em:
			r = '—' // what some fonts call it: a stroke that would go through a letter
		case r == 0x200B || r == 0xFEFF || r == 0x200D || r == 0x200C || r == 0x2060:
			continue // of no width
		case r == 0 || !utf8.ValidRune(r) || unicode.Is(unicode.Noncharacter_Code_Point, r):
			r = utf8.RuneError
		case unicode.IsControl(r):
			r = utf8.RuneError
		}
		runes = append(runes, r)
	}
	if len(runes) > 1 {
		runes = collapse(runes)
	}
	return string(runes), hyphen && len(runes) == 1
}

const ascii = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// collapse leaves one of the code points that say the same.
func collapse(runes []rune) []rune {
	if !slices.ContainsFunc(runes, func(r rune) bool { return r != ' ' }) {
		return runes[:1]
	}
	if !slices.ContainsFunc(runes, func(r rune) bool { return !isDash(r) }) {
		if slices.Contains(runes, '-') {
			return append(runes[:0], '-')
		}
		return runes[:1]
	}
	kept := runes[:1]
	for _, r := range runes[1:] {
		if last := kept[len(kept)-1]; r != last && norm.NFKC.String(string(r)) == norm.NFKC.String(string(last)) {
			continue
		}
		if r == ' ' || kept[len(kept)-1] == ' ' {
			if kept[len(kept)-1] == ' ' {
				kept[len(kept)-1] = r
			}
			continue // no glyph is a letter and a blank
		}
		kept = append(kept, r)
	}
	return kept
}

func isBlank(r rune) bool { return unicode.IsSpace(r) }

func isDash(r rune) bool {
	return r == '-' || r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == 0x2043 || r == 0xFE63 || r == 0xFF0D
}

// controlLigature is the ligature that TeX's fonts have in the place of a control code.
func controlLigature(r rune) string {
	switch r {
	case 0x08, 0x0D:
		return "fl"
	case 0x0B:
		return "ff"
	case 0x0C:
		return "fi"
	case 0x0E:
		return "ffi"
	case 0x0F:
		return "ffl"
	}
	return ""
}

// put adds a glyph to the fragment that is open, or opens another.
func (b *Builder) put(c *Char, text string, hyphen bool) {
	s := &b.setting
	u0, u1, v := c.Box.X0, c.Box.X1, c.Y
	if !s.upright() {
		u0, v = c.X*s.DX+c.Y*s.DY, c.Y*s.DX-c.X*s.DY
		u1 = u0 + turnedWidth(c.Box, *s, b.em)
	}
	l := b.open
	limit := float32(breakGap)
	if b.fresh {
		limit = joinGap
	}
	b.fresh = false
	if l == nil || !l.takes(s, b.em, u0, u1, v, limit) {
		b.finish()
		l = &b.lineRoom.take(1)[0]
		*l = line{
			Fragment: Fragment{Box: c.Box, Turned: !s.upright()},
			text:     b.text[:0], glyphs: b.glyphs[:0],
			lead: b.em, dx: s.DX, dy: s.DY, v: v, u0: u0, order: len(b.lines),
		}
		b.open = l
	} else {
		l.Box = l.Box.Union(c.Box)
	}
	if b.em > l.lead*1.15 {
		l.v, l.lead = v, b.em
	}
	g := glyph{from: len(l.text), u0: u0, u1: u1, blank: l.blank, guess: l.guess}
	if len(l.glyphs) > 0 {
		g.gap = (u0 - l.u1) / max(b.em, l.setting.Size)
	}
	l.glyphs = append(l.glyphs, g)
	l.blank, l.guess = false, false
	l.text = append(l.text, text...)
	if n := len(l.Runs); n > 0 && l.sets == b.sets && l.setting.Size == b.em {
		l.Runs[n-1].End = len(l.text)
	} else {
		b.style(l)
		l.setting, l.sets = *s, b.sets
		l.setting.Size = b.em
	}
	l.last, l.u1, l.Hyphen = u0, u1, hyphen
}

// turnedWidth is the advance of a character along a direction that is not level, of which the box is known.
func turnedWidth(box Box, s Setting, em float32) float32 {
	dx, dy := abs(s.DX), abs(s.DY)
	switch {
	case dx > 0.99:
		return box.X1 - box.X0
	case dy > 0.99:
		return box.Y1 - box.Y0
	}
	// A box around a turned rectangle: w*dx + h*dy wide, and h is about the size of the type.
	if w := (box.X1 - box.X0 - em*dy) / dx; w > 0 && w < 2*em {
		return w
	}
	return em / 2
}

// takes says whether a character goes on with the line.
func (l *line) takes(s *Setting, em, u0, u1, v, limit float32) bool {
	if s.DX*l.dx+s.DY*l.dy < 0.999 {
		return false
	}
	if big, small := max(em, l.lead), min(em, l.lead); big > initial*small {
		return false
	}
	up := l.v - v
	level := up >= -lowered*l.lead && up <= raised*l.lead
	if !level && em > l.lead*1.15 { // what came is raised or lowered against this
		level = -up >= -lowered*em && -up <= raised*em
	}
	largest := max(em, l.setting.Size)
	return level && u0 >= l.last-backwards*largest && u0-l.u1 <= limit*largest && u1 >= l.u0
}

// style sets the run in which the line's last character is.
func (b *Builder) style(l *line) {
	s := &b.setting
	if n := len(l.Runs); n > 0 && l.setting.Font == s.Font && l.Runs[n-1].Color == s.Color && l.Runs[n-1].Size == round(b.em) {
		l.Runs[n-1].End = len(l.text)
		return
	}
	at := slices.Index(b.fonts, s.Font)
	if at < 0 {
		at = len(b.fonts)
		b.fonts = append(b.fonts, s.Font)
	}
	l.Runs = append(l.Runs, Run{End: len(l.text), Font: at, Size: round(b.em), Color: s.Color})
}

// finish closes the fragment that is open.
func (b *Builder) finish() {
	if b.open == nil {
		return
	}
	l := b.open
	b.text, b.glyphs = l.text, l.glyphs
	b.divide(l)
	if l.Turned {
		l.Words = nil
	} else {
		l.Baseline = l.v
	}
	b.lines = append(b.lines, l)
	b.open = nil
}

// divide puts the blanks between the words of a line.
func (b *Builder) divide(l *line) {
	word, guess := b.limits(l)
	tight := len(l.glyphs) >= tightest && !slices.ContainsFunc(l.glyphs, func(g glyph) bool { return g.blank })
	text, words := b.spaced[:0], b.words[:0]
	run := 0
	for i, g := range l.glyphs {
		for run < len(l.Runs) && l.Runs[run].End <= g.from {
			l.Runs[run].End = len(text)
			run++
		}
		if i > 0 && (g.blank || g.gap > word || g.gap > guess && (g.guess || tight && l.lettersAround(i))) {
			text = append(text, ' ')
			words = append(words, Word{From: len(text), X0: g.u0, X1: g.u1})
		}
		if i == 0 {
			words = append(words, Word{X0: g.u0, X1: g.u1})
		}
		text = append(text, l.piece(i)...)
		w := &words[len(words)-1]
		w.To, w.X0, w.X1 = len(text), min(w.X0, g.u0), max(w.X1, g.u1)
	}
	for ; run < len(l.Runs); run++ {
		l.Runs[run].End = len(text)
	}
	b.spaced, b.words = text, words
	l.text, l.Words, l.glyphs = b.textRoom.keep(text), b.wordRoom.keep(words), nil
}

// limits are the gaps from which there is a blank: in any case, and where there is a reason to think so.
func (b *Builder) limits(l *line) (word, guess float32) {
	const (
		few   = 4    // gaps, of which the middle says nothing
		usual = 0.02 // between letters that are not set apart on purpose
	)
	word, guess = wordGap, guessGap
	if len(l.glyphs) <= few {
		return word, guess
	}
	gaps := b.gaps[:0]
	for i := range l.glyphs[1:] {
		if g := &l.glyphs[i+1]; !g.blank {
			gaps = append(gaps, g.gap)
		}
	}
	b.gaps = gaps
	if len(gaps) < few {
		return word, guess
	}
	if tracking := nth(gaps, len(gaps)/2) - usual; tracking > 0 {
		word, guess = word+tracking, guess+tracking
	}
	return word, guess
}

// lettersAround says whether there are letters on both sides of a gap. Beside marks a small one means nothing.
func (l *line) lettersAround(i int) bool {
	before, _ := utf8.DecodeLastRune(l.piece(i - 1))
	after, _ := utf8.DecodeRune(l.piece(i))
	return unicode.IsLetter(before) && unicode.IsLetter(after)
}

// tightest is the length from which a line without a blank in the file shows that it is set tightly.
const tightest = 16

// piece is the text of a glyph.
func (l *line) piece(i int) []byte {
	if i+1 < len(l.glyphs) {
		return l.text[l.glyphs[i].from:l.glyphs[i+1].from]
	}
	return l.text[l.glyphs[i].from:]
}

// join makes one of fragments that stand close on one line.
func join(lines []*line) []*line {
	level := make([]*line, 0, len(lines))
	for _, l := range lines {
		if !l.Turned {
			level = append(level, l)
		}
	}
	slices.SortStableFunc(level, func(a, b *line) int { return compare(a.v, b.v) })
	gone := map[*line]bool{}
	for from := 0; from < len(level); {
		to := from + 1
		for to < len(level) && level[to].v-level[from].v <= aligned*level[from].lead {
			to++
		}
		group := level[from:to]
		slices.SortStableFunc(group, func(a, b *line) int { return compare(a.u0, b.u0) })
		last := group[0]
		for _, l := range group[1:] {
			if !last.meets(l) {
				last = l
				continue
			}
			gone[l] = true
			last.append(l)
		}
		from = to
	}
	if len(gone) == 0 {
		return lines
	}
	kept := slices.DeleteFunc(lines, func(l *line) bool { return gone[l] })
	slices.SortStableFunc(kept, func(a, b *line) int { return a.order - b.order })
	return kept
}

// meets says whether another fragment, which begins further right, is the rest of this one.
func (l *line) meets(o *line) bool {
	em := max(l.lead, o.lead)
	limit := float32(strayGap)
	if o.order == l.order+1 || o.order == l.order-1 {
		limit = joinGap
	}
	gap := o.u0 - l.u1
	return !l.Hyphen && em < initial*min(l.lead, o.lead) && gap >= -aligned*em && gap <= limit*em
}

// append puts another fragment to the end of this one. Its place in the order is that of the one painted first.
func (l *line) append(o *line) {
	if l.blank || o.u0-l.u1 > wordGap*max(l.lead, o.lead) {
		l.text = append(l.text, ' ')
	} else if len(l.Words) > 0 && len(o.Words) > 0 { // a word that goes on
		l.Words[len(l.Words)-1].To += o.Words[0].To
		l.Words[len(l.Words)-1].X1 = o.Words[0].X1
		o.Words = o.Words[1:]
	}
	shift := len(l.text)
	for _, w := range o.Words {
		l.Words = append(l.Words, Word{w.From + shift, w.To + shift, w.X0, w.X1})
	}
	if shift > 0 && l.Runs[len(l.Runs)-1].End < shift {
		l.Runs[len(l.Runs)-1].End = shift // the blank
	}
	for _, r := range o.Runs {
		r.End += shift
		if last := &l.Runs[len(l.Runs)-1]; last.Font == r.Font && last.Size == r.Size && last.Color == r.Color {
			last.End = r.End
			continue
		}
		l.Runs = append(l.Runs, r)
	}
	l.text = append(l.text, o.text...)
	l.Box = l.Box.Union(o.Box)
	l.u1, l.lead, l.blank, l.Hyphen = o.u1, max(l.lead, o.lead), o.blank, o.Hyphen
	l.order = min(l.order, o.order)
}

// rewrite replaces pieces of a fragment's text, none of which is in two runs or two words.
func rewrite(f *Fragment, replace func(piece string, run int) string) {
	cuts := []int{0}
	for _, r := range f.Runs {
		cuts = append(cuts, r.End)
	}
	for _, w := range f.Words {
		cuts = append(cuts, w.From, w.To)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var text []byte
	moved := make(map[int]int, len(cuts))
	run := 0
	for i, at := range cuts {
		moved[at] = len(text)
		if i+1 == len(cuts) {
			break
		}
		for run < len(f.Runs)-1 && f.Runs[run].End <= at {
			run++
		}
		text = append(text, replace(f.Text[at:cuts[i+1]], run)...)
	}
	f.Text = string(text)
	for i := range f.Runs {
		f.Runs[i].End = moved[f.Runs[i].End]
	}
	for i := range f.Words {
		f.Words[i].From, f.Words[i].To = moved[f.Words[i].From], moved[f.Words[i].To]
	}
}

// Union is the smallest box around two.
func (b Box) Union(o Box) Box {
	return Box{min(b.X0, o.X0), min(b.Y0, o.Y0), max(b.X1, o.X1), max(b.Y1, o.Y1)}
}

func compare(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func abs(x float32) float32 { return max(x, -x) }

// round leaves hundredths of a point, so that one size is one size whatever the matrices were multiplied by.
func round(x float32) float32 { return float32(math.Round(float64(x)*100) / 100) }

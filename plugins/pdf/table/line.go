package table

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// gapEm is the narrowest white between two columns, in units of the type's size: wider than a blank between words that are not
// stretched.
const gapEm = 0.45

// piece is a part of a fragment without a gap as wide as one between columns.
type piece struct {
	fragment int
	mark     int // fragment of the mark of a list's item that stands before it; -1: there is none
	text     string
	x0, x1   float32
	baseline float32
	top, low float32
	size     float32
	first    float32 // width of its first word
	words    []page.Word
	style
}

// style is how a piece is set.
type style struct {
	family       string // of its font, without what says bold or italic
	bold, italic bool
	color        uint32
}

// fragments are those that a piece is made of, in the order of reading.
func (p *piece) fragments() []int {
	if p.mark < 0 {
		return []int{p.fragment}
	}
	return []int{p.mark, p.fragment}
}

// line is what stands on one baseline.
type line struct {
	pieces         []piece // from left to right
	baseline, size float32
	top, low       float32
	body           bool // it is set as most of the file's text is
	mixed          bool // parts of it are set so, or smaller, and others are not
}

func (l *line) x0() float32 { return l.pieces[0].x0 }

func (l *line) x1() float32 {
	right := l.pieces[0].x1
	for _, p := range l.pieces[1:] {
		right = max(right, p.x1)
	}
	return right
}

// bold says that all of the line is bold.
func (l *line) bold() bool {
	return !slices.ContainsFunc(l.pieces, func(p piece) bool { return !p.bold })
}

// text is the line with its pieces apart by two blanks.
func (l *line) text() string {
	texts := make([]string, len(l.pieces))
	for i := range l.pieces {
		texts[i] = l.pieces[i].text
	}
	return strings.Join(texts, "  ")
}

// sheet is a page, and what is asked of it often.
type sheet struct {
	*page.Page
	families []string // of its fonts
}

func newSheet(p *page.Page) *sheet {
	s := &sheet{Page: p, families: make([]string, len(p.Fonts))}
	for i := range p.Fonts {
		s.families[i] = family(p.Fonts[i].Name)
	}
	return s
}

// body is how the text of a file is set mostly, as far as lines are told by it.
type body struct {
	family string
	size   float32
}

// family is the name of a font without what says how it is cut.
func family(name string) string {
	if at := strings.IndexAny(name, "-,"); at > 0 {
		name = name[:at]
	}
	name = strings.ToLower(name)
	for _, cut := range []string{"mt", "ps", "bold", "italic", "oblique", "regular", "roman", "medium", "book"} {
		if short := strings.TrimSuffix(name, cut); short != "" {
			name = short
		}
	}
	return name
}

// cut cuts a fragment where its words are as far apart as columns are, and appends the pieces to those that there are.
func cut(all []piece, p *sheet, index int) []piece {
	f := &p.Fragments[index]
	if f.Turned || len(f.Runs) == 0 || strings.TrimSpace(f.Text) == "" {
		return all
	}
	words := f.Words
	if len(words) == 0 {
		words = []page.Word{{From: 0, To: len(f.Text), X0: f.Box.X0, X1: f.Box.X1}}
	}
	begin := 0
	for i := range words {
		last := i+1 == len(words)
		if !last {
			size := runAt(f, words[i].From).Size
			if words[i+1].X0-words[i].X1 < gapEm*size {
				continue
			}
		}
		all = append(all, newPiece(p, index, words[begin:i+1]))
		begin = i + 1
	}
	return all
}

func newPiece(p *sheet, index int, words []page.Word) piece {
	f := &p.Fragments[index]
	from, to := words[0].From, words[len(words)-1].To
	run := runAt(f, from)
	made := piece{
		fragment: index, mark: -1, text: f.Text[from:to], x0: words[0].X0, x1: words[len(words)-1].X1,
		baseline: f.Baseline, top: f.Box.Y0, low: f.Box.Y1, size: run.Size,
		first: words[0].X1 - words[0].X0, words: words, style: style{color: run.Color},
	}
	// The style that most of its letters have.
	var weight struct{ bold, italic, all int }
	begin := 0
	for _, r := range f.Runs {
		share := min(r.End, to) - max(begin, from)
		begin = r.End
		if share <= 0 || r.Font < 0 || r.Font >= len(p.Fonts) {
			continue
		}
		font := &p.Fonts[r.Font]
		weight.all += share
		if font.Bold {
			weight.bold += share
		}
		if font.Italic {
			weight.italic += share
		}
		if made.family == "" {
			made.family = p.families[r.Font]
		}
	}
	made.bold, made.italic = 2*weight.bold > weight.all, 2*weight.italic > weight.all
	return made
}

// runAt is the run that has the byte at an offset.
func runAt(f *page.Fragment, offset int) page.Run {
	for _, r := range f.Runs {
		if offset < r.End {
			return r
		}
	}
	return f.Runs[len(f.Runs)-1]
}

// lines puts pieces that stand on one baseline together, from top to bottom.
func lines(all []piece, body body) []line {
	slices.SortStableFunc(all, func(a, b piece) int { return cmp.Compare(a.baseline, b.baseline) })
	made := make([]line, 0, len(all))
	for _, p := range all {
		if n := fellow(made, &p); n >= 0 {
			made[n].pieces = append(made[n].pieces, p)
			continue
		}
		made = append(made, line{pieces: []piece{p}, baseline: p.baseline, size: p.size})
	}
	for i := range made {
		l := &made[i]
		slices.SortStableFunc(l.pieces, func(a, b piece) int { return cmp.Compare(a.x0, b.x0) })
		l.mark()
		asBody, all, bodies := 0, 0, 0
		least := l.pieces[0].size
		l.size, l.top, l.low = 0, l.pieces[0].top, l.pieces[0].low
		for _, p := range l.pieces {
			all += len(p.text)
			if p.family == body.family && abs(p.size-body.size) < 0.06*body.size {
				asBody += len(p.text)
				bodies++
			}
			l.size, l.top, l.low = max(l.size, p.size), min(l.top, p.top), max(l.low, p.low)
			least = min(least, p.size)
		}
		l.body = 2*asBody > all
		l.mixed = bodies > 0 && bodies < len(l.pieces) || l.size > 1.12*least
	}
	return made
}

// fellow is the last line whose baseline a piece stands on, set in about the same size; -1: there is none. A large letter or
// title beside text begins a line of its own.
func fellow(made []line, p *piece) int {
	for n := len(made) - 1; n >= max(0, len(made)-8) && p.baseline-made[n].baseline < 0.3*p.size; n-- {
		size := made[n].size
		if p.baseline-made[n].baseline < 0.3*min(p.size, size) && max(p.size, size) <= 1.5*min(p.size, size) {
			return n
		}
	}
	return -1
}

// mark puts the mark of a list's item before the text it is for: it is no column of its own.
func (l *line) mark() {
	if len(l.pieces) < 2 || !bullet(l.pieces[0].text) || l.pieces[1].x0-l.pieces[0].x1 > 4*l.pieces[0].size {
		return
	}
	mark, item := l.pieces[0], l.pieces[1]
	item.text = mark.text + " " + item.text
	item.x0, item.first = mark.x0, item.first+item.x0-mark.x0
	item.mark = mark.fragment
	item.words = nil // of two fragments: it is not cut again
	l.pieces = append([]piece{item}, l.pieces[2:]...)
}

// bullet says that a text is the mark of a list's item.
func bullet(text string) bool {
	if utf8.RuneCountInString(text) != 1 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text)
	return strings.ContainsRune("•◦▪▫‣∙·●○■□►▶➢➤✦✧❖*", r) || unicode.Is(unicode.Co, r)
}

func abs(x float32) float32 { return max(x, -x) }

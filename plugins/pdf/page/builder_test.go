package page

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// typesetter sets text of which every character is half an em wide, at a size of 10.
type typesetter struct {
	Builder
	x, y float32
}

func (s *typesetter) at(x, y float32) *typesetter { s.x, s.y = x, y; return s }

func (s *typesetter) font(name string, size float32) *typesetter {
	s.Set(Setting{Font: Font{Name: name}, Size: size, DX: 1})
	return s
}

// text sets characters; each _ is a gap of 0.01 em.
func (s *typesetter) text(t string) *typesetter {
	em := s.setting.Size
	for _, r := range t {
		if r == '_' {
			s.x += em / 100
			continue
		}
		s.glyphs(em/2, r)
	}
	return s
}

// glyphs sets code points in one place.
func (s *typesetter) glyphs(width float32, runes ...rune) *typesetter {
	em := s.setting.Size
	for _, r := range runes {
		s.Add(Char{r, Box{s.x, s.y - 0.8*em, s.x + width, s.y + 0.2*em}, s.x, s.y})
	}
	s.x += width
	return s
}

func gap(hundredths int) string { return strings.Repeat("_", hundredths) }

// TestFragments: the rules by which characters are words and fragments.
func TestFragments(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(s *typesetter)
		want []string
	}{
		{"blank glyph", func(s *typesetter) { s.text("a goblin") }, []string{"a goblin"}},
		{"blanks are one", func(s *typesetter) {
			s.glyphs(1, ' ').text("a").glyphs(1, ' ').glyphs(1, '\t').glyphs(1, 0xA0).text("b").glyphs(1, ' ')
		}, []string{"a b"}},
		{"small gap", func(s *typesetter) { s.text("gob" + gap(7) + "lin") }, []string{"goblin"}},
		{"word gap", func(s *typesetter) { s.text("gob" + gap(9) + "lin") }, []string{"gob lin"}},
		{"wide gap of one text", func(s *typesetter) { s.text("gob" + gap(99) + "lin") }, []string{"gob lin"}},
		{"too wide", func(s *typesetter) { s.text("gob" + gap(101) + "lin") }, []string{"gob", "lin"}},
		{"two texts", func(s *typesetter) { s.text("gob"+gap(74)).font("F", 10).text("lin") }, []string{"gob lin"}},
		{"two cells", func(s *typesetter) { s.text("gob"+gap(76)).font("F", 10).text("lin") }, []string{"gob", "lin"}},
		{"tight line", func(s *typesetter) { s.text("whatgods" + gap(6) + "that" + gap(6) + "made") }, []string{"whatgods that made"}},
		{"small gap in a line with blanks", func(s *typesetter) { s.text("what gods" + gap(6) + "that made this") }, []string{"what godsthat made this"}},
		{"set widely", func(s *typesetter) {
			s.text("C" + gap(12) + "H" + gap(12) + "A" + gap(12) + "P" + gap(12) + "T" + gap(40) + "O" + gap(12) + "N" + gap(12) + "E")
		}, []string{"CHAPT ONE"}},
		{"guessed blank", func(s *typesetter) {
			s.text("ten gob").Add(Char{' ', Box{s.x, s.y, s.x, s.y}, s.x, s.y})
			s.text(gap(6) + "lins").Add(Char{' ', Box{s.x, s.y, s.x, s.y}, s.x, s.y})
			s.text(gap(4) + "run")
		}, []string{"ten gob linsrun"}},
		{"next line", func(s *typesetter) { s.text("gob").at(100, 212).text("lin") }, []string{"gob", "lin"}},
		{"line goes back", func(s *typesetter) { s.text("gob").at(50, 200).text("lin") }, []string{"gob", "lin"}},
		{"raised", func(s *typesetter) {
			s.text("10").font("F", 6).at(s.x, 195).text("th").font("F", 10).at(s.x, 200).text("day")
		}, []string{"10thday"}},
		{"raised in front", func(s *typesetter) { s.font("F", 6).at(100, 195).text("1").font("F", 10).at(s.x, 200).text("see") }, []string{"1see"}},
		{"initial", func(s *typesetter) { s.font("F", 30).text("O").font("F", 10).at(s.x, 200).text("nce") }, []string{"O", "nce"}},
		{"hyphens of a font are one", func(s *typesetter) { s.text("half").glyphs(3, 0x2010, '-', 0x2011, 0xAD).text("orc") }, []string{"half-orc"}},
		{"blanks of a font are one", func(s *typesetter) { s.text("half").glyphs(2, '\t', '\r', ' ', 0xA0).text("orc") }, []string{"half orc"}},
		{"ligature of letters", func(s *typesetter) { s.text("a").glyphs(5, 'f', 'f', 'i').text("x") }, []string{"affix"}},
		{"ligatures of TeX", func(s *typesetter) {
			s.glyphs(5, 0x0C).text("re").glyphs(5, 0x0B).glyphs(5, 0x08).glyphs(5, 0x0E).glyphs(5, 0x0F)
		}, []string{"fireffflffiffl"}},
		{"narrow control code", func(s *typesetter) { s.text("a").glyphs(2, 0x0D).text("b") }, []string{"a b"}},
		{"said twice", func(s *typesetter) { s.glyphs(5, 0x3A9, 0x2126).text("x") }, []string{"Ωx"}},
		{"surrogates", func(s *typesetter) { s.glyphs(5, 0xD83D, 0xDC09) }, []string{"🐉"}},
		{"nothing known", func(s *typesetter) { s.glyphs(5, 0).text("x").glyphs(5, 0xFFFF) }, []string{"\uFFFDx\uFFFD"}},
		{"stroke for a dash", func(s *typesetter) { s.text("a").glyphs(9, 0x336).text("b") }, []string{"a—b"}},
		{"composed", func(s *typesetter) { s.text("re").glyphs(0, 0x301).text("e b") }, []string{"rée b"}},
		{"of no width", func(s *typesetter) { s.text("a").glyphs(0, 0x200B).text("b") }, []string{"ab"}},
		{"joined from the right", func(s *typesetter) { s.at(100, 200).text("gob").at(300, 400).text("x").at(115, 200).text("lin") }, []string{"goblin", "x"}},
		{"columns stay apart", func(s *typesetter) { s.at(100, 200).text("left").at(300, 400).text("x").at(124, 200).text("right") }, []string{"left", "x", "right"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s typesetter
			s.font("F", 10).at(100, 200)
			tt.set(&s)
			var p Page
			s.Build(&p)
			var got []string
			for _, f := range p.Fragments {
				got = append(got, f.Text)
				check(t, f)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func check(t *testing.T, f Fragment) {
	t.Helper()
	if f.Runs[len(f.Runs)-1].End != len(f.Text) {
		t.Errorf("%q: runs %v", f.Text, f.Runs)
	}
	words := strings.Fields(f.Text)
	if len(words) != len(f.Words) {
		t.Fatalf("%q: words %v", f.Text, f.Words)
	}
	for i, w := range f.Words {
		if f.Text[w.From:w.To] != words[i] || w.X0 > w.X1 || w.X0 < f.Box.X0 || w.X1 > f.Box.X1 {
			t.Errorf("%q: word %q is %+v of %v", f.Text, words[i], w, f.Box)
		}
	}
}

// TestHyphens: only a mark at the end of a fragment says that the word goes on.
func TestHyphens(t *testing.T) {
	for _, tt := range []struct {
		set  func(s *typesetter)
		text string
		mark bool
	}{
		{func(s *typesetter) { s.text("gob").glyphs(3, 0x02) }, "gob-", true},
		{func(s *typesetter) { s.text("gob").glyphs(3, 0xAD) }, "gob-", true},
		{func(s *typesetter) { s.text("gob").glyphs(3, '-', 0x2010, 0x02) }, "gob-", true},
		{func(s *typesetter) { s.text("gob-") }, "gob-", false},
		{func(s *typesetter) { s.text("gob").glyphs(3, 0x02).text("lin") }, "gob-lin", false},
	} {
		var s typesetter
		s.font("F", 10).at(100, 200)
		tt.set(&s)
		var p Page
		s.Build(&p)
		if len(p.Fragments) != 1 || p.Fragments[0].Text != tt.text || p.Fragments[0].Hyphen != tt.mark {
			t.Errorf("got %+v, want %q, %v", p.Fragments, tt.text, tt.mark)
		}
	}
}

// TestStyles: what is set in one style is one run, blanks and composed letters or not.
func TestStyles(t *testing.T) {
	var s typesetter
	s.font("Bold", 10).at(100, 200).text("Bite. ").font("Roman", 10).text("Me").glyphs(0, 0x301).text("le").font("Roman", 10).text("e 1d6").font("Roman", 8).text(" ok")
	var p Page
	s.Build(&p)
	want := []Run{{End: 6, Size: 10}, {End: 16, Font: 1, Size: 10}, {End: 19, Font: 1, Size: 8}}
	if len(p.Fragments) != 1 || p.Fragments[0].Text != "Bite. Mélee 1d6 ok" {
		t.Fatalf("got %+v", p.Fragments)
	}
	runs := p.Fragments[0].Runs
	if len(runs) != 3 || len(p.Fonts) != 2 || runs[2] != want[2] || runs[0].Font != 0 || runs[1].Font != 1 {
		t.Errorf("runs %+v, fonts %+v", runs, p.Fonts)
	}
	if p.Chars != 16 {
		t.Errorf("%d characters", p.Chars)
	}
}

// TestTurned: text that runs up the page is put together, and said to be turned.
func TestTurned(t *testing.T) {
	var b Builder
	b.Set(Setting{Font: Font{Name: "F"}, Size: 10, DX: 0, DY: -1})
	y := float32(400)
	for _, r := range "up here" {
		b.Add(Char{r, Box{92, y - 5, 102, y}, 100, y})
		y -= 5
	}
	var p Page
	b.Build(&p)
	if len(p.Fragments) != 1 || p.Fragments[0].Text != "up here" || !p.Fragments[0].Turned || p.Fragments[0].Words != nil || p.Fragments[0].Box != (Box{92, 365, 102, 400}) {
		t.Errorf("got %+v", p.Fragments)
	}
}

// TestMend: an apostrophe read as a letter is mended where the font shows it, and nowhere else.
func TestMend(t *testing.T) {
	sheet := func(number int, font string, lines ...string) *Page {
		var s typesetter
		for i, line := range lines {
			s.font(font, 10).at(100, 100+20*float32(i)).text(line)
		}
		p := &Page{Number: number}
		s.Build(p)
		return p
	}
	texts := func(pages ...*Page) (all []string) {
		for _, p := range pages {
			for _, f := range p.Fragments {
				all = append(all, fmt.Sprintf("%s %v", f.Text, p.Fonts[f.Runs[0].Font].Recoded))
				check(t, f)
			}
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		pages []*Page
		want  []string
	}{
		{"the page shows it", []*Page{sheet(1, "A", "you donít run ó ìeverî", "the gods")}, []string{"you don’t run — “ever” true", "the gods true"}},
		{"another page shows it", []*Page{sheet(1, "A", "runónow"), sheet(2, "A", "thatís it")}, []string{"run—now true", "that’s it true"}},
		{"another font is likely", []*Page{sheet(1, "B", "the itemís cost"), sheet(2, "A", "thatís it")}, []string{"the item’s cost true", "that’s it true"}},
		{"Spanish", []*Page{sheet(1, "A", "el país de los jabalíes, así cayó"), sheet(2, "A", "tíre ó Níl")}, []string{"el país de los jabalíes, así cayó false", "tíre ó Níl false"}},
		{"another font is not", []*Page{sheet(1, "B", "corazón"), sheet(2, "A", "thatís it")}, []string{"corazón false", "that’s it true"}},
	} {
		Mend(tt.pages)
		if got := texts(tt.pages...); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestManyCharacters: a page of nothing but characters in one line, or of one in each, is put together in time.
func TestManyCharacters(t *testing.T) {
	for _, step := range []float32{0.2, 30} {
		var s typesetter
		s.font("F", 10)
		for i := range 200_000 {
			s.at(float32(i)*step, 100).glyphs(0.2, 'x')
		}
		var p Page
		s.Build(&p)
		if p.Chars != 200_000 {
			t.Errorf("%d characters", p.Chars)
		}
	}
}

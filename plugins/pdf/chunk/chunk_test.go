package chunk

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// The texts of the tests have sentences of exact lengths.
func sentence(n int) string {
	const words = "Abcdefgh ijkl mnop qrst uvwx "
	s := strings.Repeat(words, n/len(words)+1)[:n-1]
	return strings.TrimSuffix(s, " ") + strings.Repeat("z", len(s)-len(strings.TrimSuffix(s, " "))) + "."
}

func heading(level int, text string, path ...string) layout.Block {
	return layout.Block{Kind: layout.Heading, Level: level, Text: text, Page: 1, PageEnd: 1, Section: append(path, text)}
}

func paragraph(text string, path ...string) layout.Block {
	return layout.Block{Text: text, Page: 1, PageEnd: 1, Section: path}
}

func grid(header int, rows ...string) layout.Block {
	t := &table.Table{HeaderRows: header, Page: 1, PageEnd: 1}
	return layout.Block{Kind: layout.Table, Text: strings.Join(rows, "\n"), Table: t, Page: 1, PageEnd: 1}
}

func book(blocks ...layout.Block) layout.Book { return layout.Book{Blocks: blocks} }

func cutBook(t *testing.T, b layout.Book, wholes ...Whole) []Chunk {
	t.Helper()
	chunks, err := Book(b, wholes, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

func TestRules(t *testing.T) {
	long := sentence(390)
	short := sentence(90)
	for _, tt := range []struct {
		name   string
		blocks []layout.Block
		want   []string // own texts
		over   []int    // overlaps
	}{
		{
			"whole paragraphs while there is room",
			[]layout.Block{paragraph(long), paragraph(long), paragraph(sentence(216)), paragraph("More.")},
			[]string{long + "\n\n" + long + "\n\n" + sentence(216), "More."},
			[]int{0, 202}, // the last 216 are too long: their last words
		},
		{
			"a chapter closes the chunk",
			[]layout.Block{heading(0, "One"), paragraph("A."), heading(1, "Two"), paragraph("B.")},
			[]string{"One\n\nA.", "Two\n\nB."},
			[]int{0, 0},
		},
		{
			"a deep heading does not",
			[]layout.Block{heading(0, "One"), paragraph("A."), heading(2, "Two"), paragraph("B.")},
			[]string{"One\n\nA.\n\nTwo\n\nB."},
			[]int{0},
		},
		{
			"a deep heading does from 600 on",
			[]layout.Block{paragraph(sentence(600)), heading(2, "Two"), paragraph("B.")},
			[]string{sentence(600), "Two\n\nB."},
			[]int{0, 0},
		},
		{
			"and not below",
			[]layout.Block{paragraph(sentence(599)), heading(2, "Two"), paragraph("B.")},
			[]string{sentence(599) + "\n\nTwo\n\nB."},
			[]int{0},
		},
		{
			"a heading goes with its paragraph",
			[]layout.Block{paragraph(sentence(500) + " " + short), heading(5, "Two"), paragraph(sentence(500))},
			[]string{sentence(500) + " " + short, "Two\n\n" + sentence(500)},
			[]int{0, 92},
		},
		{
			"798 are put whole behind an overlap",
			[]layout.Block{paragraph(sentence(500) + " " + sentence(200)), paragraph(sentence(399) + " " + sentence(398))},
			[]string{sentence(500) + " " + sentence(200), sentence(399) + " " + sentence(398)},
			[]int{0, 202},
		},
		{
			"799 are cut at a sentence",
			[]layout.Block{paragraph(sentence(500) + " " + sentence(200)), paragraph(sentence(399) + " " + sentence(399))},
			[]string{sentence(500) + " " + sentence(200), sentence(399), sentence(399)},
			[]int{0, 202, 202},
		},
		{
			"a sentence of 799 stays",
			[]layout.Block{paragraph(sentence(150) + " " + sentence(799) + " " + sentence(799))},
			[]string{sentence(150) + " " + sentence(799), sentence(799)},
			[]int{0, 202},
		},
		{
			"an overlap that is in the way is left out",
			[]layout.Block{paragraph(sentence(700) + " " + sentence(198)), heading(5, "A heading"), paragraph(sentence(795))},
			[]string{sentence(700) + " " + sentence(198)},
			nil,
		},
		{
			"tables stand by themselves",
			[]layout.Block{paragraph("A."), heading(4, "T"), grid(1, "d4\tWhat", "1\tx"), paragraph("B.")},
			[]string{"A.", "T\n\nd4\tWhat\n1\tx", "B."},
			[]int{0, 0, 0},
		},
		{
			"headings at the end go with what is there",
			[]layout.Block{heading(0, "One"), paragraph("A."), heading(0, "End")},
			[]string{"One\n\nA.\n\nEnd"},
			[]int{0},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			chunks := cutBook(t, book(tt.blocks...))
			if tt.over == nil { // it says how they begin
				if len(chunks) != 2 || chunks[1].Overlap != 0 || !strings.HasPrefix(chunks[1].Text, "A heading\n\n") {
					t.Fatalf("got %q", texts(chunks))
				}
				return
			}
			var over []int
			for _, c := range chunks {
				over = append(over, c.Overlap)
			}
			if got := texts(chunks); !slices.Equal(got, tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.over {
				if got := over[i]; got != want && (want != 202 || got <= 190 || got > 202) {
					t.Errorf("overlaps are %v, want %v", over, tt.over)
				}
			}
		})
	}
}

func texts(chunks []Chunk) []string {
	var all []string
	for _, c := range chunks {
		all = append(all, own(c))
	}
	return all
}

func own(c Chunk) string { return string([]rune(c.Text)[c.Overlap:]) }

func TestSentences(t *testing.T) {
	for text, want := range map[string][]string{
		"One. Two! Three?":                     {"One.", "Two!", "Three?"},
		"It flies 30 ft. Then it lands.":       {"It flies 30 ft. Then it lands."},
		"Use it, e.g. Now. See p. 4. J. R. X.": {"Use it, e.g. Now.", "See p. 4.", "J. R. X."},
		"“He said so.” She left. (It ends.) A": {"“He said so.”", "She left.", "(It ends.)", "A"},
		"It ends. but not here.":               {"It ends. but not here."},
		"Version 5.1 is out.":                  {"Version 5.1 is out."},
		"":                                     {""},
	} {
		var got []string
		from := 0
		for _, end := range sentences(text) {
			got = append(got, strings.TrimSpace(text[from:end]))
			from = end
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTables(t *testing.T) {
	var rows []string
	for i := range 40 {
		rows = append(rows, fmt.Sprintf("%d\t%s", i+1, sentence(60)))
	}
	chunks := cutBook(t, book(append([]layout.Block{heading(3, "Effects")}, grid(1, append([]string{"d40\tEffect"}, rows...)...))...))
	if len(chunks) != 3 {
		t.Fatalf("%d chunks, want 3", len(chunks))
	}
	for i, c := range chunks {
		if !strings.HasPrefix(c.Text, []string{"Effects\n\nd40", "d40\tEffect\n", "d40\tEffect\n"}[i]) {
			t.Errorf("chunk %d begins with %.30q", i, c.Text)
		}
		if want := []int{0, 11, 11}[i]; c.Overlap != want || c.ContentType != Table || !c.HasTables || !slices.Equal(c.Tables, []int{0}) {
			t.Errorf("chunk %d: overlap %d, %s, tables %v", i, c.Overlap, c.ContentType, c.Tables)
		}
		for line := range strings.Lines(own(c)) {
			if l := strings.TrimSpace(line); l != "" && !strings.HasPrefix(l, "Eff") && !strings.HasPrefix(l, "d40") && !slices.Contains(rows, l) {
				t.Errorf("a row was cut: %q", line)
			}
		}
	}
	// A row is cut only if it is longer than a chunk.
	wide := cutBook(t, book(grid(1, "a\tb", sentence(990), strings.TrimSuffix(strings.Repeat("word ", 300), " "))))
	if len(wide) != 3 || wide[0].Text != "a\tb\n"+sentence(990) || wide[1].Overlap != 4 || wide[2].Overlap != 4 {
		for _, c := range wide {
			t.Errorf("%d characters, overlap %d: %.30q", runes(c.Text), c.Overlap, c.Text)
		}
	}
}

func TestCitedTables(t *testing.T) {
	named := func(caption string) layout.Block {
		b := grid(0, "1\tx")
		b.Table.Caption = caption
		return b
	}
	chunks := cutBook(t, book(
		heading(0, "One"), paragraph("Roll on the Wild Magic table."),
		heading(0, "Two"), paragraph("See Table 3-1."),
		heading(0, "Three"), paragraph("The wild magic is not a timetable: wild magic tables are."),
		named("7.1 Wild Magic"), named("Table 3-1: Loot"),
	))
	for i, want := range [][]int{{0}, {1}, nil, {0}, {1}} {
		if got := chunks[i]; !slices.Equal(got.Tables, want) || got.HasTables != (want != nil) {
			t.Errorf("%q: tables %v, want %v", got.Text, got.Tables, want)
		}
	}
}

func TestWholes(t *testing.T) {
	body := func(n int) string { return "Trait. " + sentence(n) }
	b := book(
		heading(1, "Monsters"), heading(3, "Ogre", "Monsters"), paragraph("Armor Class 11", "Monsters", "Ogre"),
		paragraph(body(500)), paragraph(body(300)), heading(5, "Actions"), paragraph(body(400)), paragraph(body(400)),
		heading(3, "Owl", "Monsters"), paragraph("Armor Class 12", "Monsters", "Owl"), paragraph("After.", "Monsters"),
	)
	chunks := cutBook(t, b, Whole{1, 8, []int{3, 4, 5, 6, 7}, StatBlock}, Whole{8, 10, nil, StatBlock})
	want := []string{
		"Monsters\nOgre\nArmor Class 11\n" + body(500) + "\n" + body(300),
		"Actions\n" + body(400) + "\n" + body(400),
		"Owl\nArmor Class 12",
		"After.",
	}
	if got := texts(chunks); !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
	for i, c := range chunks {
		if c.Overlap != 0 || c.ContentType != []Content{StatBlock, StatBlock, StatBlock, Rule}[i] || c.Whole != []int{0, 0, 1, -1}[i] {
			t.Errorf("chunk %d: overlap %d, %s, whole %d", i, c.Overlap, c.ContentType, c.Whole)
		}
	}
	if chunks[0].Section != "Monsters > Ogre" || chunks[0].Chapter != "Monsters" {
		t.Errorf("the section is %q in %q", chunks[0].Section, chunks[0].Chapter)
	}
}

func TestContent(t *testing.T) {
	slanted := paragraph("All of this is in italics, or nearly.")
	slanted.Spans = []layout.Span{{From: 0, To: 30, Style: layout.Style{Italic: true}}}
	framed := paragraph("Beside.")
	framed.Frame = 3
	marked := heading(4, "Aside")
	marked.Bookmark = "Sidebar: Aside"
	for _, tt := range []struct {
		blocks []layout.Block
		want   []Content
	}{
		{[]layout.Block{paragraph("For example, this.")}, []Content{Example}},
		{[]layout.Block{heading(3, "Sample Traps"), paragraph("A pit.")}, []Content{Example}},
		{[]layout.Block{heading(3, "Examples"), paragraph("A pit.")}, []Content{Example}},
		{[]layout.Block{paragraph("Samplers are rare. For example, this.")}, []Content{Rule}},
		{[]layout.Block{slanted}, []Content{Example}},
		{[]layout.Block{paragraph("One."), framed, paragraph("Two, which is longer.")}, []Content{Rule, Sidebar, Rule}},
		{[]layout.Block{paragraph("One."), marked, paragraph("Beside."), heading(4, "On"), paragraph("Two.")}, []Content{Rule, Sidebar, Rule}},
	} {
		var got []Content
		for _, c := range cutBook(t, book(tt.blocks...)) {
			got = append(got, c.ContentType)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.blocks[0].Text, got, tt.want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	chunks := cutBook(t, book(heading(0, "One"), paragraph("The ﬁre burns."), heading(0, "two"), paragraph("x"), heading(0, "one"), paragraph("The  Fire\u00a0burns.")))
	if chunks[0].Hash != chunks[2].Hash || chunks[0].DuplicateOf != -1 || chunks[1].DuplicateOf != -1 || chunks[2].DuplicateOf != 0 {
		t.Errorf("duplicates are %d %d %d", chunks[0].DuplicateOf, chunks[1].DuplicateOf, chunks[2].DuplicateOf)
	}
	if chunks[2].Text != "one\n\nThe  Fire\u00a0burns." {
		t.Errorf("the later one lost its text: %q", chunks[2].Text)
	}
}

// TestPages: a paragraph over two pages is cut; each part knows its page and where it stands on it.
func TestPages(t *testing.T) {
	var b layout.Block
	for i := range 30 {
		text := strings.TrimSuffix(sentence(60), ".") + "x-"
		if i%3 == 2 {
			text = sentence(60)
		}
		p := 1 + i/15
		b.Lines = append(b.Lines, layout.Line{Text: text, Place: layout.Place{Page: p, Box: page.Box{X0: 10, X1: 90, Y0: float32(i%15) * 12, Y1: float32(i%15)*12 + 10}}})
		b.Text += strings.TrimSuffix(text, "-")
		if i%3 == 2 {
			b.Text += " "
		}
		b.Places = append(b.Places, b.Lines[i].Place)
	}
	b.Text = strings.TrimSpace(b.Text)
	b.Page, b.PageEnd = 1, 2
	chunks := cutBook(t, book(b))
	if len(chunks) < 2 {
		t.Fatal("it was not cut")
	}
	first, last := chunks[0], chunks[len(chunks)-1]
	if first.PageNumber != 1 || last.PageNumber != 2 || last.PageEnd != 2 {
		t.Errorf("pages %d to %d, and %d to %d", first.PageNumber, first.PageEnd, last.PageNumber, last.PageEnd)
	}
	if len(last.Places) != 1 || last.Places[0].Page != 2 || last.Places[0].Box.Y1 != 178 {
		t.Errorf("the last one stands at %v", last.Places)
	}
}

func TestConfig(t *testing.T) {
	for _, bad := range []Config{{Size: 99}, {Size: -5}, {Size: 400, Overlap: 200}, {Size: 300}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	chunks, err := Book(book(paragraph(sentence(90)), paragraph(sentence(90))), nil, Config{Size: 100, Overlap: -1, Title: "The Book"})
	if err != nil || len(chunks) != 2 || chunks[1].Overlap != 0 || chunks[1].Section != "The Book" {
		t.Errorf("got %+v, %v", chunks, err)
	}
}

// TestProperties holds what is true of every book.
func TestProperties(t *testing.T) {
	for seed := range uint64(60) {
		b, wholes := anyBook(rand.New(rand.NewPCG(seed, 7)))
		hold(t, b, wholes, Config{})
		hold(t, b, wholes, Config{Size: 120, Overlap: 30})
		hold(t, b, wholes, Config{Size: 300, Overlap: -1})
	}
}

func FuzzBook(f *testing.F) {
	f.Add(uint64(1), uint16(0), "A paragraph. And more.")
	f.Add(uint64(2), uint16(77), "ﬁre—“x.” 30 ft. A\nb\tc\u00a0d")
	f.Fuzz(func(t *testing.T, seed uint64, size uint16, text string) {
		b, wholes := anyBook(rand.New(rand.NewPCG(seed, 7)))
		if n := len(b.Blocks); n > 0 {
			b.Blocks[int(seed%uint64(n))].Text = strings.ToValidUTF8(text, "?")
		}
		hold(t, b, wholes, Config{Size: 100 + int(size), Overlap: int(seed%49) + 1})
	})
}

func hold(t *testing.T, b layout.Book, wholes []Whole, config Config) {
	t.Helper()
	chunks, err := Book(b, wholes, config)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Book(b, wholes, config); !reflect.DeepEqual(chunks, again) {
		t.Fatal("two calls give two results")
	}
	config = config.filled()
	var want []string
	texts := 0
	for _, block := range b.Blocks {
		want = append(want, strings.Fields(block.Text)...)
		if block.Kind != layout.Heading && strings.TrimSpace(block.Text) != "" {
			texts++
		}
	}
	var got []string
	for i, c := range chunks {
		words := strings.Fields(own(c))
		got = append(got, words...)
		if c.Index != i || len(words) == 0 {
			t.Errorf("chunk %d has the index %d and %d words", i, c.Index, len(words))
		}
		longest := 0
		for _, w := range words {
			longest = max(longest, runes(w))
		}
		if n := runes(c.Text); n > config.Size && longest*2 < config.Size-4 {
			t.Errorf("chunk %d has %d characters of %d: %.200q", i, n, config.Size, c.Text)
		}
		if i > 0 && c.Overlap > 0 && c.ContentType != Table && c.Whole < 0 && len(c.Tables) == 0 {
			repeated := strings.TrimSpace(string([]rune(c.Text)[:c.Overlap]))
			if !strings.HasSuffix(chunks[i-1].Text, repeated) || len([]rune(repeated)) > config.Overlap {
				t.Errorf("the overlap of chunk %d is not the end of the one in front of it: %q", i, repeated)
			}
		}
		if c.DuplicateOf >= i || c.DuplicateOf >= 0 && chunks[c.DuplicateOf].Hash != c.Hash {
			t.Errorf("chunk %d is a duplicate of %d", i, c.DuplicateOf)
		}
	}
	if !slices.Equal(got, want) {
		t.Error("the chunks together are not the text")
	}
	if texts == len(b.Blocks)-countHeadings(b) && texts > 0 {
		lonely(t, b, chunks, config)
	}
}

func countHeadings(b layout.Book) int {
	n := 0
	for _, block := range b.Blocks {
		if block.Kind == layout.Heading {
			n++
		}
	}
	return n
}

// lonely looks for chunks that are nothing but headings. Those at the end of a book have nothing to go with.
func lonely(t *testing.T, b layout.Book, chunks []Chunk, config Config) {
	t.Helper()
	titles := map[string]bool{}
	for i, block := range b.Blocks {
		last := !slices.ContainsFunc(b.Blocks[i:], func(k layout.Block) bool { return k.Kind != layout.Heading })
		if block.Kind == layout.Heading && !last && len([]rune(block.Text))*6 < config.Size {
			titles[strings.TrimSpace(block.Text)] = true
		}
	}
	for _, c := range chunks {
		if titles[strings.TrimSpace(own(c))] {
			t.Errorf("a heading stands alone: %q", c.Text)
		}
	}
}

// anyBook makes a book of everything there is. Headings have names of their own, none in a row longer than two.
func anyBook(r *rand.Rand) (layout.Book, []Whole) {
	var b layout.Book
	var wholes []Whole
	words := func(n int) string {
		var s strings.Builder
		for range n {
			s.WriteString(strings.Repeat(string(rune('a'+r.IntN(26))), 1+r.IntN(9)))
			s.WriteString([]string{" ", " ", " ", ". ", ", ", "! ", " é "}[r.IntN(7)])
		}
		return strings.TrimSpace(s.String()) + "."
	}
	headings := 0
	for i := range r.IntN(30) {
		k := layout.Block{Page: 1 + i/5, PageEnd: 1 + i/5, Frame: r.IntN(8) / 7}
		kind := r.IntN(9)
		if headings == 2 {
			kind = 5
		}
		headings = 0
		switch kind {
		case 0, 1:
			k.Kind, k.Level, k.Text = layout.Heading, r.IntN(6), fmt.Sprintf("Head%d", i)
			headings++
		case 2:
			k.Kind, k.Text = layout.Item, words(1+r.IntN(20))
		case 3:
			k.Kind = layout.Table
			rows := make([]string, 1+r.IntN(30))
			for n := range rows {
				rows[n] = fmt.Sprintf("%d\t%s", n, words(1+r.IntN(12)))
			}
			k.Text = strings.Join(rows, "\n")
			k.Table = &table.Table{HeaderRows: r.IntN(3)}
		case 4:
			k.Kind, k.Text = layout.Caption, words(3)
		case 6:
			k.Text = strings.Repeat("w", r.IntN(2000)+1)
		default:
			k.Text = words(1 + r.IntN(300))
		}
		b.Blocks = append(b.Blocks, k)
	}
	for i := 0; i < len(b.Blocks); {
		n := 1 + r.IntN(5)
		if r.IntN(4) == 0 && i+n <= len(b.Blocks) && b.Blocks[i+n-1].Kind != layout.Heading {
			w := Whole{From: i, To: i + n, Content: StatBlock}
			for c := i + 1; c < i+n; c++ {
				if r.IntN(2) == 0 {
					w.Cuts = append(w.Cuts, c)
				}
			}
			wholes = append(wholes, w)
		}
		i += n
	}
	return b, wholes
}

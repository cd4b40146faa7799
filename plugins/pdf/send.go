package pdf

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
	"github.com/seed-98789ff7/converter/sdk"
)

// sender sends the records of one file.
type sender struct {
	*reading

	author author
	found  grammar.Result
	chunks []chunk.Chunk
	tables []string       // ids of the records of tables
	owners []string       // ids of the records of game content
	near   map[int][]kept // pictures by chunk
	sent   int64          // records
}

func (s *sender) record(r sdk.Record) error {
	s.sent++
	return s.out.Record(s.file.name, r)
}

// all sends everything: what the book is, its game content, its tables, its text.
func (s *sender) all(ctx context.Context) error {
	steps := []struct {
		what string
		send func(context.Context) error
	}{{"", s.book}, {entitiesOut, s.entities}, {tablesOut, s.ofTables}, {chunksOut, s.ofChunks}}
	for _, step := range steps {
		if step.what != "" && !s.library.options.sends(step.what) {
			continue
		}
		if err := step.send(ctx); err != nil {
			return err
		}
	}
	return s.account()
}

// pageNote is what is said of a page in the record of its book.
type pageNote struct {
	Number  int      `json:"number"`
	Label   string   `json:"label,omitempty"`
	Width   float64  `json:"width"`
	Height  float64  `json:"height"`
	Chars   int      `json:"chars"`
	Images  int      `json:"images,omitempty"`
	Order   string   `json:"order"` // stream, geometry
	Doubt   bool     `json:"suspicious,omitempty"`
	Gutters []int    `json:"gutters,omitempty"`
	Heads   []string `json:"heads,omitempty"`
	Tables  int      `json:"tables,omitempty"`
	Origin  string   `json:"origin,omitempty"` // ocr
	Sure    float64  `json:"confidence,omitempty"`
	Faults  []string `json:"faults,omitempty"`
}

func (s *sender) notes() []pageNote {
	notes := make([]pageNote, len(s.pages))
	for i, p := range s.pages {
		n := pageNote{
			Number: p.Number, Label: p.Label, Width: tenth(p.Width), Height: tenth(p.Height), Chars: p.Chars, Images: len(p.Images), Order: "stream",
		}
		if p.Origin == "ocr" {
			n.Origin, n.Sure = p.Origin, math.Round(float64(p.Confidence)*100)/100
		}
		if i < len(s.found.Book.Pages) {
			r := s.found.Book.Pages[i]
			n.Label, n.Doubt, n.Heads, n.Tables = cmp.Or(r.Label, n.Label), r.Suspicious, r.Heads, r.Tables
			if r.Geometry {
				n.Order = "geometry"
			}
			for _, g := range r.Gutters {
				n.Gutters = append(n.Gutters, int(math.Round(float64(g))))
			}
		}
		for _, f := range p.Faults {
			n.Faults = append(n.Faults, f.Code)
		}
		notes[i] = n
	}
	return notes
}

func tenth(v float32) float64 { return math.Round(float64(v)*10) / 10 }

// pictureNote is what is said of a picture in the record of its book.
type pictureNote struct {
	kept

	Where spot  `json:"place"`
	Pages []int `json:"pages"`
}

// book sends what the file says of itself, its pages and its pictures.
func (s *sender) book(context.Context) error {
	type bookmark struct {
		Title string `json:"title"`
		Level int    `json:"level"`
		Page  int    `json:"page,omitempty"`
	}
	outline := make([]bookmark, len(s.document.Outline))
	for i, b := range s.document.Outline {
		outline[i] = bookmark{b.Title, b.Level, b.Page}
	}
	pictures := make([]pictureNote, len(s.pictures))
	for i, k := range s.pictures {
		pictures[i] = pictureNote{k, spotOf(k.Page, k.Box), k.pages}
	}
	d := s.document
	body := struct {
		File      string        `json:"file"`
		SHA256    string        `json:"sha256"`
		Bytes     int64         `json:"bytes"`
		Title     string        `json:"title"`
		Author    string        `json:"author,omitempty"`
		Subject   string        `json:"subject,omitempty"`
		Creator   string        `json:"creator,omitempty"`
		Producer  string        `json:"producer,omitempty"`
		Language  string        `json:"language,omitempty"`
		Encrypted bool          `json:"encrypted"`
		Tagged    bool          `json:"tagged"`
		Pages     int           `json:"page_count"`
		Outline   []bookmark    `json:"outline,omitempty"`
		Pictures  []pictureNote `json:"pictures,omitempty"`
		Notes     []pageNote    `json:"pages"`
	}{
		s.file.name, hex.EncodeToString(s.sum[:]), s.file.size, s.author.title, d.Author, d.Subject, d.Creator, d.Producer, d.Language, d.Encrypted, d.Tagged,
		d.Pages, outline, pictures, s.notes(),
	}
	r, err := s.author.record("", "", typeBook, 0, body)
	if err != nil {
		return err
	}
	r.Name, r.Kind, r.Revision, r.Lang = s.author.title, "other", hex.EncodeToString(s.sum[:]), d.Language
	illustrate(&r, s.pictures, func(i int) string { return fmt.Sprintf("/pictures/%d/uri", i) })
	return s.record(r)
}

// entities sends what the grammars have recognised.
func (s *sender) entities(ctx context.Context) error {
	s.owners = make([]string, len(s.found.Entities))
	near := map[int][]kept{} // pictures by entity
	for i := range s.chunks {
		if whole := s.chunks[i].Whole; whole >= 0 {
			near[whole] = append(near[whole], s.near[i]...)
		}
	}
	for i := range s.found.Entities {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := s.author.content(&s.found.Entities[i], near[i])
		if err != nil {
			return err
		}
		s.owners[i] = r.ID
		if err := s.record(r); err != nil {
			return err
		}
	}
	s.unread()
	return nil
}

func (s *sender) ofTables(ctx context.Context) error {
	for i := range s.found.Book.Blocks {
		b := &s.found.Book.Blocks[i]
		if b.Kind != layout.Table || b.Table == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := s.author.ofTable(len(s.tables)+1, b)
		if err != nil {
			return err
		}
		s.tables = append(s.tables, r.ID)
		if err := s.record(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) ofChunks(ctx context.Context) error {
	again := map[int][]int{}
	for _, c := range s.chunks {
		if c.DuplicateOf >= 0 {
			again[c.DuplicateOf] = append(again[c.DuplicateOf], c.PageNumber)
		}
	}
	for i := range s.chunks {
		c := &s.chunks[i]
		if c.DuplicateOf >= 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		owner := ""
		if c.Whole >= 0 && c.Whole < len(s.owners) {
			owner = s.owners[c.Whole]
		}
		r, err := s.author.ofChunk(c, s.tables, owner, again[c.Index], s.near[i])
		if err != nil {
			return err
		}
		if err := s.record(r); err != nil {
			return err
		}
	}
	return nil
}

// Of what the quality of a reading is judged by.
const (
	unsure       = 0.8  // confidence of an entity from which on nobody has to look
	manyEmpty    = 0.1  // share of pages without text
	ocrDoubtful  = 0.75 // mean confidence of recognised pages
	fewestDoubts = 0.02 // share of pages whose order is in doubt
)

// account says how well the file could be read.
func (s *sender) account() error {
	facts, ok := s.out.(sdk.FactsWriter)
	if !ok {
		return nil
	}
	return facts.Facts(s.file.name, s.quality()...)
}

func (s *sender) quality() []sdk.Fact {
	var empty, scanned, recognised, geometry, doubtful, broken int
	var confidence float64
	for i, p := range s.pages {
		if p.Chars == 0 {
			empty++
		}
		if isScanned(p) || p.Origin == "ocr" {
			scanned++
		}
		if p.Origin == "ocr" {
			recognised++
			confidence += float64(p.Confidence)
		}
		if len(p.Faults) > 0 {
			broken++
		}
		if i < len(s.found.Book.Pages) {
			if r := s.found.Book.Pages[i]; r.Suspicious {
				doubtful++
			} else if r.Geometry {
				geometry++
			}
		}
	}
	pages := max(1, len(s.pages))
	list := []sdk.Fact{
		{Name: "pages", Label: "pages", Number: int64(len(s.pages))},
		{Name: "pages_without_text", Label: "pages without text", Number: int64(empty), Notable: float64(empty) > manyEmpty*float64(pages)},
		{Name: "pages_not_whole", Label: "pages not whole", Number: int64(broken), Notable: broken > 0},
		{Name: "pages_scanned", Label: "scanned pages", Number: int64(scanned), Notable: scanned > recognised},
		{Name: "pages_by_place", Label: "pages put in order by where text stands", Number: int64(geometry)},
		{Name: "pages_in_doubt", Label: "pages whose order is in doubt", Number: int64(doubtful), Notable: float64(doubtful) > fewestDoubts*float64(pages)},
	}
	if recognised > 0 {
		mean := confidence / float64(recognised)
		list = append(list, sdk.Fact{
			Name: "ocr_confidence", Label: "recognised with confidence", Text: fmt.Sprintf("%.2f on %d pages", mean, recognised),
			Notable: mean < ocrDoubtful,
		})
	}
	return append(list, s.contents()...)
}

// contents are the facts of what was found.
func (s *sender) contents() (list []sdk.Fact) {
	var ruled, aligned, rolls, gaps, twins int
	for i := range s.found.Book.Blocks {
		t := s.found.Book.Blocks[i].Table
		if t == nil {
			continue
		}
		if t.Kind == table.Ruled {
			ruled++
		} else {
			aligned++
		}
		if t.Dice != nil {
			rolls++
			if len(t.Dice.Gaps) > 0 {
				gaps++
			}
		}
	}
	for _, c := range s.chunks {
		if c.DuplicateOf >= 0 {
			twins++
		}
	}
	list = []sdk.Fact{
		{Name: "tables", Label: "tables", Number: int64(ruled + aligned)},
		{Name: "tables_ruled", Label: "tables with lines", Number: int64(ruled)},
		{Name: "roll_tables", Label: "tables to roll on", Number: int64(rolls)},
		{Name: "roll_tables_with_gaps", Label: "tables to roll on with gaps", Number: int64(gaps), Notable: gaps > 0},
		{Name: "chunks", Label: "chunks", Number: int64(len(s.chunks) - twins)},
		{Name: "chunks_again", Label: "chunks that stand there again", Number: int64(twins)},
		{Name: "pictures", Label: "pictures", Number: int64(len(s.pictures))},
	}
	kinds := map[string]int64{}
	doubtful := int64(0)
	for _, e := range s.found.Entities {
		kinds[e.Kind]++
		if e.Confidence < unsure {
			doubtful++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, sdk.Fact{Name: "found_" + factName(kind), Label: kind + " entries", Number: kinds[kind]})
	}
	return append(list,
		sdk.Fact{Name: "entries_in_doubt", Label: "entries in doubt", Number: doubtful, Notable: doubtful > 0},
		sdk.Fact{Name: "entries_not_read", Label: "entries that could not be read", Number: int64(len(s.found.Unread)), Notable: len(s.found.Unread) > 0},
	)
}

// factName is a word as the name of a fact may be.
func factName(word string) string {
	out := []byte(word)
	for i, c := range out {
		switch {
		case c >= 'A' && c <= 'Z':
			out[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			out[i] = '_'
		}
	}
	return string(out)
}

// summaries and suggestions are what people are told of pages that are not whole.
var (
	summaries = map[string]string{
		"page_timeout": "a page took too long and was left out",
		"page_memory":  "a page needed too much memory and was left out",
		"page_trap":    "a page could not be read and was left out",
		"page_limit":   "a page holds more than is read of one page",
		"page_damaged": "a page is damaged",
		"image_limit":  "a picture is too large to be taken out",
		ocrFault:       "the text of a scanned page could not be recognised",
	}
	suggestions = map[string]string{
		"page_timeout": "raise page_timeout if the page is worth it",
		"page_memory":  "raise memory_mb if the page is worth it",
		"page_trap":    "open the page in a reader: the file may be damaged there",
		"page_limit":   "what is read of it is kept; look at the page in a reader",
		"page_damaged": "get another copy of the file",
		"image_limit":  "set page_renders to all to have the page as a picture",
		ocrFault:       "the detail says what tesseract said; ocr.timeout and ocr.dpi may help",
	}
)

package pdf

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
	"github.com/seed-98789ff7/converter/sdk"
)

// The source's own types of records.
const (
	typeBook  = "pdf/book"
	typeChunk = "pdf/chunk"
	typeTable = "pdf/table"
)

// kinds are what game content of grammars is to the converter.
var kinds = map[grammar.Content]string{grammar.StatBlock: "creature", grammar.Spell: "spell", grammar.Item: "item"}

// author makes the records of one file.
type author struct {
	file    file
	title   string
	about   About
	license sdk.License
	ids     map[string]int
}

// spot is where something stands: a page, and left, top, right and bottom on it in points.
type spot struct {
	Page int        `json:"page"`
	Box  [4]float64 `json:"box"`
}

func spotOf(page int, b page.Box) spot {
	round := func(v float32) float64 { return math.Round(float64(v)*10) / 10 }
	return spot{page, [4]float64{round(b.X0), round(b.Y0), round(b.X1), round(b.Y1)}}
}

func spots(places []layout.Place) []spot {
	list := make([]spot, len(places))
	for i, p := range places {
		list[i] = spotOf(p.Page, p.Box)
	}
	return list
}

// record is a record with what all of a file have in common. The id is made of what it is and of its name, with a number
// where there are several.
func (a *author) record(what, name, nativeType string, page int, body any) (sdk.Record, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return sdk.Record{}, fmt.Errorf("%s of %s: %w", what, a.file.name, err)
	}
	r := sdk.Record{
		ID: a.id(what, name), JSON: text, NativeType: nativeType, Name: name,
		Ruleset: sdk.Ruleset{System: a.about.System, Edition: a.about.Edition},
		Origin:  sdk.Origin{Format: "pdf", URI: a.file.name, Book: a.title, Page: page},
		License: a.license,
	}
	return r, nil
}

func (a *author) id(what, name string) string {
	id := a.file.name
	if what != "" {
		id += "#" + what
	}
	if name != "" {
		id += "/" + plain(name)
	}
	a.ids[id]++
	if n := a.ids[id]; n > 1 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return id
}

// plain is a name as a part of an id: letters and digits in lower case, all else dashes.
func plain(name string) string {
	fields := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r < '0' || r > '9' && r < 'a' || r > 'z' && r < 0x80 || r >= 0x2000 && r < 0x2070
	})
	return strings.Join(fields, "-")
}

// content is the record of an entity that a grammar has recognised.
func (a *author) content(e *grammar.Entity, pictures []kept) (sdk.Record, error) {
	body := struct {
		Kind       string         `json:"kind"`
		Name       string         `json:"name"`
		Grammar    string         `json:"grammar"`
		Fields     map[string]any `json:"fields"`
		Section    []string       `json:"section,omitempty"`
		Page       int            `json:"page"`
		PageEnd    int            `json:"page_end"`
		Places     []spot         `json:"places"`
		Text       string         `json:"text"`
		Confidence float64        `json:"confidence"`
		Warnings   []string       `json:"warnings,omitempty"`
	}{
		e.Kind, e.Name, e.Grammar, e.Fields, e.Section, e.Page, e.PageEnd, spots(e.Places), e.Raw,
		math.Round(e.Confidence*100) / 100, e.Warnings,
	}
	r, err := a.record(e.Kind, e.Name, "pdf/"+e.Kind, e.Page, body)
	if err != nil {
		return r, err
	}
	facts, err := json.Marshal(e.Fields)
	if err != nil {
		return r, fmt.Errorf("fields of %s: %w", r.ID, err)
	}
	r.Kind, r.FolderPath, r.Facts = kinds[e.Content], e.Section, facts
	if r.Ruleset.System == "" {
		r.Ruleset.System = e.Grammar
	}
	r.Texts = []sdk.Text{{Pointer: "/text", Role: "description", Markdown: e.Text}}
	r.Warnings = e.Warnings
	illustrate(&r, pictures, nowhere)
	return r, nil
}

// result is a row of a table to roll on, as facts of other sources have it.
type result struct {
	Range  [2]int `json:"range"`
	Weight int    `json:"weight"`
	Text   string `json:"text"`
}

// ofTable is the record of a table: one to roll on, or a list. Number is its place in the book, from 1.
func (a *author) ofTable(number int, b *layout.Block) (sdk.Record, error) {
	t := b.Table
	rows := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = make([]string, len(row))
		for j, cell := range row {
			rows[i][j] = cell.Text
		}
	}
	type dice struct {
		Column  int      `json:"column"`
		Formula string   `json:"formula,omitempty"`
		Results []result `json:"results"`
		Gaps    []string `json:"gaps,omitempty"`
	}
	body := struct {
		Caption    string     `json:"caption,omitempty"`
		Section    []string   `json:"section,omitempty"`
		Page       int        `json:"page"`
		PageEnd    int        `json:"page_end"`
		Box        [4]float64 `json:"box"`
		Kind       table.Kind `json:"kind"`
		HeaderRows int        `json:"header_rows"`
		Rows       [][]string `json:"rows"`
		Dice       *dice      `json:"dice,omitempty"`
		Confidence float64    `json:"confidence"`
	}{
		t.Caption, b.Section, t.Page, t.PageEnd, spotOf(t.Page, t.Box).Box, t.Kind, t.HeaderRows, rows, nil,
		math.Round(float64(t.Confidence)*100) / 100,
	}
	name := t.Caption
	if name == "" && len(b.Section) > 0 {
		name = b.Section[len(b.Section)-1]
	}
	if name == "" {
		name = fmt.Sprintf("Table on page %d", t.Page)
	}
	if t.Dice != nil {
		body.Dice = &dice{Column: t.Dice.Column, Formula: t.Dice.Formula, Results: results(t), Gaps: t.Dice.Gaps}
	}
	r, err := a.record("table", name, typeTable, t.Page, body)
	if err != nil {
		return r, err
	}
	r.Kind, r.FolderPath, r.Sort = "rule", above(b.Section), int64(number)
	r.Texts = []sdk.Text{{Pointer: "/rows", Role: "description", Markdown: t.Markdown()}}
	if t.Dice == nil {
		return r, nil
	}
	r.Kind = "table"
	r.Facts, err = json.Marshal(map[string]any{"formula": t.Dice.Formula, "replacement": true, "results": body.Dice.Results})
	if err != nil {
		return r, fmt.Errorf("results of %s: %w", r.ID, err)
	}
	for _, gap := range t.Dice.Gaps {
		r.Warnings = append(r.Warnings, "the table's rolls: "+gap)
	}
	return r, nil
}

// above are the titles above the last one, and an only one.
func above(section []string) []string {
	if len(section) > 1 {
		return section[:len(section)-1]
	}
	return section
}

// results are the rows of a table to roll on, each without the column that says what is rolled.
func results(t *table.Table) []result {
	list := make([]result, 0, len(t.Dice.Ranges))
	for _, r := range t.Dice.Ranges {
		var cells []string
		for j, cell := range t.Rows[r.Row] {
			if j != t.Dice.Column && cell.Text != "" {
				cells = append(cells, cell.Text)
			}
		}
		list = append(list, result{Range: [2]int{r.Low, r.High}, Weight: r.High - r.Low + 1, Text: strings.Join(cells, " | ")})
	}
	return list
}

// ofChunk is the record of a chunk. Tables are the ids of their records, entity that of what it is the text of, and twins the
// pages on which it stands again.
func (a *author) ofChunk(c *chunk.Chunk, tables []string, entity string, twins []int, pictures []kept) (sdk.Record, error) {
	var cited []string
	for _, t := range c.Tables {
		if t < len(tables) {
			cited = append(cited, tables[t])
		}
	}
	body := struct {
		Text        string   `json:"text"`
		Overlap     int      `json:"overlap"`
		Index       int      `json:"index"`
		PageNumber  int      `json:"page_number"`
		PageEnd     int      `json:"page_end"`
		Chapter     string   `json:"chapter"`
		Section     string   `json:"section"`
		ContentType string   `json:"content_type"`
		HasTables   bool     `json:"has_tables"`
		Tables      []string `json:"tables,omitempty"`
		Hash        string   `json:"hash"`
		Again       []int    `json:"again_on_pages,omitempty"`
		Places      []spot   `json:"places"`
	}{
		c.Text, c.Overlap, c.Index, c.PageNumber, c.PageEnd, c.Chapter, c.Section, string(c.ContentType), c.HasTables, cited, c.Hash,
		twins, spots(c.Places),
	}
	path := strings.Split(c.Section, " > ")
	name := path[len(path)-1]
	if name == "" {
		name = fmt.Sprintf("Page %d", c.PageNumber)
	}
	r, err := a.record("chunk/"+c.Hash[:min(16, len(c.Hash))], "", typeChunk, c.PageNumber, body)
	if err != nil {
		return r, err
	}
	r.Name, r.Kind, r.Sort = name, "rule", int64(c.Index)
	if c.Section != "" {
		r.FolderPath = above(path)
	}
	r.Texts = []sdk.Text{{Pointer: "/text", Role: "page", Markdown: c.Text}}
	for i, id := range cited {
		r.Links = append(r.Links, sdk.Link{Pointer: fmt.Sprintf("/tables/%d", i), Kind: "reference", Raw: id, Target: id})
	}
	if entity != "" {
		r.Links = append(r.Links, sdk.Link{Kind: "reference", Raw: entity, Target: entity})
	}
	illustrate(&r, pictures, nowhere)
	return r, nil
}

// illustrate adds pictures to a record; pointer says where in its document each of them stands.
func illustrate(r *sdk.Record, pictures []kept, pointer func(int) string) {
	for i, k := range pictures {
		r.Assets = append(r.Assets, k.reference(pointer(i)))
	}
}

func nowhere(int) string { return "" }

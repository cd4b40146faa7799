package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	quality "github.com/seed-98789ff7/converter/tools/bench/pdf"
)

// pdfFlag makes this program a process that reads a PDF file and writes what it read as JSON:
//
//	bench -pdf CACHE FILE N    CACHE: folder where PDFium's compiled form is kept; N: processes that read pages
//	bench -pdf-worker          one of these
const (
	pdfFlag   = "-pdf"
	pdfWorker = "-pdf-worker"
)

// The readers that are ours. The last one is a process of the first.
const (
	ours    = "ours"
	oursTwo = "ours, 2 processes"
	oursAll = "ours, 4 processes"
	child   = "ours: a process that reads"
)

// processes are how many processes read for each of them.
var processes = map[string]string{ours: "1", oursTwo: "2", oursAll: "4"}

// roomy is a variant that takes the memory which a process may take.
const (
	roomy  = "150 MB"
	enough = 150 << 20
)

// The books, and the one of which there is a text that people have checked.
const (
	rulebook  = "srd-5.1-cc.pdf"
	reference = "ref/srd-5.1-text-tabyltop.txt"
)

func otherBooks() []string {
	return []string{"dungeon-world-pocket.pdf", "odd6-core.pdf", "cairn-2e-setting-wip.pdf", "dnd-5e-latex-example.pdf"}
}

// pdfs compares what is read of PDF files here with the tools people use: what it takes, and how good the text is.
func pdfs(ctx context.Context, s settings) (report, error) {
	b := pdfBench{settings: s, peers: map[string][]string{}, texts: map[string]string{}}
	if err := b.prepare(ctx); err != nil {
		return report{}, err
	}
	r := b.report()
	for n := range s.rounds + 1 {
		s.begin("pdf", n)
		costs, err := b.round(ctx)
		if err != nil {
			return report{}, err
		}
		if n > 0 {
			r.rounds = append(r.rounds, costs)
		}
	}
	return r, b.judge(ctx, r.rounds)
}

type pdfBench struct {
	settings
	self, books string
	peers       map[string][]string // command lines by name, the file's name last; one that is not installed is not there
	texts       map[string]string   // of the rulebook, by reader
	headings    []quality.Heading   // that we found in it
	peak        int64               // bytes of the largest process that read it, the last time
}

// readers are the variants, ours first.
func (b *pdfBench) readers() []string {
	names := []string{ours, oursTwo, oursAll}
	for _, name := range []string{"pdftotext", "mutool", "pypdf"} {
		if b.peers[name] != nil {
			names = append(names, name)
		}
	}
	return names
}

// prepare finds the books and the tools.
func (b *pdfBench) prepare(ctx context.Context) error {
	b.books = filepath.Join(b.data, "pdf")
	if err := need(filepath.Join(b.books, rulebook), "set CONVERTER_TESTDATA to the folder that has it"); err != nil {
		return err
	}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if path, err := exec.LookPath("pdftotext"); err == nil {
		b.peers["pdftotext"] = []string{path}
	}
	if path, err := exec.LookPath("mutool"); err == nil {
		b.peers["mutool"] = []string{path, "draw", "-q", "-F", "text", "-o"}
	}
	const program = "import pypdf, sys\nfor p in pypdf.PdfReader(sys.argv[1]).pages: print(p.extract_text())"
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if command(ctx, python, "-c", "import pypdf").Run() == nil {
			b.peers["pypdf"] = []string{python, "-c", program}
			break
		}
	}
	if b.peers["pdftotext"] == nil || b.peers["mutool"] == nil {
		return errors.New("pdftotext and mutool are wanted: apt-get install poppler-utils poppler-data mupdf-tools, and python3-pypdf for pypdf")
	}
	return nil
}

func (b *pdfBench) round(ctx context.Context) (map[string]cost, error) {
	costs := map[string]cost{roomy: {peak: enough}}
	for _, name := range b.readers() {
		c, text, err := b.read(ctx, name, rulebook)
		if err != nil {
			return nil, err
		}
		costs[name], b.texts[name] = c, text
		if name == ours {
			costs[child] = cost{peak: b.peak}
		}
		if processes[name] != "" && text != b.texts[ours] {
			return nil, fmt.Errorf("with %s processes the text is another one", processes[name])
		}
	}
	return costs, nil
}

// read has a book read.
func (b *pdfBench) read(ctx context.Context, reader, book string) (cost, string, error) {
	file := filepath.Join(b.books, book)
	if n := processes[reader]; n != "" {
		c, out, err := measure(command(ctx, b.self, pdfFlag, filepath.Join(b.work, "pdfium"), file, n))
		if err != nil {
			return cost{}, "", err
		}
		var read quality.Read
		if err := json.Unmarshal(out, &read); err != nil {
			return cost{}, "", fmt.Errorf("what was read of %s: %w", book, err)
		}
		if book == rulebook {
			b.headings, b.peak = read.Headings, read.Peak
		}
		return c, read.Text, nil
	}
	out := filepath.Join(b.work, "text")
	line := b.peers[reader]
	switch reader {
	case "pdftotext":
		line = append(line[:1:1], file, out)
	case "mutool":
		line = append(slices.Clip(line), out, file)
	default:
		c, text, err := measure(command(ctx, line[0], append(slices.Clip(line[1:]), file)...))
		return c, string(text), err
	}
	c, _, err := measure(command(ctx, line[0], line[1:]...))
	if err != nil {
		return cost{}, "", err
	}
	text, err := os.ReadFile(out)
	return c, string(text), err
}

// whole is a variant whose text agrees with the reference in everything.
const whole = "the reference"

// judge says how good the texts are. It comes last because it takes memory, with which a process that is measured would begin.
func (b *pdfBench) judge(ctx context.Context, rounds []map[string]cost) error {
	text, err := os.ReadFile(filepath.Join(b.books, reference))
	if err != nil {
		return err
	}
	marks, err := quality.ReadOutline(filepath.Join(b.books, "ref", "srd-5.1-outline.tsv"))
	if err != nil {
		return err
	}
	scores := map[string]cost{whole: {text: quality.Text{Words: 1, Trigrams: 1, Tens: 1, Order: 1}}}
	for _, name := range b.readers() {
		scores[name] = cost{text: quality.CompareText(string(text), b.texts[name])}
	}
	scores[ours] = cost{text: scores[ours].text, headings: quality.CompareHeadings(marks, b.headings)}
	for _, book := range otherBooks() {
		_, mutool, err := b.read(ctx, "mutool", book)
		if err != nil {
			return err
		}
		for _, name := range []string{ours, "pdftotext"} {
			_, text, err := b.read(ctx, name, book)
			if err != nil {
				return err
			}
			scores[name+" "+book] = cost{text: quality.CompareText(mutool, text)}
		}
	}
	for _, round := range rounds {
		for name, score := range scores {
			c := round[name]
			c.text, c.headings = score.text, score.headings
			round[name] = c
		}
	}
	return nil
}

func byWords(c cost) float64    { return c.text.Words }
func byTrigrams(c cost) float64 { return c.text.Trigrams }
func byTens(c cost) float64     { return c.text.Tens }
func byOrder(c cost) float64    { return c.text.Order }

func (b *pdfBench) report() report {
	const form = "%.4f"
	read := table{title: "403 pages in two columns", columns: []column{
		{name: "wall", by: byWall, form: "%.2f s"},
		{name: "CPU", by: byCPU, form: "%.2f s"},
		{name: "peak", by: byMegabytes, form: "%.0f MB"},
		{name: "words", by: byWords, form: form},
		{name: "trigrams", by: byTrigrams, form: form},
		{name: "ten in row", by: byTens, form: form},
		{name: "order", by: byOrder, form: form},
	}, rows: rows(append(b.readers(), child)...)}
	headings := table{title: "headings, against its bookmarks", rows: rows(ours), columns: []column{
		{name: "precision", by: func(c cost) float64 { return c.headings.Precision }, form: "%.3f"},
		{name: "recall", by: func(c cost) float64 { return c.headings.Recall }, form: "%.3f"},
		{name: "levels", by: func(c cost) float64 { return c.headings.Levels }, form: "%.3f"},
	}}
	others := table{title: "agreement with mutool", columns: []column{
		{name: "ours", variant: "", by: byOrder, form: form},
		{name: "trigrams", variant: "", by: byTrigrams, form: form},
	}}
	for _, book := range otherBooks() {
		name := strings.TrimSuffix(book, ".pdf")
		others.rows = append(others.rows, row{name, "ours " + book}, row{name + ", pdftotext", "pdftotext " + book})
	}
	others.columns[0].name = "order"
	r := report{tables: []table{read, headings, others}}
	for _, m := range quality.Bars() {
		r.bars = append(r.bars, bar{what: m.Name + " of the reference", of: ours, to: whole, by: func(c cost) float64 { return m.Of(c.text) }, least: m.Least})
	}
	r.bars = append(r.bars,
		bar{what: "CPU: ours to pdftotext", of: ours, to: "pdftotext", by: byCPU, most: 3},
		bar{what: "memory: a process that reads to " + roomy, of: child, to: roomy, by: byPeak, most: 1},
	)
	if b.peers["pypdf"] != nil {
		r.bars = append(r.bars, bar{what: "CPU: ours to pypdf", of: ours, to: "pypdf", by: byCPU, most: 0.35})
	}
	r.told = append(r.told,
		bar{what: "CPU: ours to mutool", of: ours, to: "mutool", by: byCPU},
		bar{what: "CPU: 4 processes to 1", of: oursAll, to: ours, by: byCPU},
		bar{what: "wall: 2 processes to 1", of: oursTwo, to: ours, by: byWall},
	)
	return r
}

// readPDF is what is measured.
func readPDF(ctx context.Context, out io.Writer, args []string) error {
	if len(args) != 3 {
		return errors.New("a folder for PDFium's compiled form, a file and a number of processes are wanted")
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	debug.SetGCPercent(200) // as the plugin has it
	pool := extract.New(extract.Config{Command: []string{self, pdfWorker}, Workers: n, CacheDir: args[0]})
	defer pool.Close()
	file, err := pool.Open(ctx, args[1], nil)
	if err != nil {
		return err
	}
	var pages []*page.Page
	for p, err := range pool.Pages(ctx, file, 1, file.Pages) {
		if err != nil {
			return err
		}
		pages = append(pages, p)
	}
	pool.Close() // whoever was not waited for is not counted
	read := quality.Lay(*file.Document, pages)
	read.Peak = peakOfChildren()
	return json.NewEncoder(out).Encode(read)
}

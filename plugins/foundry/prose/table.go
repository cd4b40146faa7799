package prose

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxColumns and maxRows are more than tables have; they bound what spans may ask for.
const (
	maxColumns = 64
	maxRows    = 4096
)

// grid is a table while it is read: its cells by row, a cell that spans several having text in the first.
type grid struct {
	rows   [][]string
	heads  int         // rows at the top that are headings
	below  map[int]int // by column: how many rows further down it is taken
	titles []string    // captions
}

// table renders a table, its caption in front of it.
func (w *Writer) table(n *html.Node, depth int) []string {
	g := grid{below: map[int]int{}}
	w.section(&g, n, depth, false)
	columns := 0
	for _, row := range g.rows {
		columns = max(columns, len(row))
	}
	if columns == 0 {
		return g.titles
	}
	rows := g.rows
	if g.heads == 0 {
		rows = append([][]string{nil}, rows...)
	}
	lines := make([]string, 0, len(rows)+1)
	for i, row := range rows {
		lines = append(lines, line(row, columns))
		if i == 0 {
			lines = append(lines, "|"+strings.Repeat(" --- |", columns))
		}
	}
	return append(g.titles, strings.Join(lines, "\n"))
}

func line(row []string, columns int) string {
	var b strings.Builder
	b.WriteByte('|')
	for i := range columns {
		b.WriteByte(' ')
		if i < len(row) {
			b.WriteString(row[i])
		}
		b.WriteString(" |")
	}
	return b.String()
}

func (w *Writer) section(g *grid, n *html.Node, depth int, head bool) {
	for c := n.FirstChild; c != nil && len(g.rows) < maxRows; c = c.NextSibling {
		switch c.DataAtom {
		case atom.Caption:
			g.titles = append(g.titles, w.block(c, depth+1)...)
		case atom.Thead:
			w.section(g, c, depth, true)
		case atom.Tbody, atom.Tfoot:
			w.section(g, c, depth, false)
		case atom.Tr:
			w.row(g, c, depth, head)
		default:
		}
	}
}

func (w *Writer) row(g *grid, n *html.Node, depth int, head bool) {
	var row []string
	all := true
	taken := func() {
		for g.below[len(row)] > 0 && len(row) < maxColumns {
			g.below[len(row)]--
			row = append(row, "")
		}
	}
	for c := n.FirstChild; c != nil && len(row) < maxColumns; c = c.NextSibling {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
			continue
		}
		all = all && c.DataAtom == atom.Th
		taken()
		down := span(c, "rowspan", maxRows) - 1
		for i := range min(span(c, "colspan", maxColumns), maxColumns-len(row)) {
			g.below[len(row)] += down
			text := ""
			if i == 0 {
				text = cell(w.blocks(c, depth+1))
			}
			row = append(row, text)
		}
	}
	taken()
	if len(row) == 0 {
		return
	}
	if len(g.rows) == g.heads && g.heads == 0 && (head || all) {
		g.heads++
	}
	g.rows = append(g.rows, row)
}

func span(n *html.Node, name string, most int) int {
	i, err := strconv.Atoi(strings.TrimSpace(attribute(n, name)))
	if err != nil || i < 1 {
		return 1
	}
	return min(i, most)
}

// cell is blocks on one line.
func cell(blocks []string) string {
	s := strings.Join(blocks, "\n")
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\|`, "|"), "|", `\|`)
	return strings.NewReplacer("  \n", "<br>", "\n", "<br>").Replace(s)
}

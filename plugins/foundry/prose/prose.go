// Package prose makes Markdown of the HTML that Foundry's texts are written in. Headings, lists, tables and quotations stay
// what they are; what only decorates goes.
//
// It leaves marks of enrichers to whoever asks for a text, see [Writer.Text]. It starts no goroutine and returns no errors:
// HTML that cannot be read is text.
package prose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The ways to treat what is for the game master alone.
const (
	Mark = "mark" // a quotation that begins with [!secret]
	Drop = "drop"
	Keep = "keep" // as if it were nothing special
)

// Writer writes Markdown.
type Writer struct {
	Secrets string // Mark, Drop or Keep; default Mark
	// Text makes Markdown of a run of text, and may replace marks in it. Default: Escape.
	Text func(s string) string

	found bool
}

// HTML makes Markdown of HTML and says whether there were secrets in it.
func (w *Writer) HTML(s string) (markdown string, secrets bool) {
	w.found = false
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil { // nested too deeply
		public, secrets := WithoutSecrets(s)
		if w.Secrets == Drop {
			s = public
		}
		return w.text(s), secrets
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	unwrap(body, 0)
	return join(w.blocks(body, 0)), w.found
}

// Plain makes Markdown of text without HTML; its lines stay lines.
func (w *Writer) Plain(s string) string {
	var blocks []string
	for block := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		var lines []string
		for line := range strings.SplitSeq(block, "\n") {
			if line = lead(collapse(w.text(line))); line != "" {
				lines = append(lines, line)
			}
		}
		if len(lines) > 0 {
			blocks = append(blocks, strings.Join(lines, "  \n"))
		}
	}
	return join(blocks)
}

// unwrap takes elements away that only decorate their text, so that a mark which one begins or ends in is whole.
func unwrap(n *html.Node, depth int) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		switch {
		case c.Type == html.CommentNode:
			n.RemoveChild(c)
		case c.Type == html.ElementNode && (c.DataAtom == atom.Span || c.DataAtom == atom.Font || c.DataAtom == atom.U):
			next = c.FirstChild
			if next == nil {
				next = c.NextSibling
			}
			for inner := c.FirstChild; inner != nil; inner = c.FirstChild {
				c.RemoveChild(inner)
				n.InsertBefore(inner, c)
			}
			n.RemoveChild(c)
		case c.Type == html.ElementNode && depth < 2*maxDepth:
			unwrap(c, depth+1)
		}
		c = next
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		var run []string
		for c.Type == html.TextNode && c.NextSibling != nil && c.NextSibling.Type == html.TextNode {
			run = append(run, c.NextSibling.Data)
			n.RemoveChild(c.NextSibling)
		}
		if len(run) > 0 {
			c.Data += strings.Join(run, "")
		}
	}
}

func (w *Writer) text(s string) string {
	if w.Text == nil {
		return Escape(s)
	}
	return w.Text(s)
}

func join(blocks []string) string { return strings.Join(blocks, "\n\n") }

// maxDepth is deeper than texts are nested; what lies deeper is text alone.
const maxDepth = 100

// blocks renders what is in an element, block by block. Text between blocks is one of its own.
func (w *Writer) blocks(n *html.Node, depth int) []string {
	var out []string
	var run strings.Builder
	flush := func() {
		if s := lead(collapse(run.String())); s != "" {
			out = append(out, s)
		}
		run.Reset()
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if depth < maxDepth && isBlock(c, depth) {
			flush()
			out = append(out, w.block(c, depth+1)...)
		} else {
			w.inline(&run, c, depth+1)
		}
	}
	flush()
	return out
}

// isBlock says whether an element begins on a line of its own, or has something in it that does.
func isBlock(n *html.Node, depth int) bool {
	if n.Type != html.ElementNode {
		return false
	}
	switch n.DataAtom {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Caption, atom.Center, atom.Dd, atom.Details, atom.Dialog,
		atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3,
		atom.H4, atom.H5, atom.H6, atom.Header, atom.Hr, atom.Li, atom.Main, atom.Nav, atom.Ol, atom.P, atom.Pre, atom.Section,
		atom.Summary, atom.Table, atom.Ul, atom.Script, atom.Style, atom.Template:
		return true
	default:
	}
	if depth >= maxDepth {
		return false
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if isBlock(c, depth+1) {
			return true
		}
	}
	return false
}

func (w *Writer) block(n *html.Node, depth int) []string {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template:
		return nil
	case atom.Hr:
		return []string{"---"}
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return prefix(w.blocks(n, depth), strings.Repeat("#", int(n.Data[1]-'0'))+" ")
	case atom.Blockquote, atom.Aside:
		return quote(w.blocks(n, depth))
	case atom.Ul, atom.Ol:
		return w.list(n, depth)
	case atom.Pre:
		return code(n)
	case atom.Table:
		return w.table(n, depth)
	case atom.Dt, atom.Summary, atom.Figcaption, atom.Caption:
		return around(w.blocks(n, depth), n.DataAtom)
	case atom.Section:
		if isSecret(n) {
			return w.secret(n, depth)
		}
	default:
	}
	return w.blocks(n, depth)
}

// prefix makes one line with a prefix of blocks: a heading has no more.
func prefix(blocks []string, with string) []string {
	line := strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(blocks, " "), "  \n", " ")), " ")
	if line == "" {
		return nil
	}
	return []string{with + line}
}

func around(blocks []string, kind atom.Atom) []string {
	sign := "**"
	if kind == atom.Figcaption {
		sign = "*"
	}
	for i, b := range blocks {
		if !strings.ContainsAny(b, "*\n|#>") {
			blocks[i] = sign + b + sign
		}
	}
	return blocks
}

func quote(blocks []string) []string {
	if len(blocks) == 0 {
		return nil
	}
	return []string{"> " + strings.ReplaceAll(strings.ReplaceAll(join(blocks), "\n", "\n> "), "\n> \n", "\n>\n")}
}

// secret renders a section that is for the game master alone. One that was revealed is no secret any more.
func (w *Writer) secret(n *html.Node, depth int) []string {
	w.found = true
	switch w.Secrets {
	case Drop:
		return nil
	case Keep:
		return w.blocks(n, depth)
	}
	blocks := w.blocks(n, depth)
	if len(blocks) == 0 {
		return nil
	}
	return []string{"> [!secret]\n" + quote(blocks)[0]}
}

func isSecret(n *html.Node) bool { return secretClasses(attribute(n, "class")) }

func secretClasses(class string) bool {
	classes := strings.Fields(class)
	return slices.Contains(classes, "secret") && !slices.Contains(classes, "revealed")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func (w *Writer) list(n *html.Node, depth int) []string {
	number, _ := strconv.Atoi(attribute(n, "start"))
	if number < 1 || number > 1e6 {
		number = 1
	}
	var items []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode {
			continue
		}
		render := w.block
		if c.DataAtom == atom.Li {
			render = w.blocks
		}
		blocks := render(c, depth)
		if len(blocks) == 0 {
			continue
		}
		sign := "- "
		if n.DataAtom == atom.Ol {
			sign = strconv.Itoa(number) + ". "
			number++
		}
		var text strings.Builder
		text.WriteString(blocks[0])
		for _, b := range blocks[1:] {
			if !startsList(b) {
				text.WriteByte('\n')
			}
			text.WriteString("\n" + b)
		}
		items = append(items, sign+indented(text.String(), strings.Repeat(" ", len(sign))))
	}
	if len(items) == 0 {
		return nil
	}
	return []string{strings.Join(items, "\n")}
}

// indented puts a prefix in front of all lines that are not empty, but for the first.
func indented(s, prefix string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", "\n"+prefix), "\n"+prefix+"\n", "\n\n")
}

func startsList(s string) bool {
	return strings.HasPrefix(s, "- ") || strings.HasPrefix(strings.TrimLeft(s, "0123456789"), ". ")
}

func code(n *html.Node) []string {
	s := strings.Trim(textOf(n, 0), "\n")
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return []string{fence + "\n" + s + "\n" + fence}
}

// textOf is the bare text of an element.
func textOf(n *html.Node, depth int) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if depth > 4*maxDepth || n.DataAtom == atom.Script || n.DataAtom == atom.Style {
		return ""
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c, depth+1))
	}
	return b.String()
}

// inline renders what runs on in its line.
func (w *Writer) inline(b *strings.Builder, n *html.Node, depth int) {
	switch n.Type {
	case html.TextNode:
		b.WriteString(w.text(n.Data))
		return
	case html.ElementNode:
	default:
		return
	}
	if depth >= 2*maxDepth {
		b.WriteString(w.text(textOf(n, 0)))
		return
	}
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Template:
	case atom.Br:
		b.WriteString("\x00") // a line's end, see collapse
	case atom.Strong, atom.B:
		w.wrapped(b, n, "**", depth)
	case atom.Em, atom.I, atom.Cite:
		w.wrapped(b, n, "*", depth)
	case atom.S, atom.Del, atom.Strike:
		w.wrapped(b, n, "~~", depth)
	case atom.Code, atom.Kbd:
		if s := strings.TrimSpace(textOf(n, 0)); s != "" && !strings.Contains(s, "`") {
			b.WriteString("`" + strings.Join(strings.Fields(s), " ") + "`")
		} else {
			w.children(b, n, depth)
		}
	case atom.A:
		w.anchor(b, n, depth)
	case atom.Img:
		link(b, "!", Escape(collapse(attribute(n, "alt"))), attribute(n, "src"))
	case atom.Video, atom.Audio, atom.Iframe, atom.Embed, atom.Source:
		if src := attribute(n, "src"); src != "" {
			link(b, "", Escape(src), src)
		}
		w.children(b, n, depth)
	default:
		w.children(b, n, depth)
	}
}

func (w *Writer) children(b *strings.Builder, n *html.Node, depth int) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.inline(b, c, depth+1)
	}
}

// wrapped sets what is in an element between signs. Space at its ends stays outside.
func (w *Writer) wrapped(b *strings.Builder, n *html.Node, sign string, depth int) {
	var in strings.Builder
	w.children(&in, n, depth)
	s := in.String()
	bare := strings.Trim(s, " \t\n\r\f\x00\u00a0")
	if bare == "" || strings.HasPrefix(bare, "*") || strings.HasSuffix(bare, "*") && sign == "*" {
		b.WriteString(s)
		return
	}
	i := strings.Index(s, bare)
	b.WriteString(s[:i] + sign + bare + sign + s[i+len(bare):])
}

func (w *Writer) anchor(b *strings.Builder, n *html.Node, depth int) {
	var in strings.Builder
	w.children(&in, n, depth)
	label, address := collapse(in.String()), attribute(n, "href")
	if uuid := attribute(n, "data-uuid"); uuid != "" { // a link that was written out
		address = "foundry://" + uuid
	}
	if address == "" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(address)), "javascript:") || strings.Contains(label, "](") {
		b.WriteString(in.String())
		return
	}
	link(b, "", label, address)
}

// Link is a link in Markdown.
func Link(label, address string) string {
	var b strings.Builder
	link(&b, "", label, address)
	return b.String()
}

func link(b *strings.Builder, sign, label, address string) {
	if address = strings.TrimSpace(address); strings.HasPrefix(address, "data:") {
		address, _, _ = strings.Cut(address, ";") // the document has the rest of it
	}
	if strings.ContainsAny(address, " ()<>\t\n") {
		address = "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "%0A", "\t", "%09").Replace(address) + ">"
	}
	fmt.Fprintf(b, "%s[%s](%s)", sign, strings.NewReplacer("\n", " ", "\x00", " ").Replace(label), address)
}

// Escape makes Markdown of text: signs that would mean something there are escaped.
func Escape(s string) string {
	if !strings.ContainsAny(s, "\\*_`<]~\x00") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch c {
		case 0:
			continue
		case '\\', '*', '`':
			b.WriteByte('\\')
		case '_':
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			after, _ := utf8.DecodeRuneInString(s[i+1:])
			if !isWord(before) || !isWord(after) {
				b.WriteByte('\\')
			}
		case '<':
			if i+1 < len(s) && (s[i+1] == '/' || s[i+1] == '!' || s[i+1] == '?' || s[i+1]|0x20 >= 'a' && s[i+1]|0x20 <= 'z') {
				b.WriteByte('\\')
			}
		case '~':
			if i+1 < len(s) && s[i+1] == '~' {
				b.WriteByte('\\')
			}
		case ']':
			if i+1 < len(s) && s[i+1] == '(' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// collapse makes one space of white space, and line ends of the marks for them.
func collapse(s string) string {
	lines := strings.Split(s, "\x00")
	kept := lines[:0]
	for _, line := range lines {
		kept = append(kept, strings.Join(strings.FieldsFunc(line, isSpace), " "))
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return strings.ReplaceAll(strings.Trim(strings.Join(kept, "\n"), "\n"), "\n", "  \n")
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' || r == '\u00a0'
}

// lead escapes what would mean something at the beginning of a line.
func lead(s string) string {
	if s == "" {
		return s
	}
	bare := strings.TrimLeft(s, "0123456789")
	switch c := s[0]; {
	case c == '#' && strings.HasPrefix(strings.TrimLeft(s, "#"), " "), c == '>', c == '|',
		(c == '-' || c == '+') && len(s) > 1 && s[1] == ' ', strings.HasPrefix(s, "---"), strings.HasPrefix(s, "==="):
		return `\` + s
	case len(bare) < len(s) && len(bare) > 1 && (bare[0] == '.' || bare[0] == ')') && bare[1] == ' ':
		return s[:len(s)-len(bare)] + `\` + bare
	}
	return s
}

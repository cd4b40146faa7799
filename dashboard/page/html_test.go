package page_test

import (
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

// render returns a component as a tree and as text.
func render(t *testing.T, c templ.Component) (*html.Node, string) {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, b.String()
}

// all returns the elements that are a tag, or have an #id or a .class.
func all(doc *html.Node, selector string) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && matches(n, selector) {
			found = append(found, n)
		}
	}
	return found
}

func matches(n *html.Node, selector string) bool {
	switch name := selector[1:]; selector[0] {
	case '#':
		return attribute(n, "id") == name
	case '.':
		return strings.Contains(" "+attribute(n, "class")+" ", " "+name+" ")
	default:
		return n.Data == selector
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text returns what an element says, its spaces made plain.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return plain(b.String())
}

func plain(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\u202f", " ")), " ")
}

// only returns what the one element with a selector says.
func only(t *testing.T, doc *html.Node, selector string) string {
	t.Helper()
	found := all(doc, selector)
	if len(found) != 1 {
		t.Fatalf("%d elements are %s, want one", len(found), selector)
	}
	return text(found[0])
}

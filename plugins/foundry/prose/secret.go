package prose

import (
	"strings"

	"golang.org/x/net/html"
)

// WithoutSecrets returns HTML without the sections that are for the game master alone, every other byte as it was. A section
// without an end goes on to the end of the text.
func WithoutSecrets(s string) (public string, found bool) {
	if !strings.Contains(s, "secret") {
		return s, false
	}
	var b strings.Builder
	depth, at := 0, 0
	for t := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := t.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := len(t.Raw())
		inside := depth > 0
		begins := kind == html.StartTagToken || kind == html.SelfClosingTagToken // it has an end all the same
		switch name, attributes := t.TagName(); {
		case string(name) != "section":
		case kind == html.EndTagToken && depth > 0:
			depth--
		case begins && depth > 0:
			depth++
		case begins && attributes && secretTag(t):
			depth, found, inside = 1, true, true
		}
		if !inside {
			b.WriteString(s[at : at+raw])
		}
		at += raw
	}
	if depth == 0 {
		b.WriteString(s[at:])
	}
	return b.String(), found
}

func secretTag(t *html.Tokenizer) bool {
	for more := true; more; {
		var name, value []byte
		name, value, more = t.TagAttr()
		if string(name) == "class" {
			return secretClasses(string(value))
		}
	}
	return false
}

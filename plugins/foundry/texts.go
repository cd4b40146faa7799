package foundry

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
	"github.com/seed-98789ff7/converter/plugins/foundry/prose"
	"github.com/seed-98789ff7/converter/sdk"
)

// texts gathers the strings of a document that are for people to read.
type texts struct {
	reader *reader
	native string // type of the document
	found  []found
}

type found struct{ pointer, text string }

// maxTexts bounds the texts of a record together with its document: what a record may have on its way.
const maxTexts = 7 << 20

// Members whose strings are for people to read, with and without HTML in them.
var textMembers = map[string]bool{
	"content": true, "description": true, "biography": true, "text": true, "caption": true, "markdown": true, "chat": true,
	"chatFlavor": true, "notes": true, "privateNotes": true, "gmNotes": true, "publicNotes": true, "public": true, "gm": true,
	"flavorText": true, "tooltip": true,
}

// Members with such strings in their member "value".
var valuedMembers = map[string]bool{"description": true, "biography": true, "notes": true, "details": true, "text": true}

// Members that hold no text for people, whatever looks like it: settings of modules, the working of effects, programs.
var otherMembers = map[string]bool{"flags": true, "_stats": true, "changes": true, "command": true, "_key": true, "thumb": true}

// secretMembers are for the game master alone, as a whole.
var secretMembers = map[string]bool{"privateNotes": true, "gmNotes": true, "gm": true}

// take looks at one string, as it is written.
func (t *texts) take(quoted []byte, w *walker) {
	if t == nil || len(quoted) <= 2 || len(w.path) == 0 {
		return
	}
	key := w.path[len(w.path)-1].key
	if key == nil {
		return
	}
	name := string(key[1 : len(key)-1])
	known := textMembers[name]
	if name == "value" && len(w.path) > 1 {
		if above := w.path[len(w.path)-2].key; above != nil {
			known = valuedMembers[string(above[1:len(above)-1])]
		}
	}
	marked := bytes.Contains(quoted, []byte("</")) || bytes.Contains(quoted, []byte("<br")) || bytes.Contains(quoted, []byte("<p>")) ||
		bytes.Contains(quoted, []byte("<img")) || bytes.Contains(quoted, []byte(`\u003c`)) || bytes.Contains(quoted, []byte("[[")) ||
		bytes.Contains(quoted, []byte("@UUID[")) || bytes.Contains(quoted, []byte("@Embed[")) || bytes.Contains(quoted, []byte("@Compendium["))
	if !known && !marked && !t.declares(w) {
		return
	}
	for _, s := range w.path {
		if s.key != nil && otherMembers[string(s.key[1:len(s.key)-1])] {
			return
		}
	}
	if s := unquote(quoted); strings.TrimSpace(s) != "" {
		t.found = append(t.found, found{w.pointer(), s})
	}
}

// declares says whether the system declares the field to hold HTML. Only documents themselves are asked for, not those in them:
// theirs are found by their names.
func (t *texts) declares(w *walker) bool {
	if len(w.path) < 2 || w.path[0].key == nil || string(w.path[0].key) != `"system"` || !strings.Contains(t.native, "/") {
		return false
	}
	fields := t.reader.fields(t.native)
	if len(fields) == 0 {
		return false
	}
	return fields[strings.ReplaceAll(strings.TrimPrefix(w.pointer(), "/system/"), "/", ".")]
}

// written is a text on its way to become Markdown: what it is about, and where it stands.
type written struct {
	found
	in int // which of the documents inside the record; -1: the record itself
}

// tell makes the texts of a record.
func (r *reader) tell(t *texts, n *nest, rec *sdk.Record, doc []byte) {
	room := maxTexts - len(doc) - 256*(len(rec.Assets)+len(rec.Links)+len(n.list))
	say := &speech{reader: r, record: rec, doc: doc, nest: n}
	left := 0
	for _, f := range t.found {
		w := written{f, -1}
		for at := f.pointer; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
			if i := n.places[at]; i > 0 {
				w.in = i - 1
				break
			}
		}
		text, ok := r.text(say, w, n)
		if !ok {
			continue
		}
		if room -= len(text.Markdown) + len(text.Pointer) + len(text.Title) + 32; room < 0 {
			left++
			continue
		}
		rec.Texts = append(rec.Texts, text)
	}
	if left > 0 {
		rec.Warnings = append(rec.Warnings, fmt.Sprintf("%d of its texts are left out, because it is too large with them", left))
	}
}

// text makes Markdown of one text; ok is false where nothing is left of it.
func (r *reader) text(say *speech, w written, n *nest) (t sdk.Text, ok bool) {
	t = sdk.Text{Pointer: w.pointer, Role: textRole(w.pointer, say.record.NativeType)}
	var in inner
	if w.in >= 0 {
		in = n.list[w.in]
		t.Title = in.Name
	}
	key := w.pointer[strings.LastIndexByte(w.pointer, '/')+1:]
	if in.typ == "JournalEntryPage" && strings.HasSuffix(w.pointer, "/text/"+key) {
		if markdown := string(in.page.Text.Format) == "2"; markdown != (key == "markdown") {
			return t, false // the other one is made of it
		}
	}
	say.at(w.in)
	writer := prose.Writer{Secrets: first(r.library.options.Secrets, prose.Mark), Text: say.run}
	secret := secretMembers[key] || key == "value" && secretMembers[member(w.pointer, 1)]
	switch {
	case secret && writer.Secrets == prose.Drop:
		return t, false
	case key == "markdown":
		say.bare = true
		t.Markdown = strings.TrimSpace(say.run(w.found.text))
		say.bare = false
		_, t.HasSecrets = prose.WithoutSecrets(w.found.text)
	case isHTML(w.found.text):
		t.Markdown, t.HasSecrets = writer.HTML(w.found.text)
	default:
		t.Markdown = writer.Plain(w.found.text)
	}
	if secret && t.Markdown != "" {
		t.HasSecrets = true
		if writer.Secrets == prose.Mark {
			t.Markdown = "> [!secret]\n> " + strings.ReplaceAll(t.Markdown, "\n", "\n> ")
		}
	}
	return t, t.Markdown != ""
}

// member is the member of a pointer that is so many steps above its last.
func member(pointer string, up int) string {
	parts := strings.Split(pointer, "/")
	if len(parts) <= up {
		return ""
	}
	return parts[len(parts)-1-up]
}

// isHTML says whether a text has tags or entities.
func isHTML(s string) bool {
	for i := strings.IndexAny(s, "<&"); i >= 0 && i+1 < len(s); {
		switch c := s[i+1]; {
		case s[i] == '<' && (c == '/' || c == '!' || c|0x20 >= 'a' && c|0x20 <= 'z'):
			return true
		case s[i] == '&' && (c == '#' || c|0x20 >= 'a' && c|0x20 <= 'z') && strings.IndexByte(s[i:min(len(s), i+12)], ';') > 0:
			return true
		}
		next := strings.IndexAny(s[i+1:], "<&")
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

func textRole(pointer, native string) string {
	last := pointer[strings.LastIndexByte(pointer, '/')+1:]
	switch {
	case strings.HasSuffix(pointer, "/image/caption"), last == "caption":
		return "caption"
	case strings.Contains(pointer, "/results/"):
		return "result"
	case strings.Contains(pointer, "/pages/"), native == "JournalEntry":
		return "page"
	case strings.Contains(pointer, "iography"), strings.HasSuffix(pointer, "/details/public"):
		return "biography"
	case strings.Contains(pointer, "otes"), last == "gm", strings.Contains(pointer, "/gm/"):
		return "notes"
	case strings.Contains(pointer, "escription"), strings.Contains(pointer, "/details/"):
		return "description"
	default:
		return "other"
	}
}

// withoutSecrets is a document without what is for the game master alone in its texts.
func withoutSecrets(doc []byte) []byte {
	var out []byte
	from := 0
	w := walker{doc: doc}
	w.visit = func(quoted []byte) {
		secret := len(w.path) > 0 && secretMembers[w.key()] && len(quoted) > 2 ||
			len(w.path) > 1 && w.key() == "value" && w.path[len(w.path)-2].key != nil && secretMembers[unquote(w.path[len(w.path)-2].key)]
		if !secret && !bytes.Contains(quoted, []byte("secret")) {
			return
		}
		public, found := "", true
		if !secret {
			public, found = prose.WithoutSecrets(unquote(quoted))
		}
		if !found {
			return
		}
		start := cap(doc) - cap(quoted)
		out = appendQuoted(append(out, doc[from:start]...), public)
		from = start + len(quoted)
	}
	w.value(0)
	if out == nil {
		return doc
	}
	return append(out, doc[from:]...)
}

// appendQuoted appends a text as a JSON string that is as much as possible like the text.
func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ':
			out = append(out, `\u00`...)
			out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			out = append(out, string(c)...)
		}
	}
	return append(out, '"')
}

// speech puts into words what enrichers would show in a text.
type speech struct {
	reader *reader
	record *sdk.Record
	doc    []byte
	nest   *nest
	whole  map[string]any // the document taken apart, once somebody asks
	owner  owner          // of the text in hand
	bare   bool           // the text is Markdown already
	depth  int            // of labels in labels
}

// at says which of the documents inside the record the next text stands in; -1: the record itself.
func (s *speech) at(i int) {
	s.owner = owner{speech: s, in: i}
}

// run makes Markdown of a run of text.
func (s *speech) run(text string) string {
	var b strings.Builder
	from := 0
	plain := func(t string) {
		if s.bare {
			b.WriteString(t)
		} else {
			b.WriteString(prose.Escape(t))
		}
	}
	for _, m := range enrich.All(text) {
		plain(text[from:m.Start])
		from = m.End
		words, known := s.words(m, 0)
		if !known {
			s.reader.library.met(m, "unknown")
			plain(first(m.Label, text[m.Start:m.End]))
			continue
		}
		s.reader.library.met(m, "told")
		if strings.HasSuffix(words, ".") && strings.HasPrefix(text[from:], ".") {
			words = words[:len(words)-1]
		}
		b.WriteString(words)
	}
	plain(text[from:])
	return b.String()
}

// met counts a mark.
func (l *library) met(m enrich.Mark, fate string) {
	if l.marks == nil {
		l.marks = map[string]int{}
	}
	name := m.Name
	switch {
	case m.Sort == enrich.At:
		name = "@" + name
	case m.Sort == enrich.And:
		name = "&" + name
	case name != "lookup":
		name = "/" + name
	}
	l.marks[fate+" "+name]++
}

// number is a JSON number or text as a text.
func number(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

package output

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// noticeName is the file that says under what terms the library's parts may be used.
const noticeName = "NOTICE.md"

// noticesMost bounds the notices that are told apart. A source states one for each of its books or packages, not for each entity.
// Nor may they take all the memory there is, whatever a source calls an attribution.
const (
	noticesMost  = 10_000
	noticesBytes = 16 << 20
)

// notices gathers what entities and pictures say of their licences.
type notices struct {
	of    map[notice]*tally
	bytes int   // of their texts
	more  int64 // entities whose notices were too many
}

// notice is what is said once.
type notice struct {
	source, work string // work: the book, else the package
	redistribute string // yes, no, unknown
	license      sdk.License
}

// tally is of how many it is said.
type tally struct{ entities, pictures int64 }

func (n *notices) add(e *core.Entity) {
	work := cmp.Or(e.Source.Book, e.Source.Package)
	n.count(notice{e.Source.Name, work, e.License.Redistributable, e.License.License}).entities++
	for _, a := range e.Assets {
		if a.AssetID != "" && a.License != (sdk.License{}) {
			n.count(notice{e.Source.Name, work, "", a.License}).pictures++
		}
	}
}

func (n *notices) count(key notice) *tally {
	key.license.From = "" // who states it makes no difference to what has to be said
	t := n.of[key]
	if t != nil {
		return t
	}
	size := len(key.work) + len(key.license.Expression) + len(key.license.URL) + len(key.license.Attribution)
	if len(n.of) >= noticesMost || n.bytes+size > noticesBytes {
		n.more++
		return &tally{}
	}
	if n.of == nil {
		n.of = map[notice]*tally{}
	}
	t = &tally{}
	n.of[key] = t
	n.bytes += size
	return t
}

const noticeHead = `# Notice

The parts of this library come from the works below, under the terms that their sources state. They were converted: documents to JSON of
one shape, pictures to WebP in several sizes; what a document says was not changed. Whoever passes on a part passes on its notice.
`

// unstated is the heading for those that say nothing.
const unstated = "No licence is stated"

// text is the file.
func (n *notices) text() []byte {
	var b bytes.Buffer
	b.WriteString(noticeHead)
	title := func(k notice) string { return cmp.Or(inText(k.license.Expression), unstated) }
	keys := slices.SortedFunc(maps.Keys(n.of), func(a, b notice) int {
		if (title(a) == unstated) != (title(b) == unstated) { // it comes last
			return cmp.Compare(btoi(title(a) == unstated), btoi(title(b) == unstated))
		}
		return cmp.Or(cmp.Compare(title(a), title(b)), cmp.Compare(a.work, b.work), cmp.Compare(a.source, b.source),
			cmp.Compare(a.license.URL, b.license.URL), cmp.Compare(a.license.Attribution, b.license.Attribution),
			cmp.Compare(a.redistribute, b.redistribute), cmp.Compare(a.license.Expression, b.license.Expression))
	})
	before := ""
	for _, k := range keys {
		if t := title(k); t != before {
			fmt.Fprintf(&b, "\n## %s\n", t)
			before = t
		}
		n.write(&b, k)
	}
	if n.more > 0 {
		fmt.Fprintf(&b, "\n## Others\n\n%d more notices are in the entities' own files only, as `license`.\n", n.more)
	}
	return b.Bytes()
}

func (n *notices) write(b *bytes.Buffer, k notice) {
	fmt.Fprintf(b, "\n- **%s** (source %s): %s", cmp.Or(inText(k.work), "one work"), inText(k.source), n.of[k])
	switch k.redistribute {
	case "no":
		b.WriteString("; it must not be passed on")
	case "unknown":
		b.WriteString("; whether it may be passed on is not known")
	}
	b.WriteByte('\n')
	if k.license.URL != "" {
		fmt.Fprintf(b, "\n  <%s>\n", inAddress.Replace(oneLine(k.license.URL)))
	}
	if text := strings.TrimSpace(k.license.Attribution); text != "" { // as it is, so that nothing in it means anything else
		b.WriteByte('\n')
		for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
			b.WriteString(strings.TrimRight("      "+strings.TrimRight(line, "\r\n"), " ") + "\n")
		}
	}
}

func (t *tally) String() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{{t.entities, "entities"}, {t.pictures, "uses of pictures"}} {
		switch {
		case p.n == 1 && p.what == "entities":
			parts = append(parts, "1 entity")
		case p.n == 1:
			parts = append(parts, "1 use of a picture")
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// inText is a text on one line in which nothing means anything in Markdown: names come from outside.
func inText(s string) string { return markup.Replace(oneLine(s)) }

var (
	markup    = strings.NewReplacer(`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `&`, `\&`)
	inAddress = strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E")
)

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

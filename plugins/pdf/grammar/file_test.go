package grammar

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// least is a grammar with nothing but what it needs.
const least = `grammar: mine
form: 1
entities:
  - kind: ship
    anchor: {pattern: '^Hull \d'}
    fields:
      - {name: hull, key: 'Hull', type: int}
      - {key: 'Crew', pattern: '(?P<crew>\d+)', values: {crew: int}}
    sections:
      - {name: desc}
`

func TestParseLeast(t *testing.T) {
	g, err := Parse("mine.yaml", []byte(least))
	if err != nil {
		t.Fatal(err)
	}
	r := Find(write("## The Gull\n\nHull 12\nCrew 4 sailors\n\nIt leaks."), []*Grammar{g})
	if len(r.Entities) != 1 || r.Entities[0].Kind != "ship" || r.Entities[0].Content != StatBlock ||
		!reflect.DeepEqual(r.Entities[0].Fields, map[string]any{"hull": 12, "crew": 4, "desc": "It leaks."}) {
		t.Errorf("got %+v", r.Entities)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ old, put, want string }{
		{"grammar: mine\n", "", "mine.yaml:1: grammar: is missing: the name of the grammar, as dnd5e"},
		{"grammar: mine", "grammar: My Game", `mine.yaml:1: grammar: is "My Game"; it has to be small letters and digits, with single hyphens between`},
		{"form: 1", "form: 2", "mine.yaml:2: form: is 2; it may be 1 to 1"},
		{"form: 1", "form: one", "mine.yaml:2: form: has to be a number"},
		{"kind: ship", "kin: ship", "mine.yaml:4: entities[0].kin: is not known here; what may stand here: kind, content, anchor,"},
		{"kind: ship", "kin: ship", "mine.yaml:4: entities[0].kind: is missing: what such an entity is, as monster"},
		{"kind: ship", "kind: ship\n    content: boat", `mine.yaml:5: entities[0].content: is "boat"; it may be statblock, spell, item`},
		{`'^Hull \d'`, `'^Hull (\d'`, "mine.yaml:5: entities[0].anchor[0].pattern: is no regular expression: missing closing ): `^Hull (\\d`"},
		{"anchor: {pattern", "anchor: {lines: 0, pattern", "mine.yaml:5: entities[0].anchor[0].lines: is 0; it may be 1 to 10"},
		{"anchor: {pattern", "anchor: {style: bold, pattern", `mine.yaml:5: entities[0].anchor[0].style: is "bold"; it may be italic`},
		{"    fields:", "    name: {group: who}\n    fields:", `mine.yaml:6: entities[0].name.group: is "who", which is a group of no anchor`},
		{"    fields:", "    name: {pattern: '(?P<who>.*)'}\n    fields:", "mine.yaml:6: entities[0].name.pattern: has no group (?P<name>…), which is the name"},
		{"    fields:", "    require: {within: 3}\n    fields:", "mine.yaml:6: entities[0].require[0].pattern: is missing: what has to stand near the anchor"},
		{"    fields:", "    ends: {heading: some}\n    fields:", `mine.yaml:6: entities[0].ends.heading: is "some"; it may be same, any`},
		{"    fields:", "    confidence: {least: 2}\n    fields:", "mine.yaml:6: entities[0].confidence.least: is 2; it may be 0 to 1"},
		{"type: int}", "type: integer}", `mine.yaml:7: entities[0].fields[0].type: is "integer"; types are text, lower, int,`},
		{"type: int}", "type: int, names: {a: B}}", `mine.yaml:7: entities[0].fields[0].names.a: is "B"; names of fields are small letters`},
		{"type: int}", "type: abilities}", "mine.yaml:7: entities[0].fields[0].names: is missing: abilities are found by their labels"},
		{"type: int}", "spread: true}", "mine.yaml:7: entities[0].fields[0].spread: is for abilities, bonuses and measures"},
		{"type: int}", "required: maybe}", "mine.yaml:7: entities[0].fields[0].required: has to be true or false"},
		{"name: hull, ", "", "mine.yaml:7: entities[0].fields[0].name: is missing: how the field is called in what is made of it"},
		{"name: hull, ", "name: Hull, ", `mine.yaml:7: entities[0].fields[0].name: is "Hull"; names of fields are small letters`},
		{"key: 'Hull', ", "", "mine.yaml:7: entities[0].fields[0].key: is missing: with what the line of the field begins"},
		{"key: 'Hull', ", "key: '(Hull)?', ", "mine.yaml:7: entities[0].fields[0].key: matches nothing at all, and so every line"},
		{"key: 'Hull', ", "key: '', ", "mine.yaml:7: entities[0].fields[0].key: has to be a text that is not empty"},
		{"key: 'Hull', ", "key: 'Hull', key: 'Hulk', ", "mine.yaml:7: entities[0].fields[0].key: stands here twice; keep one of them"},
		{"values: {crew: int}", "values: {men: int}", "mine.yaml:8: entities[0].fields[1].values.men: is no group of the pattern; its groups are crew"},
		{`'(?P<crew>\d+)', values: {crew: int}`, `'\d+'`, "mine.yaml:8: entities[0].fields[1].pattern: has no group with a name, (?P<name>…), so that nothing is made of it"},
		{`pattern: '(?P<crew>\d+)', `, "", "mine.yaml:8: entities[0].fields[1].values: need a pattern whose groups have their names"},
		{"crew", "hull", `mine.yaml:7: entities[0].fields[1]: makes the field "hull", which another one makes already`},
		{"{name: desc}", "{name: desc}\n      - {name: more}", "mine.yaml:11: entities[0].sections[1].title: is missing: only the first section begins where the fields end"},
		{"{name: desc}", "{name: hull}", `mine.yaml:10: entities[0].sections[0]: makes the field "hull", which a field makes already`},
		{"{name: desc}", "desc", "mine.yaml:10: entities[0].sections[0]: has to be a mapping of names to values; what may stand here: name,"},
		{"entities:", "entities: [", "mine.yaml:"},
		{"grammar: mine", "grammar: mine\n---\nx: y", "mine.yaml:1: a grammar file holds one document; this one holds 2"},
	} {
		text := strings.ReplaceAll(least, tt.old, tt.put)
		if text == least {
			t.Fatalf("the grammar has no %q", tt.old)
		}
		g, err := Parse("mine.yaml", []byte(text))
		var mistakes Mistakes
		if !errors.As(err, &mistakes) || g != nil {
			t.Errorf("%s: it is taken", tt.want)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got\n%v\nwant\n%s", err, tt.want)
		}
	}
	for _, text := range []string{"", "# nothing", "- a", "just words", "entities: &a [*a]", "grammar: !!binary x"} {
		if _, err := Parse("x.yaml", []byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestNamePattern: a name that has more beside it, and one that wraps.
func TestNamePattern(t *testing.T) {
	text := strings.Replace(least, "    fields:", "    name: {bold: true, pattern: '^(?P<name>.+?) SHIP (?P<level>-?\\d+)$', values: {level: int}}\n    fields:", 1)
	g, err := Parse("mine.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r := Find(write("## The Gull SHIP -1\n\nHull 12\n\n**The Great**\n**Auk SHIP 4**\n\nHull 30\n\n## The Tern\n\nHull 3"), []*Grammar{g})
	var got []any
	for _, e := range r.Entities {
		got = append(got, e.Name, e.Fields["level"], e.Fields["hull"])
	}
	if !reflect.DeepEqual(got, []any{"The Gull", -1, 12, "The Great Auk", 4, 30, "The Tern", nil, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	mine, again := filepath.Join(dir, "mine.yaml"), filepath.Join(dir, "again.yaml")
	for path, text := range map[string]string{mine: least, again: strings.Replace(least, "grammar: mine", "grammar: dnd5e", 1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := Load(shippedGrammars(t), mine, again)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range loaded {
		names = append(names, g.Name+" "+g.Entities[0].Kind)
	}
	if got := strings.Join(names, ", "); got != "dnd5e ship, osr monster, mine ship" {
		t.Errorf("loaded %s", got)
	}
	_, err = Load(nil, filepath.Join(dir, "absent.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "check the path in the source's options") {
		t.Errorf("an absent file: %v", err)
	}
}

// TestGuide: the grammar of the guide for authors is one, and reads what the guide says it reads.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/pdf-grammars.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) string {
		_, rest, found := strings.Cut(string(guide), "```"+kind+"\n")
		text, _, closed := strings.Cut(rest, "```")
		if !found || !closed {
			t.Fatalf("the guide has no block of %s", kind)
		}
		return text
	}
	g, err := Parse("tidewrack.yaml", []byte(block("yaml")))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Replace(block("text"), "Harbour Ghoul\n", "## Harbour Ghoul\n", 1)
	r := Find(write(page), append(shippedGrammars(t), g))
	if len(r.Entities) != 1 {
		t.Fatalf("%d entities", len(r.Entities))
	}
	got, want := r.Entities[0], decode(t, block("json"))
	have := decode(t, encode(t, map[string]any{
		"kind": got.Kind, "name": got.Name, "grammar": got.Grammar, "confidence": got.Confidence, "warnings": got.Warnings, "fields": got.Fields,
	}))
	if !reflect.DeepEqual(have, want) {
		t.Errorf("got\n%v\nthe guide says\n%v", have, want)
	}
	for _, kind := range types() {
		if !strings.Contains(string(guide), "| `"+kind+"` |") {
			t.Errorf("the guide does not say what %s is", kind)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(least))
	for _, name := range []string{"dnd5e", "osr"} {
		text, err := shipped.ReadFile("shipped/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := Parse("fuzz.yaml", text)
		if err != nil {
			return
		}
		Find(write(lurker), []*Grammar{g})
	})
}

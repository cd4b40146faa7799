package grammar

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// Type says what is made of a text.
type Type string

// The types of values.
const (
	Text      Type = "text"
	Lower     Type = "lower"     // text in small letters
	Int       Type = "int"       // 1,800
	Number    Type = "number"    // 0.25, of 1/4 or ¼ too
	Dice      Type = "dice"      // 18d10+36
	List      Type = "list"      // of texts
	Flag      Type = "flag"      // whether the text is there
	Bonuses   Type = "bonuses"   // {history: 12}, of "History +12"
	Measures  Type = "measures"  // {walk: 10 ft., swim: 40 ft.}, of "10 ft., swim 40 ft."
	Abilities Type = "abilities" // {str: 21}, of labels and scores in whatever order they are set
)

func types() []string {
	return []string{
		string(Text), string(Lower), string(Int), string(Number), string(Dice), string(List), string(Flag),
		string(Bonuses), string(Measures), string(Abilities),
	}
}

// Value says how a text becomes a value.
type Value struct {
	Type      Type
	Separator *Pattern          // between the parts of a list; nil: a comma or a semicolon
	Keep      *Pattern          // parts between semicolons that commas do not divide
	Names     map[string]string // what labels are called in the value; by label in small letters
	Default   string            // the name of a measure that has none
	Flags     []string          // words in brackets behind a measure that become true
	Notes     string            // the name of a member for what else stands in brackets behind a measure; empty: it stays there
	Spread    bool              // members become fields of their own
}

// Members of a value in the file.
var valueMembers = []string{"type", "separator", "keep", "names", "default", "flags", "notes", "spread"}

func (r *reader) value(t mapping) *Value {
	v := &Value{
		Type: Type(t.text("type", string(Text))), Separator: t.pattern("separator", nil), Keep: t.pattern("keep", nil),
		Default: t.text("default", ""), Notes: t.text("notes", ""), Spread: t.yes("spread"), Names: map[string]string{},
	}
	r.checkType(t.members["type"], join(t.path, "type"), v.Type)
	if t.has("names") {
		m := r.table(t.members["names"], join(t.path, "names"))
		for _, label := range slices.Sorted(maps.Keys(m.members)) {
			name := m.text(label, "")
			r.fieldName(m.members[label], join(m.path, label), name)
			v.Names[strings.ToLower(label)] = name
		}
	}
	for i, n := range t.list("flags", true) {
		s, ok := r.text(n)
		if !ok {
			r.wrong(n, t.item("flags", i), "has to be a text")
		}
		v.Flags = append(v.Flags, s)
	}
	r.checkValue(t.at, t.path, v)
	return v
}

func (r *reader) checkType(at ast.Node, path string, t Type) {
	if !slices.Contains(types(), string(t)) {
		r.wrong(at, path, "is %q; types are %s", t, strings.Join(types(), ", "))
	}
}

func (r *reader) checkValue(at ast.Node, path string, v *Value) {
	if v.Type == Abilities && len(v.Names) == 0 {
		r.wrong(at, join(path, "names"), "is missing: abilities are found by their labels, as {STR: strength, DEX: dexterity}")
	}
	if v.Spread && v.Type != Abilities && v.Type != Bonuses && v.Type != Measures {
		r.wrong(at, join(path, "spread"), "is for abilities, bonuses and measures, which have members")
	}
}

var (
	wholeNumber = regexp.MustCompile(`^[+−–-]?\s*\d[\d,]*$`)
	fraction    = regexp.MustCompile(`^(\d+)\s*[/⁄]\s*(\d+)$`)
	dice        = regexp.MustCompile(`^\d*[dD]\d+(?:\s*[+−–-]\s*(?:\d*[dD])?\d+)*$`)
	bonus       = regexp.MustCompile(`^(.*?)\s*([+−–-]\s*\d+)`)
	measure     = regexp.MustCompile(`^(.*?)\s*\b(\d.*)$`)
	bracketed   = regexp.MustCompile(`\s*\(([^()]*)\)`)
)

// read makes a value of a text.
func (v *Value) read(text string) (any, bool) {
	text = strings.TrimSpace(text)
	switch v.Type {
	case Lower:
		return strings.ToLower(text), text != ""
	case Int:
		return readInt(text)
	case Number:
		return readNumber(text)
	case Dice:
		if !dice.MatchString(text) {
			return nil, false
		}
		return strings.ToLower(plain(strings.Join(strings.Fields(text), ""))), true
	case List:
		list := v.list(text)
		return list, len(list) > 0
	case Flag:
		return text != "", true
	case Bonuses:
		return v.bonuses(text)
	case Measures:
		return v.measures(text)
	case Abilities:
		scores, _, ok := v.scores(text)
		return scores, ok && len(scores) > 0
	default:
		return text, text != ""
	}
}

var (
	minus  = strings.NewReplacer("−", "-", "–", "-")
	digits = strings.NewReplacer("−", "-", "–", "-", ",", "", " ", "")
)

// plain puts the hyphen of programs in place of the minus of printers.
func plain(s string) string { return minus.Replace(s) }

func readInt(text string) (any, bool) {
	if !wholeNumber.MatchString(text) {
		return nil, false
	}
	n, err := strconv.Atoi(digits.Replace(text))
	return n, err == nil
}

func readNumber(text string) (any, bool) {
	switch text {
	case "⅛":
		return 0.125, true
	case "¼":
		return 0.25, true
	case "½":
		return 0.5, true
	}
	if m := fraction.FindStringSubmatch(text); m != nil {
		over, _ := strconv.ParseFloat(m[1], 64)
		under, _ := strconv.ParseFloat(m[2], 64)
		return over / under, under != 0
	}
	n, err := strconv.ParseFloat(strings.ReplaceAll(plain(text), ",", ""), 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil, false
	}
	return n, true
}

// list divides a text at commas and semicolons that stand in no brackets.
func (v *Value) list(text string) []string {
	var parts []string
	if v.Separator != nil {
		parts = v.Separator.Split(text, -1)
	} else {
		for _, part := range divide(text, ';') {
			if v.Keep != nil && v.Keep.MatchString(part) {
				parts = append(parts, part)
			} else {
				parts = append(parts, divide(part, ',')...)
			}
		}
	}
	var list []string
	for _, p := range parts {
		if p = strings.Trim(p, " ,;"); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// divide splits a text at a character that stands in no brackets.
func divide(text string, at rune) []string {
	var parts []string
	depth, from := 0, 0
	for i, r := range text {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			depth = max(0, depth-1)
		case at:
			if depth == 0 {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}

func (v *Value) bonuses(text string) (any, bool) {
	values := map[string]any{}
	for _, part := range v.list(text) {
		m := bonus.FindStringSubmatch(part)
		if m == nil || m[1] == "" {
			return nil, false
		}
		n, ok := readInt(m[2])
		if !ok {
			return nil, false
		}
		values[v.label(m[1])] = n
	}
	return values, len(values) > 0
}

func (v *Value) measures(text string) (any, bool) {
	values := map[string]any{}
	for _, part := range v.list(text) {
		for _, flag := range v.Flags {
			if m := bracketed.FindStringSubmatchIndex(part); m != nil && strings.EqualFold(part[m[2]:m[3]], flag) {
				values[v.label(flag)] = true
				part = part[:m[0]] + part[m[1]:]
			}
		}
		if m := bracketed.FindStringSubmatchIndex(part); m != nil && v.Notes != "" && m[0] > 0 {
			values[v.Notes] = part[m[2]:m[3]]
			part = part[:m[0]] + part[m[1]:]
		}
		m := measure.FindStringSubmatch(part)
		if m == nil {
			return nil, false
		}
		name := m[1]
		if name == "" {
			name = v.Default
		}
		if name == "" {
			return nil, false
		}
		if n, ok := readInt(m[2]); ok {
			values[v.label(name)] = n
		} else {
			values[v.label(name)] = m[2]
		}
	}
	return values, len(values) > 0
}

// label makes the name of a member of a label.
func (v *Value) label(s string) string {
	s = strings.ToLower(strings.Trim(s, " :."))
	if name, ok := v.Names[s]; ok {
		return name
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "_")
}

// score is what a line of ability scores is made of. What has a sign is a modifier.
var score = regexp.MustCompile(`(?i)^(?:\(\s*[+−–-]?\s*\d+\s*\)|[+−–-]\s*\d+|(\d+)|mod(?:ifier)?s?\b|saves?\b|scores?\b|[—–•|:;,.])`)

// scores reads labels and scores, each score for the first label that has none yet. Labels alone are none, and ok; a text that
// has anything else in it is not. Open is the number of labels without a score.
func (v *Value) scores(text string) (values map[string]any, open int, ok bool) {
	values = map[string]any{}
	var waiting []string
	for {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
		if text == "" {
			return values, len(waiting), true
		}
		if label := v.leads(text); label != "" {
			waiting = append(waiting, v.Names[strings.ToLower(label)])
			text = text[len(label):]
			continue
		}
		m := score.FindStringSubmatchIndex(text)
		if m == nil {
			return nil, 0, false
		}
		if m[2] >= 0 {
			n, isInt := readInt(text[m[2]:m[3]])
			if !isInt || len(waiting) == 0 {
				return nil, 0, false
			}
			values[waiting[0]] = n
			waiting = waiting[1:]
		}
		text = text[m[1]:]
	}
}

// leads returns the longest label with which a text begins.
func (v *Value) leads(text string) string {
	longest := ""
	for label := range v.Names {
		if len(label) > len(longest) && len(text) >= len(label) && strings.EqualFold(text[:len(label)], label) {
			longest = text[:len(label)]
		}
	}
	return longest
}

// begins reports whether a text has labels and scores alone.
func (v *Value) fits(text string) bool {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if label := v.leads(text); label != "" {
			text = text[len(label):]
			continue
		}
		m := score.FindStringIndex(text)
		if m == nil {
			return false
		}
		text = text[m[1]:]
	}
	return true
}

package foundry

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
	"github.com/seed-98789ff7/converter/plugins/foundry/prose"
)

// maxWords is how deep marks are looked for in the words of marks.
const maxWords = 3

// words puts a mark into words, as Markdown. Of one that is not known the text goes on as it stands.
func (s *speech) words(m enrich.Mark, depth int) (string, bool) {
	if depth > maxWords {
		return "", false
	}
	switch m.Sort {
	case enrich.And:
		return s.reference(m), true
	case enrich.Roll:
		return s.roll(m)
	case enrich.At:
	}
	if _, kind := s.reader.library.leadsTo(m, s.reader.pack); kind != "" {
		return s.link(m, kind), true
	}
	switch m.Name {
	case "Check":
		return first(s.label(m), prose.Escape(check2(m.Config))), true
	case "Damage":
		return first(s.label(m), prose.Escape(damage2(m.Config))), true
	case "Template":
		return first(s.label(m), prose.Escape(template2(m.Config))), true
	case "Localize":
		return s.localize(m, depth)
	}
	return "", false
}

// label is the label of a mark, which may have marks in it.
func (s *speech) label(m enrich.Mark) string { return s.inside(strings.TrimSpace(m.Label)) }

// inside makes Markdown of a text that takes the place of a mark.
func (s *speech) inside(label string) string {
	if !strings.ContainsAny(label, "[&@") || s.depth >= maxWords {
		return prose.Escape(label)
	}
	s.depth++
	defer func() { s.depth-- }()
	return s.run(label)
}

// link is a link to the document that a mark leads to: with its label, or the name of what it leads to.
func (s *speech) link(m enrich.Mark, kind string) string {
	uuid, _ := s.reader.library.leadsTo(m, s.reader.pack)
	uuid, anchor, _ := strings.Cut(uuid, "#")
	target, part := s.reader.library.target(uuid, s.record.ID)
	label := s.label(m)
	if target == s.record.ID {
		for _, e := range s.nest.list {
			if part != "" && (e.Part == part || strings.HasSuffix(e.Part, "."+part)) {
				part, label = e.Part, first(label, prose.Escape(e.Name))
				break
			}
		}
	}
	if target == "" {
		return first(label, prose.Escape(strings.TrimSpace(m.Config)))
	}
	address := "foundry://" + target
	if part != "" {
		address += "." + part
	}
	if label == "" {
		label = prose.Escape(first(s.reader.library.name(s.reader.pack, target, part), called(target)))
	}
	if anchor != "" {
		address += "#" + anchor
	}
	if kind == "embed" {
		return "!" + prose.Link(label, address)
	}
	return prose.Link(label, address)
}

// called is the id of what a target leads to, or the name that stands in its place.
func called(target string) string {
	parts := 2
	if strings.HasPrefix(target, "Compendium.") {
		parts = 5
	}
	all := strings.SplitN(target, ".", parts)
	return strings.TrimSpace(all[len(all)-1])
}

func (s *speech) reference(m enrich.Mark) string {
	word := referenceWord(m)
	r, ok := s.reader.library.rule(word, s.reader.pack)
	if !ok {
		return first(s.label(m), prose.Escape(apart(word)))
	}
	return prose.Link(first(s.label(m), prose.Escape(r.name)), "foundry://"+r.uuid)
}

// apart writes words apart that were written together: OpportunityAttacks.
func apart(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && unicode.IsUpper(c) && !strings.HasSuffix(b.String(), " ") {
			if before := rune(s[i-1]); unicode.IsLower(before) {
				b.WriteByte(' ')
			}
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (s *speech) localize(m enrich.Mark, depth int) (string, bool) {
	text, ok := s.reader.localised(strings.TrimSpace(m.Config))
	if !ok {
		return "", false
	}
	w := prose.Writer{Secrets: s.reader.library.options.Secrets, Text: func(run string) string {
		var b strings.Builder
		from := 0
		for _, m := range enrich.All(run) {
			b.WriteString(prose.Escape(run[from:m.Start]))
			words, known := s.words(m, depth+1)
			if !known {
				words = prose.Escape(first(m.Label, run[m.Start:m.End]))
			}
			b.WriteString(words)
			from = m.End
		}
		return b.String() + prose.Escape(run[from:])
	}}
	if isHTML(text) {
		text, _ = w.HTML(text)
		return strings.ReplaceAll(text, "\n\n", "\x00"), true
	}
	return w.Text(text), true
}

// roll puts a mark in double brackets into words.
func (s *speech) roll(m enrich.Mark) (string, bool) {
	label := s.label(m)
	var words string
	switch m.Name {
	case "", "r", "roll", "gmr", "gmroll", "br", "broll", "blindroll", "sr", "selfroll", "pr", "publicroll":
		words = s.owner.formula(m.Config)
	case "lookup":
		return s.inside(s.owner.lookup(m)), true // the label is for when there is no answer
	case "damage", "healing", "heal":
		words = s.owner.damage(m)
	case "attack":
		words = s.owner.attack(m)
	case "save", "concentration":
		words = s.owner.save(m)
	case "check", "skill", "tool":
		words = s.owner.check(m)
	case "award":
		words = award(m)
	case "item":
		words = s.owner.itemName(m)
	case "act": // of pf2e: an action by its name
		o := m.Options()
		words = apart(title(strings.ReplaceAll(strings.Join(o.Words, " "), "-", " ")))
	default:
		return label, label != ""
	}
	if label != "" {
		return label, true
	}
	if words == "" {
		return "", false
	}
	if strings.HasPrefix(words, "\x01") { // Markdown already
		return words[1:], true
	}
	return prose.Escape(words), true
}

// parameters are the parts of a mark of pf2e, divided by bars: those with a name, and the others in their order.
func parameters(config string) (words []string, named map[string]string) {
	named = map[string]string{}
	for _, part := range enrich.Split(config, "|") {
		if name, value, ok := strings.Cut(part, ":"); ok && !strings.ContainsAny(name, " [(") {
			named[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		} else {
			words = append(words, part)
		}
	}
	return words, named
}

var saves2 = []string{"fortitude", "reflex", "will"}

// check2 is a @Check of pf2e: `type:will|dc:15|basic`.
func check2(config string) string {
	words, named := parameters(config)
	kinds := named["type"]
	if kinds == "" && len(words) > 0 {
		kinds, words = words[0], words[1:]
	}
	var out []string
	if dc := named["dc"]; dc != "" && !strings.HasPrefix(dc, "@") && !strings.HasPrefix(dc, "resolve") {
		out = append(out, "DC "+dc)
	}
	basic := slices.Contains(words, "basic") || named["basic"] == "true"
	if basic {
		out = append(out, "basic")
	}
	var names []string
	save := false
	for kind := range strings.SplitSeq(kinds, ",") {
		kind = strings.TrimSpace(kind)
		save = save || slices.Contains(saves2, strings.ToLower(kind))
		names = append(names, first(named["name"], title(strings.ReplaceAll(kind, "-", " "))))
	}
	out = append(out, strings.Join(names, " or "))
	if save {
		return strings.Join(append(out, "save"), " ")
	}
	return strings.Join(append(out, "check"), " ")
}

// damage2 is a @Damage of pf2e: `2d6[fire],(1d4+2)[persistent,bleed]`.
func damage2(config string) string {
	var out []string
	whole, _, _ := cutBar(config)
	for _, part := range enrich.Split(whole, ",") {
		formula, types := part, ""
		if i := strings.LastIndexByte(part, '['); i >= 0 && strings.HasSuffix(part, "]") {
			if end := enrich.Closing(part, i, '[', ']'); end == len(part)-1 {
				formula, types = part[:i], part[i+1:end]
			}
		}
		formula = strings.TrimSpace(formula)
		if strings.HasPrefix(formula, "(") && enrich.Closing(formula, 0, '(', ')') == len(formula)-1 {
			formula = formula[1 : len(formula)-1]
		}
		words := strings.Join(strings.FieldsFunc(types, func(r rune) bool { return r == ',' || r == ' ' }), " ")
		switch words {
		case "":
			out = append(out, formula)
		case "healing":
			out = append(out, formula+" healing")
		default:
			out = append(out, formula+" "+words)
		}
	}
	text := strings.Join(out, " plus ")
	if text == "" || strings.HasSuffix(text, "healing") {
		return text
	}
	return text + " damage"
}

// cutBar cuts at the first bar that is in no bracket.
func cutBar(s string) (before, after string, found bool) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case '|':
			if depth <= 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

// template2 is a @Template of pf2e: `type:cone|distance:30`.
func template2(config string) string {
	words, named := parameters(config)
	kind := named["type"]
	if kind == "" && len(words) > 0 {
		kind = words[0]
	}
	if d := named["distance"]; d != "" {
		return d + "-foot " + kind
	}
	return kind
}

var coins = regexp.MustCompile(`(?i)^([0-9@(][^a-z]*?)(pp|gp|ep|sp|cp|xp)?$`)

// award is an /award of dnd5e: `50GP 10XP each`.
func award(m enrich.Mark) string {
	var parts []string
	each := ""
	words := m.Options().Words
	for i, w := range words {
		switch c := coins.FindStringSubmatch(w); {
		case strings.EqualFold(w, "each"), strings.EqualFold(w, "party"):
			if strings.EqualFold(w, "each") {
				each = " each"
			}
		case c != nil && c[2] != "":
			parts = append(parts, strings.TrimSpace(c[1])+" "+strings.ToUpper(c[2]))
		case c != nil && i+1 < len(words):
			parts = append(parts, w+" "+strings.ToUpper(words[i+1]))
		}
	}
	if len(parts) == 0 {
		return m.Config
	}
	return strings.Join(parts, ", ") + each
}

// title begins each word with a capital.
func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		r := []rune(w)
		r[0] = unicode.ToUpper(r[0])
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

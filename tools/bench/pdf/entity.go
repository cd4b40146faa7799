package pdf

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
)

// EntityScore is how much entities agree with those that others made of the same book.
type EntityScore struct {
	Kinds  map[string]*EntityCount
	Fields map[string]*FieldCount // by kind and field, as "monster hit_points"
}

// EntityCount is how many entities of a kind were found.
type EntityCount struct {
	Want, Found int
	Missing     []string // names
	False       []string
}

// FieldCount is how often a field is as in the reference.
type FieldCount struct {
	Agree, Compared int
	Differ          []string
}

func (s EntityScore) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(s.Kinds)) {
		c := s.Kinds[kind]
		fmt.Fprintf(&b, "%s: %d of %d, missing %q, false %q\n", kind, c.Found, c.Want, c.Missing, c.False)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		c := s.Fields[name]
		fmt.Fprintf(&b, "%s: %d of %d\n", name, c.Agree, c.Compared)
		for _, d := range c.Differ {
			fmt.Fprintf(&b, "    %s\n", d)
		}
	}
	return b.String()
}

// EntityReference is what others made of the System Reference Document 5.1.
type EntityReference struct {
	Monsters []struct {
		Name      string         `json:"name"`
		Size      string         `json:"size"`
		Type      string         `json:"type"`
		Alignment string         `json:"alignment"`
		AC        int            `json:"ac"`
		HP        int            `json:"hp"`
		HitDice   string         `json:"hit_dice"`
		Speed     map[string]any `json:"speed"`
		Abilities []int          `json:"abilities"`
		CR        float64        `json:"cr"`
		Languages string         `json:"languages"`
	}
	Spells []struct {
		Name          string   `json:"name"`
		Level         int      `json:"level"`
		School        string   `json:"school"`
		CastingTime   string   `json:"casting_time"`
		Range         string   `json:"range"`
		Components    []string `json:"components"`
		Duration      string   `json:"duration"`
		Ritual        bool     `json:"ritual"`
		Concentration bool     `json:"concentration"`
	}
	Items []struct {
		Name    string `json:"name"`
		Rarity  string `json:"rarity"`
		Variant bool   `json:"variant"`
	}
	Texts map[string]string              // of spells, by name
	Parts map[string]map[string][]string // of monsters, by name: the names of their traits and actions, by field
}

// Two stat blocks of the document stand in the text of magic items, and are in no list of its monsters. One of its items is not
// among those of the reference.
func inItems() []string { return []string{"Avatar of Death", "Giant Fly"} }

func unlisted() []string { return []string{"Shield, +1, +2, or +3"} }

// ReadEntityReference reads the reference from the folder of real content.
func ReadEntityReference(data string) (EntityReference, error) {
	var r EntityReference
	err := errors.Join(
		readJSON(filepath.Join(data, "pdf", "ref", "srd-5.1-monsters.json"), &r.Monsters),
		readJSON(filepath.Join(data, "pdf", "ref", "srd-5.1-spells.json"), &r.Spells),
		readJSON(filepath.Join(data, "pdf", "ref", "srd-5.1-magic-items.json"), &r.Items),
	)
	if err != nil {
		return r, err
	}
	r.Texts, r.Parts, err = readRecorded(filepath.Join(data, "open5e", "dnd5eapi.jsonl.gz"))
	return r, err
}

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

// partsOf are the fields that hold traits and actions.
func partsOf() []string {
	return []string{"special_abilities", "actions", "reactions", "legendary_actions"}
}

// readRecorded reads what spells do and what monsters can from recorded answers.
func readRecorded(path string) (texts map[string]string, parts map[string]map[string][]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, nil, err
	}
	texts, parts = map[string]string{}, map[string]map[string][]string{}
	answers := bufio.NewScanner(unzipped)
	answers.Buffer(nil, 64<<20)
	for answers.Scan() {
		var answer struct {
			URL  string          `json:"url"`
			Body json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal(answers.Bytes(), &answer); err != nil {
			return nil, nil, err
		}
		body := answer.Body
		var inText string
		if json.Unmarshal(body, &inText) == nil {
			body = json.RawMessage(inText)
		}
		switch {
		case strings.Contains(answer.URL, "/2014/spells/"):
			var spell struct {
				Name   string   `json:"name"`
				Desc   []string `json:"desc"`
				Higher []string `json:"higher_level"`
			}
			if json.Unmarshal(body, &spell) == nil && len(spell.Desc) > 0 {
				texts[alike(spell.Name)] = strings.Join(append(spell.Desc, spell.Higher...), "\n")
			}
		case strings.Contains(answer.URL, "/2014/monsters/"):
			var monster map[string]json.RawMessage
			if json.Unmarshal(body, &monster) == nil {
				var name string
				_ = json.Unmarshal(monster["name"], &name) // there are answers without one
				parts[alike(name)] = namesOf(monster)
			}
		}
	}
	return texts, parts, answers.Err()
}

// namesOf returns the names of what a monster can, without what stands in brackets behind them.
func namesOf(monster map[string]json.RawMessage) map[string][]string {
	parts := map[string][]string{}
	for _, field := range partsOf() {
		var entries []grammar.Entry
		if json.Unmarshal(monster[field], &entries) == nil {
			parts[field] = entryNames(entries)
		}
	}
	return parts
}

func entryNames(entries []grammar.Entry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i], _, _ = strings.Cut(alike(e.Name), " (")
	}
	return names
}

// CompareEntities measures entities against the reference.
func CompareEntities(r EntityReference, found []grammar.Entity) EntityScore {
	s := EntityScore{Kinds: map[string]*EntityCount{}, Fields: map[string]*FieldCount{}}
	s.monsters(r, of(found, "monster"))
	s.spells(r, of(found, "spell"))
	s.items(r, of(found, "magic-item"))
	return s
}

func of(found []grammar.Entity, kind string) []grammar.Entity {
	return slices.DeleteFunc(slices.Clone(found), func(e grammar.Entity) bool { return e.Kind != kind })
}

// alike makes names and texts comparable.
func alike(s string) string {
	s = strings.NewReplacer("’", "'", "‘", "'", "−", "-", "–", "-", "“", `"`, "”", `"`).Replace(strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}

// words returns the words of a name in their order in the alphabet: "Gnome, Deep" is "deep gnome".
func words(name string) string {
	list := strings.FieldsFunc(alike(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '+' })
	slices.Sort(list)
	return strings.Join(list, " ")
}

// pair gives each name of the reference an entity. A name that names a form of an entity, or a variant, may have one that others
// have too, or none.
func (s *EntityScore) pair(kind string, names []string, found []grammar.Entity, find func(name string, byName map[string]*grammar.Entity) (e *grammar.Entity, own bool), extra []string) []*grammar.Entity {
	byName := map[string]*grammar.Entity{}
	count := &EntityCount{}
	s.Kinds[kind] = count
	used := map[*grammar.Entity]bool{}
	for i := range found {
		if name := words(found[i].Name); byName[name] == nil {
			byName[name] = &found[i]
		}
	}
	pairs := make([]*grammar.Entity, len(names))
	missing := map[string]bool{}
	for i, name := range names {
		e, own := find(name, byName)
		if e == nil && own {
			missing[name] = true
		}
		if e != nil {
			used[e] = true
		}
		pairs[i] = e
	}
	for _, name := range extra {
		if e := byName[words(name)]; e != nil {
			used[e] = true
		} else {
			missing[name] = true
		}
	}
	count.Missing = slices.Sorted(maps.Keys(missing))
	for i := range found {
		if !used[&found[i]] {
			count.False = append(count.False, found[i].Name)
		}
	}
	count.Found = len(used)
	count.Want = len(used) + len(count.Missing)
	return pairs
}

var (
	form    = regexp.MustCompile(`(?i)^(.*), .* form$`)
	variant = regexp.MustCompile(`(?i)^swarm of (?:beetles|centipedes|spiders|wasps)$|\(diseased\)$`)
)

func (s *EntityScore) monsters(r EntityReference, found []grammar.Entity) {
	names := make([]string, len(r.Monsters))
	for i, m := range r.Monsters {
		names[i] = m.Name
	}
	pairs := s.pair("monster", names, found, func(name string, byName map[string]*grammar.Entity) (*grammar.Entity, bool) {
		if m := form.FindStringSubmatch(name); m != nil {
			name = m[1]
		}
		for _, spelling := range []string{name, "Elf, " + name} {
			if e := byName[words(spelling)]; e != nil {
				return e, true
			}
		}
		return nil, !variant.MatchString(name)
	}, inItems())
	for i, e := range pairs {
		if e == nil {
			continue
		}
		m := r.Monsters[i]
		abilities := make([]int, 0, 6)
		for _, name := range []string{"strength", "dexterity", "constitution", "intelligence", "wisdom", "charisma"} {
			score, _ := e.Fields[name].(int)
			abilities = append(abilities, score)
		}
		s.same("monster", m.Name, "abilities", m.Abilities, abilities)
		s.same("monster", m.Name, "challenge_rating", m.CR, e.Fields["challenge_rating"])
		s.same("monster", m.Name, "size", m.Size, e.Fields["size"])
		s.same("monster", m.Name, "type", m.Type, e.Fields["type"])
		s.same("monster", m.Name, "hit_points", m.HP, e.Fields["hit_points"])
		s.same("monster", m.Name, "hit_dice", m.HitDice, e.Fields["hit_dice"])
		s.same("monster", m.Name, "armor_class", m.AC, e.Fields["armor_class"])
		s.same("monster", m.Name, "alignment", m.Alignment, e.Fields["alignment"])
		if form.MatchString(m.Name) { // the document tells how forms differ in words
			continue
		}
		s.same("monster", m.Name, "speed", moves(m.Speed), moves(e.Fields["speed"]))
		for field, want := range r.Parts[alike(m.Name)] {
			entries, _ := e.Fields[field].([]grammar.Entry)
			s.same("monster", m.Name, "traits and actions", want, entryNames(entries))
		}
		languages, _ := e.Fields["languages"].(string)
		s.same("monster", m.Name, "languages", strings.Trim(m.Languages, "-—"), strings.Trim(languages, "-—"))
	}
}

// moves leaves out of a speed that there is none, which the reference sometimes says and sometimes does not.
func moves(speed any) map[string]any {
	members, _ := speed.(map[string]any)
	return maps.Collect(func(yield func(string, any) bool) {
		for name, value := range members {
			if value != "0 ft." && name != "notes" && !yield(name, value) {
				return
			}
		}
	})
}

func (s *EntityScore) spells(r EntityReference, found []grammar.Entity) {
	names := make([]string, len(r.Spells))
	for i, spell := range r.Spells {
		names[i] = spell.Name
	}
	pairs := s.pair("spell", names, found, byWords, nil)
	for i, e := range pairs {
		if e == nil {
			continue
		}
		spell := r.Spells[i]
		s.same("spell", spell.Name, "level", spell.Level, e.Fields["level"])
		s.same("spell", spell.Name, "school", spell.School, e.Fields["school"])
		s.same("spell", spell.Name, "casting_time", spell.CastingTime, e.Fields["casting_time"])
		s.same("spell", spell.Name, "range", spell.Range, e.Fields["range"])
		s.same("spell", spell.Name, "components", spell.Components, e.Fields["components"])
		s.same("spell", spell.Name, "duration", spell.Duration, e.Fields["duration"])
		s.same("spell", spell.Name, "ritual", spell.Ritual, e.Fields["ritual"])
		s.same("spell", spell.Name, "concentration", spell.Concentration, e.Fields["concentration"])
		if text := r.Texts[alike(spell.Name)]; text != "" {
			higher, _ := e.Fields["higher_level"].(string)
			desc, _ := e.Fields["desc"].(string)
			want, got := size(text), size(desc+" "+higher)
			near := want*95 <= got*100 && got*100 <= want*105
			s.count("spell", spell.Name, "text length", near, want, got)
		}
	}
}

func byWords(name string, byName map[string]*grammar.Entity) (*grammar.Entity, bool) {
	return byName[words(name)], true
}

// size is how many letters and digits a text has.
func size(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

func (s *EntityScore) items(r EntityReference, found []grammar.Entity) {
	var names, rarities []string
	for _, item := range r.Items {
		if !item.Variant {
			names, rarities = append(names, item.Name), append(rarities, item.Rarity)
		}
	}
	pairs := s.pair("magic-item", names, found, func(name string, byName map[string]*grammar.Entity) (*grammar.Entity, bool) {
		if e := byName[words(name)]; e != nil {
			return e, true
		}
		return byName[words(strings.TrimSuffix(name, " Armor"))], true
	}, unlisted())
	for i, e := range pairs {
		if e != nil {
			s.same("magic-item", names[i], "rarity", rarities[i], e.Fields["rarity"])
		}
	}
}

// same compares two values, texts as alike.
func (s *EntityScore) same(kind, name, field string, want, got any) {
	s.count(kind, name, field, flat(want) == flat(got), want, got)
}

func flat(v any) string {
	content, err := json.Marshal(v)
	if err != nil || v == nil {
		return ""
	}
	return alike(string(content))
}

func (s *EntityScore) count(kind, name, field string, agree bool, want, got any) {
	key := kind + " " + field
	c := s.Fields[key]
	if c == nil {
		c = &FieldCount{}
		s.Fields[key] = c
	}
	c.Compared++
	if agree {
		c.Agree++
		return
	}
	text := fmt.Sprintf("%s: %v, not %v", name, got, want)
	if utf8.RuneCountInString(text) > 200 {
		text = string([]rune(text)[:199]) + "…"
	}
	c.Differ = append(c.Differ, text)
}

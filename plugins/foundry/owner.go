package foundry

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
)

// owner answers what marks ask of the documents that a text stands in: the actor, the item and its activities. What it
// computes is what the system dnd5e computes before it shows a text; paths are those that dnd5e's formulas use. For other
// systems plain paths into the data hold.
type owner struct {
	speech *speech
	in     int // which of the documents inside the record; -1: the record itself
	ready  bool
	actor  map[string]any
	item   map[string]any
	self   map[string]any
}

// look finds the documents around the text. The record is taken apart once, when the first text asks.
func (o *owner) look() {
	if o.ready {
		return
	}
	o.ready = true
	s := o.speech
	if s.whole == nil {
		_ = json.Unmarshal(s.doc, &s.whole) // it was proved valid
	}
	typ, _, _ := strings.Cut(s.record.NativeType, "/")
	o.take(typ, s.whole)
	if o.in < 0 {
		return
	}
	value := any(s.whole)
	pointer := s.nest.list[o.in].Pointer
	for i := 1; i <= len(pointer); i++ {
		if i < len(pointer) && pointer[i] != '/' {
			continue
		}
		value = into(value, pointer[strings.LastIndexByte(pointer[:i], '/')+1:i])
		if j := s.nest.places[pointer[:i]]; j > 0 {
			inside, _ := value.(map[string]any)
			o.take(s.nest.list[j-1].typ, inside)
		}
	}
}

// into goes one step into a value.
func into(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

func (o *owner) take(typ string, doc map[string]any) {
	o.self = doc
	switch typ {
	case "Actor":
		o.actor, o.item = doc, nil
	case "Item":
		o.item = doc
	}
}

// system is the data that the system keeps in a document.
func system(doc map[string]any) map[string]any {
	for _, name := range []string{"system", "data"} {
		if m, ok := doc[name].(map[string]any); ok {
			return m
		}
	}
	return nil
}

// dig follows a dotted path into a value.
func dig(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		if v = into(v, name); v == nil {
			return nil
		}
	}
	return v
}

func textAt(v any, path string) string { return number(dig(v, path)) }

func numberAt(v any, path string) (float64, bool) {
	switch n := dig(v, path).(type) {
	case float64:
		return n, true
	case string:
		return enrich.Eval(n)
	}
	return 0, false
}

// activity is the activity of an id, or the first of some types; nil: there is none.
func (o *owner) activity(id string, types ...string) map[string]any {
	o.look()
	all, _ := system(o.item)["activities"].(map[string]any)
	if a, ok := all[id].(map[string]any); ok {
		return a
	}
	if id != "" {
		return nil
	}
	var best map[string]any
	bestKey, bestSort := "", 0.0
	for key, v := range all {
		a, _ := v.(map[string]any)
		if !slices.Contains(types, number(a["type"])) {
			continue
		}
		sort, _ := numberAt(a, "sort")
		if best == nil || sort < bestSort || sort == bestSort && key < bestKey {
			best, bestKey, bestSort = a, key, sort
		}
	}
	return best
}

// ability is the modifier of an ability of the actor.
func (o *owner) ability(name string) (float64, bool) {
	o.look()
	v, ok := numberAt(system(o.actor), "abilities."+name+".value")
	return math.Floor((v - 10) / 2), ok
}

// level is the sum of the actor's levels.
func (o *owner) level() (sum float64) {
	o.look()
	items, _ := o.actor["items"].([]any)
	for _, i := range items {
		if textAt(i, "type") == "class" {
			n, _ := numberAt(i, "system.levels")
			sum += n
		}
	}
	return sum
}

// proficiency is the actor's proficiency bonus.
func (o *owner) proficiency() (float64, bool) {
	o.look()
	if o.actor == nil {
		return 0, false
	}
	if v, ok := numberAt(system(o.actor), "attributes.prof"); ok {
		return v, true
	}
	if cr, ok := numberAt(system(o.actor), "details.cr"); ok {
		return math.Floor((max(cr, 1) + 7) / 4), true
	}
	if l := o.level(); l > 0 {
		return math.Floor((l + 7) / 4), true
	}
	return 2, textAt(o.actor, "type") == "character" || textAt(o.actor, "type") == "npc"
}

// dc is the difficulty class of what the actor does with an ability.
func (o *owner) dc(ability string) (float64, bool) {
	mod, ok := o.ability(ability)
	prof, able := o.proficiency()
	bonus, _ := numberAt(system(o.actor), "bonuses.spell.dc")
	return 8 + mod + prof + bonus, ok && able
}

func (o *owner) spellcasting(activity map[string]any) string {
	o.look()
	return first(textAt(activity, "spell.ability"), textAt(system(o.item), "ability"), textAt(system(o.actor), "attributes.spellcasting"))
}

var skillAbilities = map[string]string{
	"acr": "dex", "ani": "wis", "arc": "int", "ath": "str", "dec": "cha", "his": "int", "ins": "wis", "inv": "int", "itm": "cha",
	"med": "wis", "nat": "int", "per": "cha", "prc": "wis", "prf": "cha", "rel": "int", "slt": "dex", "ste": "dex", "sur": "wis",
}

var skillNames = map[string]string{
	"acr": "Acrobatics", "ani": "Animal Handling", "arc": "Arcana", "ath": "Athletics", "dec": "Deception", "his": "History",
	"ins": "Insight", "inv": "Investigation", "itm": "Intimidation", "med": "Medicine", "nat": "Nature", "per": "Persuasion",
	"prc": "Perception", "prf": "Performance", "rel": "Religion", "slt": "Sleight of Hand", "ste": "Stealth", "sur": "Survival",
}

var abilityNames = map[string]string{
	"str": "Strength", "dex": "Dexterity", "con": "Constitution", "int": "Intelligence", "wis": "Wisdom", "cha": "Charisma",
	"hon": "Honor", "san": "Sanity",
}

// skill is the bonus of the actor's checks with a skill.
func (o *owner) skill(name string) (float64, bool) {
	o.look()
	data := dig(system(o.actor), "skills."+name)
	mod, ok := o.ability(first(textAt(data, "ability"), skillAbilities[name]))
	prof, able := o.proficiency()
	times, _ := numberAt(data, "value")
	return mod + math.Floor(prof*times), ok && able
}

// value is what a path of a formula stands for; ok is false where the documents do not say.
func (o *owner) value(path string, activity map[string]any) (v string, ok bool) {
	o.look()
	if v, ok := o.computed(path, activity); ok {
		return number(v), true
	}
	if activity != nil {
		if v := o.ofActivity(path, activity); v != "" {
			return v, true
		}
	}
	var from any
	switch rest, ofItem := strings.CutPrefix(path, "item."); {
	case ofItem && rest == "name":
		from = o.item["name"]
	case ofItem:
		from = dig(system(o.item), rest)
	case strings.HasPrefix(path, "flags."):
		from = dig(o.self, path)
	case o.actor != nil:
		from = dig(system(o.actor), path)
	case o.item == nil:
		from = dig(system(o.self), path)
	}
	v = number(from)
	return v, v != ""
}

// computed is what dnd5e makes of the data before it is used.
func (o *owner) computed(path string, activity map[string]any) (any, bool) {
	parts := strings.Split(path, ".")
	last := parts[len(parts)-1]
	switch {
	case path == "name":
		name, ok := o.actor["name"].(string)
		if o.actor == nil && o.item == nil {
			name, ok = o.self["name"].(string)
		}
		return name, ok && name != ""
	case path == "prof", path == "attributes.prof":
		return known(o.proficiency())
	case path == "mod":
		ability := o.attackAbility(activity)
		return known(o.ability(ability))
	case path == "attributes.spell.dc":
		return known(o.dc(o.spellcasting(nil)))
	case path == "attributes.spell.mod", path == "attributes.spellmod":
		return known(o.ability(o.spellcasting(nil)))
	case path == "attributes.spell.attack":
		mod, ok := o.ability(o.spellcasting(nil))
		prof, able := o.proficiency()
		return mod + prof, ok && able
	case path == "details.level" && o.actor != nil && o.level() > 0:
		return o.level(), true
	case path == "details.type.config.label":
		kind := first(textAt(system(o.actor), "details.type.custom"), textAt(system(o.actor), "details.type.value"))
		if kind == "custom" {
			kind = ""
		}
		return title(kind), kind != ""
	case path == "resources.legact.label":
		uses, ok := numberAt(system(o.actor), "resources.legact.max")
		text := number(uses)
		if in, _ := dig(system(o.actor), "resources.lair.value").(bool); in {
			text += " (" + number(uses+1) + " in lair)"
		}
		return text, ok
	case len(parts) == 3 && parts[0] == "abilities" && last == "mod":
		return known(o.ability(parts[1]))
	case len(parts) == 3 && parts[0] == "abilities" && last == "dc":
		return known(o.dc(parts[1]))
	case len(parts) == 3 && parts[0] == "skills" && (last == "total" || last == "mod"):
		return known(o.skill(parts[1]))
	case len(parts) == 3 && parts[0] == "skills" && last == "passive":
		v, ok := o.skill(parts[1])
		return 10 + v, ok
	case len(parts) == 3 && parts[0] == "classes" && last == "levels":
		class := o.class(parts[1])
		v, ok := numberAt(system(class), "levels")
		return v, ok
	case len(parts) >= 3 && parts[0] == "scale":
		return o.scale(parts[1], parts[2], strings.Join(parts[3:], "."))
	case path == "save.dc.value" && activity != nil:
		return known(o.saveDC(activity))
	case path == "check.dc.value" && activity != nil:
		return known(o.checkDC(activity))
	case path == "healing.formula" && activity != nil:
		formula := simple(o.filled(o.part(activity["healing"]).formula, activity))
		return formula, !strings.Contains(formula, "@")
	case path == "target.affects.labels.statblock" && activity != nil:
		return o.affected(activity)
	case path == "item.range.reach":
		_, reach := o.activity("", "attack")["attack"]
		return "5", reach && textAt(system(o.item), "range.reach") == ""
	}
	return nil, false
}

// affected is whom an activity affects: one creature, each enemy.
func (o *owner) affected(activity map[string]any) (any, bool) {
	if special := o.ofActivity("target.affects.special", activity); special != "" {
		return special, true
	}
	whom, count := o.ofActivity("target.affects.type", activity), o.ofActivity("target.affects.count", activity)
	switch {
	case whom == "" || whom == "self" || whom == "space":
		return nil, false
	case count == "" && o.ofActivity("target.template.type", activity) != "":
		return "each " + whom, true
	case count == "" || count == "1":
		return "one " + whom, true
	}
	return count + " " + whom + "s", true
}

func known(v float64, ok bool) (any, bool) { return v, ok }

// ofActivity is a value of an activity, which takes what it does not override from its item.
func (o *owner) ofActivity(path string, activity map[string]any) string {
	first, _, _ := strings.Cut(path, ".")
	item := system(o.item)
	part, _ := activity[first].(map[string]any)
	override, has := part["override"].(bool)
	values := []string{textAt(activity, path), textAt(item, path)}
	if has && !override {
		values[0], values[1] = values[1], values[0]
	}
	for _, v := range values {
		if v == "" {
			continue
		}
		if strings.Contains(v, "@") {
			v = o.filled(v, activity)
		}
		if n, ok := enrich.Eval(v); ok {
			v = number(n)
		}
		return v
	}
	return ""
}

// class is the actor's class, or subclass, that an identifier names.
func (o *owner) class(identifier string) map[string]any {
	items, _ := o.actor["items"].([]any)
	for _, i := range items {
		item, _ := i.(map[string]any)
		if typ := number(item["type"]); typ != "class" && typ != "subclass" {
			continue
		}
		if first(textAt(system(item), "identifier"), slugged(number(item["name"]))) == identifier {
			return item
		}
	}
	return nil
}

func slugged(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// scale is a value of a class that grows with its level.
func (o *owner) scale(class, identifier, part string) (any, bool) {
	item := o.class(class)
	levels, ok := numberAt(system(item), "levels")
	if sub := textAt(system(item), "classIdentifier"); !ok && sub != "" {
		levels, _ = numberAt(system(o.class(sub)), "levels")
	}
	var advancements []any
	switch a := system(item)["advancement"].(type) {
	case []any:
		advancements = a
	case map[string]any:
		for _, v := range a {
			advancements = append(advancements, v)
		}
	}
	for _, a := range advancements {
		config := dig(a, "configuration")
		if textAt(a, "type") != "ScaleValue" || first(textAt(config, "identifier"), slugged(textAt(a, "title"))) != identifier {
			continue
		}
		scale, _ := dig(config, "scale").(map[string]any)
		best, at := any(nil), -1.0
		for level, v := range scale {
			if n, ok := enrich.Eval(level); ok && n <= max(levels, 1) && n > at {
				best, at = v, n
			}
		}
		v := scaled(best, part)
		return v, v != ""
	}
	return nil, false
}

func scaled(v any, part string) string {
	faces, count := textAt(v, "faces"), textAt(v, "number")
	switch {
	case part != "" && part != "die" && part != "value" && part != "formula":
		return textAt(v, part)
	case faces != "" && part == "die":
		return "d" + faces
	case faces != "":
		return count + "d" + faces + textAt(v, "modifiers.0")
	default:
		return textAt(v, "value")
	}
}

var paths = regexp.MustCompile(`@[a-zA-Z][\w-]*(?:\.[\w-]+)*`)

// filled is a formula with values instead of paths, as far as they are known.
func (o *owner) filled(formula string, activity map[string]any) string {
	return paths.ReplaceAllStringFunc(formula, func(path string) string {
		if v, ok := o.value(path[1:], activity); ok && v != path {
			return v
		}
		return path
	})
}

// formula is a formula with its values, in numbers where it has no dice. Behind a # stands what the roll is for, in brackets
// what kind its dice are of.
func (o *owner) formula(config string) string {
	formula, _, _ := strings.Cut(config, "#")
	formula = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(formula), "/r "))
	parts := enrich.Split(formula, ",")
	if len(parts) > 1 && strings.HasPrefix(parts[0], `"`) {
		for i, p := range parts {
			parts[i] = strings.Trim(p, `"`)
		}
		formula = parts[0]
	}
	if strings.Contains(formula, "@") {
		formula = o.filled(formula, o.activity(""))
	}
	if v, ok := enrich.Eval(formula); ok {
		return number(v)
	}
	formula = paths.ReplaceAllStringFunc(formula, func(p string) string { return wordsOf(p[1:]) })
	if len(parts) > 1 {
		formula += " " + strings.Join(parts[1:], ", ")
	}
	return formula
}

// lookup is the value of a path of the owning document; where it is not known, the label of the mark, or what the path is
// called.
func (o *owner) lookup(m enrich.Mark) string {
	options := m.Options()
	path, style := options.Named["path"], options.Named["style"]
	for _, w := range options.Words {
		switch {
		case strings.HasPrefix(w, "@") && path == "":
			path = w
		case w == "lowercase" || w == "uppercase" || w == "capitalize":
			style = w
		}
	}
	path = strings.TrimPrefix(path, "@")
	var activity map[string]any
	if id := options.Named["activity"]; id != "" {
		activity = o.activity(id)
	}
	v, ok := o.value(path, activity)
	fate := "looked up"
	if !ok {
		if fate = "not found"; m.Label != "" {
			fate = "by its label"
		}
		v = first(m.Label, wordsOf(path))
	}
	o.speech.reader.library.met(m, fate)
	switch style {
	case "lowercase":
		return strings.ToLower(v)
	case "uppercase":
		return strings.ToUpper(v)
	case "capitalize":
		return title(v)
	}
	return v
}

// wordsOf is what a path is called.
func wordsOf(path string) string {
	parts := strings.Split(path, ".")
	last := parts[len(parts)-1]
	switch {
	case path == "name":
		return "creature"
	case path == "prof", path == "attributes.prof":
		return "proficiency bonus"
	case path == "mod":
		return "modifier"
	case path == "attributes.spell.dc":
		return "spell save DC"
	case path == "details.level":
		return "level"
	case path == "details.cr":
		return "challenge rating"
	case path == "item.level":
		return "spell level"
	case path == "save.dc.value":
		return "save DC"
	case len(parts) == 3 && parts[0] == "abilities":
		return first(abilityNames[parts[1]], parts[1]) + map[string]string{"mod": " modifier", "dc": " save DC"}[last]
	case len(parts) == 3 && parts[0] == "skills" && last == "passive":
		return "passive " + first(skillNames[parts[1]], parts[1])
	case len(parts) == 3 && parts[0] == "classes":
		return title(parts[1]) + " level"
	case len(parts) >= 3 && parts[0] == "scale":
		return strings.ReplaceAll(parts[2], "-", " ")
	case len(parts) > 1 && (last == "value" || last == "label" || last == "dc"):
		return strings.ToLower(apart(parts[len(parts)-2]))
	}
	return strings.ToLower(apart(strings.ReplaceAll(last, "-", " ")))
}

package foundry

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
)

// ranged are the types of weapons of dnd5e that are for attacks from a distance.
var ranged = []string{"simpleR", "martialR", "siege"}

// attackAbility is the ability that the item attacks with.
func (o *owner) attackAbility(activity map[string]any) string {
	item := system(o.item)
	chosen := first(textAt(activity, "attack.ability"), textAt(item, "ability"))
	switch {
	case chosen == "spellcasting" || chosen == "" && o.bySpell(activity):
		return o.spellcasting(activity)
	case chosen != "":
		return chosen
	}
	properties, _ := item["properties"].([]any)
	str, _ := o.ability("str")
	dex, _ := o.ability("dex")
	if slices.Contains(properties, any("fin")) && dex > str || o.fromAfar(activity) {
		return "dex"
	}
	return "str"
}

func (o *owner) bySpell(activity map[string]any) bool {
	return textAt(activity, "attack.type.classification") == "spell" || textAt(o.item, "type") == "spell"
}

func (o *owner) fromAfar(activity map[string]any) bool {
	if kind := textAt(activity, "attack.type.value"); kind != "" {
		return kind == "ranged"
	}
	return slices.Contains(ranged, textAt(system(o.item), "type.value"))
}

// bonus is what is added to an attack roll.
func (o *owner) bonus(activity map[string]any) (float64, bool) {
	extra, _ := enrich.Eval(o.filled(textAt(activity, "attack.bonus"), activity))
	if flat, _ := dig(activity, "attack.flat").(bool); flat {
		return extra, true
	}
	ability := o.attackAbility(activity)
	mod, ok := o.ability(ability)
	if ability == "none" {
		mod, ok = 0, o.actor != nil
	}
	prof, able := o.proficiency()
	times := 1.0
	if n, ok := numberAt(system(o.item), "proficient"); ok {
		times = n
	}
	magic, _ := numberAt(system(o.item), "magicalBonus")
	way := "m"
	if o.fromAfar(activity) {
		way = "r"
	}
	sort := "wak"
	if o.bySpell(activity) {
		sort = "sak"
	}
	general, _ := enrich.Eval(o.filled(textAt(system(o.actor), "bonuses."+way+sort+".attack"), activity))
	return mod + math.Floor(prof*times) + magic + extra + general, ok && able
}

// attack puts an attack into words; without an actor, without its bonus.
func (o *owner) attack(m enrich.Mark) string {
	options := m.Options()
	formula := options.Named["formula"]
	for _, w := range options.Words {
		if w != "" && (w[0] == '+' || w[0] == '-' || w[0] >= '0' && w[0] <= '9') {
			formula = w
		}
	}
	activity := o.activity(options.Named["activity"], "attack")
	toHit := ""
	switch {
	case formula != "":
		toHit = formula
		if v, ok := enrich.Eval(o.filled(formula, activity)); ok {
			toHit = signed(v)
		}
	case activity == nil:
		return "attack"
	default:
		if v, ok := o.bonus(activity); ok {
			toHit = signed(v)
		}
	}
	if !options.Has("extended") && options.Named["format"] != "extended" {
		return first(toHit, "attack bonus")
	}
	way := "Melee"
	if o.fromAfar(activity) {
		way = "Ranged"
	}
	distance := o.distance(activity)
	if strings.Contains(distance, "reach") && strings.Contains(distance, "range") {
		way = "Melee or Ranged"
	}
	kind := "Weapon"
	if o.bySpell(activity) {
		kind = "Spell"
	}
	words := "*" + way + " " + kind + " Attack:* "
	if o.speech.record.Ruleset.Edition == "2024" || textAt(system(o.item), "source.rules") == "2024" {
		words = "*" + way + " Attack Roll:* "
	} else if toHit != "" {
		toHit += " to hit"
	}
	var parts []string
	for _, p := range []string{toHit, distance} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return "\x01" + words + strings.Join(parts, ", ")
}

// distance is how far an item reaches.
func (o *owner) distance(activity map[string]any) string {
	item := system(o.item)
	unit := first(textAt(item, "range.units"), textAt(activity, "range.units"), "ft")
	if unit == "ft" {
		unit = "ft."
	}
	reach, near, far := textAt(item, "range.reach"), textAt(item, "range.value"), textAt(item, "range.long")
	if override, _ := dig(activity, "range.override").(bool); override || near == "" && reach == "" {
		near = first(o.ofActivity("range.value", activity), near)
	}
	properties, _ := item["properties"].([]any)
	thrown := slices.Contains(properties, any("thr"))
	afar := o.fromAfar(activity)
	if textAt(activity, "attack.type.value") == "" && !slices.Contains(ranged, textAt(item, "type.value")) {
		afar = false
	}
	var parts []string
	if !afar && textAt(o.item, "type") == "weapon" {
		if reach == "" {
			reach = "5"
			if slices.Contains(properties, any("rch")) {
				reach = "10"
			}
			if near != "" && !thrown && far == "" {
				reach, near = near, ""
			}
		}
		parts = append(parts, "reach "+reach+" "+unit)
	}
	if near != "" && near != "0" && (afar || thrown || textAt(o.item, "type") != "weapon") {
		if far != "" && far != "0" && far != near {
			near += "/" + far
		}
		parts = append(parts, "range "+near+" "+unit)
	}
	return strings.Join(parts, " or ")
}

func signed(v float64) string {
	if v < 0 {
		return number(v)
	}
	return "+" + number(v)
}

// hurt is one part of a damage.
type hurt struct {
	formula string
	types   []string
}

// damage puts damage or healing into words: `7 (2d6) fire damage`.
func (o *owner) damage(m enrich.Mark) string {
	options := m.Options()
	var parts []hurt
	for part := range strings.SplitSeq(m.Config, "&") {
		m.Config = part
		if p := stated(m.Options()); p.formula != "" {
			parts = append(parts, p)
		}
	}
	healing := m.Name != "damage"
	var activity map[string]any
	if len(parts) == 0 {
		types := []string{"attack", "damage", "save", "heal"}
		if healing {
			types = []string{"heal", "damage", "save", "attack"}
		}
		for _, t := range types {
			if activity = o.activity(options.Named["activity"], t); activity != nil {
				parts = o.hurts(activity, options.Named["attackmode"])
			}
			if len(parts) > 0 || options.Named["activity"] != "" {
				break
			}
		}
	}
	if len(parts) == 0 {
		return first(map[bool]string{true: "healing"}[healing], "damage")
	}
	var words []string
	for _, p := range parts {
		words = append(words, o.hurtWords(p, activity, options.Has("average"), healing))
	}
	text := strings.Join(words, " plus ")
	long := options.Has("extended") || options.Has("long") || options.Named["format"] == "extended" || options.Named["format"] == "long"
	if long && !healing && !slices.ContainsFunc(parts, func(p hurt) bool { return slices.Contains(p.types, "healing") || slices.Contains(p.types, "temphp") }) {
		text += " damage"
	}
	if options.Has("extended") || options.Named["format"] == "extended" {
		return "\x01*Hit:* " + text
	}
	return text
}

// stated is the damage that a mark itself names: words that are no formula are its types.
func stated(o enrich.Options) hurt {
	h := hurt{formula: o.Named["formula"]}
	var formula []string
	for _, w := range o.Words {
		switch {
		case w == "average" || w == "extended" || w == "long" || w == "short":
		case strings.ContainsAny(w, "0123456789@+*(") || w == "-" || w == "/":
			formula = append(formula, w)
		case strings.ContainsAny(w, "=#"):
		default:
			h.types = append(h.types, strings.ToLower(w))
		}
	}
	h.formula = first(h.formula, strings.Join(formula, " "))
	for _, name := range []string{"type", "types"} {
		if t := o.Named[name]; t != "" {
			h.types = append(h.types, strings.FieldsFunc(t, func(r rune) bool { return r == '|' || r == '/' || r == ',' })...)
		}
	}
	return h
}

// hurts are the parts of an activity's damage.
func (o *owner) hurts(activity map[string]any, mode string) []hurt {
	var parts []hurt
	item := system(o.item)
	if base, _ := dig(activity, "damage.includeBase").(bool); base {
		of := dig(item, "damage.base")
		if versatile := dig(item, "damage.versatile"); strings.EqualFold(mode, "twoHanded") {
			if textAt(versatile, "denomination") != "" {
				of = merged(of, versatile)
			} else {
				of = merged(of, map[string]any{"denomination": larger(textAt(of, "denomination"))})
			}
		}
		if h := o.part(of); h.formula != "" {
			custom, _ := dig(of, "custom.enabled").(bool)
			if textAt(activity, "type") == "attack" && !custom && !o.bySpell(activity) && !strings.Contains(h.formula, "@mod") &&
				o.attackAbility(activity) != "none" {
				h.formula += " + @mod"
			}
			if magic, _ := numberAt(item, "magicalBonus"); magic != 0 {
				h.formula += " + " + number(magic)
			}
			parts = append(parts, h)
		}
	}
	list, _ := dig(activity, "damage.parts").([]any)
	if healing := dig(activity, "healing"); healing != nil && len(list) == 0 {
		list = []any{healing}
	}
	for _, p := range list {
		if h := o.part(p); h.formula != "" {
			parts = append(parts, h)
		}
	}
	return parts
}

func merged(base, over any) map[string]any {
	all := map[string]any{}
	for _, m := range []any{base, over} {
		fields, _ := m.(map[string]any)
		for k, v := range fields {
			if number(v) != "" || k == "types" && len(all) == 0 || all[k] == nil {
				all[k] = v
			}
		}
	}
	return all
}

// larger is the die one step larger.
func larger(die string) any {
	dice := []string{"4", "6", "8", "10", "12", "20"}
	if i := slices.Index(dice, die); i >= 0 && i+1 < len(dice) {
		return dice[i+1]
	}
	return die
}

// part is the formula and the types of one part of a damage, as dnd5e keeps them.
func (o *owner) part(of any) hurt {
	h := hurt{formula: textAt(of, "custom.formula")}
	if custom, _ := dig(of, "custom.enabled").(bool); !custom || h.formula == "" {
		h.formula = ""
		if count, die := textAt(of, "number"), textAt(of, "denomination"); count != "" && count != "0" && die != "" {
			h.formula = count + "d" + die
		}
		if bonus := textAt(of, "bonus"); bonus != "" {
			h.formula = strings.TrimPrefix(h.formula+" + "+bonus, " + ")
		}
	}
	types, _ := dig(of, "types").([]any)
	for _, t := range types {
		h.types = append(h.types, number(t))
	}
	return h
}

func (o *owner) hurtWords(h hurt, activity map[string]any, average, healing bool) string {
	formula := simple(o.filled(h.formula, activity))
	v, plain := enrich.Average(formula)
	formula = paths.ReplaceAllStringFunc(formula, func(p string) string { return wordsOf(p[1:]) })
	text := formula
	if _, constant := enrich.Eval(formula); average && plain && !constant {
		text = number(math.Floor(v)) + " (" + formula + ")"
	}
	var types []string
	for _, t := range h.types {
		switch t {
		case "temphp":
			t = "temporary hit points"
		case "healing":
			t = "hit points"
			if healing {
				t = "healing"
			}
		}
		types = append(types, t)
	}
	if len(types) > 0 {
		text += " " + strings.Join(types, " or ")
	}
	return text
}

// simple is a formula with its numbers added up, the dice in front.
func simple(formula string) string {
	var rest []string
	sum, start, depth := 0.0, 0, 0
	s := strings.ReplaceAll(formula, " ", "")
	term := func(t string) {
		bare := strings.TrimPrefix(t, "+")
		if v, ok := enrich.Eval(bare); ok {
			sum += v
		} else if bare != "" {
			rest = append(rest, bare)
		}
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case (c == '+' || c == '-') && depth == 0 && i > start && strings.IndexByte("*/+-(", s[i-1]) < 0:
			term(s[start:i])
			start = i
		}
	}
	term(s[start:])
	if len(rest) == 0 {
		return number(sum)
	}
	text := strings.Join(rest, " + ")
	text = strings.ReplaceAll(text, "+ -", "- ")
	switch {
	case sum > 0:
		text += " + " + number(sum)
	case sum < 0:
		text += " - " + number(-sum)
	}
	return text
}

// saveDC is the difficulty class of an activity's saving throw.
func (o *owner) saveDC(activity map[string]any) (float64, bool) {
	switch by := textAt(activity, "save.dc.calculation"); by {
	case "", "custom", "flat":
		return enrich.Eval(o.filled(textAt(activity, "save.dc.formula"), activity))
	case "spellcasting":
		return o.dc(o.spellcasting(activity))
	case "initial":
		return o.dc(o.attackAbility(activity))
	default:
		return o.dc(by)
	}
}

// checkDC is the difficulty class of an activity's check.
func (o *owner) checkDC(activity map[string]any) (float64, bool) {
	switch by := textAt(activity, "check.dc.calculation"); by {
	case "":
		return enrich.Eval(o.filled(textAt(activity, "check.dc.formula"), activity))
	case "spellcasting":
		return o.dc(o.spellcasting(activity))
	default:
		return o.dc(by)
	}
}

func list(v any) []string {
	var words []string
	switch v := v.(type) {
	case string:
		words = strings.FieldsFunc(v, func(r rune) bool { return r == '|' || r == '/' || r == ',' })
	case []any:
		for _, w := range v {
			words = append(words, number(w))
		}
	}
	return words
}

// named is what abilities and skills are called, in the language of the options where the system says.
func (o *owner) named(words []string, names map[string]string, key string) string {
	var out []string
	for _, w := range words {
		name := w
		if len(w) > 1 {
			if word, ok := o.speech.reader.localised(key + strings.ToUpper(w[:1]) + strings.ToLower(w[1:])); ok {
				name = word
			} else {
				name = first(names[strings.ToLower(w)], title(w))
			}
		}
		out = append(out, name)
	}
	return strings.Join(out, " or ")
}

// test is what a check or save is made with, and against.
type test struct{ abilities, skills, tools, dc string }

// said reads a mark: `dex 15`, `ability=str skill=ath dc=15`.
func (o *owner) tested(m enrich.Mark) test {
	options := m.Options()
	t := test{dc: options.Named["dc"]}
	abilities, skills, tools := list(options.Named["ability"]), list(options.Named["skill"]), list(options.Named["tool"])
	tools = append(tools, list(options.Named["vehicle"])...)
	for _, w := range options.Words {
		for _, w := range list(w) {
			lower := strings.ToLower(w)
			switch _, isNumber := enrich.Eval(w); {
			case isNumber || strings.HasPrefix(w, "@"):
				t.dc = first(t.dc, w)
			case abilityNames[lower] != "":
				abilities = append(abilities, lower)
			case skillNames[lower] != "":
				skills = append(skills, lower)
			case ofNames(abilityNames, w) != "":
				abilities = append(abilities, ofNames(abilityNames, w))
			case ofNames(skillNames, w) != "":
				skills = append(skills, ofNames(skillNames, w))
			case lower == "passive", lower == "long", lower == "short", lower == "extended", lower == "concentration":
			case m.Name == "tool" || m.Name == "check":
				tools = append(tools, w)
			}
		}
	}
	var activity map[string]any
	if len(abilities)+len(skills)+len(tools) == 0 {
		kind := map[bool]string{true: "save", false: "check"}[m.Name == "save" || m.Name == "concentration"]
		if activity = o.activity(options.Named["activity"], kind); activity != nil {
			abilities = list(dig(activity, kind+".ability"))
			if kind == "check" {
				for _, w := range list(dig(activity, "check.associated")) {
					if skillNames[w] != "" {
						skills = append(skills, w)
					} else {
						tools = append(tools, w)
					}
				}
			}
			if v, ok := o.saveDC(activity); kind == "save" && ok {
				t.dc = first(t.dc, number(v))
			}
			if v, ok := o.checkDC(activity); kind == "check" && ok {
				t.dc = first(t.dc, number(v))
			}
		}
	}
	if m.Name == "concentration" && len(abilities) == 0 {
		abilities = []string{"con"}
	}
	for i, a := range abilities {
		if a == "spellcasting" {
			abilities[i] = first(o.spellcasting(activity), a)
		}
	}
	if len(skills) == 1 && len(abilities) == 0 {
		abilities = []string{skillAbilities[skills[0]]}
	}
	if filled := o.filled(t.dc, activity); t.dc != "" {
		t.dc = filled
		if v, ok := enrich.Eval(filled); ok {
			t.dc = number(v)
		}
	}
	t.abilities, t.skills = o.named(abilities, abilityNames, "DND5E.Ability"), o.named(skills, skillNames, "DND5E.Skill")
	t.tools = title(strings.Join(tools, " or "))
	return t
}

func ofNames(names map[string]string, word string) string {
	for key, name := range names {
		if strings.EqualFold(strings.ReplaceAll(name, " ", ""), word) {
			return key
		}
	}
	return ""
}

// against is the difficulty class, in front of what it is for.
func (t test) against() string {
	switch {
	case t.dc == "":
		return ""
	case strings.HasPrefix(t.dc, "@"):
		return "against the " + wordsOf(t.dc[1:]) + ", "
	}
	if _, err := strconv.ParseFloat(t.dc, 64); err != nil {
		return ""
	}
	return "DC " + t.dc + " "
}

func (o *owner) save(m enrich.Mark) string {
	t := o.tested(m)
	text := t.against() + t.abilities
	switch {
	case m.Options().Named["format"] == "long", t.abilities == "", m.Options().Has("long"):
		text = strings.TrimSpace(text + " saving throw")
	}
	if m.Name == "concentration" {
		text += " (concentration)"
	}
	return text
}

func (o *owner) check(m enrich.Mark) string {
	t := o.tested(m)
	with := t.skills
	if t.tools != "" {
		with = strings.TrimPrefix(with+" or "+t.tools, " or ")
	}
	text := t.abilities
	switch {
	case text == "":
		text = with
	case with != "":
		text += " (" + with + ")"
	}
	if m.Options().Has("passive") {
		text = "passive " + text
	}
	if text == "" || m.Options().Named["format"] == "long" || m.Options().Has("long") {
		text = strings.TrimSpace(text + " check")
	}
	return t.against() + text
}

// itemName is what the item is called that a mark names, by its name or its id.
func (o *owner) itemName(m enrich.Mark) string {
	o.look()
	options := m.Options()
	name := strings.Join(options.Words, " ")
	id := strings.TrimPrefix(name, ".")
	if i := strings.LastIndexByte(id, '.'); i >= 0 && isID(id[i+1:]) {
		id = id[i+1:]
	}
	items, _ := o.actor["items"].([]any)
	for _, i := range items {
		if textAt(i, "_id") == id {
			name = textAt(i, "name")
		}
	}
	if name == "" && options.Named["activity"] != "" {
		name = textAt(o.activity(options.Named["activity"]), "name")
	}
	return first(name, textAt(o.item, "name"), m.Config)
}

package grammar

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// The monster of these tests is nobody's: it is made up.
const lurker = `
# Monsters

## Cellar Lurker

_Small aberration (vermin), neutral evil_

**Armor Class** 13 (natural armor)
**Hit Points** 1,027 (6d6 + 6)
**Speed** 20 ft., climb 30 ft., fly 5 ft. (hover)

**STR** **DEX** **CON** **INT** **WIS** **CHA**
8 (−1) 16 (+3) 12 (+1) 4 (−3) 11 (+0) 5 (−3)

**Saving Throws** Dex +5, Con +3
**Skills** Sleight of Hand +5, Stealth +7
**Damage Resistances** cold, fire; bludgeoning, piercing,
and slashing from nonmagical attacks
**Damage Immunities** poison
**Condition Immunities** poisoned, prone
**Senses** darkvision 60 ft. (underground only), passive Perception 14
**Languages** understands Common but can’t
speak
**Challenge** 1/2 (100 XP)

**_Damp Skin._** The lurker takes half damage from ﬁre.
It hides well.

**_Slippery (Recharges after a Short or_**
**_Long Rest)._** It slips out of any grasp, and grap¬
pling it is well-
nigh impossible.

Everything about it is wet.

### Actions

**_Multiattack._** The lurker bites twice.

**_Bite._** _Melee Weapon Attack:_ +5 to hit. _Hit:_ 6 (1d6 + 3) damage.

### Legendary Actions

The lurker can take 2 legendary actions.

**Move.** It moves.

## Another Heading

Text behind it.
`

func shippedGrammars(tb testing.TB) []*Grammar {
	tb.Helper()
	g, err := Shipped()
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func find(tb testing.TB, text string) Result {
	tb.Helper()
	return Find(write(text), shippedGrammars(tb))
}

// one returns the entity that a text has.
func one(t *testing.T, text string) Entity {
	t.Helper()
	r := find(t, text)
	if len(r.Entities) != 1 {
		t.Fatalf("%d entities, want 1; unread: %+v", len(r.Entities), r.Unread)
	}
	return r.Entities[0]
}

func TestMonster(t *testing.T) {
	e := one(t, lurker)
	want := map[string]any{
		"size": "Small", "type": "aberration", "subtype": "vermin", "alignment": "neutral evil",
		"armor_class": 13, "armor_desc": "natural armor",
		"hit_points": 1027, "hit_dice": "6d6", "hit_points_roll": "6d6+6",
		"speed":    map[string]any{"walk": "20 ft.", "climb": "30 ft.", "fly": "5 ft.", "hover": true},
		"strength": 8, "dexterity": 16, "constitution": 12, "intelligence": 4, "wisdom": 11, "charisma": 5,
		"saving_throws":        map[string]any{"dexterity": 5, "constitution": 3},
		"skills":               map[string]any{"sleight_of_hand": 5, "stealth": 7},
		"damage_resistances":   []string{"cold", "fire", "bludgeoning, piercing, and slashing from nonmagical attacks"},
		"damage_immunities":    []string{"poison"},
		"condition_immunities": []string{"poisoned", "prone"},
		"senses":               map[string]any{"darkvision": "60 ft. (underground only)", "passive_perception": 14},
		"languages":            "understands Common but can’t speak",
		"challenge_rating":     0.5, "xp": 100,
		"special_abilities": []Entry{
			{"Damp Skin", "The lurker takes half damage from fire. It hides well."},
			{
				"Slippery (Recharges after a Short or Long Rest)",
				"It slips out of any grasp, and grappling it is well-nigh impossible.\n\nEverything about it is wet.",
			},
		},
		"actions": []Entry{
			{"Multiattack", "The lurker bites twice."},
			{"Bite", "Melee Weapon Attack: +5 to hit. Hit: 6 (1d6 + 3) damage."},
		},
		"legendary_desc":    "The lurker can take 2 legendary actions.",
		"legendary_actions": []Entry{{"Move", "It moves."}},
	}
	for name, v := range want {
		if !reflect.DeepEqual(e.Fields[name], v) {
			t.Errorf("%s: got %#v, want %#v", name, e.Fields[name], v)
		}
	}
	for name := range e.Fields {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %v is not asked for", name, e.Fields[name])
		}
	}
	if e.Name != "Cellar Lurker" || e.Kind != "monster" || e.Grammar != "dnd5e" || e.Content != StatBlock || e.Confidence != 1 || e.Warnings != nil {
		t.Errorf("got %+v", e)
	}
	if !slices.Equal(e.Section, []string{"Monsters"}) || e.Page != 1 || len(e.Places) == 0 {
		t.Errorf("it stands in %q on page %d at %v", e.Section, e.Page, e.Places)
	}
	if !strings.HasPrefix(e.Raw, "Cellar Lurker\nSmall aberration") || !strings.HasSuffix(e.Raw, "Move. It moves.") {
		t.Errorf("the raw text is %q", e.Raw)
	}
	for _, part := range []string{"# Cellar Lurker\n\nSmall aberration", "\n\n**Armor Class** 13 (natural armor)\n\n", "\n\n## Actions\n\n***Multiattack.*** The lurker"} {
		if !strings.Contains(e.Text, part) {
			t.Errorf("the text has no %q:\n%s", part, e.Text)
		}
	}
}

// TestMonsterHoweverSet changes how the monster is set; what is read of it stays the same.
func TestMonsterHoweverSet(t *testing.T) {
	same := one(t, lurker).Fields
	replace := func(pairs ...string) string {
		text := lurker
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("the monster has no %q", pairs[i])
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		return text
	}
	scores := "**STR** **DEX** **CON** **INT** **WIS** **CHA**\n8 (−1) 16 (+3) 12 (+1) 4 (−3) 11 (+0) 5 (−3)"
	hp := "**Hit Points** 1,027 (6d6 + 6)\n"
	for name, text := range map[string]string{
		"abilities a line each":             replace(scores, "STR 8 (−1)\nDEX 16 (+3)\nCON 12 (+1)\nINT 4 (−3)\nWIS 11 (+0)\nCHA 5 (−3)"),
		"labels and scores a line each":     replace(scores, "STR\n8 (−1)\nDEX\n16 (+3)\nCON\n12 (+1)\nINT\n4 (−3)\nWIS\n11 (+0)\nCHA\n5 (−3)"),
		"labels in lines above the scores":  replace(scores, "STR\nDEX\nCON\nINT\nWIS\nCHA\n8 (−1)\n16 (+3)\n12 (+1)\n4 (−3)\n11 (+0)\n5 (−3)"),
		"abilities in two rows":             replace(scores, "STR DEX CON\n8 (-1) 16 (+3) 12 (+1)\n\nINT WIS CHA\n4 (-3) 11 (+0) 5 (-3)"),
		"abilities as a table":              replace(scores, "| STR | DEX | CON | INT | WIS | CHA\n| 8 (−1) | 16 (+3) | 12 (+1) | 4 (−3) | 11 (+0) | 5 (−3)"),
		"abilities with modifiers and more": replace(scores, "Mod Save Mod Save\n\nStr 8 −1 −1 Dex 16 +3 +5\nCon 12 +1 +3\nInt 4 −3 −3\nWis 11 +0 +0\nCha 5 −3 −3"),
		"labels without blanks":             replace("**STR** **DEX** **CON** **INT**", "**STRDEXCONINT**"),
		"another order":                     replace(hp, "", "**Speed** 20", hp+"**Challenge** 1/2 (100 XP)\n**Speed** 20", "**Challenge** 1/2 (100 XP)\n\n**_D", "\n**_D", "**Armor Class** 13 (natural armor)\n", "", "**Senses**", "**Armor Class** 13 (natural armor)\n**Senses**"),
		"blanks that are lost":              replace("**Armor Class** 13", "**ArmorClass**13", hp, "**HitPoints**1,027(6d6+6)\n", "**Saving Throws** Dex", "**SavingThrows**Dex"),
		"colons":                            replace("**Armor Class** 13", "**Armor Class:** 13", hp, "**Hit Points:** 1,027 (6d6 + 6)\n"),
		"short keys":                        replace("**Armor Class** 13", "**AC** 13", hp, "**HP** 1,027 (6d6 + 6)\n"),
		"capitals":                          replace("## Cellar Lurker", "## CELLAR LURKER", "**Armor Class**", "**ARMOR CLASS**", "### Actions", "### ACTIONS", "### Legendary Actions", "**LEGENDARY ACTIONS**"),
		"ligatures and wide blanks":         replace("**Challenge** 1/2", "**Challenge**\u00a01/2", "_Small aberration", "_Small\u2003aberration"),
		"a fraction in one piece":           replace("**Challenge** 1/2", "**Challenge** ½"),
		"lines of fields in blocks":         replace("(natural armor)\n", "(natural armor)\n\n", "(6d6 + 6)\n", "(6d6 + 6)\n\n", "**Condition", "\n**Condition"),
		"the type in two lines":             replace("(vermin), neutral evil_", "(vermin),_\n_neutral evil_"),
		"full stops that are not in bold":   replace("**_Damp Skin._** The", "**_Damp Skin_**. The"),
		"a name in bold":                    replace("## Cellar Lurker", "**Cellar Lurker**"),
		"a field in two paragraphs":         replace("passive Perception", "passive\n\nPerception"),
		"all of it in one block":            replace("neutral evil_\n\n", "neutral evil_\n", "(hover)\n\n", "(hover)\n", "5 (−3)\n\n", "5 (−3)\n", "(100 XP)\n\n", "(100 XP)\n", "hides well.\n\n", "hides well.\n"),
		"titles as bold lines":              replace("### Actions", "**Actions**", "### Legendary Actions\n\n", "**Legendary Actions**\n"),
	} {
		t.Run(name, func(t *testing.T) {
			e := one(t, text)
			if e.Name != "Cellar Lurker" {
				t.Errorf("the name is %q", e.Name)
			}
			for name, v := range same {
				if !reflect.DeepEqual(e.Fields[name], v) {
					t.Errorf("%s: got %#v, want %#v", name, e.Fields[name], v)
				}
			}
			if e.Confidence != 1 {
				t.Errorf("confidence %v: %q", e.Confidence, e.Warnings)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		remove, put string
		want        string
		confidence  float64
	}{
		{"**Challenge** 1/2 (100 XP)\n", "", "challenge_rating: missing", 0.85},
		{"**Challenge** 1/2 (100 XP)\n", "**Challenge** high\n", `challenge_rating: "high" is not understood`, 0.9},
		{"**Skills** Sleight of Hand +5, Stealth +7\n", "**Skills** all\n", `skills: "all" is not understood`, 0.9},
		{"_Small aberration (vermin), neutral evil_", "_A beast_", `the text below the name is not understood: "A beast"`, 0.9},
		{"**Challenge** 1/2", "\nA speck of dust.\n\n**Challenge** 1/2", `a line among the fields is not understood: "A speck of dust."`, 1},
		{"WIS** **CHA**\n", "WIS**\n", `abilities: "STR DEX CON INT WIS 8 (−1)`, 0.9},
		{"**Challenge** 1/2 (100 XP)\n", "**Challenge** 1/2 (100 XP)\n**Challenge** 2\n", `challenge_rating: stands here twice; the first one was taken, not "2"`, 1},
	} {
		text := strings.Replace(lurker, tt.remove, tt.put, 1)
		if text == lurker {
			t.Fatalf("the monster has no %q", tt.remove)
		}
		e := one(t, text)
		if len(e.Warnings) != 1 || !strings.HasPrefix(e.Warnings[0], tt.want) || e.Confidence != tt.confidence {
			t.Errorf("%q: confidence %v, %q", tt.want, e.Confidence, e.Warnings)
		}
	}
}

// TestApart: a text that stands apart behind the actions is none of them; one that the layout took apart is put together.
func TestApart(t *testing.T) {
	text, _, _ := strings.Cut(lurker, "### Legendary")
	book := write(text + "It may bite a second creature as well, if it is one that it knows and that it can see or\n\nHear from where it is.\n\nLurkers live in cellars. They are\nwet.")
	low := false
	for i := range book.Blocks {
		low = low || strings.HasPrefix(book.Blocks[i].Text, "Lurkers live")
		for n := range book.Blocks[i].Lines {
			l := &book.Blocks[i].Lines[n]
			l.Box.X1 = l.Box.X0 + 2*float32(len(l.Text))
			if low {
				l.Box.Y0, l.Box.Y1 = l.Box.Y0+12, l.Box.Y1+12
			}
		}
	}
	r := Find(book, shippedGrammars(t))
	if len(r.Entities) != 1 {
		t.Fatalf("%d entities", len(r.Entities))
	}
	e := r.Entities[0]
	actions, _ := e.Fields["actions"].([]Entry)
	want := "Melee Weapon Attack: +5 to hit. Hit: 6 (1d6 + 3) damage.\n\nIt may bite a second creature as well, if it is one that it knows and that it can see or Hear from where it is."
	if len(actions) != 2 || actions[1].Desc != want || e.Fields["desc"] != "Lurkers live in cellars. They are wet." {
		t.Errorf("got %q, and %q", actions, e.Fields["desc"])
	}
	if !strings.HasSuffix(e.Text, "Lurkers live in cellars. They are wet.") {
		t.Errorf("the text is\n%s", e.Text)
	}
}

// TestNothing: a dash says that there is none, which is neither missing nor wrong.
func TestNothing(t *testing.T) {
	e := one(t, strings.NewReplacer("**Challenge** 1/2 (100 XP)", "**Challenge** —", "**Skills** Sleight of Hand +5, Stealth +7", "**Skills** -").Replace(lurker))
	if e.Fields["challenge_rating"] != nil || e.Fields["skills"] != nil || e.Confidence != 1 || e.Warnings != nil {
		t.Errorf("got %v, %q", e.Confidence, e.Warnings)
	}
}

// TestNoMonster: texts that speak of armor are none; what lacks most of a monster is told of.
func TestNoMonster(t *testing.T) {
	for text, unread := range map[string]int{
		"## Armor Class\n\nArmor Class 10 is nothing special. It protects a bit.":                                 0,
		"## Barrel\n\nArmor Class 15\n\nHit Points 10\n\nIt is a barrel.":                                         1,
		"## Deep Text\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n\nFive.\n\nSix.\n\nArmor Class 15\nHit Points 10 (3d6)": 1,
	} {
		r := find(t, text)
		if len(r.Entities) != 0 || len(r.Unread) != unread {
			t.Errorf("%q: %d entities, unread %+v", text, len(r.Entities), r.Unread)
		}
		if unread > 0 && (!strings.Contains(text, r.Unread[0].Name) || len(r.Unread[0].Warnings) == 0) {
			t.Errorf("unread is %+v", r.Unread)
		}
	}
}

// TestUnread: what could not be read is told of once, with its name and what it lacks, and what is a part of something that was
// read is not.
func TestUnread(t *testing.T) {
	const barrel = "## Barrel\n\nArmor Class 15\nHit Points 10\n\nIt is a barrel."
	for name, tt := range map[string]struct {
		text     string
		entities int
		want     []string // name or first line, and why
	}{
		"it lacks most": {barrel, 0, []string{"Barrel: it lacks speed, abilities, challenge rating"}},
		"between others": {
			lurker + "\n" + barrel + "\n" + strings.ReplaceAll(lurker, "Cellar", "Attic"), 2,
			[]string{"Barrel: it lacks speed, abilities, challenge rating"},
		},
		"no name":                     {"Of what is thrown.\n\nArmor Class 15 (natural)\nHit Points 10 (3d6)", 0, []string{"Armor Class 15 (natural): no name stands above it"}},
		"no name, of another game":    {"Of what is thrown.\n\nAC 5, HD 3, MV 90', SV 12", 0, []string{"AC 5, HD 3, MV 90', SV 12: no name stands above it"}},
		"no name, and it is no block": {"Of what is thrown.\n\nArmor Class 15 (natural)\n\nand nothing else.", 0, nil},
		"not understood": {
			"## Door\n\nAn oaken door\n\nArmor Class 15\nHit Points Many\nSpeed Standing\nSTR 1 DEX 2 CON 3 INT 4 WIS 5\nSaving Throws None\nSkills None\n" +
				"Senses None\nChallenge None to speak of\n", 0,
			[]string{"Door: too much of it is not understood"},
		},
		"inside of another": {
			strings.Replace(lurker, "### Legendary Actions", "**_Nest._** It makes a nest that has\n\nArmor Class 15\nHit Points 10\n\n### Legendary Actions", 1), 1, nil,
		},
		"a spell": {
			"## Warm Hands\n\n_2nd-level evocation_\n\n**Casting Time:** 1 action", 1, nil,
		},
		"a spell without a name": {
			"Text.\n\nMore.\n\nOf it.\n\n_2nd-level evocation_\n\n**Casting Time:** 1 action", 0, []string{"2nd-level evocation: no name stands above it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := find(t, tt.text)
			var got []string
			for _, u := range r.Unread {
				name := u.Name
				if name == "" {
					name = u.Line
				}
				got = append(got, name+": "+u.Why())
				if u.Line == "" || u.Place.Page == 0 || u.Place.Box.Y1 <= u.Place.Box.Y0 || u.Grammar == "" {
					t.Errorf("%+v", u)
				}
			}
			if len(r.Entities) != tt.entities || !slices.Equal(got, tt.want) {
				t.Errorf("%d entities, unread %q", len(r.Entities), got)
			}
		})
	}
}

// TestBox: a stat block in a box ends with the box, or with its font.
func TestBox(t *testing.T) {
	text, _, _ := strings.Cut(lurker, "### Legendary")
	_, text, _ = strings.Cut(text, "# Monsters\n\n")
	boxed := "[]" + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n[]"), "\n[]\n", "\n\n")
	for _, behind := range []string{"Text behind the box.", "~Text behind the block, which has no box."} {
		in := text
		if !strings.HasPrefix(behind, "~") {
			in = boxed
		}
		e := one(t, in+"\n\n"+behind)
		if strings.Contains(e.Raw, "behind") || len(e.Fields["actions"].([]Entry)) != 2 {
			t.Errorf("%s\n%s", behind, e.Raw)
		}
	}
}

func TestSpells(t *testing.T) {
	r := find(t, `
# Spells

### Bright Idea

_3rd-level
divination (ritual)_

**Casting Time:** 1 reaction, which you take when
somebody asks
**Range:** Self
**Component:** V, S, M (a candle (lit),
worth 5 gp)
**Duration:** Concentration, up to 1 hour
You have an idea. It is bright.

| d4 | Idea
| 1 | None

**_At Higher Levels._** You have one more.

### Spark

_Evocation cantrip_
**Casting Time:** 1 action
**Range:** 60 feet
**Components:** V
**Duration:** Instantaneous

A spark.

#### A table of sparks

More.

## Sparks and What They Do

They spark.

**_At Higher Levels._** It sparks twice.

## Level 4 Things

_Not a spell_
`)
	if len(r.Entities) != 2 {
		t.Fatalf("%d entities", len(r.Entities))
	}
	idea, spark := r.Entities[0], r.Entities[1]
	for name, want := range map[string]any{
		"level": 3, "school": "divination", "ritual": true, "casting_time": "1 reaction",
		"reaction_condition": "which you take when somebody asks", "range": "Self", "components": []string{"V", "S", "M"},
		"material": "a candle (lit), worth 5 gp", "concentration": true, "duration": "up to 1 hour",
		"desc": "You have an idea. It is bright.\n\n| d4 | Idea |\n| --- | --- |\n| 1 | None |", "higher_level": "You have one more.",
	} {
		if !reflect.DeepEqual(idea.Fields[name], want) {
			t.Errorf("%s: got %#v, want %#v", name, idea.Fields[name], want)
		}
	}
	for name, want := range map[string]any{
		"level": 0, "school": "evocation", "ritual": false, "concentration": false, "duration": "Instantaneous",
		"desc": "A spark.\n\n**A table of sparks**\n\nMore.\n\n**Sparks and What They Do**\n\nThey spark.", "higher_level": "It sparks twice.",
	} {
		if !reflect.DeepEqual(spark.Fields[name], want) {
			t.Errorf("%s: got %#v, want %#v", name, spark.Fields[name], want)
		}
	}
	if idea.Name != "Bright Idea" || idea.Content != Spell || idea.Confidence != 1 || spark.Confidence != 1 {
		t.Errorf("got %+v, %+v", idea, spark)
	}
}

// TestForm2024: the form that the rules have had since 2024.
func TestForm2024(t *testing.T) {
	r := find(t, `
## Cellar Lurker

_Small Aberration (Vermin), Neutral Evil_

**AC** 13 **Initiative** +3 (13)
**HP** 27 (6d6 + 6)
**Speed** 20 ft., Climb 30 ft.

| | MOD | SAVE | | MOD | SAVE
| STR 8 | −1 | −1 | DEX 16 | +3 | +5
| CON 12 | +1 | +3 | INT 4 | −3 | −3
| WIS 11 | +0 | +0 | CHA 5 | −3 | −3

**Skills** Stealth +7
**Immunities** Poison; Poisoned
**Gear** Rope, Sack
**Senses** Darkvision 60 ft.; Passive Perception 14
**Languages** None
**CR** 1/2 (XP 100; PB +2)

### Traits

**_Damp._** It is.

### Actions

**_Bite._** It bites.

## Bright Idea

_Level 3 Divination (Bard, Wizard)_

**Casting Time:** Action or Ritual
**Range:** Self
**Components:** V
**Duration:** 1 hour

You have one.

**_Using a Higher-Level Spell Slot._** You have two.
`)
	if len(r.Entities) != 2 {
		t.Fatalf("%d entities; %+v", len(r.Entities), r.Unread)
	}
	for i, want := range []map[string]any{
		{
			"size": "Small", "type": "Aberration", "subtype": "Vermin", "alignment": "Neutral Evil", "armor_class": 13, "initiative": 3,
			"hit_points": 27, "hit_dice": "6d6", "hit_points_roll": "6d6+6", "speed": map[string]any{"walk": "20 ft.", "climb": "30 ft."},
			"strength": 8, "dexterity": 16, "constitution": 12, "intelligence": 4, "wisdom": 11, "charisma": 5,
			"skills": map[string]any{"stealth": 7}, "damage_immunities": []string{"Poison", "Poisoned"}, "gear": []string{"Rope", "Sack"},
			"senses": map[string]any{"darkvision": "60 ft.", "passive_perception": 14}, "languages": "None", "challenge_rating": 0.5, "xp": 100,
			"special_abilities": []Entry{{"Damp", "It is."}}, "actions": []Entry{{"Bite", "It bites."}},
		},
		{
			"level": 3, "school": "divination", "classes": []string{"Bard", "Wizard"}, "casting_time": "Action or Ritual", "range": "Self",
			"components": []string{"V"}, "duration": "1 hour", "concentration": false, "desc": "You have one.", "higher_level": "You have two.",
		},
	} {
		e := r.Entities[i]
		if !reflect.DeepEqual(e.Fields, want) || e.Confidence != 1 {
			t.Errorf("%v %q\ngot  %#v\nwant %#v", e.Confidence, e.Warnings, e.Fields, want)
		}
	}
}

func TestItems(t *testing.T) {
	r := find(t, `
# Items

### Cloak of Rain

_Wondrous item, very rare (requires attunement by a_
_druid)_

It rains.

### Blade, +1 or +2

_Weapon (any sword), rare (+1) or_
_very rare (+2)_

It cuts.

## Sharp and Sharper

| d4 | Cut
| 1 | no

It cuts again.

## The Blade, +1 or +2 Faces

It has two.

### Ball

_Wondrous item, very rare or legendary (requires_
_attunement)_

## Round Things

No item.

### Staff Meeting

Staff, rare and long. This is no item, as it is not in italics.
`)
	if len(r.Entities) != 3 {
		t.Fatalf("%d entities", len(r.Entities))
	}
	for i, want := range []map[string]any{
		{"category": "Wondrous item", "rarity": "very rare", "requires_attunement": "requires attunement by a druid", "desc": "It rains."},
		{"category": "Weapon", "subcategory": "any sword", "rarity": "varies", "rarity_desc": "rare (+1) or very rare (+2)", "desc": "It cuts.\n\n**Sharp and Sharper**\n\n| d4 | Cut |\n| --- | --- |\n| 1 | no |\n\nIt cuts again.\n\n**The Blade, +1 or +2 Faces**\n\nIt has two."},
		{"category": "Wondrous item", "rarity": "varies", "rarity_desc": "very rare or legendary", "requires_attunement": "requires attunement"},
	} {
		if !reflect.DeepEqual(r.Entities[i].Fields, want) {
			t.Errorf("got %#v, want %#v", r.Entities[i].Fields, want)
		}
	}
}

func TestOldSchool(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want map[string]any
	}{
		"one line below a text": {
			"## Mud Hound\n\nA dog of mud. It smells, and, worse, it barks.\n\nAC 6 [13], HD 2+1* (10hp), Att 1 × bite (1d6, or\nby whim), THAC0 17 [+2], MV 120’ (40’), SV D12 W13\nP14 B15 S16 (2), ML 7 (9 with its mud), AL Neutral, XP 35,\nNA 1d6 (2d6), TT None\n\nIt hates water.\n\n## Next",
			map[string]any{
				"name": "Mud Hound", "armor_class": 6, "armor_class_ascending": 13, "hit_dice": "2+1", "asterisks": "*", "hit_points": 10,
				"attacks": "1 × bite (1d6, or by whim)", "thac0": 17, "attack_bonus": 2, "movement": "120’ (40’)",
				"saves": "D12 W13 P14 B15 S16 (2)", "save_death": 12, "save_wands": 13, "save_paralysis": 14, "save_breath": 15, "save_spells": 16,
				"morale": 7, "morale_desc": "9 with its mud", "alignment": "neutral", "xp": 35, "number_appearing": "1d6 (2d6)", "treasure": "None",
				"desc": "A dog of mud. It smells, and, worse, it barks.\n\nIt hates water.",
			},
		},
		"a line for each": {
			"## Mud Hound\n\nHit Dice: 2+1\nArmor Class: 6[13]\nAttacks: Bite (1d6)\nSaving Throw: 16\nSpecial: Mud\nMove: 12\nAlignment: Chaos\nChallenge Level/XP: A/35\n\nA dog of mud.",
			map[string]any{
				"name": "Mud Hound", "armor_class": 6, "armor_class_ascending": 13, "hit_dice": "2+1", "attacks": "Bite (1d6)", "saves": "16",
				"special": "Mud", "movement": "12", "alignment": "chaos", "challenge_level": "A", "xp": 35, "desc": "A dog of mud.",
			},
		},
		"behind a name": {
			"In the cave there are dogs.\n\nMud Hounds (4): AC 6; HD 2+1; hp 9, 10, 12; #AT 1; D 1–6; MV 120’; ML 7.\n\n## Next",
			map[string]any{
				"name": "Mud Hounds", "number": "4", "armor_class": 6, "hit_dice": "2+1", "hit_points_each": []string{"9", "10", "12"}, "attacks": "1", "damage": "1–6",
				"movement": "120’", "morale": 7,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := one(t, tt.text)
			got := map[string]any{"name": e.Name}
			maps.Copy(got, e.Fields)
			if e.Grammar != "osr" || e.Confidence != 1 || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s, confidence %v, %q\ngot  %#v\nwant %#v", e.Grammar, e.Confidence, e.Warnings, got, tt.want)
			}
		})
	}
}

// TestBlocks: the blocks of the result are those of the book, divided where entities and their parts begin.
func TestBlocks(t *testing.T) {
	text := strings.NewReplacer("(100 XP)\n\n", "(100 XP)\n", "hides well.\n\n", "hides well.\n", "nigh impossible.\n\n", "nigh impossible.\n").Replace(lurker)
	book := write(text)
	r := Find(book, shippedGrammars(t))
	if len(r.Book.Blocks) != len(book.Blocks)+2 {
		t.Errorf("%d blocks of %d", len(r.Book.Blocks), len(book.Blocks))
	}
	if got, want := flow(r.Book), flow(book); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	e := r.Entities[0]
	if r.Book.Blocks[e.From].Text != "Cellar Lurker" || r.Book.Blocks[e.To].Text != "Another Heading" {
		t.Errorf("it is from %q to in front of %q", r.Book.Blocks[e.From].Text, r.Book.Blocks[e.To].Text)
	}
	var begins []string
	for _, i := range e.Cuts {
		begins = append(begins, strings.Fields(r.Book.Blocks[i].Text)[0])
	}
	if !slices.Equal(begins, []string{"Damp", "Slippery", "Actions", "Multiattack.", "Bite.", "Legendary", "Move."}) {
		t.Errorf("parts begin with %q", begins)
	}
	for _, b := range r.Book.Blocks {
		for _, s := range b.Spans {
			if s.From < 0 || s.To > len(b.Text) || s.From >= s.To {
				t.Errorf("%q has a span from %d to %d", b.Text, s.From, s.To)
			}
		}
	}
}

func flow(b layout.Book) string {
	var texts []string
	for _, k := range b.Blocks {
		texts = append(texts, strings.Fields(k.Text)...)
	}
	return strings.Join(texts, " ")
}

// TestSections: what follows an entity is not below the headings inside of it, whatever their level.
func TestSections(t *testing.T) {
	r := find(t, "# Spells\n\n### Spark\n\n_Evocation cantrip_\n**Casting Time:** 1 action\n\nOne.\n\n## More\n\nTwo.\n\n"+
		"**_At Higher Levels._** It sparks.\n\n### Flame\n\n_Evocation cantrip_\n**Casting Time:** 1 action\n\n#### A Note\n\nThree.\n\n## More\n\nFour.")
	want := []string{
		"Spells", "Spells > Spark", "Spells > Spark", "Spells > Spark", "Spells > More", "Spells > More", "Spells > More",
		"Spells > Flame", "Spells > Flame", "Spells > Flame > A Note", "Spells > Flame > A Note", "Spells > More", "Spells > More",
	}
	var got []string
	for _, b := range r.Book.Blocks {
		got = append(got, strings.Join(b.Section, " > "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	r = find(t, "# Items\n\n## Low\n\n_Ring, rare_\n\nOne.\n\n### High\n\n_Ring, rare_\n\nTwo.\n\n## Note\n\nThree.")
	if len(r.Entities) != 2 || !slices.Equal(r.Entities[1].Section, []string{"Items"}) {
		t.Errorf("got %+v", r.Entities)
	}
}

func FuzzFind(f *testing.F) {
	f.Add(lurker)
	f.Add("## A\n\n_Evocation cantrip_\n**Casting Time:**")
	f.Add("A: AC 5, HD 1,\n\n\n| AC | HD\n\n[]~## STR DEX 9 9 9")
	f.Add("**STR**\n\nArmor Class 1\nHit Points\nHit Points (\n(1d6")
	grammars := shippedGrammars(f)
	f.Fuzz(func(t *testing.T, text string) {
		book := write(strings.ToValidUTF8(text, "?"))
		r := Find(book, grammars)
		if again := Find(book, grammars); !reflect.DeepEqual(r, again) {
			t.Error("two calls give two results")
		}
		if got, want := strings.ReplaceAll(flow(r.Book), " ", ""), strings.ReplaceAll(flow(book), " ", ""); strings.ReplaceAll(got, "-", "") != strings.ReplaceAll(want, "-", "") {
			t.Errorf("the text is changed:\n%s\n%s", got, want)
		}
		last := 0
		for _, e := range r.Entities {
			if e.From < last || e.To <= e.From || e.To > len(r.Book.Blocks) || e.Name == "" {
				t.Errorf("%q is from %d to %d, the one in front of it to %d", e.Name, e.From, e.To, last)
			}
			last = e.To
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		}
	})
}

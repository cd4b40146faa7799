package pdf

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
)

func reference(t *testing.T) EntityReference {
	t.Helper()
	var r EntityReference
	for text, into := range map[string]any{
		`[{"name": "Ogre, Deep", "hp": 59, "speed": {"walk": "0 ft.", "swim": "40 ft."}, "abilities": [19, 8, 16, 5, 7, 7], "cr": 2, "languages": ""},
		  {"name": "Wolfling, Wolf Form", "hp": 9, "speed": {"walk": "40 ft."}, "abilities": [1, 2, 3, 4, 5, 6]},
		  {"name": "Swarm of Wasps", "hp": 22}, {"name": "Absent", "hp": 1}]`: &r.Monsters,
		`[{"name": "Arcanist's Eye", "level": 3, "components": ["V", "M"]}]`:                                                 &r.Spells,
		`[{"name": "Dull Armor", "rarity": "Very Rare"}, {"name": "Dull Armor (Plate)", "variant": true, "rarity": "Rare"}]`: &r.Items,
	} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	r.Parts = map[string]map[string][]string{"ogre, deep": {"actions": {"bite"}, "reactions": {}}}
	r.Texts = map[string]string{"arcanist's eye": strings.Repeat("letters ", 20)}
	return r
}

func TestCompareEntities(t *testing.T) {
	scores := func(of ...int) map[string]any {
		fields := map[string]any{}
		for i, name := range []string{"strength", "dexterity", "constitution", "intelligence", "wisdom", "charisma"} {
			fields[name] = of[i]
		}
		return fields
	}
	ogre := scores(19, 8, 16, 5, 7, 7)
	ogre["hit_points"], ogre["challenge_rating"], ogre["speed"] = 58, 2.0, map[string]any{"swim": "40 ft.", "notes": "wet"}
	ogre["actions"] = []grammar.Entry{{Name: "Bite (Wet Form Only)"}}
	s := CompareEntities(reference(t), []grammar.Entity{
		{Kind: "monster", Name: "Deep Ogre", Fields: ogre},
		{Kind: "monster", Name: "Wolfling", Fields: scores(1, 2, 3, 4, 5, 6)},
		{Kind: "monster", Name: "Giant Fly"},
		{Kind: "monster", Name: "Made Up"},
		{Kind: "spell", Name: "Arcanist’s Eye", Fields: map[string]any{
			"level": 3, "components": []string{"V", "M"}, "desc": strings.Repeat("letters ", 19), "higher_level": "lettere",
		}},
		{Kind: "magic-item", Name: "Dull", Fields: map[string]any{"rarity": "very rare"}},
		{Kind: "note", Name: "Not asked for"},
	})
	monsters := s.Kinds["monster"]
	if monsters.Found != 3 || monsters.Want != 5 || !slices.Equal(monsters.Missing, []string{"Absent", "Avatar of Death"}) || !slices.Equal(monsters.False, []string{"Made Up"}) {
		t.Errorf("monsters: %+v", monsters)
	}
	if c := s.Kinds["spell"]; c.Found != 1 || c.Want != 1 || c.False != nil {
		t.Errorf("spells: %+v", c)
	}
	if c := s.Kinds["magic-item"]; c.Found != 1 || c.Want != 2 || !slices.Equal(c.Missing, unlisted()) {
		t.Errorf("items: %+v", c)
	}
	for field, want := range map[string][2]int{
		"monster abilities": {2, 2}, "monster hit_points": {0, 2}, "monster challenge_rating": {1, 2}, "monster speed": {1, 1}, "monster traits and actions": {2, 2},
		"spell level": {1, 1}, "spell components": {1, 1}, "spell text length": {1, 1}, "magic-item rarity": {1, 1},
	} {
		if c := s.Fields[field]; c == nil || c.Agree != want[0] || c.Compared != want[1] {
			t.Errorf("%s: %+v, want %v", field, c, want)
		}
	}
	if text := s.String(); !strings.Contains(text, "Ogre, Deep: 58, not 59") || !strings.Contains(text, `monster: 3 of 5, missing ["Absent" "Avatar of Death"], false ["Made Up"]`) {
		t.Errorf("it says\n%s", text)
	}
}

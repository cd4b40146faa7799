package grammar

import (
	"encoding/json"
	"reflect"
	"regexp"
	"testing"
)

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestValues(t *testing.T) {
	abilities := map[string]string{"str": "strength", "strength": "strength", "dex": "dexterity"}
	for _, tt := range []struct {
		value Value
		text  string
		want  any // nil: it is not read
	}{
		{Value{Type: Text}, " a b ", "a b"},
		{Value{Type: Text}, " ", nil},
		{Value{Type: Lower}, "Rare", "rare"},
		{Value{Type: Int}, "1,800", 1800},
		{Value{Type: Int}, "−3", -3},
		{Value{Type: Int}, "+ 4", 4},
		{Value{Type: Int}, "4d6", nil},
		{Value{Type: Int}, "99999999999999999999", nil},
		{Value{Type: Number}, "1/4", 0.25},
		{Value{Type: Number}, "3 ⁄ 4", 0.75},
		{Value{Type: Number}, "½", 0.5},
		{Value{Type: Number}, "12.5", 12.5},
		{Value{Type: Number}, "1/0", nil},
		{Value{Type: Number}, "many", nil},
		{Value{Type: Number}, "Inf", nil},
		{Value{Type: Dice}, "18d10 + 90", "18d10+90"},
		{Value{Type: Dice}, "2D6−1", "2d6-1"},
		{Value{Type: Dice}, "d8+1d4+2", "d8+1d4+2"},
		{Value{Type: Dice}, "10", nil},
		{Value{Type: List}, "a, b (c, d); e", []string{"a", "b (c, d)", "e"}},
		{Value{Type: List, Keep: &Pattern{Regexp: regexp.MustCompile("from")}}, "a, b; c, and d from e", []string{"a", "b", "c, and d from e"}},
		{Value{Type: List, Separator: &Pattern{Regexp: regexp.MustCompile(`\s*/\s*`)}}, "a, b / c", []string{"a, b", "c"}},
		{Value{Type: List}, ",", nil},
		{Value{Type: Flag}, "", false},
		{Value{Type: Flag}, "ritual", true},
		{Value{Type: Bonuses}, "Sleight of Hand +5, Arcana −1", map[string]any{"sleight_of_hand": 5, "arcana": -1}},
		{Value{Type: Bonuses}, "Arcana", nil},
		{Value{Type: Measures, Default: "walk"}, "30 ft., swim 40 ft.", map[string]any{"walk": "30 ft.", "swim": "40 ft."}},
		{Value{Type: Measures, Default: "walk", Flags: []string{"hover"}}, "0 ft., fly 50 ft. (hover)", map[string]any{"walk": "0 ft.", "fly": "50 ft.", "hover": true}},
		{Value{Type: Measures, Default: "walk", Notes: "notes"}, "30 ft. (40 ft., climb 5 ft. in bear form)", map[string]any{"walk": "30 ft.", "notes": "40 ft., climb 5 ft. in bear form"}},
		{Value{Type: Measures}, "passive Perception 12", map[string]any{"passive_perception": 12}},
		{Value{Type: Measures}, "30 ft.", nil},
		{Value{Type: Measures}, "none", nil},
		{Value{Type: Abilities, Names: abilities}, "STR DEX 12 (+1) 9 (−1)", map[string]any{"strength": 12, "dexterity": 9}},
		{Value{Type: Abilities, Names: abilities}, "Strength 12 Dex 9", map[string]any{"strength": 12, "dexterity": 9}},
		{Value{Type: Abilities, Names: abilities}, "12 STR", nil},
		{Value{Type: Abilities, Names: abilities}, "STR of ten", nil},
	} {
		got, ok := tt.value.read(tt.text)
		if ok != (tt.want != nil) || ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s of %q: got %#v, %v, want %#v", tt.value.Type, tt.text, got, ok, tt.want)
		}
	}
}

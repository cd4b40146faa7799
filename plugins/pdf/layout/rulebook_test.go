//go:build integration

package layout_test

import "testing"

// TestRulebook: a book of 403 pages in two columns, which takes long to read.
func TestRulebook(t *testing.T) {
	seen(t, "srd-5.1-cc.pdf", sight{
		labels: map[int]string{1: "1", 261: "261"},
		heads:  map[int][]string{15: {"System Reference Document 5.1", "15"}},
		blocks: []string{
			"# Races", "## Racial Traits", "### Ability Score Increase", "Ability Score Increase. Your Constitution score increases by 2.",
			"#### Hill Dwarf", "## Elf",
			"* • (a) a rapier, (b) a longsword, or (c) any simple weapon",
			"#### Aboleth", "Large aberration, lawful evil", "Armor Class 17 (natural armor)", "Hit Points 135 (18d10 + 36)",
			"Detect. The aboleth makes a Wisdom (Perception) check.",
		},
		begin: []string{
			"Stonecunning. Whenever you make an Intelligence (History) check",
			"Alignment. Elves love freedom, variety, and self-expression, so they lean strongly", "Mucous Cloud. While underwater, the aboleth is surrounded",
		},
	})
}

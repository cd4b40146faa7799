//go:build integration

package layout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

// sight is what a reader sees in a book.
type sight struct {
	labels map[int]string
	heads  map[int][]string
	blocks []string // as shown, each whole, in this order
	begin  []string // as shown, their first words, in this order
}

// TestBooks: real books, by what a reader sees in them.
func TestBooks(t *testing.T) {
	for name, want := range map[string]sight{
		"dungeon-world-pocket.pdf": {
			labels: map[int]string{20: "20", 150: "150"},
			heads:  map[int][]string{20: {"Names", "The Bard", "20"}},
			blocks: []string{
				"# Dungeon World", "# 7 The Bard", "Nobody. Get going.", "## Names",
				"Elf : Astrafel, Daelwyn, Feliana, Damarra, Sistranalle, Pendrell, Melliandre, Dagoliir",
				"### Bardic Lore", "* • A Bestiary of Creatures Unusual",
			},
			begin: []string{
				"Sure, an adventurer’s life is all open roads and the glory of coin and combat. Those tales that are told in every farmhand-filled inn",
				"Alignment is your characters’ way of thinking and moral compass. For the character, this is reflected as an ethical ideal",
			},
		},
		"odd6-core.pdf": {
			labels: map[int]string{5: "5"},
			heads:  map[int][]string{5: {"5"}},
			blocks: []string{"# 3 Characters", "## 3.1 Traits", "### 3.1.1 Attributes", "When calculating Passive Attributes always round up."},
			begin:  []string{"| Size\tModifier\tHealth", "* • Willpower (WP = DET ÷ 2) – Reflecting", "* • Empathy (EM = FEL ÷ 2) – Reflecting"},
		},
		"cairn-2e-setting-wip.pdf": {
			heads:  map[int][]string{7: {"setting.md", "12/13/2022", "7 / 8"}},
			blocks: []string{"# Setting", "* 3. For any settlements rolled, roll on the Settlement Features table as well."},
			begin:  []string{"* 5. Connect two of the new dots", "* 6. Create a new dot wherever paths cross"},
		},
		"dnd-5e-latex-example.pdf": {
			labels: map[int]string{2: "2"},
			heads:  map[int][]string{2: {"2", "MAIN SECTION"}},
			blocks: []string{"# MAIN SECTION", "## TO DO", "* • Druckversion"},
			begin: []string{
				"### EVEN MORE FUN!", "[1] ##### NEAT GREEN BOX!", "[1] Lorem ipsum", "[2] As you approach this template you get a sense",
				"| Table head\tTable head", "[3] ##### DO THE PLAYERS NEED DIRECTION?", "[4] ## MONSTER FOO",
				"[4] Small metasyntatic variable (golbinoid), neutral evil", "[4] Armor Class 12", "Lorem ipsum dolor sit amet",
			},
		},
	} {
		t.Run(name, func(t *testing.T) { seen(t, name, want) })
	}
}

// seen lays out a book and holds that what a reader sees is there.
func seen(t *testing.T, name string, want sight) {
	t.Helper()
	file := pdftest.Read(t, testdata.Dir(t, "pdf", name))
	b := layout.Lay(*file.Document, slices.Values(file.Pages))
	sound(t, b, file.Pages)
	text := shown(b)
	follows(t, text, want.blocks, func(line, want string) bool { return line == want })
	follows(t, text, want.begin, strings.HasPrefix)
	for _, r := range b.Pages {
		if label, known := want.labels[r.Page]; known && r.Label != label {
			t.Errorf("page %d has the label %q, want %q", r.Page, r.Label, label)
		}
		if heads, known := want.heads[r.Page]; known && !slices.Equal(r.Heads, heads) {
			t.Errorf("page %d: %q are left out, want %q", r.Page, r.Heads, heads)
		}
		if r.Suspicious {
			t.Errorf("page %d is suspicious", r.Page)
		}
	}
}

// follows holds that lines are there in an order, with others between them.
func follows(t *testing.T, lines, want []string, is func(line, want string) bool) {
	t.Helper()
	from := 0
	for _, w := range want {
		at := slices.IndexFunc(lines[from:], func(line string) bool { return is(line, w) })
		if at < 0 {
			t.Errorf("there is no %q, or not behind the one before", w)
			continue
		}
		from += at + 1
	}
}

// BenchmarkLay lays out a book of 403 pages.
func BenchmarkLay(b *testing.B) {
	file := pdftest.Read(b, testdata.Dir(b, "pdf", "srd-5.1-cc.pdf"))
	b.ReportAllocs()
	for b.Loop() {
		layout.Lay(*file.Document, slices.Values(file.Pages))
	}
}

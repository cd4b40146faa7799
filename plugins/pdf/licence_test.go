package pdf

import (
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

func TestStated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		blocks []layout.Block
		want   string
		by     string
	}{
		{"in words, with whom to name", []layout.Block{
			{Page: 1, Text: "Lamps of the Deep is licensed under the Creative Commons\nAttribution 4.0 International License."},
		}, "CC-BY-4.0", "Lamps of the Deep is licensed under the Creative Commons Attribution 4.0 International License."},
		{"in letters", []layout.Block{{Page: 2, Text: "CC BY-SA 4.0"}}, "CC-BY-SA-4.0", ""},
		{"in many words", []layout.Block{{Page: 2, Text: "Attribution-NonCommercial-ShareAlike 3.0 Unported"}}, "CC-BY-NC-SA-3.0", ""},
		{"as an address", []layout.Block{{Page: 2, Text: "See https://creativecommons.org/licenses/by-nc-nd/4.0/ for it."}}, "CC-BY-NC-ND-4.0", ""},
		{"at the end", []layout.Block{{Page: 98, Text: "OPEN GAME LICENSE Version 1.0a"}}, "OGL-1.0a", ""},
		{"in the midst of a long book", []layout.Block{{Page: 50, Text: "CC-BY-4.0"}}, "", ""},
		{"two of them", []layout.Block{{Page: 1, Text: "CC-BY-4.0"}, {Page: 2, Text: "Open Game License version 1.0a"}}, "", ""},
		{"the same twice", []layout.Block{{Page: 1, Text: "CC-BY-4.0"}, {Page: 2, Text: "Creative Commons Attribution 4.0 International"}}, "CC-BY-4.0", ""},
		{"none", []layout.Block{{Page: 1, Text: "Attribution matters to the bard; her creative license knows no end."}}, "", ""},
		{"given away", []layout.Block{{Page: 1, Text: "CC0 1.0"}}, "CC0-1.0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := stated(&layout.Book{Blocks: tt.blocks}, 100)
			if got.Expression != tt.want || got.Attribution != tt.by {
				t.Errorf("got %q by %q", got.Expression, got.Attribution)
			}
		})
	}
}

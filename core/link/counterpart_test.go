package link

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

func TestCounterparts(t *testing.T) {
	head := func(source int, id, name, edition string) core.Head {
		return core.Head{
			UID: fmt.Sprintf("p:s%d:%s", source, id), Source: fmt.Sprintf("s%d", source), SourceOrder: source, Kind: "spell", BaseSlug: name,
			System: "lamps", Edition: edition, Book: "Book " + fmt.Sprint(source), Page: source * 10,
		}
	}
	other := head(2, "game", "light", "1")
	other.System = "other"
	kind := head(2, "kind", "light", "1")
	kind.Kind = "item"
	for _, tt := range []struct {
		name  string
		heads []core.Head
		want  string // uid of the first head's counterparts, with book and page
	}{
		{"another source", []core.Head{head(1, "a", "light", "1"), head(2, "b", "light", "1")}, "p:s2:b Book 2 20"},
		{
			"in the order of the sources",
			[]core.Head{head(3, "a", "light", "1"), head(2, "b", "light", "1"), head(1, "c", "light", "1")},
			"p:s1:c Book 1 10, p:s2:b Book 2 20",
		},
		{"another edition", []core.Head{head(1, "a", "light", "1"), head(2, "b", "light", "2")}, ""},
		{"no edition", []core.Head{head(1, "a", "light", ""), head(2, "b", "light", "")}, ""},
		{"another game", []core.Head{head(1, "a", "light", "1"), other}, ""},
		{"another kind", []core.Head{head(1, "a", "light", "1"), kind}, ""},
		{"the same source", []core.Head{head(1, "a", "light", "1"), head(1, "b", "light", "1")}, ""},
		{"twice in the other source", []core.Head{head(1, "a", "light", "1"), head(2, "b", "light", "1"), head(2, "c", "light", "1")}, ""},
		{"twice in its own source", []core.Head{head(1, "a", "light", "1"), head(1, "b", "light", "1"), head(2, "c", "light", "1")}, "p:s2:c Book 2 20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range Counterparts(tt.heads)[tt.heads[0].UID] {
				got = append(got, fmt.Sprintf("%s %s %d", c.UID, c.Book, c.Page))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

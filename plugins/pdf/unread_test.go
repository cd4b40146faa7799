package pdf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/sdk"
)

// told takes what is reported, and nothing else.
type told struct {
	sdk.Writer

	list []sdk.Diagnostic
}

func (t *told) Report(d sdk.Diagnostic) { t.list = append(t.list, d) }

func TestUnread(t *testing.T) {
	barrel := grammar.Unread{
		Grammar: "dnd5e", Kind: "monster", Name: `Barrel "Bill"`, Line: `BARREL "BILL"`, Missing: []string{"speed", "challenge_rating"},
		Place:    layout.Place{Page: 12, Box: page.Box{X0: 72, Y0: 100.26, X1: 140.5, Y1: 112}},
		Warnings: []string{"speed: missing", "challenge_rating: missing"},
	}
	for _, tt := range []struct {
		count, told int
		last        string
	}{
		{0, 0, ""},
		{1, 1, `"Barrel 'Bill'" looks like an entry of the kind monster and could not be read: it lacks speed, challenge rating`},
		{toldUnread, toldUnread, `"Barrel 'Bill'" looks like an entry of the kind monster and could not be read: it lacks speed, challenge rating`},
		{toldUnread + 57, toldUnread + 1, "57 more entries of the file could not be read"},
	} {
		t.Run(fmt.Sprint(tt.count), func(t *testing.T) {
			out := &told{}
			s := &sender{reading: &reading{file: file{name: "bills.pdf"}, out: out}}
			for range tt.count {
				s.found.Unread = append(s.found.Unread, barrel)
			}
			s.unread()
			if len(out.list) != tt.told {
				t.Fatalf("%d are told of", len(out.list))
			}
			for i, d := range out.list {
				single := i < toldUnread
				if d.Code != "pdf.entry_not_read" || d.Severity != sdk.SeverityWarning || d.Stream != "bills.pdf" || d.Origin.URI != "bills.pdf" ||
					(d.Origin.Page == 12) != single || d.Suggestion == "" || d.RecordID != "" {
					t.Fatalf("%+v", d)
				}
				const where = "page 12, 72.0 to 140.5 points from the left and 100.3 to 112.0 from the top: BARREL \"BILL\"\ngrammar dnd5e\nspeed: missing\n"
				if single != strings.HasPrefix(d.Detail, where) {
					t.Fatalf("detail %q", d.Detail)
				}
			}
			if n := len(out.list); n > 0 && out.list[n-1].Summary != tt.last {
				t.Errorf("got %q", out.list[n-1].Summary)
			}
		})
	}
	nameless := grammar.Unread{Kind: "monster", Line: strings.Repeat("Armor Class 15 ", 20)}
	if got := unreadSummary(&nameless); len([]rune(got)) > 200 || !strings.HasSuffix(got, `…" looks like an entry of the kind monster and could not be read: no name stands above it`) {
		t.Errorf("got %q", got)
	}
}

package pdf

import (
	"fmt"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/sdk"
)

// toldUnread is how many entries of a file are told of one by one that look like some and could not be read.
const toldUnread = 200

// unread tells of the entries that could not be read. They are no records; their text is that of the book.
func (s *sender) unread() {
	d := sdk.Diagnostic{
		Severity: sdk.SeverityWarning, Kind: sdk.Invalid, Code: "pdf.entry_not_read", Stream: s.file.name, Origin: sdk.Origin{URI: s.file.name},
		Suggestion: "its text is in the chunks of the page; if it is one that you want as an entry, a grammar of your own can read it: docs/pdf-grammars.md",
	}
	for i := range s.found.Unread {
		if i == toldUnread {
			d.Origin.Page, d.Detail = 0, ""
			d.Summary = fmt.Sprintf("%d more entries of the file could not be read", len(s.found.Unread)-toldUnread)
			s.out.Report(d)
			return
		}
		u := &s.found.Unread[i]
		d.Origin.Page, d.Summary, d.Detail = u.Place.Page, unreadSummary(u), unreadDetail(u)
		s.out.Report(d)
	}
}

// unreadSummary names an entry in quotation marks: what else it says is the same for all with one cause.
func unreadSummary(u *grammar.Unread) string {
	name := u.Name
	if name == "" {
		name = u.Line
	}
	return fmt.Sprintf(`"%s" looks like an entry of the kind %s and could not be read: %s`, clip(strings.ReplaceAll(name, `"`, "'"), 80), u.Kind, u.Why())
}

func unreadDetail(u *grammar.Unread) string {
	at := spotOf(u.Place.Page, u.Place.Box)
	lines := []string{
		fmt.Sprintf("page %d, %.1f to %.1f points from the left and %.1f to %.1f from the top: %s", at.Page, at.Box[0], at.Box[2], at.Box[1], at.Box[3], clip(u.Line, 200)),
		"grammar " + u.Grammar,
	}
	return strings.Join(append(lines, u.Warnings...), "\n")
}

// clip shortens a text to so many letters.
func clip(text string, letters int) string {
	if runes := []rune(text); len(runes) > letters {
		return string(runes[:letters-1]) + "…"
	}
	return text
}

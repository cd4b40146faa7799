package grammar

import (
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain—text’s “own” −3":        "plain—text’s “own” −3",
		" two  blanks ":                "two blanks",
		"a\u00a0b\u2009c\u202fd\te":    "a b c d e",
		"ﬁre\u00adball o\u2011clock ﬀ": "fireball o-clock ff",
		"":                             "",
	} {
		bold := layout.Span{From: 0, To: len(text), Style: layout.Style{Bold: true}}
		got, spans := clean(text, []layout.Span{bold})
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if text != "" && (len(spans) != 1 || spans[0].From != 0 || spans[0].To != len(want)) {
			t.Errorf("%q: spans are %v", text, spans)
		}
	}
	for _, r := range "ﬀﬁﬂﬃﬄﬅﬆ\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\t\n\r\u00ad\u200b\ufeff\u2010\u2011" {
		if isClean("a" + string(r) + "b") {
			t.Errorf("%U is not seen", r)
		}
	}
}

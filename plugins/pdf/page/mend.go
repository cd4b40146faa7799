package page

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Some fonts do not say what their codes stand for, and PDFium takes codes of Windows for those of old Macintoshes: every
// apostrophe becomes an í, every dash an ó. It is seen by words that no language has.

// misread are words with an í that is an apostrophe.
var misread = regexp.MustCompile(`(?i)(?:^|\P{L})(?:\p{L}+nít|(?:you|we|they)íre|(?:i|you|we|they|he|she|it)íll|(?:i|you|we|they)íve|` +
	`(?:it|that|there|what|he|she|let|who|here)ís|iím)(?:\P{L}|$)`)

// perhaps are words that may have one, or be words of Spanish: they count where other words have shown how the file is.
var perhaps = regexp.MustCompile(`\p{L}í(?:s|t|d|m|re|ll|ve)(?:\P{L}|$)`)

// mendPage mends the fonts of which the page itself shows that their codes were misread.
func mendPage(p *Page) {
	if seen := fontsOf(p, misread); len(seen) > 0 {
		mendFonts(p, seen)
		mendFonts(p, fontsOf(p, perhaps))
	}
}

// Mend mends in all pages of a file what one page shows: the fonts whose codes were misread.
func Mend(pages []*Page) {
	names := map[string]bool{}
	for _, p := range pages {
		for _, f := range p.Fonts {
			if f.Recoded {
				names[f.Name] = true
			}
		}
	}
	if len(names) == 0 {
		return
	}
	for _, p := range pages {
		for font := range fontsOf(p, perhaps) {
			names[p.Fonts[font].Name] = true
		}
	}
	for _, p := range pages {
		faulty := map[int]bool{}
		for i, f := range p.Fonts {
			if names[f.Name] && !f.Recoded {
				faulty[i] = true
			}
		}
		mendFonts(p, faulty)
	}
}

// fontsOf finds the fonts in which a word is set.
func fontsOf(p *Page, word *regexp.Regexp) map[int]bool {
	found := map[int]bool{}
	for _, f := range p.Fragments {
		if !strings.ContainsRune(f.Text, 'í') {
			continue
		}
		from := 0
		for _, r := range f.Runs {
			if !p.Fonts[r.Font].Recoded && word.MatchString(f.Text[from:r.End]) {
				found[r.Font] = true
			}
			from = r.End
		}
	}
	return found
}

// mendFonts reads again what is set in fonts, given by their places.
func mendFonts(p *Page, fonts map[int]bool) {
	if len(fonts) == 0 {
		return
	}
	for i := range p.Fragments {
		f := &p.Fragments[i]
		if isASCII(f.Text) {
			continue
		}
		rewrite(f, func(piece string, run int) string {
			if !fonts[f.Runs[run].Font] || isASCII(piece) {
				return piece
			}
			return strings.Map(recode, piece)
		})
	}
	for i := range fonts {
		p.Fonts[i].Recoded = true
	}
}

// recode reads the code of a character as Windows does.
func recode(r rune) rune {
	code, ok := charmap.Macintosh.EncodeRune(r)
	if r < utf8.RuneSelf || !ok {
		return r
	}
	if meant := charmap.Windows1252.DecodeByte(code); meant != utf8.RuneError {
		return meant
	}
	return r
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

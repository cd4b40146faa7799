package pdf

import (
	"regexp"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/sdk"
)

// legalPages is how many pages at the beginning and at the end of a book are searched for its licence.
const legalPages = 5

// creative are the ways in which texts name a licence of Creative Commons: in words, and in letters. The last group is the version.
var creative = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bCC[- ](BY(?:[- ](?:NC|SA|ND))*)[- ](\d\.\d)\b`),
	regexp.MustCompile(`(?i)\b(?:Creative\s+Commons\s+)?(Attribution(?:[-\s–]+(?:Non-?Commercial|Share-?Alike|No-?Deriv(?:ative)?s?(?:\s+Works)?))*)\s+(?:License\s+)?(\d\.\d)\s+(?:International|Unported|Generic|License)`),
	regexp.MustCompile(`(?i)\b(CC0)[- ](1\.0)\b`),
	regexp.MustCompile(`(?i)creativecommons\.org/licenses/(by(?:-(?:nc|sa|nd))*)/(\d\.\d)`),
}

var (
	openGame = regexp.MustCompile(`(?i)open\s+game\s+license\s+version\s+1\.0a`)
	orc      = regexp.MustCompile(`(?i)\bORC\s+license\b`)
	names    = regexp.MustCompile(`(?i)\bis\s+licensed\s+under\b|\bincludes\s+material\s+(?:taken\s+)?from\b`)
)

// stated is the licence that the text of a book names, where it names one alone. A book that speaks of several leaves it to
// people.
func stated(b *layout.Book, pages int) sdk.License {
	found := map[string]bool{}
	var attribution string
	for i := range b.Blocks {
		block := &b.Blocks[i]
		if block.Page > legalPages && block.Page <= pages-legalPages {
			continue
		}
		text := strings.Join(strings.Fields(block.Text), " ")
		for _, expression := range licences(text) {
			found[expression] = true
			if attribution == "" && names.MatchString(text) && len(text) < 1000 {
				attribution = text
			}
		}
	}
	if len(found) != 1 {
		return sdk.License{}
	}
	l := sdk.License{Attribution: attribution, From: "document"}
	for expression := range found {
		l.Expression = expression
	}
	return l
}

// licences are the licences that a text names, as SPDX expressions.
func licences(text string) (all []string) {
	for _, pattern := range creative {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			all = append(all, short(m[1])+"-"+m[2])
		}
	}
	if openGame.MatchString(text) {
		all = append(all, "OGL-1.0a")
	}
	if orc.MatchString(text) {
		all = append(all, "LicenseRef-ORC")
	}
	return all
}

// short is the short name of a licence of Creative Commons.
func short(name string) string {
	name = strings.ToUpper(name)
	if name == "CC0" {
		return name
	}
	parts := []string{"CC-BY"}
	for _, part := range []struct{ short, long string }{{"NC", "COMMERCIAL"}, {"ND", "DERIV"}, {"SA", "ALIKE"}} {
		if strings.Contains(name, part.long) || strings.HasSuffix(name, part.short) || strings.Contains(name, part.short+"-") || strings.Contains(name, part.short+" ") {
			parts = append(parts, part.short)
		}
	}
	return strings.Join(parts, "-")
}

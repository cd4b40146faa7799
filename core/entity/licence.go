package entity

import (
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// The answers to "may this be passed on?".
const (
	yes     = "yes"
	no      = "no"
	unknown = "unknown"
)

// licence takes the record's own licence, else its stream's, and says whether the content may be passed on. Who is to be
// named goes with the record in either case.
func licence(own, stream sdk.License) core.License {
	l := own
	if l.Expression == "" && l.URL == "" {
		l = stream
		if own.Attribution != "" {
			l.Attribution = own.Attribution
		}
	}
	return core.License{License: l, Redistributable: redistributable(l.Expression)}
}

var (
	withoutBrackets = strings.NewReplacer("(", "", ")", "")
	withDashes      = strings.NewReplacer(" ", "-", "_", "-", "/", "-")
)

// redistributable reads an SPDX expression, or the words of a source: of licences joined by AND all must allow it, of
// those joined by OR one. AND is split first, which is the stricter reading of an expression that mixes them.
func redistributable(expression string) string {
	answer := yes
	for part := range strings.SplitSeq(withoutBrackets.Replace(expression), " AND ") {
		switch either(part) {
		case no:
			return no
		case unknown:
			answer = unknown
		}
	}
	return answer
}

func either(expression string) string {
	answer := no
	for part := range strings.SplitSeq(expression, " OR ") {
		switch allows(part) {
		case yes:
			return yes
		case unknown:
			answer = unknown
		}
	}
	return answer
}

// allows knows the licences game content comes under. For anything else, and for those that allow some uses only, it
// says that it does not know, which is the answer on the safe side.
func allows(licence string) string {
	words := strings.ToLower(withDashes.Replace(strings.TrimSpace(licence)))
	words = strings.TrimPrefix(words, "licenseref-")
	switch {
	case strings.Contains(words, "all-rights-reserved"), strings.Contains(words, "proprietary"):
		return no
	case strings.HasPrefix(words, "cc-by-") && (strings.Contains(words, "-nc") || strings.Contains(words, "-nd")):
		return unknown
	case strings.HasPrefix(words, "cc0"), words == "cc-by", strings.HasPrefix(words, "cc-by-"), words == "public-domain",
		words == "mit", words == "unlicense", words == "orc", words == "ogl",
		strings.HasPrefix(words, "ogl-1"), strings.HasPrefix(words, "open-game-license"),
		strings.HasPrefix(words, "apache-2.0"):
		return yes
	default:
		return unknown
	}
}

package grammar

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is a regular expression that knows at a glance of most texts that it does not match them. Every line of a book is
// shown to every anchor.
type Pattern struct {
	*regexp.Regexp
	first    []rune   // with what a text has to begin, as pairs of the lowest and the highest letter; nil: with anything
	literals []string // that a text has to have
}

func newPattern(text string) (*Pattern, error) {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	p := &Pattern{Regexp: compiled}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if first, nullable, known := firsts(tree); known && !nullable && anchored(tree) {
		p.first = first
	}
	p.literals = literals(tree, nil)
	return p, nil
}

// may reports whether the pattern may match a text. Where it says no, it does not.
func (p *Pattern) may(text string) bool {
	if !p.mayBegin(text) {
		return false
	}
	for _, literal := range p.literals {
		if !strings.Contains(text, literal) {
			return false
		}
	}
	return true
}

// mayBegin reports whether a text that begins like this may match.
func (p *Pattern) mayBegin(text string) bool {
	if p.first == nil {
		return true
	}
	r, _ := utf8.DecodeRuneInString(text)
	return text != "" && within(p.first, r)
}

// FindStringSubmatch is that of the regular expression.
func (p *Pattern) FindStringSubmatch(text string) []string {
	if !p.may(text) {
		return nil
	}
	return p.Regexp.FindStringSubmatch(text)
}

// FindStringIndex is that of the regular expression.
func (p *Pattern) FindStringIndex(text string) []int {
	if !p.may(text) {
		return nil
	}
	return p.Regexp.FindStringIndex(text)
}

func within(pairs []rune, r rune) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] <= r && r <= pairs[i+1] {
			return true
		}
	}
	return false
}

// anchored reports whether an expression matches at the beginning of a text alone.
func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(re.Sub) > 0 && anchored(re.Sub[0])
	default:
		return false
	}
}

// firsts returns with what a match begins, whether it may be empty, and whether all of that is known.
func firsts(re *syntax.Regexp) (pairs []rune, nullable, known bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return nil, true, true
	case syntax.OpLiteral:
		r := re.Rune[0]
		pairs = []rune{r, r}
		for next := unicode.SimpleFold(r); re.Flags&syntax.FoldCase != 0 && next != r; next = unicode.SimpleFold(next) {
			pairs = append(pairs, next, next)
		}
		return pairs, false, true
	case syntax.OpCharClass:
		return re.Rune, false, true
	case syntax.OpCapture, syntax.OpPlus:
		return firsts(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		pairs, _, known = firsts(re.Sub[0])
		return pairs, true, known
	case syntax.OpRepeat:
		pairs, nullable, known = firsts(re.Sub[0])
		return pairs, nullable || re.Min == 0, known
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			more, empty, ok := firsts(sub)
			if !ok {
				return nil, false, false
			}
			pairs = append(pairs, more...)
			if !empty {
				return pairs, false, true
			}
		}
		return pairs, true, true
	case syntax.OpAlternate:
		known = true
		for _, sub := range re.Sub {
			more, empty, ok := firsts(sub)
			pairs, nullable, known = append(pairs, more...), nullable || empty, known && ok
		}
		return pairs, nullable, known
	default:
		return nil, false, false
	}
}

// literals returns what every match has in it.
func literals(re *syntax.Regexp, found []string) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			found = append(found, string(re.Rune))
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			found = literals(sub, found)
		}
	case syntax.OpCapture, syntax.OpPlus:
		found = literals(re.Sub[0], found)
	case syntax.OpRepeat:
		if re.Min > 0 {
			found = literals(re.Sub[0], found)
		}
	default: // what else there is may be without
	}
	return found
}

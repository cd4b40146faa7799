package table

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	die     = regexp.MustCompile(`^\d{0,2}[dDwW](%|\d{1,3})$`)
	dieIn   = regexp.MustCompile(`(?:^|[\s(])(\d{0,2})\s?[dDwW](%|\d{1,3})(?:$|[\s),:.])`)
	rolling = regexp.MustCompile(`^(?i:roll|rolls|die|dice|die roll|dice roll|result|wurf|würfel|jet|dé|#|no\.|nr\.)?$`)
	fromTo  = regexp.MustCompile(`^(\d{1,4})\s*(?:[-‐‑‒–—―−~]|\.\.|…|to|bis)\s*(\d{1,4})[.:)]?$`)
	single  = regexp.MustCompile(`^(\d{1,4})[.:)]?$`)
	upwards = regexp.MustCompile(`^(\d{1,4})\s*(?:\+|[-‐‑‒–—―]$|or (?:more|higher|above|greater)|and (?:up|above|higher)|oder (?:mehr|höher))[.:)]?$`)
	downTo  = regexp.MustCompile(`^(?:(?:up to|bis|≤|<=)\s*(\d{1,4})|(\d{1,4})\s*(?:or (?:less|lower|fewer|below)|and (?:below|under|lower)|oder (?:weniger|niedriger)))[.:)]?$`)
)

// dice says that the line's first piece is a die.
func (l *line) dice() bool { return die.MatchString(l.pieces[0].text) }

// roll is what is rolled: so many dice with so many sides.
type roll struct{ dice, sides int }

func (r roll) String() string { return fmt.Sprintf("%dd%d", r.dice, r.sides) }

// low and high are the ends of what can be rolled.
func (r roll) low() int {
	if r.digits() {
		return 11
	}
	return r.dice
}

func (r roll) high() int { return r.dice * r.sides }

// digits says that two dice are read as the digits of one number: d66.
func (r roll) digits() bool { return r.dice == 1 && r.sides == 66 }

// rolls says that a number can be rolled.
func (r roll) rolls(n int) bool {
	if r.digits() && (n%10 < 1 || n%10 > 6) {
		return false
	}
	return n >= r.low() && n <= r.high()
}

// parseRoll reads what is rolled from the name of a column.
func parseRoll(name string) (roll, bool) {
	found := dieIn.FindStringSubmatch(name)
	if found == nil || len(strings.Fields(name)) > 4 {
		return roll{}, false
	}
	r := roll{dice: 1, sides: 100}
	if found[1] != "" {
		r.dice, _ = strconv.Atoi(found[1])
	}
	if found[2] != "%" {
		r.sides, _ = strconv.Atoi(found[2])
	}
	return r, r.dice > 0 && r.sides > 1
}

// parseRange reads what has to be rolled for a row. Ends that are not said are -1.
func parseRange(text string) (low, high int, ok bool) {
	text = strings.TrimSpace(text)
	if m := single.FindStringSubmatch(text); m != nil {
		n := value(m[1])
		return n, n, true
	}
	if m := fromTo.FindStringSubmatch(text); m != nil {
		return value(m[1]), value(m[2]), true
	}
	if m := downTo.FindStringSubmatch(text); m != nil {
		return -1, value(m[1] + m[2]), true
	}
	if m := upwards.FindStringSubmatch(text); m != nil {
		return value(m[1]), -1, true
	}
	return 0, 0, false
}

// value is the number that digits are; 00 is 100.
func value(digits string) int {
	n, _ := strconv.Atoi(digits)
	switch {
	case n == 0 && len(digits) == 2:
		return 100
	case n == 0 && len(digits) == 3:
		return 1000
	}
	return n
}

// findDice finds the column of a table that holds what is rolled; nil: there is none. A table set in halves beside each other
// has the ranges of both. If no name says what is rolled, the caption may.
func findDice(rows [][]Cell, header int, caption string) *Dice {
	if len(rows) == 0 {
		return nil
	}
	names := columnNames(rows, header)
	for c := range rows[0] {
		r, said := parseRoll(names[c])
		if !said && (!rolling.MatchString(names[c]) || c > 0) {
			continue
		}
		ranges, odd, ok := rangesOf(rows, header, c)
		if !ok {
			continue
		}
		for other := c + 1; said && other < len(names); other++ {
			if names[other] != names[c] {
				continue
			}
			if more, oddMore, ok := rangesOf(rows, header, other); ok {
				ranges, odd = append(ranges, more...), append(odd, oddMore...)
			}
		}
		if !said {
			if r, ok = parseRoll(caption); !ok {
				r, ok = inferred(ranges)
			}
			if !ok {
				continue
			}
		}
		d := &Dice{Column: c, Formula: r.String(), Ranges: ranges}
		r.close(d.Ranges)
		d.Gaps = slices.Concat(odd, r.check(d.Ranges))
		return d
	}
	return nil
}

// columnNames are the names of the columns, those over several of them included.
func columnNames(rows [][]Cell, header int) []string {
	names := make([]string, len(rows[0]))
	for _, row := range rows[:min(header, len(rows))] {
		for c := range row {
			for i := c; row[c].Text != "" && i < min(c+row[c].Span, len(row)); i++ {
				names[i] = strings.TrimSpace(names[i] + " " + row[c].Text)
			}
		}
	}
	return names
}

// rangesOf reads a column. It is one of rolls if four of five cells are.
func rangesOf(rows [][]Cell, header, column int) (ranges []Range, odd []string, ok bool) {
	cells := 0
	for i := header; i < len(rows); i++ {
		cell := rows[i][column]
		if cell.Text == "" || cell.Span != 1 {
			continue
		}
		cells++
		low, high, ok := parseRange(cell.Text)
		if !ok {
			odd = append(odd, fmt.Sprintf("row %d: %q is nothing that can be rolled", i+1-header, cell.Text))
			continue
		}
		ranges = append(ranges, Range{Row: i, Low: low, High: high, Column: column})
	}
	return ranges, odd, len(ranges) > 0 && 5*len(ranges) >= 4*cells
}

// inferred is what is rolled when nobody says so: the dice whose ends the ranges have, if the ranges follow each other.
func inferred(ranges []Range) (roll, bool) {
	if len(ranges) < 3 {
		return roll{}, false
	}
	for i := 1; i < len(ranges); i++ {
		if before := ranges[i-1]; before.High < before.Low || ranges[i].Low != before.High+1 {
			return roll{}, false
		}
	}
	low, high := ranges[0].Low, ranges[len(ranges)-1].High
	switch {
	case low == 1 && slices.Contains([]int{4, 6, 8, 10, 12, 20, 30, 100, 1000}, high):
		return roll{1, high}, true
	case low > 1 && low <= 4 && high%low == 0 && slices.Contains([]int{4, 6, 8, 10}, high/low):
		return roll{low, high / low}, true
	}
	return roll{}, false
}

// close puts the ends of what can be rolled where a range does not say them. A ten of ten sides may be written as 0.
func (r roll) close(ranges []Range) {
	for i := range ranges {
		a := &ranges[i]
		if a.Low < 0 {
			a.Low = min(r.low(), a.High)
		}
		if a.High < 0 {
			a.High = max(r.high(), a.Low)
		}
		if r.dice == 1 && r.sides == 10 {
			if a.Low == 0 && a.High == 0 {
				a.Low = 10
			}
			if a.High == 0 {
				a.High = 10
			}
		}
	}
}

// mostSides is how many different rolls are looked at.
const mostSides = 10_000

// check says what is wrong with ranges: rolls that no row has, or several, or that do not exist.
func (r roll) check(ranges []Range) []string {
	if r.high() > mostSides {
		return nil
	}
	var wrong []string
	var beyond *Range               // ranges that follow each other and cannot be rolled
	rows := make([]int, r.high()+1) // how many rows have it
	for _, a := range ranges {
		if a.Low > a.High {
			wrong = append(wrong, fmt.Sprintf("%s ends before it begins", a.rolls()))
			continue
		}
		switch {
		case a.Low >= r.low() && a.High <= r.high():
		case beyond != nil && a.Low == beyond.High+1:
			beyond.High = a.High
		case beyond == nil:
			beyond = &Range{Low: a.Low, High: a.High}
		default:
			wrong = append(wrong, a.rolls()+" cannot be rolled with "+r.String())
		}
		for n := max(a.Low, 0); n <= min(a.High, r.high()); n++ {
			rows[n]++
		}
	}
	if beyond != nil {
		wrong = append(wrong, beyond.rolls()+" cannot be rolled with "+r.String())
	}
	return append(wrong, r.stretches(rows)...)
}

// stretches tells of rolls in a row that no row of the table has, or several.
func (r roll) stretches(rows []int) []string {
	var wrong []string
	kind := func(n int) int { // 0: no row, 1: one, 2: several
		return min(rows[n], 2)
	}
	for n := r.low(); n <= r.high(); {
		if !r.rolls(n) {
			n++
			continue
		}
		last := n
		for next := n + 1; next <= r.high() && (!r.rolls(next) || kind(next) == kind(n)); next++ {
			if r.rolls(next) {
				last = next
			}
		}
		at := Range{Low: n, High: last}.rolls()
		switch kind(n) {
		case 0:
			wrong = append(wrong, "no row for "+at)
		case 2:
			wrong = append(wrong, "several rows for "+at)
		}
		n = last + 1
	}
	return wrong
}

func (a Range) rolls() string {
	if a.Low == a.High {
		return strconv.Itoa(a.Low)
	}
	return fmt.Sprintf("%d–%d", a.Low, a.High)
}

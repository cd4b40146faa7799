package enrich

import (
	"math"
	"strconv"
	"strings"
)

// Eval is the value of a formula of numbers, + - * / % and the functions floor, ceil, round, abs, min and max. One with dice
// or names in it has none.
func Eval(formula string) (float64, bool) {
	p := sum{s: strings.ReplaceAll(formula, " ", "")}
	if p.s == "" || len(p.s) > maxBracket {
		return 0, false
	}
	v := p.terms(0)
	return v, !p.bad && p.i == len(p.s) && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// Average is the average of a formula of numbers and plain dice, such as 2d6 + 3.
func Average(formula string) (float64, bool) {
	p := sum{s: strings.ToLower(strings.ReplaceAll(formula, " ", "")), dice: true}
	if p.s == "" || len(p.s) > maxBracket {
		return 0, false
	}
	v := p.terms(0)
	return v, !p.bad && p.i == len(p.s) && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// sum reads a formula from left to right.
type sum struct {
	s    string
	i    int
	dice bool // count as their average
	bad  bool
}

// maxNesting is deeper than formulas nest.
const maxNesting = 50

func (p *sum) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *sum) terms(depth int) float64 {
	v := p.factors(depth)
	for !p.bad {
		switch p.peek() {
		case '+':
			p.i++
			v += p.factors(depth)
		case '-':
			p.i++
			v -= p.factors(depth)
		default:
			return v
		}
	}
	return v
}

func (p *sum) factors(depth int) float64 {
	v := p.value(depth)
	for !p.bad {
		switch p.peek() {
		case '*':
			p.i++
			v *= p.value(depth)
		case '/':
			p.i++
			v /= p.value(depth)
		case '%':
			p.i++
			v = math.Mod(v, p.value(depth))
		default:
			return v
		}
	}
	return v
}

func (p *sum) value(depth int) float64 {
	if depth > maxNesting {
		p.bad = true
		return 0
	}
	switch c := p.peek(); {
	case c == '-':
		p.i++
		return -p.value(depth + 1)
	case c == '+':
		p.i++
		return p.value(depth + 1)
	case c == '(':
		return p.die(p.list(depth)[0])
	case c >= '0' && c <= '9' || c == '.':
		start := p.i
		for c := p.peek(); c >= '0' && c <= '9' || c == '.'; c = p.peek() {
			p.i++
		}
		v, err := strconv.ParseFloat(p.s[start:p.i], 64)
		p.bad = p.bad || err != nil
		return p.die(v)
	case c == 'd' && p.dice:
		return p.die(1)
	default:
		return p.call(depth)
	}
}

// die takes the size of a die behind the number of them.
func (p *sum) die(number float64) float64 {
	if !p.dice || p.peek() != 'd' {
		return number
	}
	p.i++
	start := p.i
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.i++
	}
	size, err := strconv.Atoi(p.s[start:p.i])
	p.bad = p.bad || err != nil
	return number * float64(size+1) / 2
}

func (p *sum) call(depth int) float64 {
	open := strings.IndexByte(p.s[p.i:], '(')
	if open < 0 {
		p.bad = true
		return 0
	}
	name := strings.TrimPrefix(strings.ToLower(p.s[p.i:p.i+open]), "math.")
	p.i += open
	args := p.list(depth)
	switch v := args[0]; name {
	case "floor":
		return math.Floor(v)
	case "ceil":
		return math.Ceil(v)
	case "round":
		return math.Round(v)
	case "abs":
		return math.Abs(v)
	case "min", "max":
		for _, a := range args[1:] {
			if name == "min" {
				v = min(v, a)
			} else {
				v = max(v, a)
			}
		}
		return v
	}
	p.bad = true
	return 0
}

// list takes what stands in brackets, divided by commas; it has one value at least.
func (p *sum) list(depth int) []float64 {
	var values []float64
	for {
		p.i++ // over the bracket or comma
		values = append(values, p.terms(depth+1))
		if c := p.peek(); p.bad || c != ',' {
			p.bad = p.bad || c != ')'
			p.i++
			return values
		}
	}
}

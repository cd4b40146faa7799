package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// report is what a benchmark came to.
type report struct {
	tables []table
	rounds []map[string]cost
	bars   []bar
	told   []bar // ratios that are worth knowing and hold nothing

	title string // of the phases
	times []timeline
}

// table shows medians. The variant of a place in it is that of its row, and of its column where that names one.
type table struct {
	title   string
	rows    []row
	columns []column
}

type row struct {
	name    string
	variant string // as in the rounds; one that was not measured is left out
}

type column struct {
	name    string
	variant string // follows that of the row
	by      func(cost) float64
	form    string
}

// bar is a ratio of two variants, and how large and how small it may be.
type bar struct {
	what   string
	of, to string
	by     func(cost) float64
	most   float64 // 0: as it likes
	least  float64
}

func byWall(c cost) float64 { return c.wall.Seconds() }
func byCPU(c cost) float64  { return c.cpu.Seconds() }
func byPeak(c cost) float64 { return float64(c.peak) }

func byMegabytes(c cost) float64 { return float64(c.peak) / (1 << 20) }

// rows are rows of variants that are called in the table what they are called in the rounds.
func rows(variants ...string) []row {
	list := make([]row, len(variants))
	for i, v := range variants {
		list[i] = row{v, v}
	}
	return list
}

// ratios are a bar's ratios, one a round, in order of size.
func (r report) ratios(b bar) []float64 {
	list := make([]float64, len(r.rounds))
	for i, round := range r.rounds {
		list[i] = b.by(round[b.of]) / b.by(round[b.to])
	}
	slices.Sort(list)
	return list
}

// holds says whether a bar is met. A ratio that could not be measured (NaN) meets none.
func (r report) holds(b bar) bool {
	ratio := median(r.ratios(b))
	return (b.most == 0 || ratio <= b.most) && (b.least == 0 || ratio >= b.least)
}

// limit is a bar as people read it.
func (b bar) limit() string {
	switch {
	case b.most > 0:
		return "≤ " + b.ratio(b.most)
	case b.least > 0:
		return "≥ " + b.ratio(b.least)
	}
	return ""
}

// ratio writes a ratio of the bar: where little is wanted as one part of so many.
func (b bar) ratio(of float64) string {
	switch {
	case b.least > 0.9 && b.least < 1: // close to one, the third digit counts
		return fmt.Sprintf("%.4f", of)
	case b.least > 0:
		return fmt.Sprintf("%.2f", of)
	}
	return fraction(of)
}

// met says whether all bars are.
func (r report) met() bool {
	return !slices.ContainsFunc(r.bars, func(b bar) bool { return !r.holds(b) })
}

// String is the report as people read it.
func (r report) String() string {
	var out strings.Builder
	for _, t := range r.tables {
		r.table(&out, t)
	}
	fmt.Fprintf(&out, "%-64s %9s\n", "ratio: median (lowest to highest round)", "bar")
	for _, b := range slices.Concat(r.bars, r.told) {
		all := r.ratios(b)
		limit, verdict := b.limit(), ""
		if limit != "" {
			verdict = "NOT MET"
			if r.holds(b) {
				verdict = "met"
			}
		}
		spread := fmt.Sprintf("%s (%s to %s)", b.ratio(median(all)), b.ratio(all[0]), b.ratio(all[len(all)-1]))
		row := fmt.Sprintf("%-32s %-31s %9s  %s", b.what, spread, limit, verdict)
		out.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	r.phases(&out)
	return out.String()
}

// table writes the medians of a table.
func (r report) table(out *strings.Builder, t table) {
	fmt.Fprintf(out, "%-54s", t.title)
	for _, c := range t.columns {
		fmt.Fprintf(out, " %10s", c.name)
	}
	out.WriteString("\n")
	for _, line := range t.rows {
		var cells strings.Builder
		measured := false
		for _, c := range t.columns {
			values := r.values(line.variant+c.variant, c.by)
			text := ""
			if len(values) > 0 {
				measured, text = true, fmt.Sprintf(c.form, median(values))
			}
			fmt.Fprintf(&cells, " %10s", text)
		}
		if measured {
			out.WriteString(strings.TrimRight(fmt.Sprintf("%-54s%s", line.name, cells.String()), " ") + "\n")
		}
	}
	out.WriteString("\n")
}

// values are those of a variant, one for each round it was measured in.
func (r report) values(variant string, by func(cost) float64) []float64 {
	var values []float64
	for _, round := range r.rounds {
		if c, ok := round[variant]; ok {
			values = append(values, by(c))
		}
	}
	return values
}

// phases writes the medians of the phases, in their order. A short one is not seen in every round; where it is not, its
// time is that of the phase before it.
func (r report) phases(out *strings.Builder) {
	if len(r.times) == 0 {
		return
	}
	var names []string
	took := map[string][]time.Duration{}
	for i, t := range r.times {
		next := 0 // place of a phase not seen before
		for _, p := range t {
			if took[p.name] == nil {
				took[p.name] = make([]time.Duration, len(r.times))
				names = slices.Insert(names, next, p.name)
			}
			took[p.name][i] = p.took
			next = slices.Index(names, p.name) + 1
		}
	}
	fmt.Fprintf(out, "\n%s\n", r.title)
	for _, name := range names {
		if middle := median(took[name]); middle > 0 {
			fmt.Fprintf(out, "%-54s %8.2fs\n", name, middle.Seconds())
		}
	}
}

// fraction writes a ratio: small ones as one part of so many.
func fraction(ratio float64) string {
	if ratio > 0 && ratio < 0.95 {
		return fmt.Sprintf("1/%.1f", 1/ratio)
	}
	return fmt.Sprintf("%.2f", ratio)
}

// median is the middle of values, the lower one of two.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

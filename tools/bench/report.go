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
	variants []string // in the order of the table
	rounds   []map[string]cost
	bars     []bar
	told     []bar // ratios that are worth knowing and hold nothing

	title string // of the phases
	times []timeline
}

// bar is a ratio of two variants, and how large it may be.
type bar struct {
	what   string
	of, to string
	by     func(cost) float64
	most   float64 // 0: as it likes
}

func byWall(c cost) float64 { return c.wall.Seconds() }
func byCPU(c cost) float64  { return c.cpu.Seconds() }
func byPeak(c cost) float64 { return float64(c.peak) }

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
func (r report) holds(b bar) bool { return b.most == 0 || median(r.ratios(b)) <= b.most }

// met says whether all bars are.
func (r report) met() bool {
	return !slices.ContainsFunc(r.bars, func(b bar) bool { return !r.holds(b) })
}

// String is the report as people read it.
func (r report) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-54s %9s %9s %9s\n", "median", "wall", "CPU", "peak")
	for _, v := range r.variants {
		var walls, cpus []time.Duration
		var peaks []int64
		for _, round := range r.rounds {
			c := round[v]
			walls, cpus, peaks = append(walls, c.wall), append(cpus, c.cpu), append(peaks, c.peak)
		}
		fmt.Fprintf(&out, "%-54s %8.2fs %8.2fs %6d MB\n", v, median(walls).Seconds(), median(cpus).Seconds(), median(peaks)>>20)
	}
	fmt.Fprintf(&out, "\n%-64s %9s\n", "ratio: median (lowest to highest round)", "bar")
	for _, b := range slices.Concat(r.bars, r.told) {
		all := r.ratios(b)
		limit, verdict := "", ""
		if b.most > 0 {
			limit, verdict = fraction(b.most), "NOT MET"
			if r.holds(b) {
				verdict = "met"
			}
		}
		spread := fmt.Sprintf("%s (%s to %s)", fraction(median(all)), fraction(all[0]), fraction(all[len(all)-1]))
		row := fmt.Sprintf("%-32s %-31s %9s  %s", b.what, spread, limit, verdict)
		out.WriteString(strings.TrimRight(row, " ") + "\n")
	}
	r.phases(&out)
	return out.String()
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

package page

import (
	"github.com/seed-98789ff7/converter/core"
)

// SourceRows are the streams of one source.
type SourceRows struct {
	Source string
	Plugin string // with its version
	Rows   []core.StreamCounts
	Hidden int // streams that are not listed, but counted in Sum
	Sum    core.StreamCounts
}

// Coverage groups the streams by source, in the order they were announced. Streams beyond the limit are left out of the
// rows and stay in the sums.
func (r Run) Coverage() (sources []SourceRows, sum core.StreamCounts) {
	place := map[string]int{}
	listed := 0
	for _, stream := range r.Streams {
		i, known := place[stream.Source]
		if !known {
			i = len(sources)
			place[stream.Source] = i
			sources = append(sources, SourceRows{Source: stream.Source, Plugin: r.plugin(stream.Source)})
		}
		s := &sources[i]
		if listed < streamLimit {
			s.Rows = append(s.Rows, stream)
			listed++
		} else {
			s.Hidden++
		}
		add(&s.Sum, stream)
		add(&sum, stream)
	}
	return sources, sum
}

func add(sum *core.StreamCounts, c core.StreamCounts) {
	sum.Found += c.Found
	sum.Written += c.Written
	sum.Skipped += c.Skipped
	sum.Failed += c.Failed
}

func (r Run) plugin(source string) string {
	for _, p := range r.Plugins {
		if p.Source == source {
			return nameAndVersion(p)
		}
	}
	return ""
}

func nameAndVersion(p core.PluginUse) string {
	if p.Version == "" {
		return p.Plugin
	}
	return p.Plugin + " " + p.Version
}

// Left is what a stream found and has no outcome for: in work while the run moves, unaccounted for when it has ended.
func Left(c core.StreamCounts) int64 { return c.Found - c.Written - c.Skipped - c.Failed }

// AnyLeft says that the coverage needs a column for items without an outcome.
func (r Run) AnyLeft() bool {
	for _, c := range r.Streams {
		if Left(c) != 0 {
			return true
		}
	}
	return false
}

// StreamTitle is what a person calls the stream.
func StreamTitle(c core.StreamCounts) string {
	if c.Title != "" {
		return c.Title
	}
	return c.Stream
}

package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

// metrics serves the numbers of the run of this process, as Prometheus and those that speak its text format read them. Without
// such a run there are none.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if s.config.Live == nil {
		return
	}
	var e exposition
	e.run(s.config.Live.Snapshot())
	_, _ = w.Write([]byte(e.text.String())) // whoever asked has gone
}

// exposition is a text of metrics: families one after the other, each with its samples.
type exposition struct{ text strings.Builder }

// sample is one value with the labels that tell it from others, name and value in turn.
type sample struct {
	labels []string
	value  float64
}

// family writes a metric, if there is anything to say of it. A counter's name ends with _total.
func (e *exposition) family(name, help string, samples []sample) {
	if len(samples) == 0 {
		return
	}
	kind := "gauge"
	if strings.HasSuffix(name, "_total") {
		kind = "counter"
	}
	e.text.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
	for _, s := range samples {
		e.text.WriteString(name)
		for i := 0; i+1 < len(s.labels); i += 2 {
			e.text.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + s.labels[i] + `="` + labelValue.Replace(s.labels[i+1]) + `"`)
		}
		if len(s.labels) > 0 {
			e.text.WriteString("}")
		}
		e.text.WriteString(" " + strconv.FormatFloat(s.value, 'g', -1, 64) + "\n")
	}
}

var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func (e *exposition) run(s core.Snapshot) {
	e.family("converter_run_info", "The run of this process; the value is 1.", []sample{{[]string{"run", s.ID, "name", s.Name, "state", string(s.State)}, 1}})
	var items, found, problems, lookups []sample
	for _, c := range s.Stages {
		found = append(found, sample{[]string{"stage", c.Stage}, float64(c.Found)})
		for _, of := range []struct {
			outcome string
			n       int64
		}{{"written", c.Written}, {"cached", c.Cached}, {"skipped", c.Skipped}, {"failed", c.Failed}, {"cancelled", c.Cancelled}} {
			items = append(items, sample{[]string{"stage", c.Stage, "outcome", of.outcome}, float64(of.n)})
		}
	}
	for _, c := range s.Caches {
		lookups = append(lookups,
			sample{[]string{"cache", c.Cache, "result", "hit"}, float64(c.Hits)}, sample{[]string{"cache", c.Cache, "result", "miss"}, float64(c.Misses)})
	}
	failed, causes := s.Failures()
	problems = append(problems, sample{nil, float64(causes)})
	e.family("converter_items_found_total", "Items that came to a stage.", found)
	e.family("converter_items_total", "Items with an outcome, by stage.", items)
	e.family("converter_failures_total", "Failed items.", []sample{{nil, float64(failed)}})
	e.family("converter_problems", "Causes that items failed for.", problems)
	e.family("converter_cache_lookups_total", "Lookups in caches.", lookups)
	e.family("converter_store_rows_waiting", "Rows that are not stored yet.", []sample{{nil, float64(s.Storing.Waiting)}})
	e.family("converter_store_rows_total", "Rows that were stored.", []sample{{nil, float64(s.Storing.Rows)}})
	e.fetched(s.Fetched)
	e.streams(s.Streams)
}

// fetched are the numbers of what sources fetched.
func (e *exposition) fetched(list []core.Fetched) {
	const second = 1e6 // microseconds
	for _, m := range []struct {
		name, help string
		of         func(f core.Fetched) []sample
	}{
		{"converter_source_requests_total", "Requests to servers, each try of its own.", one(func(f core.Fetched) int64 { return f.Requests })},
		{"converter_source_retries_total", "Requests that were sent again.", one(func(f core.Fetched) int64 { return f.Retries })},
		{"converter_source_not_modified_total", "Answers with status 304.", one(func(f core.Fetched) int64 { return f.Confirmed })},
		{"converter_source_cache_hits_total", "Requests that a source's own cache answered, after asking the server too.", one(func(f core.Fetched) int64 { return f.Hits })},
		{"converter_source_cache_misses_total", "Requests that it did not answer.", one(func(f core.Fetched) int64 { return f.Misses })},
		{"converter_source_bytes_total", "Bytes of bodies that servers sent.", one(func(f core.Fetched) int64 { return f.Bytes })},
		{"converter_source_wait_seconds_total", "Time that requests waited, all of them together, by reason.", func(f core.Fetched) []sample {
			return []sample{
				{[]string{"source", f.Source, "reason", "limit"}, float64(f.LimitWaitUS) / second},
				{[]string{"source", f.Source, "reason", "pause"}, float64(f.PauseWaitUS) / second},
				{[]string{"source", f.Source, "reason", "backoff"}, float64(f.BackoffWaitUS) / second},
			}
		}},
		{"converter_source_in_flight", "Requests under way.", one(func(f core.Fetched) int64 { return f.InFlight })},
		{"converter_source_most_in_flight", "Requests that were under way at one time, at most.", one(func(f core.Fetched) int64 { return f.MostInFlight })},
	} {
		var samples []sample
		for _, f := range list {
			samples = append(samples, m.of(f)...)
		}
		e.family(m.name, m.help, samples)
	}
}

func one(of func(core.Fetched) int64) func(core.Fetched) []sample {
	return func(f core.Fetched) []sample { return []sample{{[]string{"source", f.Source}, float64(of(f))}} }
}

// streams are the numbers of streams whose sources say how far they are.
func (e *exposition) streams(list []core.StreamCounts) {
	var fetched, expected, unread []sample
	for _, c := range list {
		of := []string{"source", c.Source, "stream", c.Stream}
		if c.Fetched > 0 || c.Expected > 0 {
			fetched = append(fetched, sample{of, float64(c.Fetched)})
		}
		if c.Expected > 0 {
			expected = append(expected, sample{of, float64(c.Expected)})
		}
		for _, u := range c.Unread {
			unread = append(unread, sample{append(slices.Clip(of), "code", u.Code), float64(u.Count)})
		}
	}
	e.family("converter_stream_fetched", "How far a source is with a stream, in units of its own, records mostly.", fetched)
	e.family("converter_stream_expected", "How far it will come.", expected)
	e.family("converter_stream_unread_total", "Records that a source could not read, by reason.", unread)
}

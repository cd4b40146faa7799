package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-98789ff7/converter/core"
)

// fetchedLines says what each source fetched, and which of its streams have gaps.
func fetchedLines(s core.Summary) []string {
	var lines []string
	for _, f := range s.Fetched {
		if words := fetchedWords(f); words != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", plain(f.Source), words))
		}
	}
	for _, c := range s.Streams {
		if len(c.Unread) > 0 && c.Expected > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s: %s of %s · not read: %s",
				plain(c.Source), plain(c.Stream), grouped(c.Fetched), grouped(c.Expected), unreadWords(c.Unread)))
		}
	}
	return lines
}

// fetchedWords says what a source fetched; empty: it asked no server.
func fetchedWords(f core.Fetched) string {
	if f.Requests == 0 {
		return ""
	}
	parts := []string{counted(f.Requests, "request")}
	if f.Retries > 0 {
		parts[0] += fmt.Sprintf(" (%s sent again)", grouped(f.Retries))
	}
	if f.Confirmed > 0 {
		parts = append(parts, grouped(f.Confirmed)+" not modified")
	}
	parts = append(parts, sized(f.Bytes))
	var waits []string
	for _, w := range f.Waits() {
		waits = append(waits, took(w.Time)+" "+w.For)
	}
	if len(waits) > 0 {
		parts = append(parts, "its requests waited "+strings.Join(waits, ", "))
	}
	if f.MostInFlight > 0 {
		parts = append(parts, fmt.Sprintf("at most %s at a time", grouped(f.MostInFlight)))
	}
	return strings.Join(parts, " · ")
}

func unreadWords(list []core.Unread) string {
	words := make([]string, len(list))
	for i, u := range list {
		words[i] = fmt.Sprintf("%s × %s", grouped(u.Count), plain(u.Code))
	}
	return strings.Join(words, ", ")
}

// printFetched is the part of `runs show` about what sources fetched.
func printFetched(w io.Writer, s core.Summary) error {
	first := true
	for _, f := range s.Fetched {
		words := fetchedWords(f)
		if words == "" {
			continue
		}
		if first {
			fmt.Fprintln(w)
			first = false
		}
		fmt.Fprintf(w, "%s fetched %s\n", plain(f.Source), words)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	first = true
	for _, c := range s.Streams {
		if c.Expected == 0 && len(c.Unread) == 0 {
			continue
		}
		if first {
			fmt.Fprintln(t, "\nSOURCE\tSTREAM\tFETCHED\tNOT READ")
			first = false
		}
		of := grouped(c.Fetched)
		if c.Expected > 0 {
			of += " of " + grouped(c.Expected)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", plain(c.Source), plain(c.Stream), of, orDash(unreadWords(c.Unread)))
	}
	return t.Flush()
}

// streamLine is how far one stream is, in a line of --progress json.
type streamLine struct {
	Source   string        `json:"source"`
	Stream   string        `json:"stream"`
	Fetched  int64         `json:"fetched"`
	Expected int64         `json:"expected"` // 0: not known
	Unread   []core.Unread `json:"unread,omitempty"`
}

// streamLines lists the streams whose sources say how far they are.
func streamLines(s core.Snapshot) []streamLine {
	var list []streamLine
	for _, c := range s.Streams {
		if c.Fetched > 0 || c.Expected > 0 || len(c.Unread) > 0 {
			list = append(list, streamLine{c.Source, c.Stream, c.Fetched, c.Expected, c.Unread})
		}
	}
	return list
}

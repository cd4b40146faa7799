package host

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// entry is one line of a plugin's output, understood.
type entry struct {
	level slog.Level
	text  string
	attrs []slog.Attr
	panic bool // part of the last words of a Go program
}

// parser understands what plugins write to standard error: the JSON lines of hclog and slog, lines that begin with a
// level, the tracebacks of Python and the panics of Go. What it does not understand is an entry of level info.
type parser struct {
	panicking bool
	traceback bool
}

var levelPrefix = regexp.MustCompile(`^(?:\[(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL)\]|` +
	`(DEBUG|INFO|WARNING|ERROR|CRITICAL):)\s*`)

func (p *parser) parse(line string) entry {
	if strings.HasPrefix(line, "{") {
		if e, ok := parseJSON(line); ok {
			p.panicking, p.traceback = false, false
			return e
		}
	}
	switch {
	case p.panicking:
		return entry{level: slog.LevelDebug, text: line, panic: true}
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
		p.panicking = true
		return entry{level: slog.LevelError, text: line, panic: true}
	case strings.HasPrefix(line, "Traceback (most recent call last)"):
		p.traceback = true
		return entry{level: slog.LevelError, text: line}
	case p.traceback:
		p.traceback = strings.HasPrefix(line, " ") // the line after the indented ones names the exception
		return entry{level: slog.LevelError, text: line}
	}
	if m := levelPrefix.FindStringSubmatch(line); m != nil {
		return entry{level: levelOf(cmp.Or(m[1], m[2])), text: line[len(m[0]):]}
	}
	return entry{level: slog.LevelInfo, text: line}
}

// parseJSON understands a log line in JSON, whatever the types of its members are.
func parseJSON(line string) (entry, bool) {
	var members map[string]any
	if err := json.Unmarshal([]byte(line), &members); err != nil {
		return entry{}, false
	}
	take := func(names ...string) string {
		for _, name := range names {
			if v, ok := members[name]; ok {
				delete(members, name)
				return word(v)
			}
		}
		return ""
	}
	e := entry{text: take("@message", "msg", "message"), level: levelOf(take("@level", "level", "severity"))}
	_ = take("@timestamp", "time", "timestamp")
	if e.text == "" {
		return entry{}, false
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		e.attrs = append(e.attrs, slog.String(strings.TrimPrefix(name, "@"), word(members[name])))
	}
	return e, true
}

func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case map[string]any, []any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

func levelOf(word string) slog.Level {
	switch strings.ToLower(word) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "critical", "fatal", "panic":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

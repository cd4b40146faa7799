package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// checkGolden compares the first reading with a file, or writes the file.
func checkGolden(_ context.Context, b *bench) Result {
	switch {
	case b.Golden == "":
		return skipped("no golden file was named")
	case b.first == nil:
		return skipped(notRead)
	}
	lines := b.first.scribe.all(b.names, b.first.order)
	kept, err := os.ReadFile(b.Golden)
	absent := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !absent:
		return failed("name a file that can be read", "%v", err)
	case b.Update:
		return write(b.Golden, kept, lines)
	case absent:
		return failed("write it by updating, read it, and keep it with the plugin", "there is no golden file %s", b.Golden)
	}
	if where := unlike(kept, lines); where != "" {
		return failed("where the change is right, write the file anew by updating", "%s: %s", b.Golden, where)
	}
	return ok("%s, as in %s", count(len(lines), "line"), b.Golden)
}

// write writes the file where it has to change.
func write(path string, kept []byte, lines []line) Result {
	if kept != nil && unlike(kept, lines) == "" {
		return ok("%s in %s, as they were", count(len(lines), "line"), path)
	}
	var text bytes.Buffer
	for _, l := range lines {
		text.Write(l.text)
		text.WriteByte('\n')
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, text.Bytes(), 0o644)
	}
	if err != nil {
		return failed("name a file that can be written", "%v", err)
	}
	return ok("%s written to %s", count(len(lines), "line"), path)
}

// unlike says where the first difference is; empty: nowhere.
func unlike(kept []byte, got []line) string {
	var want []string
	for text := range strings.Lines(string(kept)) {
		want = append(want, strings.TrimRight(text, "\r\n"))
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("line %d, %q, did not come; there are %d lines instead of %d\nwant %s", i+1, idOf(want[i]), len(got),
				len(want), excerpt(want[i], 0))
		case i >= len(want):
			return fmt.Sprintf("line %d, %q, is new; there are %d lines instead of %d\ngot  %s", i+1, got[i].id, len(got),
				len(want), excerpt(string(got[i].text), 0))
		case want[i] != string(got[i].text):
			at := common(want[i], string(got[i].text))
			return fmt.Sprintf("line %d, %q, is another\nwant %s\ngot  %s", i+1, got[i].id, excerpt(want[i], at),
				excerpt(string(got[i].text), at))
		}
	}
	return ""
}

func idOf(text string) string {
	var l struct{ ID string }
	_ = json.Unmarshal([]byte(text), &l) // a line that is none has no id
	return l.ID
}

// common is how many bytes two texts have in common at their beginning.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// excerpt is what stands around a place in a line.
func excerpt(text string, at int) string {
	const before, after = 40, 100
	from, to := max(0, min(at, len(text))-before), min(len(text), at+after)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	shown := text[from:to]
	if from > 0 {
		shown = "…" + shown
	}
	if to < len(text) {
		shown += "…"
	}
	return shown
}

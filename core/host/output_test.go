package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestParser(t *testing.T) {
	for name, tc := range map[string]struct {
		lines string
		want  []string
	}{
		"hclog": {
			`{"@level":"warn","@message":"slow","@module":"x","@timestamp":"2026-01-01T00:00:00Z","page":3}`,
			[]string{"WARN slow [module=x page=3]"},
		},
		"slog":            {`{"time":"2026-01-01T00:00:00Z","level":"ERROR","msg":"bad","a":{"b":[1]}}`, []string{`ERROR bad [a={"b":[1]}]`}},
		"types at odds":   {`{"@message":5,"@level":[1],"@timestamp":{}}`, []string{"INFO 5 []"}},
		"no message":      {`{"level":"error"}`, []string{`INFO {"level":"error"} []`}},
		"torn JSON":       {`{"level":`, []string{`INFO {"level": []`}},
		"brackets":        {"[ERROR] no gate\n[TRACE] step\n[WARN]odd", []string{"ERROR no gate []", "DEBUG step []", "WARN odd []"}},
		"Python's levels": {"WARNING:root:old\nERRORS: none", []string{"WARN root:old []", "INFO ERRORS: none []"}},
		"Go's log":        {"2026/01/01 00:00:00 hello", []string{"INFO 2026/01/01 00:00:00 hello []"}},
		"traceback": {"Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'\nnext", []string{
			"ERROR Traceback (most recent call last): []", "ERROR   File \"x.py\", line 1 []", "ERROR KeyError: 'a' []", "INFO next []",
		}},
		"panic": {"panic: nil map\n\ngoroutine 1 [running]:\n{\"msg\":\"still here\"}\nnext", []string{
			"ERROR panic: nil map []", "DEBUG  []", "DEBUG goroutine 1 [running]: []", "INFO still here []", "INFO next []",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var p parser
			var got []string
			for line := range strings.SplitSeq(tc.lines, "\n") {
				e := p.parse(line)
				got = append(got, fmt.Sprintf("%s %s %v", e.level, e.text, e.attrs))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func FuzzParser(f *testing.F) {
	f.Add(`{"@message":5,"@level":[],"@timestamp":{}}`)
	f.Add("panic: x\n[WARN] y\nTraceback (most recent call last):\n z")
	f.Fuzz(func(t *testing.T, text string) {
		var p parser
		talk := newTalk("x", slog.New(slog.DiscardHandler))
		eachLine(strings.NewReader(text), func(line string) { talk.say(t.Context(), p.parse(line)) })
		if line, all := talk.words(); !strings.Contains(all, line) {
			t.Errorf("%q is not in %q", line, all)
		}
	})
}

func TestLinesAreCut(t *testing.T) {
	long := strings.Repeat("x", 3*lineLimit)
	text := "one\r\n" + long + "\n\ntwo \xff\n" + long
	want := []string{"one", long[:lineLimit] + " … (shortened)", "", "two \uFFFD", long[:lineLimit] + " … (shortened)"}
	var got []string
	eachLine(strings.NewReader(text), func(line string) { got = append(got, line) })
	if !slices.Equal(got, want) {
		t.Errorf("eachLine: got %d lines", len(got))
	}
	got = nil
	s := &splitter{do: func(line string) { got = append(got, line) }}
	for chunk := range slices.Chunk([]byte(text+"\n"), 1000) {
		if n, err := s.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("splitter: got %d lines", len(got))
	}
}

func TestLastWords(t *testing.T) {
	ctx := context.Background()
	talk := newTalk("x", slog.New(slog.DiscardHandler))
	if line, all := talk.words(); line != "" || all != "" {
		t.Errorf("%q, %q", line, all)
	}
	for i := range 20 {
		talk.print(ctx, fmt.Sprintf("line %d", i))
	}
	line, all := talk.words()
	if line != "line 19" || strings.Count(all, "\n") != lastLines-1 || !strings.HasPrefix(all, "line 12") {
		t.Errorf("%q, %q", line, all)
	}
	for i := range 20 {
		talk.say(ctx, entry{text: fmt.Sprintf("frame %d", i), panic: true})
	}
	talk.print(ctx, strings.Repeat("x", 2*linesShown))
	line, all = talk.words()
	if line != "frame 0" || !strings.HasSuffix(all, "frame 7") {
		t.Errorf("%q, %q", line, all)
	}
}

func TestMutedTalkLogsNothing(t *testing.T) {
	var out bytes.Buffer
	talk := newTalk("x", slog.New(slog.NewTextHandler(&out, nil)))
	talk.mute()
	talk.print(t.Context(), "too late")
	if out.Len() > 0 {
		t.Errorf("logged %s", out.String())
	}
}

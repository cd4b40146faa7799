// Package ocr has the text of a drawn page recognised by tesseract, and makes fragments of it like those of pages that have
// their text in the file.
//
// It leaves drawing the page, and which pages need it, to its caller. It starts one process a call and waits for it. Its errors
// are *sdk.Diagnostic: pdf.ocr_missing where the program is not there, pdf.ocr_failed where it failed or took too long.
package ocr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/sdk"
)

// Config says how text is recognised.
type Config struct {
	Command   string        // default: tesseract
	Languages []string      // default: eng
	DPI       int           // of the pictures; default: 300
	Timeout   time.Duration // of one page; default: a minute
}

func (c Config) filled() Config {
	if c.Command == "" {
		c.Command = "tesseract"
	}
	if len(c.Languages) == 0 {
		c.Languages = []string{"eng"}
	}
	if c.DPI == 0 {
		c.DPI = 300
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	return c
}

// Check says whether the program is there, knows the languages, and which version it is.
func Check(ctx context.Context, c Config) (version string, err error) {
	c = c.filled()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	out, err := c.run(ctx, nil, "--version")
	if err != nil {
		return "", err
	}
	version, _, _ = strings.Cut(strings.TrimPrefix(string(out), "tesseract "), "\n")
	listed, err := c.run(ctx, nil, "--list-langs")
	if err != nil {
		return "", err
	}
	known := strings.Fields(string(listed))
	for _, language := range c.Languages {
		if !slices.Contains(known, language) {
			return "", &sdk.Diagnostic{
				Kind: sdk.NotFound, Code: "pdf.ocr_language", ConfigPath: "/ocr/languages",
				Summary:    fmt.Sprintf("%s does not know the language %q", c.Command, language),
				Suggestion: "install it (Debian: apt-get install tesseract-ocr-" + strings.ReplaceAll(language, "_", "-") + "), or name one of those that `tesseract --list-langs` prints",
			}
		}
	}
	return strings.TrimSpace(version), nil
}

// Recognise puts what is recognised in the picture of a page, a PNG, into the page in place of its text. Width and height are
// those of the picture in pixels.
func Recognise(ctx context.Context, c Config, picture []byte, width, height int, p *page.Page) error {
	c = c.filled()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	out, err := c.run(ctx, picture, "-", "-", "-l", strings.Join(c.Languages, "+"), "--dpi", strconv.Itoa(c.DPI), "tsv")
	if err != nil {
		return err
	}
	read(string(out), width, height, p)
	return nil
}

// run runs the program and returns what it prints. It sees the picture and nothing of ours.
func (c Config) run(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, c.Command, args...) //nolint:gosec // the options name it
	command.Stdin = bytes.NewReader(input)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	command.WaitDelay = time.Second
	err := command.Run()
	switch {
	case err == nil:
		return out.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "pdf.ocr_missing", ConfigPath: "/ocr/command", Summary: "there is no program " + c.Command,
			Suggestion: "install tesseract (Debian: apt-get install tesseract-ocr), or set ocr.enabled to false", Cause: err,
		}
	case ctx.Err() != nil:
		return nil, &sdk.Diagnostic{
			Kind: sdk.Unavailable, Code: "pdf.ocr_failed", Summary: "recognising the text of a page was stopped",
			Detail: ctx.Err().Error(), Suggestion: "raise ocr.timeout, or lower ocr.dpi", Cause: ctx.Err(),
		}
	}
	return nil, &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "pdf.ocr_failed", Summary: c.Command + " could not recognise a page",
		Detail: strings.ToValidUTF8(clip(said.String()), "?"), Suggestion: "run it by hand on a picture of the page to see why", Cause: err,
	}
}

func clip(text string) string { return text[:min(len(text), 2000)] }

// The columns of the table that tesseract prints, and the level of the rows that are words.
const (
	columns   = 12
	wordLevel = "5"
)

// recognised is a word as tesseract prints it, lengths in points.
type recognised struct {
	line       string // block, paragraph and line
	text       string
	box        page.Box
	confidence float32 // 0 to 1
}

// read makes fragments of the table that tesseract prints. Rows that are not whole are left out.
func read(table string, width, height int, p *page.Page) {
	p.Origin, p.Fragments, p.Fonts, p.Chars, p.Confidence = "ocr", nil, []page.Font{{Name: "recognised"}}, 0, 0
	if width <= 0 || height <= 0 {
		return
	}
	sx, sy := p.Width/float32(width), p.Height/float32(height)
	var line []recognised
	var sum float32
	words := 0
	flush := func() {
		if len(line) > 0 {
			p.Fragments = append(p.Fragments, fragments(line)...)
		}
		line = nil
	}
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.TrimRight(row, "\r\n"), "\t")
		if len(cells) != columns || cells[0] != wordLevel || strings.TrimSpace(cells[11]) == "" {
			continue
		}
		var n [4]float32
		whole := true
		for i := range n {
			v, err := strconv.ParseFloat(cells[6+i], 32)
			n[i], whole = float32(v), whole && err == nil && v >= 0
		}
		confidence, err := strconv.ParseFloat(cells[10], 32)
		if !whole || err != nil || confidence < 0 {
			continue
		}
		w := recognised{
			line: strings.Join(cells[2:5], "."), text: strings.TrimSpace(strings.ToValidUTF8(cells[11], "\uFFFD")),
			box:        page.Box{X0: n[0] * sx, Y0: n[1] * sy, X1: (n[0] + n[2]) * sx, Y1: (n[1] + n[3]) * sy},
			confidence: float32(confidence) / 100,
		}
		if len(line) > 0 && line[0].line != w.line {
			flush()
		}
		line = append(line, w)
		sum += w.confidence
		words++
		p.Chars += len([]rune(w.text))
	}
	flush()
	if words > 0 {
		p.Confidence = sum / float32(words)
	}
}

// descent is the part of a line's height that lies below its baseline, and size the part of it that is the size of its type.
const (
	descent = 0.2
	size    = 0.9
)

// fragments makes fragments of a line: tesseract joins what stands side by side, so that a gap wider than the line is high
// begins another one.
func fragments(line []recognised) []page.Fragment {
	var all []page.Fragment
	for start := 0; start < len(line); {
		end := start + 1
		for end < len(line) && line[end].box.X0-line[end-1].box.X1 <= max(line[end-1].box.Y1-line[end-1].box.Y0, line[end].box.Y1-line[end].box.Y0) {
			end++
		}
		all = append(all, fragment(line[start:end]))
		start = end
	}
	return all
}

func fragment(words []recognised) page.Fragment {
	f := page.Fragment{Box: words[0].box}
	for i, w := range words {
		if i > 0 {
			f.Text += " "
		}
		f.Words = append(f.Words, page.Word{From: len(f.Text), To: len(f.Text) + len(w.text), X0: w.box.X0, X1: w.box.X1})
		f.Text += w.text
		f.Box.X1, f.Box.Y0, f.Box.Y1 = max(f.Box.X1, w.box.X1), min(f.Box.Y0, w.box.Y0), max(f.Box.Y1, w.box.Y1)
	}
	high := f.Box.Y1 - f.Box.Y0
	f.Baseline = f.Box.Y1 - descent*high
	f.Runs = []page.Run{{End: len(f.Text), Size: size * high}}
	f.Hyphen = strings.HasSuffix(f.Text, "-")
	return f
}

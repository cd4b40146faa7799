package ocr

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/sdk"
)

func row(level, line, left, top, width, height, confidence, text string) string {
	return strings.Join([]string{level, "1", "1", "1", line, "1", left, top, width, height, confidence, text}, "\t") + "\n"
}

func TestRead(t *testing.T) {
	table := "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n" +
		row("4", "1", "0", "0", "900", "40", "-1", "") +
		row("5", "1", "100", "200", "80", "40", "96", "Lamp") +
		row("5", "1", "190", "200", "100", "50", "90", "keep-") +
		row("5", "1", "700", "205", "60", "40", "60", "2d6") +
		row("5", "2", "100", "260", "80", "40", "80", "er") +
		row("5", "2", "x", "260", "80", "40", "80", "broken") +
		row("5", "3", "100", "300", "80", "40", "-1", "unsure") +
		"5\t1\thalf a row\n"
	p := &page.Page{Number: 3, Width: 500, Height: 800, Fragments: []page.Fragment{{Text: "old"}}}
	read(table, 1000, 1600, p)
	var got []string
	for _, f := range p.Fragments {
		got = append(got, f.Text)
		for _, w := range f.Words {
			if w.From < 0 || w.To > len(f.Text) || strings.Contains(f.Text[w.From:w.To], " ") {
				t.Errorf("word %+v of %q", w, f.Text)
			}
		}
		if n := len(f.Runs); n == 0 || f.Runs[n-1].End != len(f.Text) {
			t.Errorf("runs %+v of %q", f.Runs, f.Text)
		}
	}
	if want := "Lamp keep-|2d6|er"; strings.Join(got, "|") != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if f := p.Fragments[0]; f.Box != (page.Box{X0: 50, Y0: 100, X1: 145, Y1: 125}) || !f.Hyphen || f.Baseline <= 115 || f.Baseline >= 125 {
		t.Errorf("first fragment %+v", f)
	}
	if p.Origin != "ocr" || p.Confidence < 0.81 || p.Confidence > 0.82 || p.Chars != 14 {
		t.Errorf("page: %s, %v, %d characters", p.Origin, p.Confidence, p.Chars)
	}
}

// program writes a script that stands in for tesseract.
func program(t *testing.T, script string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tesseract")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWhatGoesWrong(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		config     Config
	}{
		{"it is not there", "pdf.ocr_missing", Config{Command: "no-such-tesseract"}},
		{"it fails", "pdf.ocr_failed", Config{Command: program(t, "echo bad picture >&2; exit 1")}},
		{"it takes too long", "pdf.ocr_failed", Config{Command: program(t, "exec sleep 60"), Timeout: 50 * time.Millisecond}},
		{"it leaves somebody behind who holds its output", "pdf.ocr_failed", Config{Command: program(t, "sleep 3 & sleep 60"), Timeout: 50 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Recognise(t.Context(), tt.config, []byte("png"), 10, 10, &page.Page{Width: 1, Height: 1})
			var d *sdk.Diagnostic
			if !errors.As(err, &d) || d.Code != tt.code || d.Suggestion == "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckNamesTheLanguage(t *testing.T) {
	command := program(t, `case "$1" in --version) echo "tesseract 5.9";; *) echo "List:"; echo eng;; esac`)
	version, err := Check(t.Context(), Config{Command: command})
	if version != "5.9" || err != nil {
		t.Errorf("got %q, %v", version, err)
	}
	_, err = Check(t.Context(), Config{Command: command, Languages: []string{"eng", "deu"}})
	var d *sdk.Diagnostic
	if !errors.As(err, &d) || d.Code != "pdf.ocr_language" || !strings.Contains(d.Suggestion, "tesseract-ocr-deu") {
		t.Errorf("got %v", err)
	}
}

// TestTesseract has the real program read a page that is drawn here.
func TestTesseract(t *testing.T) {
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("SKIPPED: there is no tesseract (apt-get install tesseract-ocr)")
	}
	const scale, width, height = 4, 300, 60
	small := image.NewGray(image.Rect(0, 0, width, height))
	for i := range small.Pix {
		small.Pix[i] = 255
	}
	(&font.Drawer{Dst: small, Src: image.NewUniform(color.Black), Face: basicfont.Face7x13, Dot: fixed.P(20, 35)}).DrawString("the ninth lamp burns low")
	large := image.NewGray(image.Rect(0, 0, width*scale, height*scale))
	for y := range height * scale {
		for x := range width * scale {
			large.SetGray(x, y, small.GrayAt(x/scale, y/scale))
		}
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, large); err != nil {
		t.Fatal(err)
	}
	p := &page.Page{Width: width, Height: height}
	if err := Recognise(context.WithoutCancel(t.Context()), Config{}, picture.Bytes(), width*scale, height*scale, p); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, f := range p.Fragments {
		words = append(words, f.Text)
	}
	if got := strings.Join(words, " "); !strings.Contains(got, "ninth lamp") {
		t.Errorf("it read %q", got)
	}
}

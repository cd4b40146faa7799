//go:build integration

package pdf_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf"
	"github.com/seed-98789ff7/converter/sdk"
	"github.com/seed-98789ff7/converter/sdk/sdktest"
)

// TestBroken reads files of which some cannot be read: each says why, and the others come.
func TestBroken(t *testing.T) {
	edge := testdata.Dir(t, "pdf", "edge")
	s := newShelf(t)
	want := map[string]string{
		"empty.pdf": "pdf_empty", "header-only.pdf": "pdf_damaged", "truncated.pdf": "pdf_damaged", "scanned-two-pages.pdf": "pdf_scanned",
		"encrypted-user-password.pdf": "pdf_password",
	}
	l := s.read(t, options{"files": []string{edge}})
	if !reflect.DeepEqual(l.skipped, want) {
		t.Errorf("got %v, want %v", l.skipped, want)
	}
	for _, name := range []string{"bad-xref.pdf", "encrypted-owner-only.pdf"} {
		l.byID(t, name)
	}
	l = s.read(t, options{"files": []string{filepath.Join(edge, "encrypted-user-password.pdf")}, "passwords": []string{"wrong", "user"}})
	if len(l.skipped) > 0 || len(l.records) < 100 {
		t.Errorf("with its password: %v, %d records", l.skipped, len(l.records))
	}
}

// TestUnchanged: a file is read again when it has changed, or its grammar, or when a picture is gone, and not otherwise.
func TestUnchanged(t *testing.T) {
	books, grammar := samples(t)
	const name = "lampwrights-almanac.pdf"
	for _, tt := range []struct {
		what   string
		change func(dir string, s shelf) error
		same   bool
	}{
		{"nothing", func(string, shelf) error { return nil }, true},
		{"the file", func(dir string, _ shelf) error {
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("\n% a remark at its end\n")
			return errors.Join(err, f.Close())
		}, false},
		{"the grammar", func(dir string, _ shelf) error {
			f, err := os.OpenFile(filepath.Join(dir, "grammar.yaml"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("# a remark\n")
			return errors.Join(err, f.Close())
		}, false},
		{"its pictures", func(_ string, s shelf) error { return os.RemoveAll(filepath.Join(s.dir, "pictures")) }, false},
		{"what is kept of it", func(_ string, s shelf) error { return os.RemoveAll(filepath.Join(s.dir, "pages")) }, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			dir, s := t.TempDir(), newShelf(t)
			for from, to := range map[string]string{filepath.Join(books, name): name, grammar: "grammar.yaml"} {
				text, err := os.ReadFile(from)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := options{"files": []string{dir}, "grammars": []string{filepath.Join(dir, "grammar.yaml")}}
			first := s.read(t, o)
			if len(first.revisions[name]) == 0 {
				t.Fatal("the file has no revision")
			}
			if err := tt.change(dir, s); err != nil {
				t.Fatal(err)
			}
			second := newLog()
			if err := s.open(t, o).Read(t.Context(), sdk.ReadRequest{Known: first.revisions}, second); err != nil {
				t.Fatal(err)
			}
			if same := len(second.unchanged) == 1 && len(second.records) == 0; same != tt.same || !same && len(second.records) != len(first.records) {
				t.Errorf("unchanged: %v; %d records", second.unchanged, len(second.records))
			}
		})
	}
}

// TestSource holds what every source has to hold.
func TestSource(t *testing.T) {
	books, grammar := samples(t)
	sdktest.Run(t, pdf.New, options{"files": []string{books}, "grammars": []string{grammar}, "workers": 1})
}

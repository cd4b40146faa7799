package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/sdk"
)

// sheet is a second implementation of [output.Writer], in memory.
type sheet struct {
	// fault is asked before everything that is done, by the name of the method. Nil: nothing goes wrong.
	fault func(what string) error

	text     bytes.Buffer
	prepared bool
	state    string // committed or aborted, once it is
}

func (s *sheet) output(name string) Output {
	return Output{Name: name, Path: "/" + name, Open: func() (output.Writer, error) {
		*s = sheet{fault: s.fault}
		return s, s.ask("Open")
	}}
}

func (s *sheet) ask(what string) error {
	if s.state != "" && what != "Abort" {
		return errors.New(what + " after the end")
	}
	if s.fault == nil {
		return nil
	}
	return s.fault(what)
}

func (s *sheet) Entity(e *core.Entity) error {
	line, err := output.AppendEntity(nil, e)
	s.text.Write(append(line, '\n'))
	return errors.Join(err, s.ask("Entity"))
}

func (s *sheet) Asset(a core.Asset, open output.Opener) error {
	for _, r := range a.Renditions {
		body, err := open(r)
		if err != nil {
			return err
		}
		if _, err := s.text.ReadFrom(body); err != nil {
			return err
		}
		s.text.WriteString(" " + a.ID + "\n")
	}
	return s.ask("Asset")
}

func (s *sheet) Prepare(m output.Manifest) (output.Result, error) {
	m.Problems = slices.DeleteFunc(m.Problems, func(p core.Problem) bool { return p.Transient })
	slices.SortFunc(m.Problems, func(a, b core.Problem) int { return strings.Compare(a.Code+a.Message, b.Code+b.Message) })
	text, err := json.Marshal(m)
	s.text.Write(text)
	s.prepared = true
	return output.Result{ResultID: sha(s.text.Bytes()), Files: 1, Bytes: int64(s.text.Len())}, errors.Join(err, s.ask("Prepare"))
}

func (s *sheet) Commit() error {
	if !s.prepared {
		return errors.New("Commit before Prepare")
	}
	if err := s.ask("Commit"); err != nil {
		return err
	}
	s.state = "committed"
	return nil
}

func (s *sheet) Abort() error {
	if s.state == "" {
		s.state = "aborted"
	}
	return s.ask("Abort")
}

// onSheet gives the job a single output in memory.
func (j *job) onSheet() *sheet {
	s := &sheet{}
	j.Outputs = []Output{s.output("sheet")}
	return s
}

// TestOneOutputFails: at whatever step, the other one is written, whole.
func TestOneOutputFails(t *testing.T) {
	full := &sdk.Diagnostic{Kind: sdk.Unavailable, Code: "output.disk_full", Summary: "no room", Suggestion: "make some"}
	calm := newJob(t, game(t)...)
	want := calm.onSheet()
	calm.run(t)
	for _, step := range []string{"Open", "Entity", "Asset", "Prepare", "Commit"} {
		for place := range 2 {
			t.Run(step+", "+[]string{"the first", "the second"}[place], func(t *testing.T) {
				j := newJob(t, game(t)...)
				bad := &sheet{fault: func(what string) error {
					if what == step {
						return full
					}
					return nil
				}}
				good := &sheet{}
				j.Outputs = slices.Insert([]Output{good.output("good")}, place, bad.output("bad"))
				result := j.run(t)
				if !slices.Equal(result.Written, []string{"/good"}) || good.state != "committed" {
					t.Errorf("got %+v, the good one is %q", result, good.state)
				}
				if step != "Open" && bad.state != "aborted" {
					t.Errorf("the bad one is %q", bad.state)
				}
				// What is said of the bad one is the only difference.
				got, _, _ := strings.Cut(good.text.String(), `"Problems":`)
				if text, _, _ := strings.Cut(want.text.String(), `"Problems":`); got != text {
					t.Errorf("got %s\nwant %s", got, text)
				}
				if step != "Commit" && result.ResultID != sha(good.text.Bytes()) {
					t.Errorf("the result is not named after what was written")
				}
				if n := j.count.codes()["output.disk_full"]; n != 1 {
					t.Errorf("problems %v", j.count.codes())
				}
				for _, f := range j.count.failures {
					if f.Code == "output.disk_full" && (f.Stage != core.StageWrite || f.Item != "bad" || f.Suggestion == "") {
						t.Errorf("it does not say where: %+v", f)
					}
				}
			})
		}
	}
}

func TestAllOutputsFail(t *testing.T) {
	cause := errors.New("no room")
	for _, step := range []string{"Open", "Entity", "Asset", "Prepare", "Commit"} {
		t.Run(step, func(t *testing.T) {
			s := &shelf{items: game(t)[0].items, bytes: game(t)[0].bytes}
			j := newJob(t, s)
			bad := func(what string) error {
				if what == step {
					return cause
				}
				return nil
			}
			one, other := &sheet{fault: bad}, &sheet{fault: bad}
			j.Outputs = []Output{one.output("one"), other.output("other")}
			result, err := Run(t.Context(), j.Config)
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"other"`) {
				t.Errorf("got %v", err)
			}
			if result.Written != nil || one.state == "committed" || other.state == "committed" {
				t.Errorf("got %+v, %q, %q", result, one.state, other.state)
			}
			if step == "Open" && s.started() > 0 {
				t.Error("sources were read though nothing can be written")
			}
		})
	}
}

// TestAbortFails: it is not worth more than a remark.
func TestAbortFails(t *testing.T) {
	j := newJob(t, &shelf{items: docs("a", 2)})
	bad, good := &sheet{fault: func(what string) error {
		if what == "Entity" || what == "Abort" {
			return errors.New("no")
		}
		return nil
	}}, &sheet{}
	j.Outputs = []Output{bad.output("bad"), good.output("good")}
	if result := j.run(t); !slices.Equal(result.Written, []string{"/good"}) {
		t.Errorf("got %+v", result)
	}
}

// TestForeignFolder: the real thing, with a folder that holds somebody's photos.
func TestForeignFolder(t *testing.T) {
	j := newJob(t, &shelf{items: docs("a", 3)})
	photos := filepath.Join(t.TempDir(), "photos")
	if err := errors.Join(os.Mkdir(photos, 0o777), os.WriteFile(filepath.Join(photos, "me.jpg"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	j.Outputs = []Output{jsonOutput("photos", photos), j.Outputs[0]}
	if result := j.run(t); !slices.Equal(result.Written, []string{j.path}) {
		t.Errorf("got %+v", result)
	}
	if want := map[string]int{"output.foreign_files": 1}; !maps.Equal(j.count.codes(), want) {
		t.Errorf("problems %v", j.count.codes())
	}
	if files := tree(t, photos); len(files) != 1 {
		t.Errorf("the photos are %v", files)
	}
	j.Outputs = j.Outputs[:1]
	_, err := Run(context.WithoutCancel(t.Context()), j.Config)
	if sdk.KindOf(err) != sdk.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestTwoOutputsOfOneRun are the same bytes.
func TestTwoOutputsOfOneRun(t *testing.T) {
	j := newJob(t, game(t)...)
	other := filepath.Join(t.TempDir(), "deep", "other")
	j.Outputs = append(j.Outputs, jsonOutput("other", other))
	if result := j.run(t); !slices.Equal(result.Written, []string{j.path, other}) {
		t.Errorf("got %+v", result)
	}
	same(t, tree(t, other), tree(t, j.path))
}

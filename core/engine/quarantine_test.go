package engine

import (
	"context"
	"maps"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
)

// cells is a second implementation of [Quarantine], in memory.
type cells map[[2]string]string

func (c cells) Why(id, renderer string) string { return c[[2]string{id, renderer}] }

func (c cells) Put(id, renderer, why string) error {
	c[[2]string{id, renderer}] = why
	return nil
}

func (c cells) Release(id, renderer string) error {
	delete(c, [2]string{id, renderer})
	return nil
}

// TestQuarantine: what killed those who rendered it is not given to any more of them, unless they are others or all is to be done
// anew; the problem is the same one.
func TestQuarantine(t *testing.T) {
	picture := drawing(t, 9, 7, 1)
	const why = "it killed two"
	killed := 0
	kill := func(_ context.Context, data []byte, _ asset.Config) (asset.Result, error) {
		killed++
		return asset.Kept(data), &asset.CodecError{Code: asset.CodeQuarantined, Reason: why}
	}
	prepared := func(q cells) *job {
		j := newJob(t, showing(map[string][]byte{"a": picture}, byKey("a")))
		j.Quarantine, j.Images.Renderer, j.Images.Render = q, "renderer", kill
		return j
	}
	known := cells{}
	first := prepared(known)
	first.run(t)
	if killed != 1 || len(known) != 1 || known.Why(sha(picture), "renderer recipe") != why {
		t.Fatalf("%d killed, remembered: %v", killed, known)
	}
	for name, tc := range map[string]struct {
		change func(j *job)
		failed int64
		killed int
		inside int // afterwards
	}{
		"as it was":          {func(*job) {}, 1, 0, 1},
		"anew":               {func(j *job) { j.Fresh = true }, 1, 1, 1},
		"anew, and mended":   {func(j *job) { j.Fresh, j.Images.Render = true, nil }, 0, 0, 0},
		"of another program": {func(j *job) { j.Images.Renderer = "other" }, 1, 1, 2},
		"of another recipe":  {func(j *job) { j.Images.Recipe = "other" }, 1, 1, 2},
		"with no memory":     {func(j *job) { j.Quarantine = nil }, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			killed = 0
			inside := maps.Clone(known)
			j := prepared(inside)
			tc.change(j)
			j.run(t)
			if killed != tc.killed || len(inside) != tc.inside {
				t.Errorf("%d killed, want %d; remembered: %v", killed, tc.killed, inside)
			}
			if c := j.count.stage(core.StageAssets); c.Failed != tc.failed || c.Found != 1 {
				t.Errorf("counts %+v", c)
			}
			if tc.failed == 0 {
				return
			}
			if f := j.count.failures[0]; f.Code != asset.CodeQuarantined || f.Message != why {
				t.Errorf("failure %+v", f)
			}
			if got, want := tree(t, j.path), tree(t, first.path); !maps.Equal(got, want) {
				t.Error("the output is not that of the first run")
			}
		})
	}
}

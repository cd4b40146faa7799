package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestMaxFailures runs a game in which five items fail, three records and two pictures.
func TestMaxFailures(t *testing.T) {
	free := newJob(t, game(t)...)
	free.run(t)
	for _, allowed := range []int64{1, 2, 3, 4} {
		j := newJob(t, game(t)...)
		j.MaxFailures = allowed
		before := j.previous(t)
		_, err := Run(t.Context(), j.Config)
		var tooMany *TooManyError
		if !errors.As(err, &tooMany) || tooMany.Allowed != allowed || tooMany.Failed <= allowed || tooMany.Failed > 5 {
			t.Errorf("%d may fail: %v", allowed, err)
		}
		if counted := j.count.stage(core.StageEntities).Failed + j.count.stage(core.StageAssets).Failed; tooMany != nil && counted != tooMany.Failed {
			t.Errorf("%d may fail: it says %d, counted are %d", allowed, tooMany.Failed, counted)
		}
		j.count.balanced(t)
		j.untouched(t, before)
	}
	j := newJob(t, game(t)...)
	j.MaxFailures = 5
	j.run(t)
	same(t, tree(t, j.path), tree(t, free.path))
}

// TestOneTooMany lets the second item fail in each way there is, while another source waits for the end.
func TestOneTooMany(t *testing.T) {
	picture := func(uri string, change func(*sdk.AssetRef)) func(*sdk.Record) {
		return func(r *sdk.Record) {
			ref := sdk.AssetRef{URI: uri, Status: sdk.Present, Key: uri}
			change(&ref)
			r.Assets = []sdk.AssetRef{ref}
		}
	}
	missing := func(ref *sdk.AssetRef) { ref.Status, ref.Key = sdk.Missing, "" }
	array := func(r *sdk.Record) { r.JSON = []byte(`[]`) }
	torn := item{stream: "a", record: sdk.Record{ID: "torn"}, skip: errors.New("torn")}
	for name, items := range map[string][]item{
		"skipped":     {torn, {stream: "a", torn: true}},
		"twice":       {torn, doc("a", "1"), doc("a", "1")},
		"no object":   {torn, doc("a", "1", array)},
		"no picture":  {torn, doc("a", "1", picture("x.png", missing))},
		"no bytes":    {torn, doc("a", "1", picture("x.png", func(*sdk.AssetRef) {}))},
		"two pieces":  {doc("a", "1", picture("x.png", missing)), doc("a", "2", picture("y.png", missing))},
		"two records": {doc("a", "1", array), doc("a", "2", array)},
	} {
		t.Run(name, func(t *testing.T) {
			waits := &shelf{plugin: "other", items: docs("b", 1), during: func(ctx context.Context, _, _ int) error {
				<-ctx.Done()
				return ctx.Err()
			}}
			j := newJob(t, &shelf{items: items}, waits)
			j.MaxFailures = 1
			before := j.previous(t)
			_, err := Run(t.Context(), j.Config)
			if tooMany, ok := errors.AsType[*TooManyError](err); !ok || *tooMany != (TooManyError{Failed: 2, Allowed: 1}) {
				t.Errorf("got %v", err)
			}
			j.count.balanced(t)
			j.untouched(t, before)
		})
	}
}

// TestFailuresCountOnce, however often a source is started and sends them again; warnings do not count.
func TestFailuresCountOnce(t *testing.T) {
	s := &shelf{every: 100, during: diesAt(3, 3), items: []item{
		{stream: "a", record: sdk.Record{ID: "1"}, skip: errors.New("torn")}, {stream: "a", torn: true}, doc("a", "3"), doc("a", "4"),
	}}
	j := newJob(t, s)
	j.MaxFailures = 2
	if result := j.run(t); s.started() != 3 || result.Entities != 2 || j.count.codes()["plugin_crashed*"] != 2 {
		t.Errorf("%d attempts, %+v, %v", s.started(), result, j.count.codes())
	}
}

package link

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// slugged is a head whose slug is its name.
func slugged(order int, uid, name, content string) core.Head {
	return core.Head{
		UID: "p:" + uid, SourceOrder: order, Source: fmt.Sprint("s", order), Kind: "item", Name: name, BaseSlug: name,
		Scope: fmt.Sprint("w", order), NativeID: uid, ContentSHA256: content,
	}
}

func names(heads []core.Head) []string {
	list := make([]string, len(heads))
	for i, h := range heads {
		list[i] = h.BaseSlug
	}
	return list
}

// TestSettle: the later source of the config wins, by uid and by kind and slug, whatever comes first; ids lead on.
func TestSettle(t *testing.T) {
	heads := []core.Head{
		slugged(0, "1", "goblin", "a"), slugged(0, "2", "lamp", "b"), slugged(0, "3", "old", "c"),
		slugged(1, "4", "goblin", "a2"), slugged(1, "3", "new", "c"),
		slugged(2, "5", "goblin", "a2"),
	}
	heads[0].Aliases = []string{"gob"}
	creature := slugged(2, "6", "lamp", "b")
	creature.Kind = "creature"
	heads = append(heads, creature)
	want := Settle(heads, names)
	if got := want.Slugs; !reflect.DeepEqual(got, []string{"lamp", "new", "goblin", "lamp"}) {
		t.Errorf("slugs %q", got)
	}
	if got := want.Overwritten; !reflect.DeepEqual(got, []Overwritten{
		{Source: "s0", By: "s1", Kind: "item", Count: 2, Identical: 1}, {Source: "s1", By: "s2", Kind: "item", Count: 1, Identical: 1},
	}) {
		t.Errorf("%+v", got)
	}
	ids := []core.CompendiumID{
		{Plugin: "p", Scope: "w2", NativeID: "5"},
		{Plugin: "p", Scope: "w1", NativeID: "4", Rank: core.RankReplaced},
		{Plugin: "p", Scope: "w0", NativeID: "1", Rank: core.RankReplaced},
		{Plugin: "p", Scope: "w0", NativeID: "gob", Rank: core.RankReplaced},
	}
	if got := want.IDs["p:5"]; !reflect.DeepEqual(got, ids) {
		t.Errorf("%+v", got)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // any order will do
	for range 200 {
		random.Shuffle(len(heads), func(i, j int) { heads[i], heads[j] = heads[j], heads[i] })
		if got := Settle(heads, names); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order settles otherwise: %+v", got)
		}
	}
}

// What is in one source twice is not replaced: all of it stays, under the slugs that tell it apart.
func TestSettleKeepsWhatOneSourceHas(t *testing.T) {
	heads := []core.Head{slugged(0, "1", "goblin", "a"), slugged(0, "2", "goblin", "b")}
	got := Settle(heads, func(heads []core.Head) []string {
		list := names(heads)
		for i, h := range heads {
			list[i] += "-" + h.NativeID
		}
		return list
	})
	if len(got.Heads) != 2 || len(got.Overwritten) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestFall(t *testing.T) {
	item := func(uid, scope string, rank int) core.CompendiumItem {
		return core.CompendiumItem{UID: uid, Scope: scope, Rank: rank}
	}
	items := map[string][]core.CompendiumItem{
		"far": {item("z", "b", core.RankOwn), item("y", "b", core.RankReplaced), item("x", "a", core.RankAlias)},
		"own": {item("z", "b", core.RankAlias), item("y", "c", core.RankOwn), item("x", "c", core.RankOwn)},
	}
	for _, test := range []struct{ target, status, uid, want string }{
		{"far", core.LinkExternal, "x", core.LinkCompendium},
		{"far", core.LinkBroken, "x", core.LinkCompendium},
		{"own", core.LinkExternal, "x", core.LinkCompendium},
		{"own", core.LinkBroken, "", core.LinkBroken},
		{"far", core.LinkResolved, "", core.LinkResolved},
		{"none", core.LinkExternal, "", core.LinkExternal},
	} {
		e := &core.Entity{Source: core.Provenance{Scope: "a"}, Links: []core.Link{{Target: test.target, Status: test.status}}}
		mended := Fall(e, items)
		if l := e.Links[0]; l.TargetUID != test.uid || l.Status != test.want {
			t.Errorf("%+v: %+v", test, l)
		}
		if (mended == 1) != (test.status == core.LinkBroken && test.uid != "") {
			t.Errorf("%+v: %d mended", test, mended)
		}
	}
	e := &core.Entity{Links: []core.Link{{Status: core.LinkUnknown}, {Target: "a", Status: core.LinkBroken}, {Target: "b", Status: core.LinkResolved}}}
	if got := Open(e); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("%q", got)
	}
}

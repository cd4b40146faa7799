package link

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// head makes the head of a document of a source; the sources are called after their place in the config.
func head(source int, scope, id string, aliases ...string) core.Head {
	return core.Head{
		UID: fmt.Sprintf("p:%s:%s", scope, id), Source: fmt.Sprint("s", source), SourceOrder: source, Scope: scope, NativeID: id,
		Aliases: aliases, Kind: "item", ContentSHA256: scope + id,
	}
}

func from(source int, scope string, targets ...string) *core.Entity {
	e := &core.Entity{Source: core.Provenance{Name: fmt.Sprint("s", source), Scope: scope}}
	for _, target := range targets {
		e.Links = append(e.Links, core.Link{Raw: target, Target: target, Status: core.LinkUnknown})
	}
	return e
}

// TestAddresses: a page in the web is outside of the run, not a reference that nobody understands.
func TestAddresses(t *testing.T) {
	e := &core.Entity{Links: []core.Link{{Kind: "href", Raw: "https://example.org"}, {Kind: "uuid", Raw: "@UUID[x]"}}}
	if broken := NewIndex(nil).Resolve(e); broken != 0 || e.Links[0].Status != core.LinkExternal || e.Links[1].Status != core.LinkUnknown {
		t.Errorf("%d broken, %+v", broken, e.Links)
	}
}

func TestResolve(t *testing.T) {
	worlds := []core.Head{
		head(0, "world/a", "Actor.1"), head(0, "world/b", "Actor.1"), head(1, "world/a", "Actor.1"), head(1, "world/c", "Actor.2"),
		head(1, "system/x", "Compendium.x.items.Item.1", "Compendium.x.items.1", "x.items.1"),
		head(2, "srd", "spells/fire.ball"),
	}
	// As in a run, where the same uid of two sources is written once.
	worlds, _ = Elect(worlds)
	for name, tc := range map[string]struct {
		source        int
		scope, target string
		uid, status   string
		broken        int
	}{
		"same scope":                  {0, "world/b", "Actor.1", "p:world/b:Actor.1", core.LinkResolved, 0},
		"same source, other scope":    {1, "world/c", "Actor.2", "p:world/c:Actor.2", core.LinkResolved, 0},
		"from another scope":          {0, "module/m", "Actor.1", "p:world/a:Actor.1", core.LinkResolved, 0},
		"from another source":         {2, "srd", "Actor.1", "p:world/a:Actor.1", core.LinkResolved, 0},
		"from a source of its own":    {9, "none", "Actor.2", "p:world/c:Actor.2", core.LinkResolved, 0},
		"alias":                       {1, "system/x", "x.items.1", "p:system/x:Compendium.x.items.Item.1", core.LinkResolved, 0},
		"alias from elsewhere":        {0, "world/a", "Compendium.x.items.1", "p:system/x:Compendium.x.items.Item.1", core.LinkResolved, 0},
		"full id":                     {0, "world/a", "Compendium.x.items.Item.1", "p:system/x:Compendium.x.items.Item.1", core.LinkResolved, 0},
		"broken in its pack":          {0, "world/a", "Compendium.x.items.Item.9", "", core.LinkBroken, 1},
		"other type, same pack":       {0, "world/a", "Compendium.x.items.Actor.9", "", core.LinkBroken, 1},
		"broken in its world":         {0, "world/a", "Actor.9", "", core.LinkBroken, 1},
		"a pack that was not read":    {0, "world/a", "Compendium.x.spells.Item.1", "", core.LinkExternal, 0},
		"a package that was not read": {0, "world/a", "Compendium.y.items.Item.1", "", core.LinkExternal, 0},
		"a scope without documents":   {0, "module/m", "Actor.9", "", core.LinkExternal, 0},
		"broken, ids without dots":    {2, "srd", "spells/ice", "", core.LinkBroken, 1},
		"no target":                   {0, "world/a", "", "", core.LinkUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := from(tc.source, tc.scope, tc.target)
			e.Links[0].Part = "Item.z"
			broken := NewIndex(worlds).Resolve(e)
			want := core.Link{Raw: tc.target, Target: tc.target, Part: "Item.z", TargetUID: tc.uid, Status: tc.status}
			if e.Links[0] != want || broken != tc.broken {
				t.Errorf("got %+v and %d broken, want %+v and %d", e.Links[0], broken, want, tc.broken)
			}
		})
	}
}

func TestResolveTakesEachLinkForItself(t *testing.T) {
	x := NewIndex([]core.Head{head(0, "w", "Actor.1"), head(0, "w", "Actor.2")})
	e := from(0, "w", "Actor.2", "Actor.8", "", "Actor.1", "Actor.9")
	if broken := x.Resolve(e); broken != 2 {
		t.Errorf("%d are broken, want 2", broken)
	}
	var got []string
	for _, l := range e.Links {
		got = append(got, l.Status+" "+l.TargetUID)
	}
	want := []string{"resolved p:w:Actor.2", "broken ", "unknown ", "resolved p:w:Actor.1", "broken "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e = from(0, "w", "Actor.8", "Actor.9")
	e.Links[1].Kind = "derived" // what it was made from: nobody follows it
	if broken := x.Resolve(e); broken != 1 || e.Links[1].Status != core.LinkBroken {
		t.Errorf("%d are broken, want 1: %+v", broken, e.Links)
	}
	if broken := x.Resolve(&core.Entity{}); broken != 0 {
		t.Errorf("no links, and %d are broken", broken)
	}
}

// TestOwnIDBeforeAlias: what has an id is meant by it, whoever goes by it too.
func TestOwnIDBeforeAlias(t *testing.T) {
	for name, tc := range map[string]struct {
		heads []core.Head
		want  string
	}{
		"same scope":   {[]core.Head{head(0, "w", "a", "x"), head(0, "w", "x")}, "p:w:x"},
		"other scopes": {[]core.Head{head(0, "a", "a", "x"), head(0, "b", "x")}, "p:b:x"},
		// The nearer document is meant even if it only goes by the id.
		"nearer alias":  {[]core.Head{head(0, "w", "a", "x"), head(0, "b", "x")}, "p:w:a"},
		"two aliases":   {[]core.Head{head(0, "w", "b", "x"), head(0, "w", "a", "x")}, "p:w:a"},
		"first source":  {[]core.Head{head(2, "a", "x"), head(1, "b", "c", "x")}, "p:b:c"},
		"own and alias": {[]core.Head{head(0, "w", "x", "x", "x")}, "p:w:x"},
	} {
		t.Run(name, func(t *testing.T) {
			e := from(0, "w", "x")
			NewIndex(tc.heads).Resolve(e)
			if got := e.Links[0].TargetUID; got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestElect(t *testing.T) {
	first, second, third := head(0, "w", "1"), head(1, "w", "1"), head(2, "w", "1")
	alone := head(1, "w", "0")
	elected, lost := Elect([]core.Head{third, second, alone, first})
	if want := []core.Head{alone, first}; !reflect.DeepEqual(elected, want) {
		t.Errorf("elected %v, want %v", elected, want)
	}
	if want := []core.Head{second, third}; !reflect.DeepEqual(lost, want) {
		t.Errorf("lost %v, want %v", lost, want)
	}
	if elected, lost := Elect(nil); elected != nil || lost != nil {
		t.Errorf("of nothing: %v, %v", elected, lost)
	}
}

func TestTwins(t *testing.T) {
	heads := []core.Head{head(0, "a", "1"), head(0, "b", "1"), head(1, "c", "1"), head(0, "d", "1"), head(0, "e", "1"), head(0, "f", "1")}
	for i := range heads {
		heads[i].ContentSHA256 = "same"
	}
	heads[3].ContentSHA256 = "other"
	heads[4].Kind = "spell"
	want := map[string]string{"p:b:1": "p:a:1", "p:c:1": "p:a:1", "p:f:1": "p:a:1"}
	if got := Twins(heads); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOrderDoesNotMatter shuffles heads that clash in uid, id, alias and content.
func TestOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		var heads []core.Head
		for range 60 {
			h := head(random.IntN(3), fmt.Sprint("w", random.IntN(3)), fmt.Sprint("Actor.", random.IntN(8)), fmt.Sprint("Actor.", random.IntN(12)))
			h.ContentSHA256 = fmt.Sprint(random.IntN(5))
			if !slices.ContainsFunc(heads, func(o core.Head) bool { return o.UID == h.UID && o.SourceOrder == h.SourceOrder }) {
				heads = append(heads, h)
			}
		}
		want := outcome(heads)
		for range 5 {
			random.Shuffle(len(heads), func(i, j int) { heads[i], heads[j] = heads[j], heads[i] })
			if got := outcome(heads); got != want {
				t.Fatalf("in another order\n got %s\nwant %s", got, want)
			}
		}
	}
}

// outcome is everything that is decided about heads, in words.
func outcome(heads []core.Head) string {
	before := slices.Clone(heads)
	elected, lost := Elect(heads)
	words := fmt.Sprintf("%v %v %v", elected, lost, Twins(elected))
	if !reflect.DeepEqual(before, heads) {
		return "the heads were changed"
	}
	shuffled := slices.Clone(elected) // of the index too
	rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	x := NewIndex(shuffled)
	for source := range 4 {
		for scope := range 4 {
			e := from(source, fmt.Sprint("w", scope))
			for id := range 13 {
				e.Links = append(e.Links, core.Link{Target: fmt.Sprint("Actor.", id)})
			}
			words += fmt.Sprintln(x.Resolve(e), e.Links)
		}
	}
	return words
}

package entity

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-98789ff7/converter/core"
)

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Goblin":                   "goblin",
		"  Goblin,  the (second) ": "goblin-the-second",
		"Fire/Ice: Ray #2":         "fire-ice-ray-2",
		"Mage's Armor":             "mages-armor",
		"Tasha’s Laughter":         "tashas-laughter",
		"Crème Brûlée":             "creme-brulee",
		"Crème":                    "creme",
		"Öland Ære ß":              "oland-ære-ß",
		"ＦＵＬＬ ｗｉｄｔｈ":               "full-width",
		"ﬁre ½ x²":                 "fire-1-2-x2",
		"İstanbul":                 "istanbul",
		"...":                      "unnamed",
		"":                         "unnamed",
		"🐉🔥":                       "unnamed",
		"🐉 Dragon 🔥 Fire ❤️":       "dragon-fire",
		"../../etc/passwd":         "etc-passwd",
		"a\x00b\nc":                "a-b-c",
		"bad \xff\xfe utf8":        "bad-utf8",

		"Ёлка й":       "ёлка-й",
		"Μῆνις":        "μῆνις",
		"ゴブリン":         "ゴブリン",
		"がか":           "がか",
		"한국어 괴물":       "한국어-괴물",
		"हिन्दी किताब": "हिन्दी-किताब",
		"ภาษาไทย":      "ภาษาไทย",
		"עברית":        "עברית",
		"مُحَمَّد":     "مُحَمَّد",
		"́ orc":        "orc",
		"葛\U000E0100飾": "葛飾",

		"CON": "con-", "nul": "nul-", "Com1": "com1-", "LPT9": "lpt9-", "com0": "com0", "Console": "console", "com¹": "com1-",
		"con.": "con-", "Aux Cord": "aux-cord",
	} {
		if got, want := Slug(name), norm.NFC.String(want); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestSlugLength(t *testing.T) {
	for name, long := range map[string]string{
		"ASCII":     strings.Repeat("x", 500),
		"words":     strings.Repeat("abcdefghi ", 50),
		"dash last": strings.Repeat("x", 79) + " yyy",
		"Greek":     "a" + strings.Repeat("ά", 300),
		"Hangul":    strings.Repeat("한", 300),
		"Kanji":     "a" + strings.Repeat("漢", 300),
		"four":      "ab" + strings.Repeat("𐐨", 300),
		"marks":     "க" + strings.Repeat("்", 300),
	} {
		t.Run(name, func(t *testing.T) {
			got := Slug(long)
			if len(got) > maxSlug || len(got) < maxSlug-4 {
				t.Errorf("%d bytes: %q", len(got), got)
			}
			if !utf8.ValidString(got) || strings.HasSuffix(got, "-") {
				t.Errorf("cut in the wrong place: %q", got)
			}
		})
	}
}

func FuzzSlug(f *testing.F) {
	f.Add("Goblin")
	f.Add("CON")
	f.Add("é ẛ̣ ΣΑΣ")
	f.Fuzz(func(t *testing.T, name string) {
		slug := Slug(name)
		switch {
		case slug == "" || len(slug) > maxSlug+1 || !utf8.ValidString(slug):
			t.Errorf("%q gives %q", name, slug)
		case strings.ContainsAny(slug, "/\\:*?\"<>|. \x00\n'") || strings.HasPrefix(slug, "-") || strings.Contains(slug, "--"):
			t.Errorf("%q gives %q, which is no good file name", name, slug)
		case reserved[slug]:
			t.Errorf("%q gives the reserved %q", name, slug)
		case !norm.NFC.IsNormalString(slug):
			t.Errorf("%q gives %q, which is not normal", name, slug)
		}
	})
}

// head makes the head of a document with what tells slugs apart.
func headOf(kind, name, edition, pack, id string) core.Head {
	return core.Head{
		UID: "p:" + pack + ":" + id, Kind: kind, Name: name, BaseSlug: Slug(name), Edition: edition, Pack: pack, NativeID: id,
	}
}

func TestSlugsAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		heads []core.Head
		want  []string
	}{
		"nothing to do": {
			[]core.Head{headOf("spell", "Fireball", "2014", "a", "1"), headOf("spell", "Ice", "2014", "a", "2")},
			[]string{"fireball", "ice"},
		},
		"kinds are apart": {
			[]core.Head{headOf("spell", "Fireball", "", "a", "1"), headOf("item", "Fireball", "", "a", "2")},
			[]string{"fireball", "fireball"},
		},
		"edition": {
			[]core.Head{headOf("spell", "Fireball", "2014", "a", "1"), headOf("spell", "Fireball", "2024", "a", "2")},
			[]string{"fireball-2014", "fireball-2024"},
		},
		"one without edition": {
			[]core.Head{headOf("spell", "Fireball", "2014", "a", "1"), headOf("spell", "Fireball", "", "b", "2")},
			[]string{"fireball-2014", "fireball"},
		},
		"pack": {
			[]core.Head{
				headOf("spell", "Fireball", "2014", "a", "1"), headOf("spell", "Fireball", "2014", "b", "2"),
				headOf("spell", "Fireball", "2024", "b", "3"),
			},
			[]string{"fireball-2014-a", "fireball-2014-b", "fireball-2024"},
		},
		"id": {
			[]core.Head{
				headOf("item", "Bag", "", "a", "Compendium.x.y.Item.AbCdEfGhIj"), headOf("item", "Bag", "", "a", "Compendium.x.y.Item.ZyXwVuTs"),
			},
			[]string{"bag-a-abcdef", "bag-a-zyxwvu"},
		},
		"id that is a path": {
			[]core.Head{headOf("item", "Bag", "", "", "https://x/items/bag-of-holding/"), headOf("item", "Bag", "", "", "https://x/items/sack/")},
			[]string{"bag-bagofh", "bag-sack"},
		},
		"a name that looks like another's slug": {
			[]core.Head{
				headOf("spell", "Fireball", "2014", "a", "1"), headOf("spell", "Fireball", "2024", "a", "2"),
				headOf("spell", "Fireball 2014", "", "a", "3"),
			},
			[]string{"fireball-2014-a", "fireball-2024", "fireball-2014"},
		},
		"case of other scripts": {
			[]core.Head{headOf("item", "ΣΑΣ", "x", "", "1"), headOf("item", "σας", "y", "", "2")},
			[]string{"σασ-x", "σας-y"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Slugs(tc.heads); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSlugsComeToTheHash(t *testing.T) {
	heads := []core.Head{
		headOf("item", "Bag", "1e", "a", "abcdef1"), headOf("item", "Bag", "1e", "a", "abcdef2"), headOf("item", "Bag", "1e", "a", "abcdef3"),
	}
	got := Slugs(heads)
	for _, slug := range got {
		if rest, ok := strings.CutPrefix(slug, "bag-1e-a-abcdef-"); !ok || len(rest) != 12 {
			t.Errorf("got %q", got)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(got)))) != 3 {
		t.Errorf("not unique: %q", got)
	}
}

// TestLongestSlugIsAFileName: all the parts at their longest.
func TestLongestSlugIsAFileName(t *testing.T) {
	long := strings.Repeat("ж", 500)
	heads := []core.Head{headOf("item", long, long, long, long), headOf("item", long, long, long, long+"x"), headOf("item", long, long, long, long+"y")}
	for i := range heads {
		heads[i].UID += fmt.Sprint(i)
	}
	got := Slugs(heads)
	if len(got[0]) > 200 || !utf8.ValidString(got[0]) || got[0] == got[1] || got[1] == got[2] {
		t.Errorf("%d bytes: %q", len(got[0]), got)
	}
}

// TestSlugsDependOnTheSetAlone shuffles heads that clash in every way there is.
func TestSlugsDependOnTheSetAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 60 {
		heads := make([]core.Head, 80)
		for i := range heads {
			heads[i] = headOf(pick("item", "spell"), pick("Bag", "bag", "Bag 2014", "Bag 2014 a", "Bäg", "Σ", "ς", ""), pick("", "2014", "2024"),
				pick("", "a", "b"), fmt.Sprintf("%s%d", pick("abcdef", "", "x."), i))
		}
		want := map[string]string{}
		seen := map[string]string{}
		for i, slug := range Slugs(heads) {
			want[heads[i].UID] = slug
			for other := range seen {
				if kind, name, _ := strings.Cut(other, "/"); kind == heads[i].Kind && strings.EqualFold(name, slug) {
					t.Fatalf("%q and %q of kind %s are one file where case does not count", name, slug, kind)
				}
			}
			seen[heads[i].Kind+"/"+slug] = slug
		}
		for range 5 {
			random.Shuffle(len(heads), func(i, j int) { heads[i], heads[j] = heads[j], heads[i] })
			for i, slug := range Slugs(heads) {
				if slug != want[heads[i].UID] {
					t.Fatalf("%s: %q in one order, %q in another", heads[i].UID, want[heads[i].UID], slug)
				}
			}
		}
	}
}

package entity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-98789ff7/converter/core"
)

// The lengths of a slug and of the parts that are added to it, in bytes: all together, with an extension, stay below what
// every file system takes for a name.
const (
	maxSlug = 80
	maxPart = 30 // of edition and pack
	maxID   = 18 // of an id that is not ASCII
)

// reserved are names that Windows does not allow for a file, whatever the extension.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// Slug makes a file name of a name: lower case, accents of Latin letters removed, everything that is no letter or digit
// of any script folded into single dashes. Marks of other scripts stay: they are vowels as often as accents. A name
// without any letter gives "unnamed".
func Slug(name string) string {
	var b strings.Builder
	dash, marks := false, false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case r == '\'' || r == '’' || unicode.Is(unicode.Variation_Selector, r):
		case unicode.IsMark(r):
			if marks && !dash {
				b.WriteRune(r)
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash, marks = false, unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
			b.WriteRune(unicode.ToLower(r))
		default:
			dash = true
		}
	}
	slug := cut(norm.NFC.String(b.String()), maxSlug)
	switch {
	case slug == "":
		return "unnamed"
	case reserved[slug]:
		return slug + "-"
	default:
		return slug
	}
}

// cut shortens a slug to n bytes or a little less, so that it ends in a whole character that is no dash.
func cut(slug string, n int) string {
	if len(slug) <= n {
		return slug
	}
	for !utf8.RuneStart(slug[n]) {
		n--
	}
	return strings.TrimRight(slug[:n], "-")
}

// Slugs returns a slug for each head, unique among the heads of its kind even where case does not count. Heads that share
// a base slug are told apart by edition, then by pack, then by six characters of their id, then by a hash of their uid, as
// far as needed. The result depends on the set of heads alone, not on their order.
func Slugs(heads []core.Head) []string {
	slugs := make([]string, len(heads))
	open := make([]int, len(heads))
	for i, h := range heads {
		slugs[i] = h.BaseSlug
		open[i] = i
	}
	for _, suffix := range []func(core.Head) string{edition, pack, id6, hash} {
		open = clashes(heads, slugs, open)
		for _, i := range open {
			if s := suffix(heads[i]); s != "" {
				slugs[i] += "-" + s
			}
		}
	}
	return slugs
}

// clashes returns those of open whose slug somebody else of the same kind has too.
func clashes(heads []core.Head, slugs []string, open []int) []int {
	type key struct{ kind, slug string }
	count := make(map[key]int, len(heads))
	for i := range heads {
		count[key{heads[i].Kind, fold(slugs[i])}]++
	}
	var still []int
	for _, i := range open {
		if count[key{heads[i].Kind, fold(slugs[i])}] > 1 {
			still = append(still, i)
		}
	}
	return still
}

// fold makes equal what file systems that ignore case take for equal: lower case has letters, such as the two small
// sigmas, that share their capital.
func fold(slug string) string {
	if isASCII(slug) {
		return slug
	}
	return strings.ToLower(strings.ToUpper(slug))
}

func edition(h core.Head) string {
	if h.Edition == "" {
		return ""
	}
	return cut(Slug(h.Edition), maxPart)
}

func pack(h core.Head) string {
	if h.Pack == "" {
		return ""
	}
	return cut(Slug(h.Pack), maxPart)
}

func id6(h core.Head) string {
	id := strings.TrimRight(h.NativeID, "./:")
	if i := strings.LastIndexAny(id, "./:"); i >= 0 {
		id = id[i+1:]
	}
	id = strings.ReplaceAll(Slug(id), "-", "")
	if isASCII(id) {
		return cut(id, 6)
	}
	return cut(id, maxID)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func hash(h core.Head) string {
	sum := sha256.Sum256([]byte(h.UID))
	return hex.EncodeToString(sum[:6])
}

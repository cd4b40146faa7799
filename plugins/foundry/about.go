package foundry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// about is what a package has beside its packs: words in a language, the form of its documents, a file that states a licence.
// It is read when the first document of the package is.
type about struct {
	words   map[string]string          // by dotted key
	html    map[string]map[string]bool // dotted fields that hold HTML, by document type and subtype
	licence sdk.License                // as its files state it
	sum     string                     // of the bytes that all of this was made of, and the licence
}

// about reads what the package of a kind and name has, in the first root that has it.
func (l *library) about(kind, id string) *about {
	scope := kind + "/" + id
	l.trail.asked(scope)
	if a := l.abouts[scope]; a != nil {
		return a
	}
	a := &about{words: map[string]string{}, html: map[string]map[string]bool{}}
	if l.abouts == nil {
		l.abouts = map[string]*about{}
	}
	l.abouts[scope] = a
	for _, k := range packageKinds {
		if k.name != kind || id == "" || strings.ContainsAny(id, `/\`) {
			continue
		}
		for _, r := range l.roots {
			if a.read(r, path.Join(k.folder, id), kind, first(l.options.Language, "en")) {
				return a
			}
		}
	}
	return a
}

func (a *about) read(r root, dir, kind, language string) bool {
	data, err := r.read(path.Join(dir, first(r.manifest, kind+".json")), maxManifest)
	if err != nil {
		return false
	}
	var m struct {
		Languages []struct {
			Lang text `json:"lang"`
			Path text `json:"path"`
		} `json:"languages"`
		Types map[string]map[string]json.RawMessage `json:"documentTypes"`
	}
	_ = json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &m)  // what is of a surprising type stays empty
	for _, wanted := range slices.Compact([]string{"en", language}) { // English where a word was not translated
		for _, l := range m.Languages {
			if strings.EqualFold(string(l.Lang), wanted) {
				a.speak(r, path.Join(dir, clean(strings.ReplaceAll(string(l.Path), `\`, "/"))))
			}
		}
	}
	for typ, subtypes := range m.Types {
		for subtype, raw := range subtypes {
			var of struct {
				Fields []text `json:"htmlFields"`
			}
			_ = json.Unmarshal(raw, &of)
			fields := map[string]bool{}
			for _, f := range of.Fields {
				fields[strings.TrimPrefix(string(f), "system.")] = true
			}
			a.html[typ+"/"+subtype] = fields
		}
	}
	a.licence = state(r, dir).whole
	a.hash(data, fmt.Appendf(nil, "%q", a.licence))
	return true
}

// hash adds what was read to the sum.
func (a *about) hash(parts ...[]byte) {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\n", a.sum) // never fails
	for _, p := range parts {
		_, _ = fmt.Fprintf(sum, "%x\n", sha256.Sum256(p)) // never fails
	}
	a.sum = hex.EncodeToString(sum.Sum(nil))
}

// speak takes the words of a language file: nested, or with dots in their keys.
func (a *about) speak(r root, name string) {
	data, err := r.read(name, maxManifest)
	if err != nil {
		return
	}
	a.hash([]byte(name), data)
	var tree map[string]any
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &tree) == nil {
		a.words = flatten(a.words, "", tree, 0)
	}
}

// maxWordDepth is deeper than language files nest.
const maxWordDepth = 32

func flatten(into map[string]string, prefix string, tree map[string]any, depth int) map[string]string {
	for key, v := range tree {
		switch v := v.(type) {
		case string:
			into[prefix+key] = v
		case map[string]any:
			if depth < maxWordDepth {
				flatten(into, prefix+key+".", v, depth+1)
			}
		}
	}
	return into
}

// localised is the word of a key, in a package or the system it is for; ok is false when nobody has it.
func (r *reader) localised(key string) (string, bool) {
	for _, a := range []*about{r.library.about(r.pack.pkg.kind, r.pack.pkg.id), r.library.about("system", r.pack.system)} {
		if word, ok := a.words[key]; ok {
			return word, true
		}
	}
	return "", false
}

// fields are the dotted fields, without system in front, that the system or the package declares to hold HTML in documents of
// a type and subtype.
func (r *reader) fields(native string) map[string]bool {
	if fields := r.library.about("system", r.pack.system).html[native]; len(fields) > 0 {
		return fields
	}
	return r.library.about(r.pack.pkg.kind, r.pack.pkg.id).html[native]
}

package foundry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// trail is what the records of a pack hang on beside its own files. It is noted while the pack is read, and kept in the cache
// folder, so that at the next reading no more than that has to be looked at.
type trail struct {
	packages map[string]bool    // whose words, forms and licences were asked for, by scope
	packs    map[string]seal    // whose documents' names were, by their files
	files    map[reference]bool // that documents refer to
	pictures map[string]bool    // that were taken out of documents
	loose    bool               // it hangs on something that cannot be noted
}

func newTrail() *trail {
	return &trail{packages: map[string]bool{}, packs: map[string]seal{}, files: map[reference]bool{}, pictures: map[string]bool{}}
}

// asked notes that something of a package was asked for.
func (t *trail) asked(scope string) {
	if t != nil {
		t.packages[scope] = true
	}
}

// referred notes a file, or a picture, that a document refers to.
func (t *trail) referred(to reference, a sdk.AssetRef) {
	switch {
	case t == nil:
	case a.Status != sdk.DataURI:
		t.files[to] = true
	case a.Path != "":
		t.pictures[a.Path] = true
	default:
		t.loose = true // there was no room for it, and there may be another time
	}
}

// looked notes that another pack is read, before it is.
func (t *trail) looked(l *library, name string) {
	if t == nil {
		return
	}
	if _, known := t.packs[name]; known {
		return
	}
	s, err := l.seals.of(name)
	t.packs[name], t.loose = s, t.loose || err != nil
}

// steps is a trail as it is kept.
type steps struct {
	Packages []string    `json:"packages"`
	Packs    []string    `json:"packs"`
	Files    []reference `json:"files"`
	Pictures []string    `json:"pictures"`
}

func (t *trail) steps() steps {
	s := steps{
		Packages: slices.Sorted(maps.Keys(t.packages)), Packs: slices.Sorted(maps.Keys(t.packs)),
		Files: slices.Collect(maps.Keys(t.files)), Pictures: slices.Sorted(maps.Keys(t.pictures)),
	}
	slices.SortFunc(s.Files, reference.compare)
	return s
}

// revision names the state of a pack and of all that its records hang on.
func (l *library) revision(p pack, own seal, s steps, packs map[string]seal) (string, error) {
	sum := sha256.New()
	encoder := json.NewEncoder(sum)
	say := func(values ...any) error { return encoder.Encode(values) }
	q := p.pkg
	err := say(
		Version, p.stream(), own.Sum, l.shape(), p.name, p.label, p.typ, p.system, p.book, p.format, p.uri, q.root.dir, q.root.mount,
		q.dir, q.title, q.version, q.license, q.system, q.coreWas, q.systemWas,
	)
	for _, scope := range s.Packages {
		kind, id, _ := strings.Cut(scope, "/")
		err = errors.Join(err, say("package", scope, l.about(kind, id).sum))
	}
	for _, name := range s.Packs {
		err = errors.Join(err, say("pack", name, packs[name].Sum))
	}
	for _, f := range s.Files {
		i := slices.IndexFunc(l.roots, func(r root) bool { return r.dir == f.Root })
		if i < 0 {
			return "", fmt.Errorf("the root %s is not there any more", f.Root)
		}
		err = errors.Join(err, say("file", f, l.files.resolve(l.roots[i], f.Ref)))
	}
	for _, name := range s.Pictures {
		info, statErr := os.Lstat(name)
		if statErr != nil {
			return "", statErr
		}
		err = errors.Join(err, say("picture", name, info.Size()))
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// shape names what there is in all roots that links may lead to: which packs, and of which rules.
func (l *library) shape() string {
	if l.shaped != "" {
		return l.shaped
	}
	sum := sha256.New()
	for _, p := range l.packs {
		_, _ = fmt.Fprintf(sum, "%q\n", []string{p.stream(), p.name, p.typ, p.system, p.pkg.owner(), p.pkg.scope(), p.collection}) // never fails
	}
	for _, name := range slices.Sorted(maps.Keys(l.types)) {
		_, _ = fmt.Fprintf(sum, "%q %q\n", name, l.types[name]) // never fails
	}
	l.shaped = hex.EncodeToString(sum.Sum(nil))
	return l.shaped
}

// trailFile is where the trail of a pack is kept; empty: nowhere.
func (l *library) trailFile(p pack) string {
	if l.env.CacheDir == "" {
		return ""
	}
	return filepath.Join(l.env.CacheDir, "trails-1", shortSum(l.env.Source+"\n"+p.stream())+".json")
}

// isAt says whether a pack, and all that its records hang on, is in the state that a revision names.
func (l *library) isAt(p pack, revision []byte, own seal) bool {
	if len(revision) == 0 || l.trailFile(p) == "" {
		return false
	}
	data, err := os.ReadFile(l.trailFile(p))
	var s steps
	if err != nil || json.Unmarshal(data, &s) != nil {
		return false
	}
	packs := map[string]seal{}
	for _, name := range s.Packs {
		if packs[name], err = l.seals.of(name); err != nil {
			return false
		}
	}
	now, err := l.revision(p, own, s, packs)
	return err == nil && now == string(revision)
}

// sign tells the host in which state a pack was read, if that was one.
func (l *library) sign(p pack, own seal, t *trail, out sdk.RevisionWriter) error {
	if t.loose || !own.holds(p.dir) {
		return nil
	}
	for name, s := range t.packs {
		if !s.holds(name) {
			return nil
		}
	}
	s := t.steps()
	revision, err := l.revision(p, own, s, t.packs)
	if err != nil {
		return nil //nolint:nilerr // what has gone meanwhile is read again by the next run
	}
	data, err := json.Marshal(s)
	if err != nil || put(l.trailFile(p), data) != nil {
		return nil //nolint:nilerr // what cannot be kept is read again too
	}
	return out.Revision(p.stream(), []byte(revision))
}

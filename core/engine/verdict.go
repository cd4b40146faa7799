package engine

import (
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

// verdicts counts, by stream, where links lead and which files are there: about 100 bytes a stream.
type verdicts map[verdictKey]*[len(verdictWords)]int64

type verdictKey struct{ source, stream string }

// verdictWords are the classes that are told of a stream, as facts. Those that somebody should look into are notable.
var verdictWords = [...]core.Fact{
	{Name: "links_resolved", Label: "links that lead somewhere"},
	{Name: "links_compendium", Label: "links into the compendium"},
	{Name: "links_external", Label: "links to packages that are not read"},
	{Name: "links_unknown", Label: "links that cannot be told"},
	{Name: "links_broken", Label: "links to what is not there", Notable: true},
	{Name: "files_uninstalled", Label: "files of packages that are not installed"},
	{Name: "files_missing", Label: "files that are not there", Notable: true},
}

// add counts an entity whose links are resolved. A file that it refers to several times counts once.
func (v verdicts) add(e *core.Entity) {
	key := verdictKey{e.Source.Name, e.Source.Stream}
	n := v[key]
	if n == nil {
		n = &[len(verdictWords)]int64{}
		v[key] = n
	}
	count := func(class string) {
		if i := slices.IndexFunc(verdictWords[:], func(f core.Fact) bool { return f.Name == class }); i >= 0 {
			n[i]++
		}
	}
	for i := range e.Links {
		count("links_" + e.Links[i].Status)
	}
	seen := make(map[string]bool, len(e.Assets))
	for i := range e.Assets {
		if use := &e.Assets[i]; !seen[use.URI] {
			seen[use.URI] = true
			count("files_" + string(use.Status))
		}
	}
}

// tell adds what was counted to the facts of the streams. A source has no say in these: facts of its with such names go.
func (v verdicts) tell(to Recorder) {
	streams, _ := to.Tally()
	for _, s := range streams {
		n := v[verdictKey{s.Source, s.Stream}]
		if n == nil {
			continue
		}
		facts := slices.DeleteFunc(slices.Clone(s.Facts), func(f core.Fact) bool {
			return strings.HasPrefix(f.Name, "links_") || strings.HasPrefix(f.Name, "files_")
		})
		for i, f := range verdictWords {
			if f.Number = n[i]; f.Number > 0 {
				facts = append(facts, f)
			}
		}
		if len(facts) > 0 {
			to.Facts(s.Source, s.Stream, facts)
		}
	}
}

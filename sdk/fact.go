package sdk

import (
	"fmt"
	"strings"
)

// Fact is one thing to know of a stream beside its records: how it is stored, what of it is left out. It is written into the
// manifest of the output, and shown with the stream.
type Fact struct {
	Name    string // for programs: lower-case letters, digits and underscores, as live_files; unique in its stream
	Label   string // for people; empty: the name
	Number  int64  // its value, where Text is empty
	Text    string // its value; at most 1024 bytes
	Unit    string // what Number counts: bytes, ms, or a word; empty: what the label says
	Notable bool   // somebody should look into it
}

// FactsWriter is a [Writer] that also takes facts. The Writers that the converter hands to Read are.
type FactsWriter interface {
	// Facts says what is known of a stream, in place of what was said before; at most 64 facts. They are kept with the next
	// checkpoint of the stream: what is said after the last one is lost when the run is resumed.
	Facts(stream string, facts ...Fact) error
}

const (
	mostFacts   = 64
	maxFactName = 64
	maxFactText = 1 << 10
)

// ValidateFacts says which of the facts of a stream cannot be taken. Both ends of the wire ask.
func ValidateFacts(facts []Fact) error {
	if len(facts) > mostFacts {
		return invalidFact("there are %d facts, more than %d", len(facts), mostFacts)
	}
	seen := map[string]bool{}
	for _, f := range facts {
		switch {
		case f.Name == "" || len(f.Name) > maxFactName || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
			return invalidFact("%q is no name of a fact: it has to be lower-case letters, digits and underscores, %d at most", clip(f.Name, maxFactName), maxFactName)
		case seen[f.Name]:
			return invalidFact("the fact %s is there twice", f.Name)
		case len(f.Text) > maxFactText || len(f.Label) > maxFactText || len(f.Unit) > maxFactName:
			return invalidFact("the fact %s has a text that is too long", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

func invalidFact(format string, args ...any) error {
	return &Diagnostic{
		Kind: Invalid, Code: "facts_invalid", Summary: fmt.Sprintf(format, args...),
		Suggestion: "this is a fault of the plugin: please report it to its author",
	}
}

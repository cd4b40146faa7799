package foundry

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// Selection names packages, packs and types of documents. Each word may hold * and ?.
type Selection struct {
	Packages []string `json:"packages,omitempty" jsonschema_description:"Packages by id (dnd5e) or by kind and id (system/dnd5e)."`
	Packs    []string `json:"packs,omitempty" jsonschema_description:"Packs by name (items), as Foundry calls them (dnd5e.items), or by stream (system/dnd5e/items)."`
	Types    []string `json:"types,omitempty" jsonschema_description:"Types of documents (Item) or their subtypes (Item/weapon)."`
}

// faults says which words are no patterns.
func (s Selection) faults(option string) error {
	var faults []error
	for _, list := range []struct {
		name  string
		words []string
	}{{"packages", s.Packages}, {"packs", s.Packs}, {"types", s.Types}} {
		for i, word := range list.words {
			if _, err := path.Match(word, ""); err != nil || word == "" {
				faults = append(faults, &sdk.Diagnostic{
					Kind: sdk.Invalid, Code: "foundry.pattern", ConfigPath: fmt.Sprintf("/%s/%s/%d", option, list.name, i),
					Summary:    fmt.Sprintf("%q is no name or pattern", word),
					Suggestion: "write a name; * stands for any letters but a slash, and a bracket wants a backslash in front of it",
				})
			}
		}
	}
	return errors.Join(faults...)
}

// matches says whether one of the words means one of the names.
func matches(words []string, names ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			ok, _ := path.Match(word, name) // Validate has seen that it is a pattern
			return ok
		})
	})
}

// wants says whether the options let a pack through.
func (o *Options) wants(p pack) bool {
	packages := []string{p.pkg.id, p.pkg.scope()}
	names := []string{p.name, p.pkg.id + "." + p.name, p.owned(), p.stream()}
	return (len(o.Include.Packages) == 0 || matches(o.Include.Packages, packages...)) && !matches(o.Exclude.Packages, packages...) &&
		(len(o.Include.Packs) == 0 || matches(o.Include.Packs, names...)) && !matches(o.Exclude.Packs, names...)
}

func (p pack) owned() string { return p.pkg.owner() + "." + p.name }

// wantsType says whether the options let documents of a type, such as Item/weapon, through.
func (o *Options) wantsType(native string) bool {
	typ, _, _ := strings.Cut(native, "/")
	return (len(o.Include.Types) == 0 || matches(o.Include.Types, typ, native)) && !matches(o.Exclude.Types, typ, native)
}

// subtypes says whether the options can only be followed by looking into the documents.
func (o *Options) subtypes() bool {
	return slices.ContainsFunc(slices.Concat(o.Include.Types, o.Exclude.Types), func(word string) bool { return strings.Contains(word, "/") })
}

// mayHold says whether a pack can have documents of a type that is let through by subtypes alone.
func (o *Options) mayHold(typ string) bool {
	if matches(o.Exclude.Types, typ) {
		return false
	}
	return len(o.Include.Types) == 0 || slices.ContainsFunc(o.Include.Types, func(word string) bool {
		word, _, _ = strings.Cut(word, "/")
		return matches([]string{word}, typ)
	})
}

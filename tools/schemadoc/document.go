package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/runs"
)

const head = `<!-- Written by ./task generate from the SQL in runs/schema.go and the words in runs/meaning.go. Do not edit. -->

# What lies in the store

The tables of the rqlite database: the private node's in the state folder, or a cluster's. Each run has tables of its own, made
together when it begins and dropped when its output is safely written; the others are shared by all runs. All tables are STRICT.
Times are milliseconds since 1970 in UTC, and come from the program: the SQL holds no clock and no randomness, because every node
carries it out anew. Hashes are hexadecimal.
`

// document writes the page.
func document(s runs.Schema) (string, error) {
	shared, err := read(s.Shared)
	if err != nil {
		return "", err
	}
	own, err := read(s.Run)
	if err != nil {
		return "", err
	}
	p := page{meanings: s.Meanings, used: map[string]bool{}}
	p.b.WriteString(head)
	p.b.WriteString("\n## Tables of all runs\n")
	for _, t := range shared {
		p.table(t, t.name, t.name)
	}
	p.b.WriteString("\n## Tables of one run\n\n`N` is the run's number.\n")
	for _, t := range own {
		name := strings.TrimPrefix(t.name, "run_1_")
		p.table(t, "run_N_"+name, name)
	}
	for name := range s.Meanings {
		if !p.used[name] {
			p.missing = append(p.missing, fmt.Errorf("there is no %s any more, and it has a meaning", name))
		}
	}
	slices.SortFunc(p.missing, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return p.b.String(), errors.Join(p.missing...)
}

// page is the document in the making.
type page struct {
	b        strings.Builder
	meanings map[string]string
	used     map[string]bool
	missing  []error
}

func (p *page) meaning(of string) string {
	p.used[of] = true
	text, found := p.meanings[of]
	if !found {
		p.missing = append(p.missing, fmt.Errorf("%s has no meaning: say it in runs/meaning.go", of))
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

func (p *page) table(t *table, shown, known string) {
	fmt.Fprintf(&p.b, "\n### `%s`\n\n%s\n\n| column | type | meaning |\n|---|---|---|\n", shown, p.meaning(known))
	for _, c := range t.columns {
		kind := c.kind
		if c.null {
			kind += " or NULL"
		}
		fmt.Fprintf(&p.b, "| `%s` | %s | %s |\n", c.name, kind, p.meaning(known+"."+c.name))
	}
	fmt.Fprintf(&p.b, "\nPrimary key: %s", quoted(t.key))
	if t.withoutRowid {
		p.b.WriteString("; the rows lie in its order (WITHOUT ROWID)")
	}
	p.b.WriteString(".")
	for _, c := range t.columns {
		if c.unique {
			fmt.Fprintf(&p.b, " Unique: `%s`.", c.name)
		}
	}
	for _, i := range t.indexes {
		what := "Index"
		if i.unique {
			what = "Unique index"
		}
		fmt.Fprintf(&p.b, " %s `%s`: %s.", what, i.name, quoted(i.columns))
	}
	p.b.WriteString("\n")
}

func quoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

package foundry

import (
	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/sdk"
)

// account is what there is to say of one pack that was read, good or bad. It depends on the pack's files alone, not on who
// was writing to them. Numbers that are zero are left out, but for those of documents.
func account(p pack, r packs.Report) []sdk.Fact {
	d := r.Database
	facts := []sdk.Fact{
		{Name: "format", Text: p.format},
		{Name: "documents", Number: int64(r.Documents)},
		{Name: "embedded", Label: "documents inside them", Number: int64(r.Embedded)},
	}
	number := func(name, label string, n int64) {
		if n != 0 {
			facts = append(facts, sdk.Fact{Name: name, Label: label, Number: n})
		}
	}
	size := func(name, label string, n int64) {
		if n != 0 {
			facts = append(facts, sdk.Fact{Name: name, Label: label, Number: n, Unit: "bytes"})
		}
	}
	notable := func(name, label string, n int64) {
		if n != 0 {
			facts = append(facts, sdk.Fact{Name: name, Label: label, Number: n, Notable: true})
		}
	}
	salvaged, torn, damage := d.Salvaged, len(d.Torn), len(d.Damage)
	number("tables", "", int64(d.Tables))
	number("logs", "log files", int64(d.Logs))
	number("files", "", int64(r.Files))
	size("bytes", "size", d.TableBytes+d.LogBytes)
	size("log_bytes", "of it in logs", d.LogBytes)
	if f := r.NeDB; f != nil {
		number("lines", "", int64(f.Lines))
		size("bytes", "size", f.Bytes)
		damage = f.DamageCount
		if f.Torn {
			torn = 1
		}
		if f.Spare {
			salvaged = "the file is gone; its spare copy was read"
		}
	}
	number("dead", "deleted or replaced entries", int64(r.Dead))
	number("stale", "files that nothing refers to", int64(len(d.Stale)))
	orphans := 0
	for _, n := range r.Orphans {
		orphans += n
	}
	notable("orphans", "documents nobody lists", int64(orphans))
	notable("missing", "listed documents that are not there", int64(r.Missing))
	notable("torn", "files that end inside a write", int64(torn))
	notable("damage", "damaged places", int64(damage))
	notable("unusable", "entries that cannot be used", int64(r.FaultCount))
	if salvaged != "" {
		facts = append(facts, sdk.Fact{Name: "salvaged", Text: salvaged, Notable: true})
	}
	return facts
}

// account tells the host of the whole pack, where it listens.
func (r *reader) account(rep packs.Report, out sdk.Writer) error {
	if facts, ok := out.(sdk.FactsWriter); ok {
		return facts.Facts(r.pack.stream(), account(r.pack, rep)...)
	}
	return nil
}

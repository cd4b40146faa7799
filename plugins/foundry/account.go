package foundry

import (
	"encoding/json"
	"fmt"

	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/sdk"
)

// account is what there is to say of one pack that was read, good or bad, for whoever shows it: the detail of the report
// foundry.pack_report, as JSON. Members that say nothing are left out.
type account struct {
	Format    string         `json:"format"`
	URI       string         `json:"uri"`
	Salvaged  string         `json:"salvaged,omitempty"` // why
	Tries     int            `json:"tries,omitempty"`    // more than one: somebody was writing
	Tables    int            `json:"tables,omitempty"`
	Logs      int            `json:"logs,omitempty"`
	Lines     int            `json:"lines,omitempty"` // of a NeDB file
	Files     int            `json:"files,omitempty"` // of a source tree
	Bytes     int64          `json:"bytes,omitempty"` // of what is in use, but for source trees
	LogBytes  int64          `json:"log_bytes,omitempty"`
	Stale     []string       `json:"stale,omitempty"` // files that nothing refers to
	Dead      int            `json:"dead,omitempty"`  // entries that were deleted or replaced
	Torn      int            `json:"torn,omitempty"`  // files that end inside a write
	Damage    int            `json:"damage,omitempty"`
	Faults    int            `json:"faults,omitempty"`
	Documents int            `json:"documents"`
	Embedded  int            `json:"embedded"`
	Missing   int            `json:"missing,omitempty"` // listed and not there
	Orphans   map[string]int `json:"orphans,omitempty"` // there and not listed, by collection path
}

func accountOf(p pack, r packs.Report) account {
	d := r.Database
	a := account{
		Format: p.format, URI: p.uri, Salvaged: d.Salvaged, Tables: d.Tables, Logs: d.Logs, Files: r.Files, Bytes: d.TableBytes + d.LogBytes,
		LogBytes: d.LogBytes, Stale: d.Stale, Dead: r.Dead, Torn: len(d.Torn), Damage: len(d.Damage), Faults: r.FaultCount,
		Documents: r.Documents, Embedded: r.Embedded, Missing: r.Missing, Orphans: r.Orphans,
	}
	if d.Tries > 1 {
		a.Tries = d.Tries
	}
	if f := r.NeDB; f != nil {
		a.Lines, a.Bytes, a.Damage = f.Lines, f.Bytes, f.DamageCount
		if f.Torn {
			a.Torn = 1
		}
		if f.Spare {
			a.Salvaged = "the file is gone; its spare copy was read"
		}
	}
	return a
}

// account tells the host of the whole pack. It is no problem, and only shown where somebody asks for it.
func (r *reader) account(rep packs.Report, out sdk.Writer) error {
	a := accountOf(r.pack, rep)
	detail, err := json.Marshal(a)
	if err != nil {
		return err
	}
	out.Report(sdk.Diagnostic{
		Severity: sdk.SeverityInfo, Code: "foundry.pack_report", Stream: r.pack.stream(), RecordID: r.pack.uri, Origin: sdk.Origin{URI: r.pack.uri},
		Summary: fmt.Sprintf("%s: %d documents and %d in them; dead %d, stale %d, damaged %d, unusable %d, missing %d",
			r.pack.stream(), a.Documents, a.Embedded, a.Dead, len(a.Stale), a.Damage, a.Faults, a.Missing),
		Detail: string(detail),
	})
	return nil
}

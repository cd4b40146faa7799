//go:build integration

package pdf

import (
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

func TestTables(t *testing.T) {
	wanted, err := ReadTables(testdata.Dir(t, "pdf", "ref", "srd-5.1-tables.json"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadHTML(testdata.Dir(t, "pdf", "ref", "srd-5.1-tabyltop.html"))
	if err != nil {
		t.Fatal(err)
	}
	if len(wanted) != 127 || len(all) != 446 {
		t.Fatalf("the references have %d and %d tables, want 127 and 446", len(wanted), len(all))
	}
	g := table.Ground{
		Body:    table.Style{Font: "Cambria", Size: 9.84},
		Columns: []page.Box{{X0: 50, Y0: 40, X1: 285, Y1: 745}, {X0: 327, Y0: 40, X1: 562, Y1: 745}},
	}
	var tables []table.Found
	for _, p := range pdftest.Read(t, testdata.Dir(t, "pdf", "srd-5.1-cc.pdf")).Pages {
		g.Aside = make([]bool, len(p.Fragments))
		for i, f := range p.Fragments {
			g.Aside[i] = f.Box.Y0 > 745
		}
		found := table.Find(p, g)
		g.Before = found
		tables = append(tables, found...)
	}
	grids := make([]Grid, len(tables))
	for i := range tables {
		grids[i] = FromTable(&tables[i].Table)
	}
	s := CompareTables(grids, wanted, all)
	t.Log(s)
	for _, i := range s.False {
		t.Errorf("page %d: no table: %q", tables[i].Page, tables[i].Text())
	}
	if s.F1 < 0.985 || s.Found < 127 || s.Whole < 125 {
		t.Errorf("missed %v, torn %v of the reference", s.Missed, s.Torn)
	}
}

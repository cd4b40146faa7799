package pack_test

import (
	"crypto/sha256"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// BenchmarkDocuments reads, joins and hashes the largest real pack.
func BenchmarkDocuments(b *testing.B) {
	dir := testdata.Dir(b, "foundry", "Data", "systems", "dnd5e", "packs", "actors24")
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		p, err := pack.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		bytes = 0
		for d, err := range p.Documents() {
			if err != nil {
				b.Fatal(err)
			}
			sha256.Sum256(d.JSON)
			bytes += len(d.JSON)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(bytes))
}

// BenchmarkCounts is what a look at a package costs: the keys of the largest real pack.
func BenchmarkCounts(b *testing.B) {
	dir := testdata.Dir(b, "foundry", "Data", "systems", "dnd5e", "packs", "actors24")
	for b.Loop() {
		p, err := pack.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if c, err := p.Counts(); err != nil || c["actors"] != 436 {
			b.Fatal(c, err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

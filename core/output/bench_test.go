package output

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// library makes entities as real ones are: documents of some 5 KB, links and assets.
func library(n int) []*core.Entity {
	random := rand.New(rand.NewPCG(7, 8))
	entities := make([]*core.Entity, n)
	for i := range entities {
		var raw bytes.Buffer
		fmt.Fprintf(&raw, `{"_id":"%016x","name":"Thing %d","system":{"hp":{"value":%d,"max":1e1},"description":"`, random.Uint64(), i, i%300)
		for raw.Len() < 2000+random.IntN(4000) {
			fmt.Fprintf(&raw, `<p>It has %d \"eyes\" and sees @UUID[Compendium.a.b.Item.%x]{you} &amp; me.</p>\n`, random.IntN(100), random.Uint64())
		}
		raw.WriteString(`"},"items":[`)
		for j := range 10 {
			fmt.Fprintf(&raw, `{"_id":"%016x","type":"weapon","sort":%d,"weight":1.50,"equipped":true},`, random.Uint64(), j)
		}
		raw.WriteString(`null]}`)
		uid := fmt.Sprintf("foundry:module/m:Compendium.m.items.Item.%06d", i)
		e := &core.Entity{
			UID: uid, Kind: core.Kinds[i%20], NativeType: "Item/weapon", Name: fmt.Sprint("Thing ", i), Slug: fmt.Sprint("thing-", i),
			FolderPath: []string{"Weapons", "Swords"},
			Source:     core.Provenance{Plugin: "foundry", Name: "home", Stream: "items", Scope: "module/m", NativeID: uid},
			License:    core.License{Redistributable: "unknown"}, Complete: true,
			RawSHA256: hexSum(raw.Bytes()), ContentSHA256: hexSum(raw.Bytes()), Raw: raw.Bytes(),
		}
		for j := range 4 {
			e.Links = append(e.Links, core.Link{
				Pointer: fmt.Sprint("/system/description/", j), Kind: "uuid", Raw: "@UUID[Compendium.a.b.Item.x]{you}",
				Target: "Compendium.a.b.Item.x", TargetUID: uid, Label: "you", Status: core.LinkResolved,
			})
			e.Assets = append(e.Assets, core.AssetUse{Pointer: "/img", Role: "icon", URI: "icons/a.webp", Status: "core"})
		}
		entities[i] = e
	}
	return entities
}

// BenchmarkJSON writes a whole output of 5,000 entities and 500 pictures.
func BenchmarkJSON(b *testing.B) {
	entities := library(5000)
	picture := bytes.Repeat([]byte("picture "), 2000)
	open := func(core.Rendition) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(picture)), nil }
	path := filepath.Join(b.TempDir(), "out")
	var written int64
	b.ReportAllocs()
	for b.Loop() {
		w, err := OpenJSON(path)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range entities {
			if err := w.Entity(e); err != nil {
				b.Fatal(err)
			}
		}
		for i := range 500 {
			a := core.Asset{ID: hexSum([]byte{byte(i), byte(i >> 8)}), Renditions: []core.Rendition{
				{Resolution: "original", SHA256: hexSum(picture), Bytes: int64(len(picture)), Ext: "webp"},
			}}
			if err := w.Asset(a, open); err != nil {
				b.Fatal(err)
			}
		}
		result, err := w.Prepare(Manifest{Kinds: map[string]int64{}})
		if err != nil {
			b.Fatal(err)
		}
		written = result.Bytes
		if err := w.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(written)
	b.ReportMetric(float64(5000*b.N)/b.Elapsed().Seconds(), "entities/s")
}

// BenchmarkEntity is the part of it that is no file system.
func BenchmarkEntity(b *testing.B) {
	entities := library(100)
	var line, pretty []byte
	var n int64
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range entities {
			var err error
			if line, err = AppendEntity(line[:0], e); err != nil {
				b.Fatal(err)
			}
			if pretty, err = appendIndented(pretty[:0], line); err != nil {
				b.Fatal(err)
			}
			n += int64(len(line) + len(pretty))
		}
	}
	b.SetBytes(n / int64(b.N))
}

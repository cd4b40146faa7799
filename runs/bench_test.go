//go:build integration

package runs

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// BenchmarkEntities stores 40 MB of documents, lists them and reads them back: what a run does besides its own work.
func BenchmarkEntities(b *testing.B) {
	const total = 40 << 20
	b.Run("made", func(b *testing.B) {
		random := rand.New(rand.NewPCG(1, 2))
		var raws [][]byte
		for size := 0; size < total; size += len(raws[len(raws)-1]) {
			raws = append(raws, document(random, 8<<10))
		}
		passThrough(b, raws)
	})
	b.Run("real", func(b *testing.B) {
		files, err := filepath.Glob(filepath.Join(testdata.Dir(b, "foundry", "Data-v9", "systems"), "*", "packs", "*.db"))
		if err != nil || len(files) == 0 {
			b.Fatalf("no packs: %v", err)
		}
		var raws [][]byte
		for size := 0; size < total; {
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					b.Fatal(err)
				}
				for line := range bytes.Lines(text) {
					raws = append(raws, line)
					size += len(line)
				}
			}
		}
		passThrough(b, raws)
	})
}

func passThrough(b *testing.B, raws [][]byte) {
	b.Helper()
	l := openLibrary(b, Config{Log: slog.New(slog.DiscardHandler)})
	var written, listed, read, ended time.Duration
	size := 0
	for _, raw := range raws {
		size += len(raw)
	}
	for b.Loop() {
		r := begin(b, l)
		began := time.Now()
		stored(b, r, raws...)
		written += time.Since(began)
		began = time.Now()
		heads, err := r.Heads(b.Context())
		if err != nil || len(heads) != len(raws) {
			b.Fatalf("%d heads, %v", len(heads), err)
		}
		listed += time.Since(began)
		began = time.Now()
		for i, e := range collect(b, r, heads) {
			if !bytes.Equal(e.Raw, raws[i]) {
				b.Fatalf("entity %d came back different", i)
			}
		}
		read += time.Since(began)
		began = time.Now()
		if err := r.End(b.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
			b.Fatal(err)
		}
		ended += time.Since(began)
	}
	b.SetBytes(int64(size))
	b.ReportMetric(float64(len(raws)), "entities")
	for name, took := range map[string]time.Duration{"written": written, "listed": listed, "read": read, "ended": ended} {
		b.ReportMetric(took.Seconds()*1000/float64(b.N), name+"-ms")
	}
}

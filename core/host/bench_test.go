//go:build unix

package host

import (
	"io"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// counter is a Writer that only counts.
type counter struct {
	collector
	n int
}

func (c *counter) Record(string, sdk.Record) error {
	c.n++
	return nil
}

// BenchmarkRead carries records of 2 KB from a plugin process, encrypted, in batches of 100.
func BenchmarkRead(b *testing.B) {
	p := startGood(b, deed{Records: b.N, Bytes: 2048 - len(`{"x":""}`)})
	c := &counter{}
	b.SetBytes(2048)
	b.ResetTimer()
	if err := p.Read(b.Context(), sdk.ReadRequest{}, c); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if c.n != b.N {
		b.Errorf("%d records, not %d", c.n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkFetchAsset carries assets of 1000 KiB.
func BenchmarkFetchAsset(b *testing.B) {
	p := startGood(b, deed{})
	b.SetBytes(1000 << 10)
	for b.Loop() {
		a, err := p.FetchAsset(b.Context(), sdk.AssetRef{Key: "whole"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, a.Body); err != nil {
			b.Fatal(err)
		}
		if err := a.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart starts and ends a plugin.
func BenchmarkStart(b *testing.B) {
	config := pluginConfig(b, "good", "good")
	for b.Loop() {
		p, err := Start(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

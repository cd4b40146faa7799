package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// How many records a cell reads: fewer where each takes longer.
const (
	singly  = 30_000
	batched = 100_000
	inside  = 2_000_000
	slowly  = 20_000 // in Python
	decoded = 10_000
)

// reading is a cell that reads all records of a source.
type reading struct {
	source  sdk.Source
	process bool // it is in another one
	records int64
}

func (c reading) measure(ctx context.Context) (sample, error) {
	began, err := c.pluginCPU(ctx)
	if err != nil {
		return sample{}, err
	}
	runtime.GC() // nobody pays for the garbage of another
	out := &sink{}
	watch := startWatch()
	if err := c.source.Read(ctx, sdk.ReadRequest{}, out); err != nil {
		return sample{}, err
	}
	s := watch.stop()
	if s.Count, s.Bytes = out.records, out.bytes; s.Count != c.records {
		return sample{}, fmt.Errorf("%d records came, not %d", s.Count, c.records)
	}
	ended, err := c.pluginCPU(ctx)
	s.PluginCPU = ended - began
	return s, err
}

// decoding is a cell that decodes the record, for scale.
type decoding struct{ records int64 }

func (c decoding) measure(context.Context) (sample, error) {
	text := document()
	runtime.GC() // nobody pays for the garbage of another
	watch := startWatch()
	for range c.records {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return sample{}, err
		}
	}
	s := watch.stop()
	s.Count, s.Bytes = c.records, c.records*int64(len(text))
	return s, nil
}

// pluginCPU is what the plugin's process has used so far.
func (c reading) pluginCPU(ctx context.Context) (float64, error) {
	if !c.process {
		return 0, nil
	}
	a, err := ask(ctx, c.source)
	return a.CPU, err
}

// watch measures the time and the CPU of this process.
type watch struct {
	began time.Time
	cpu   float64
}

func startWatch() watch {
	cpu, _ := usage()
	return watch{time.Now(), cpu}
}

func (w watch) stop() sample {
	took := time.Since(w.began).Seconds()
	cpu, _ := usage()
	return sample{Seconds: took, CPU: cpu - w.cpu}
}

// ask asks a source for the account of its process.
func ask(ctx context.Context, s sdk.Source) (account, error) {
	var a account
	got, err := s.FetchAsset(ctx, sdk.AssetRef{Key: accountKey})
	if err != nil {
		return a, err
	}
	text, err := io.ReadAll(got.Body)
	if err := errors.Join(err, got.Body.Close()); err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// sink is a Writer that counts.
type sink struct {
	records, bytes int64

	hold int64 // record after which wait is called; 0: none
	wait func() error
}

// Record counts a record.
func (s *sink) Record(_ string, r sdk.Record) error {
	s.records++
	s.bytes += int64(len(r.JSON))
	if s.records == s.hold {
		return s.wait()
	}
	return nil
}

// Skip ends the reading: none of the records is wrong.
func (s *sink) Skip(_, _ string, reason error) error { return reason }

// Checkpoint is not measured.
func (s *sink) Checkpoint(string, []byte) error { return nil }

// Progress is not measured.
func (s *sink) Progress(string, int64, int64, string) error { return nil }

// Report is not measured.
func (s *sink) Report(sdk.Diagnostic) {}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"
)

// sample is what the program in the folder wire measured in one cell of a round.
type sample struct {
	Seconds      float64 `json:"seconds"`
	CloseSeconds float64 `json:"close_seconds"`
	Count        int64   `json:"count"`
	Bytes        int64   `json:"bytes"`
	CPU          float64 `json:"cpu"`
	PluginCPU    float64 `json:"plugin_cpu"`
	Peak         int64   `json:"peak"`
	PluginPeak   int64   `json:"plugin_peak"`
	Ahead        int64   `json:"ahead"`
}

func (s sample) cost() cost {
	duration := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	return cost{
		wall: duration(s.Seconds), cpu: duration(s.CPU), peak: s.Peak, closing: duration(s.CloseSeconds),
		count: s.Count, bytes: s.Bytes, pluginCPU: duration(s.PluginCPU), pluginPeak: s.PluginPeak, ahead: s.Ahead,
	}
}

// plugin compares what plugin processes carry with what the same source carries in process, with and without encryption.
func plugin(ctx context.Context, s settings) (report, error) {
	program := filepath.Join(s.work, "wire")
	build := command(ctx, "go", "build", "-tags=nodynamic", "-o", program, "./tools/bench/wire")
	build.Dir = s.repo
	if out, err := build.CombinedOutput(); err != nil {
		return report{}, fmt.Errorf("build what is measured: %w\n%s", err, tail(out))
	}
	c := command(ctx, program, "-n", fmt.Sprint(s.rounds))
	c.Stderr = s.say
	_, out, err := measure(c)
	if err != nil {
		return report{}, err
	}
	var measured []map[string]sample
	if err := json.Unmarshal(out, &measured); err != nil {
		return report{}, fmt.Errorf("what %s said: %w", filepath.Base(program), err)
	}
	return pluginReport(measured), nil
}

func pluginReport(measured []map[string]sample) report {
	r := report{tables: []table{recordTable(), assetTable(), startTable(), memoryTable()}}
	for _, round := range measured {
		costs := map[string]cost{}
		for name, s := range round {
			costs[name] = s.cost()
		}
		r.rounds = append(r.rounds, costs)
	}
	r.bars = []bar{
		{what: "records/s: batch 100 to batch 1", of: "records tls 100", to: "records tls 1", by: byRate, least: 1.3},
		{what: "records/s: in process to process", of: "records direct", to: "records tls 100", by: byRate, most: 40},
		{what: "records/s: AutoMTLS to plain", of: "records tls 100", to: "records plain 100", by: byRate, least: 0.6},
		{what: "2 MiB: streamed to by path", of: "assets tls 2097152 1", to: "assets written 2097152 1", by: byRate, least: 0.35},
		{what: "host's memory: 200,000 to 20,000", of: "memory many", to: "memory few", by: byPeak, most: 1.5},
		{what: "plugin's memory: the same", of: "memory many", to: "memory few", by: byPluginPeak, most: 1.5},
		{what: "host's memory: waiting to not", of: "memory wait", to: "memory many", by: byPeak, most: 1.5},
		{what: "plugin's memory: the same", of: "memory wait", to: "memory many", by: byPluginPeak, most: 1.5},
	}
	r.told = []bar{
		{what: "CPU of both ends: AutoMTLS to plain", of: "records tls 100", to: "records plain 100", by: byBothShares},
		{what: "CPU: carried to decoded", of: "records tls 100", to: "records decoded", by: byBothShares},
		{what: "2 MiB: streamed to a file opened", of: "assets tls 2097152 1", to: "assets opened 2097152 1", by: byRate},
		{what: "2 MiB: AutoMTLS to plain", of: "assets tls 2097152 1", to: "assets plain 2097152 1", by: byRate},
	}
	return r
}

func recordTable() table {
	return table{
		title: "records of 2 KB; CPU a record",
		rows: []row{
			{"AutoMTLS, batches of 100", "records tls 100"},
			{"AutoMTLS, one at a time", "records tls 1"},
			{"plain, batches of 100", "records plain 100"},
			{"plain, one at a time", "records plain 1"},
			{"Python, plain, batches of 100", "records python 100"},
			{"in process", "records direct"},
			{"for scale: decoded by encoding/json", "records decoded"},
		},
		columns: []column{
			{name: "records/s", by: byRate, form: "%.0f"},
			{name: "MB/s", by: bySpeed, form: "%.0f"},
			{name: "host", by: byShare, form: "%.1f µs"},
			{name: "plugin", by: byPluginShare, form: "%.1f µs"},
		},
	}
}

func assetTable() table {
	return table{
		title: "assets, MB/s",
		rows: []row{
			{"streamed, AutoMTLS", "assets tls"},
			{"streamed, plain", "assets plain"},
			{"by path: written by the plugin, opened, removed", "assets written"},
			{"by path: a file that is there, opened", "assets opened"},
			{"in process", "assets direct"},
		},
		columns: []column{
			{name: "2 MiB", variant: " 2097152 1", by: bySpeed, form: "%.0f"},
			{name: "four", variant: " 2097152 4", by: bySpeed, form: "%.0f"},
			{name: "200 kB", variant: " 200000 1", by: bySpeed, form: "%.0f"},
			{name: "four", variant: " 200000 4", by: bySpeed, form: "%.0f"},
		},
	}
}

func startTable() table {
	return table{
		title: "start to the first answer, and end",
		rows: []row{
			{"AutoMTLS", "start tls"},
			{"plain", "start plain"},
			{"Python, plain", "start python"},
			{"the program itself, which says what it is", "start describe"},
		},
		columns: []column{
			{name: "start", by: func(c cost) float64 { return byWall(c) * 1e3 }, form: "%.1f ms"},
			{name: "end", by: func(c cost) float64 { return c.closing.Seconds() * 1e3 }, form: "%.1f ms"},
		},
	}
}

func memoryTable() table {
	return table{
		title: "largest memory, AutoMTLS, batches of 100",
		rows: []row{
			{"20,000 records", "memory few"},
			{"200,000 records", "memory many"},
			{"200,000 records, the host waits after 1,000", "memory wait"},
		},
		columns: []column{
			{name: "host", by: byMegabytes, form: "%.0f MB"},
			{name: "plugin", by: func(c cost) float64 { return byPluginPeak(c) / (1 << 20) }, form: "%.0f MB"},
			{name: "ahead", by: func(c cost) float64 { return float64(c.ahead) }, form: "%.0f"},
		},
	}
}

// byRate is records or assets in a second, bySpeed megabytes.
func byRate(c cost) float64  { return float64(c.count) / byWall(c) }
func bySpeed(c cost) float64 { return float64(c.bytes) / 1e6 / byWall(c) }

// byShare is the CPU that the host needs for one record, in microseconds, and byPluginShare the plugin.
func byShare(c cost) float64       { return byCPU(c) * 1e6 / float64(c.count) }
func byPluginShare(c cost) float64 { return c.pluginCPU.Seconds() * 1e6 / float64(c.count) }
func byBothShares(c cost) float64  { return byShare(c) + byPluginShare(c) }
func byPluginPeak(c cost) float64  { return float64(c.pluginPeak) }

//go:build unix

package sourcepython_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/seed-98789ff7/converter/core/host"
	sourcepython "github.com/seed-98789ff7/converter/examples/source-python"
	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// run runs Python in the folder of the plugins, and returns what it printed.
func (b bench) run(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.python, args...)
	cmd.Dir = b.dir
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errors.String(), cmd.ProcessState.ExitCode()
}

// TestMessages: what Python knows of the protocol is what Go knows of it, and the dataclasses have all of its fields.
func TestMessages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const script = `
import dataclasses, sys
from converter_source import source_pb2 as pb, words, Diagnostic
for name, extra in {
    "Record": {"stream"}, "AssetRef": set(), "Link": set(), "Text": set(), "Embedded": set(), "Origin": set(), "License": set(), "Ruleset": set(), "Stream": set(),
    "Checkpoint": set(), "Progress": set(), "Metrics": set(), "Fact": set(), "Estimate": set(),
}.items():
    ours = {f.name.removesuffix("_") for f in dataclasses.fields(getattr(words, name))}
    theirs = set(getattr(pb, name).DESCRIPTOR.fields_by_name)
    if ours != theirs | extra:
        sys.exit(f"{name}: {sorted(ours ^ (theirs | extra))}")
if set(vars(Diagnostic(""))) | {"skipped"} != set(pb.Diagnostic.DESCRIPTOR.fields_by_name):
    sys.exit("Diagnostic")
sys.stdout.buffer.write(pb.DESCRIPTOR.serialized_pb)`
	out, complaints, status := b.run(t, "-c", script)
	if status != 0 {
		t.Fatal(complaints)
	}
	want := protodesc.ToFileDescriptorProto(sourcepb.File_converter_source_v1_source_proto)
	for _, m := range want.GetMessageType() {
		withoutJSONNames(m)
	}
	got := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal([]byte(out), got); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("the stubs are of another protocol; run ./task generate")
	}
}

func withoutJSONNames(m *descriptorpb.DescriptorProto) {
	for _, f := range m.GetField() {
		f.JsonName = nil
	}
	for _, nested := range m.GetNestedType() {
		withoutJSONNames(nested)
	}
}

// TestSizes: both ends hold to the same sizes.
func TestSizes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	out, complaints, status := b.run(t, "-c", `
from converter_source import process as p, reading as r, service as s, log
print(p.MAX_MESSAGE, r.MAX_RECORD, r.BATCH_RECORDS, r.BATCH_BYTES, s.ASSET_CHUNK, s.PROTOCOL)
print(p.COOKIE_KEY, p.COOKIE_VALUE, p.REATTACH_KEY, log.LEVEL_KEY)`)
	want := fmt.Sprintln(sourcepb.MaxMessage, sourcepb.MaxRecord, sourcepb.BatchRecords, sourcepb.BatchBytes, sourcepb.AssetChunk, sourcepb.ProtocolVersion) +
		fmt.Sprintln(sourcepb.CookieKey, sourcepb.CookieValue, sourcepb.ReattachKey, sourcepb.LogLevelKey)
	if status != 0 || out != want {
		t.Errorf("got  %swant %s%s", out, want, complaints)
	}
}

// TestTutorial runs the plugin in the package's own words, which say that it is whole.
func TestTutorial(t *testing.T) {
	t.Parallel()
	text, err := sourcepython.Files.ReadFile(sourcepython.Package + "/__init__.py")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(text), "    #!/usr/bin/env python3\n")
	code, _, whole := strings.Cut(code, "serve(Guard)\n")
	code = "#!/usr/bin/env python3\n" + strings.ReplaceAll(strings.ReplaceAll(code+"serve(Guard)\n", "\n    ", "\n"), "    from", "from")
	if n := strings.Count(code, "\n"); !whole || n > 20 {
		t.Fatalf("the smallest plugin has %d lines:\n%s", n, code)
	}
	b := newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "converter-plugin-guard"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	p := b.start(t, "guard", nil)
	if err := b.configure(t, p, `{"greeting": "Halt"}`); err != nil {
		t.Fatal(err)
	}
	var c collector
	if err := p.Read(t.Context(), sdk.ReadRequest{}, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 1 || string(c.records[0].JSON) != `{"name":"Guard","says":"Halt"}` {
		t.Errorf("records %+v", c.records)
	}
	if can := p.Spec().Can; can != (sdk.Capabilities{}) {
		t.Errorf("it can %+v", can)
	}
}

// TestEverything: each field arrives, and everything in its order.
func TestEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var c collector
	p, err := b.read(t, "everything", &c)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 2 {
		t.Fatalf("records %+v", c.records)
	}
	want := sdk.Record{
		ID: "full", Scope: "a", JSON: []byte(`{"n": 1.0, "s": "ü"}`), Kind: "item", NativeType: "T", Name: "Full", Revision: "7", Lang: "de",
		FolderPath: []string{"x", "y"}, Sort: 5, Ruleset: sdk.Ruleset{System: "dnd5e", Version: "4", Edition: "2014"},
		Origin:     sdk.Origin{Page: 3, URI: "f", DerivedFrom: "g"},
		License:    sdk.License{Expression: "CC0-1.0", Attribution: "us", URL: "http://x", From: "document"},
		Visibility: "gm", Incomplete: true, Aliases: []string{"other"}, Warnings: []string{"half"},
		Assets: []sdk.AssetRef{
			{URI: "here", Key: "k", Size: 3, Role: "map", Pointer: "/m", MediaType: "image/png", Revision: "r", Status: sdk.Present},
			{URI: "gone", Status: sdk.Missing},
			{URI: "there", URL: "http://x/y.png", Status: sdk.Remote},
		},
		Links: []sdk.Link{{Pointer: "/l", Kind: "uuid", Raw: "raw", Target: "t", Label: "L", Anchor: "#a", Part: "p"}},
	}
	if got := c.records[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if half := c.records[1]; !strings.HasPrefix(half.ID, "half a ") || string(half.JSON) != `{"text":"\udcff","n":1000000000000000000000000000000}` {
		t.Errorf("%q %s", half.ID, half.JSON)
	}
	if !slices.Equal(c.progress, []string{"all 1/2 one of two"}) || !slices.Equal(c.points, []string{`all "\x00\xff" after 1`}) {
		t.Errorf("progress %q, checkpoints %q", c.progress, c.points)
	}
	var sum, last sdk.Metrics
	for _, m := range c.metrics {
		sum = sdk.Metrics{
			Requests: sum.Requests + m.Requests, Hits: sum.Hits + m.Hits, Misses: sum.Misses + m.Misses, Bytes: sum.Bytes + m.Bytes,
			Retries: sum.Retries + m.Retries, Confirmed: sum.Confirmed + m.Confirmed, LimitWait: sum.LimitWait + m.LimitWait,
			MostInFlight: max(sum.MostInFlight, m.MostInFlight),
		}
		if m.MostInFlight > 0 {
			last = m
		}
	}
	if last.InFlight != 1 {
		t.Errorf("%d in flight", last.InFlight)
	}
	if sum != (sdk.Metrics{Requests: 2, Hits: 2, Misses: 1, Bytes: 9, Retries: 1, Confirmed: 1, LimitWait: 5 * time.Microsecond, MostInFlight: 3}) {
		t.Errorf("metrics %+v", c.metrics)
	}
	if want := []sdk.Fact{{Name: "pages", Label: "Pages", Number: 3, Unit: "leaves", Notable: true}, {Name: "form", Text: "scroll"}}; !slices.Equal(c.facts, want) {
		t.Errorf("facts %+v", c.facts)
	}
	if len(c.reports) != 1 || c.reports[0].Severity != sdk.SeverityWarning || c.reports[0].Code != "odd.note" {
		t.Errorf("reports %+v", c.reports)
	}
	if s := p.Spec(); s.StateVersion != 3 || !s.Can.Check || !s.Can.Discover || !s.Can.Resumable || s.Can.Incremental || !s.Can.FetchAsset {
		t.Errorf("spec %+v", s)
	}
}

// TestSkips: what cannot be sent is counted, with the reason, and the rest comes.
func TestSkips(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var c collector
	if _, err := b.read(t, "skips", &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.skips {
		got = append(got, fmt.Sprintf("%s %s %s", d.RecordID, d.Kind, d.Code))
	}
	want := []string{
		"a invalid record_unreadable", "b internal record_unreadable", "c not_found odd.c", " invalid record_without_id",
		"nan invalid record_invalid", "list invalid record_invalid", "object invalid record_invalid", "bytes invalid record_invalid",
		"big unsupported TOO_LARGE",
	}
	if !slices.Equal(got, want) || !slices.Equal(c.ids(), []string{"big enough"}) {
		t.Errorf("skipped %q\nwant    %q\nrecords %q", got, want, c.ids())
	}
}

// TestFailures: every way in which a reading goes wrong ends it, with words that help; the process reads on all the same.
func TestFailures(t *testing.T) {
	t.Parallel()
	for deed, want := range map[string]struct {
		kind sdk.Kind
		code string
		says string
	}{
		"raises":   {sdk.Internal, "plugin_exception", "KeyError: 'gate'"},
		"exits":    {sdk.Internal, "plugin_exception", "SystemExit: enough"},
		"other":    {sdk.Internal, "stream_not_asked_for", "'another'"},
		"nonsense": {sdk.Internal, "plugin_exception", "yielded a str"},
	} {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			var c collector
			p, err := b.read(t, deed, &c)
			d, ok := errors.AsType[*sdk.Diagnostic](err)
			if !ok || d.Kind != want.kind || d.Code != want.code || !strings.Contains(d.Summary, want.says) || d.Suggestion == "" {
				t.Errorf("%v: %+v", err, d)
			}
			if want.code == "plugin_exception" && !strings.Contains(d.Detail, "Traceback") {
				t.Errorf("detail %q", d.Detail)
			}
			if err := p.Check(t.Context()); err != nil {
				t.Errorf("the process does not live on: %v", err)
			}
		})
	}
}

// TestStatuses: the kinds of errors, and how many diagnostics a status carries.
func TestStatuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.start(t, "odd", nil)
	if err := p.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "not configured") {
		t.Errorf("check before configure: %v", err)
	}
	err := b.configure(t, p, `{"deed": "refuse"}`)
	said := sdk.Diagnose(err, "")
	if len(said) != 65 || sdk.KindOf(err) != sdk.Invalid || said[3].ConfigPath != "/many/3" || said[64].Summary != "and 6 more" || said[3].Suggestion != "less of it" {
		t.Errorf("%d diagnostics: %v", len(said), err)
	}
	err = b.configure(t, p, `{"many": 0, "nested": {"list": ["a", "c"], "of": 1}}`)
	var places []string
	for _, d := range sdk.Diagnose(err, "") {
		places = append(places, d.Code+" "+d.ConfigPath)
	}
	if want := []string{"options_invalid /many", "options_invalid /nested/list/1", "options_unknown /nested/of", "options_missing "}; !slices.Equal(places, want) {
		t.Errorf("%q: %v", places, err)
	}
	if err := b.configure(t, p, `{"deed": "unreachable"}`); err != nil {
		t.Fatal(err)
	}
	d, ok := errors.AsType[*sdk.Diagnostic](p.Check(t.Context()))
	if !ok || d.Kind != sdk.Unavailable || d.Code != "odd.shut" || !strings.Contains(d.Detail, "knocked in vain") {
		t.Errorf("%+v", d)
	}
	for key, want := range map[string]struct {
		bytes int64
		kind  sdk.Kind
		says  string
	}{
		"k": {bytes: 3}, "large": {bytes: 1 << 20}, "empty": {},
		"short": {3, sdk.Invalid, "3 bytes"}, "none": {0, sdk.NotFound, "there is no none"},
	} {
		n, err := fetch(t.Context(), p, key)
		wrong := err != nil && (sdk.KindOf(err) != want.kind || !strings.Contains(err.Error(), want.says))
		if n != want.bytes || (err == nil) != (want.says == "") || wrong {
			t.Errorf("asset %s: %d bytes, %v", key, n, err)
		}
	}
}

func fetch(ctx context.Context, p *host.Process, key string) (int64, error) {
	asset, err := p.FetchAsset(ctx, sdk.AssetRef{URI: key, Key: key, Status: sdk.Present})
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, asset.Body)
	return n, errors.Join(err, asset.Body.Close())
}

// TestSlowSource: a record does not wait for the next one, and a reading that is cancelled ends even while the source waits.
func TestSlowSource(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := collector{onRecord: func() error { cancel(); return nil }}
	p := b.odd(t, "waits", nil)
	err := p.Read(ctx, sdk.ReadRequest{Streams: []string{"all"}}, &c)
	if sdk.KindOf(err) != sdk.Cancelled || !slices.Equal(c.ids(), []string{"first"}) {
		t.Errorf("%v, records %q", err, c.ids())
	}
	again, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := collector{onRecord: func() error { cancel(); return nil }}
	if err := p.Read(again, sdk.ReadRequest{Streams: []string{"all"}}, &d); sdk.KindOf(err) != sdk.Cancelled || len(d.records) != 1 {
		t.Errorf("the reading after it: %v", err)
	}
}

// TestTwoReadings: the second one at the same time is refused.
func TestTwoReadings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.odd(t, "waits", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var second error
	c := collector{onRecord: func() error {
		second = p.Read(t.Context(), sdk.ReadRequest{}, &collector{})
		cancel()
		return nil
	}}
	if err := p.Read(ctx, sdk.ReadRequest{}, &c); sdk.KindOf(err) != sdk.Cancelled {
		t.Error(err)
	}
	if d, ok := errors.AsType[*sdk.Diagnostic](second); !ok || d.Code != "already_reading" {
		t.Errorf("the second reading: %v", second)
	}
}

// TestBatches: large records travel in smaller batches, and all of them arrive.
func TestBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var c collector
	if _, err := b.read(t, "batches", &c); err != nil || len(c.records) != 250 || c.records[249].ID != "r249" {
		t.Errorf("%d records, %v", len(c.records), err)
	}
	out, complaints, status := b.run(t, "-c", `
from converter_source import Record, source_pb2 as pb
from converter_source.reading import Reading
from converter_source.source import ReadRequest
class S:
    def read(self, request):
        for i in range(320):
            yield Record("all", f"r{i}", {"text": "x" * (20000 if i >= 210 else 10)})
        yield Record("all", "large", {"text": "x" * (2 << 20)})
for m in Reading(S(), ReadRequest([], {}), pb.BatchLimits()).messages():
    if m.WhichOneof("message") == "records":
        print(len(m.records.records), end=" ")`)
	if want := "100 100 62 52 6 1 "; status != 0 || out != want {
		t.Errorf("batches of %s, want %s%s", out, want, complaints)
	}
}

// TestEnd: a process ends by itself, whatever it is doing, and closes its source where it can.
func TestEnd(t *testing.T) {
	t.Parallel()
	for deed, closes := range map[string]bool{"waits": true, "endless": true, "stuck": false} {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			var log safeBuffer
			p := b.odd(t, deed, slog.New(slog.NewTextHandler(&log, nil)))
			first, once := make(chan struct{}), sync.Once{}
			c := collector{onRecord: func() error { once.Do(func() { close(first) }); return nil }}
			ended := make(chan error, 1)
			go func() { ended <- p.Read(t.Context(), sdk.ReadRequest{}, &c) }()
			<-first
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ended; sdk.KindOf(err) != sdk.Cancelled {
				t.Errorf("the reading ended with %v", err)
			}
			if status, ok := p.Exit().Sys().(syscall.WaitStatus); !ok || status.Signaled() {
				t.Errorf("it had to be killed: %v", p.Exit())
			}
			if got := strings.Contains(log.String(), "msg=closed"); got != closes {
				t.Errorf("closed: %v\n%s", got, log.String())
			}
		})
	}
}

// TestBackpressure: a host that takes nothing stops the source.
func TestBackpressure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var log safeBuffer
	p := b.odd(t, "endless", slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := collector{onRecord: func() error {
		for range 300 { // by then a source that is not stopped has yielded many thousands
			if err := p.Check(ctx); err != nil {
				return err
			}
		}
		cancel()
		return ctx.Err()
	}}
	if err := p.Read(ctx, sdk.ReadRequest{}, &c); sdk.KindOf(err) != sdk.Cancelled {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	_, said, found := strings.Cut(log.String(), "asked for ")
	var n int
	if _, err := fmt.Sscan(said, &n); !found || err != nil || n > 4000 {
		t.Errorf("the source was asked for %d records (%v)\n%s", n, err, log.String())
	}
}

// TestTalk: what is logged arrives with its level, what is printed does not reach the handshake, and last words are shown.
func TestTalk(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var log safeBuffer
	handler := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	p := b.odd(t, "talks", slog.New(handler))
	if err := p.Read(t.Context(), sdk.ReadRequest{}, &collector{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`level=INFO msg="printed before serving" plugin=odd`, `level=INFO msg="said 1" plugin=odd module=odd.deep page=3`,
		`level=WARN msg="slow\nlines"`, `level=ERROR msg=failed`, "ValueError: bad page", `level=INFO msg=printed plugin=odd`,
		`msg="written to 1"`, `msg="a child"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if strings.Contains(log.String(), "quiet") || strings.Contains(log.String(), host.Stdout) {
		t.Error("more is logged than should be")
	}
	if t.Failed() {
		t.Log(log.String())
	}

	_, err := b.read(t, "dies", &collector{})
	d, ok := errors.AsType[*sdk.Diagnostic](err)
	if !ok || d.Code != host.CodeCrashed || !strings.HasSuffix(d.Summary, "it said last: the disk is on fire") {
		t.Errorf("%v", err)
	}
}

// TestUnfit: a Python without the modules says what to install, and the host shows it.
func TestUnfit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	program := filepath.Join(b.dir, "converter-plugin-bestiary")
	_, err := host.Start(t.Context(), host.Config{Name: "bestiary", Command: []string{b.python, "-I", "-S", "-c", fmt.Sprintf(
		"import sys; sys.path.insert(0, %q); sys.argv = [%q]; exec(open(%q).read())", b.dir, program, program)}})
	d, ok := errors.AsType[*sdk.Diagnostic](err)
	if !ok || d.Code != host.CodeExited || !strings.Contains(d.Summary, "lacks the module grpc") || !strings.Contains(d.Summary, "pip install grpcio protobuf") {
		t.Errorf("%v", err)
	}
}

// TestForPeople: what a person sees who starts a plugin.
func TestForPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	out, text, status := b.run(t, "converter-plugin-bestiary")
	if out != "" || status != 2 || !strings.Contains(text, "plugin: bestiary") || !strings.Contains(text, "converter-plugin-bestiary describe") {
		t.Errorf("status %d, %q, %q", status, out, text)
	}
	out, text, status = b.run(t, "converter-plugin-bestiary", "describe")
	var d struct {
		Name, Version, Summary string
		Capabilities           []string
		Protocols              []int
		SDK                    string
		Options                map[string]any
	}
	if err := json.Unmarshal([]byte(out), &d); err != nil || status != 0 || text != "" {
		t.Fatalf("status %d, %v, %s", status, err, text)
	}
	if d.Name != "bestiary" || d.SDK == "" || !slices.Equal(d.Protocols, []int{1}) || d.Options["additionalProperties"] != false ||
		!slices.Equal(d.Capabilities, []string{"check", "discover", "resumable", "incremental", "fetch_asset"}) {
		t.Errorf("%+v", d)
	}
}

// TestOrphan: a plugin whose host is gone ends by itself. A shell stands for the host, and ends when its input does.
func TestOrphan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", `"$0" converter-plugin-odd & read -r end`, b.python)
	shell.Dir = b.dir
	shell.Env = append(os.Environ(), sourcepb.CookieKey+"="+sourcepb.CookieValue, "PLUGIN_UNIX_SOCKET_DIR="+t.TempDir(), "PLUGIN_PROTOCOL_VERSIONS=1")
	input, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, ends, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	shell.Stdout, shell.Stderr = ends, ends
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	_ = ends.Close() // the shell and the plugin have theirs
	said := make([]byte, 1<<10)
	n := 0
	for !bytes.Contains(said[:n], []byte("|grpc|")) {
		m, err := output.Read(said[n:])
		if n += m; err != nil {
			t.Fatalf("%v: %s", err, said[:n])
		}
	}
	if err := errors.Join(input.Close(), shell.Wait()); err != nil && !strings.Contains(err.Error(), "exit status 1") {
		t.Fatal(err)
	}
	if err := output.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(output); err != nil { // its end is the end of the last that could write to it
		t.Errorf("it still runs: %v, %s", err, rest)
	}
}

// TestDebug attaches to a plugin that somebody has started, twice.
func TestDebug(t *testing.T) {
	b := newBench(t)
	plugin := exec.CommandContext(t.Context(), b.python, "converter-plugin-bestiary", "--debug")
	plugin.Dir = b.dir
	out, err := plugin.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := plugin.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1<<10)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(strings.TrimSpace(string(line[:n])), "=")
	t.Setenv(name, strings.Trim(value, "'"))
	for range 2 {
		p, err := host.Start(t.Context(), host.Config{Name: "bestiary"})
		if err != nil {
			t.Fatal(err)
		}
		var c collector
		if err := errors.Join(b.configure(t, p, lowCountry), p.Read(t.Context(), sdk.ReadRequest{}, &c), p.Close()); err != nil || len(c.records) != 8 {
			t.Errorf("%d records, %v", len(c.records), err)
		}
	}
	if err := errors.Join(plugin.Process.Signal(syscall.SIGTERM), plugin.Wait()); err != nil {
		t.Error(err)
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

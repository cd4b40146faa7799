//go:build unix

package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// plugin is the config of a plugin of a kind of bePlugin.
func pluginConfig(tb testing.TB, name, kind string) Config {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return Config{
		Name: name, Command: []string{program, asPlugin, kind}, TempDir: shortTemp(tb),
		Env: []string{
			"GORACE=atexit_sleep_ms=0 halt_on_error=1", // with the race detector: end at once, and with an error after a race
			"GOCOVERDIR=" + tb.TempDir(),               // when coverage is measured: no words about it
		},
	}
}

// shortTemp is a folder whose path is short enough for sockets, and which must be empty at the end.
func shortTemp(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "h") //nolint:usetesting // its folders carry the name of the test, too long for sockets
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			tb.Errorf("something is left behind: %v", err)
		}
	})
	return dir
}

func start(tb testing.TB, config Config) *Process {
	tb.Helper()
	p, err := Start(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// startGood starts a plugin that is configured to do something.
func startGood(tb testing.TB, d deed, change ...func(*Config)) *Process {
	tb.Helper()
	config := pluginConfig(tb, "good", "good")
	for _, c := range change {
		c(&config)
	}
	p := start(tb, config)
	options, err := json.Marshal(d)
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.Configure(tb.Context(), sdk.Configuration{Source: "s", Options: options}); err != nil {
		tb.Fatal(err)
	}
	return p
}

// collector is a Writer that keeps all.
type collector struct {
	mu       sync.Mutex
	records  []sdk.Record
	skipped  []error
	states   []string
	reports  []sdk.Diagnostic
	progress []string
	onRecord func(n int) error
	reported chan struct{}
}

func (c *collector) Record(_ string, r sdk.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, r)
	if c.onRecord != nil {
		return c.onRecord(len(c.records))
	}
	return nil
}

func (c *collector) Skip(_, id string, reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped = append(c.skipped, fmt.Errorf("%s: %w", id, reason))
	return nil
}

func (c *collector) Checkpoint(stream string, state []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = append(c.states, stream+"="+string(state))
	return nil
}

func (c *collector) Progress(stream string, done, total int64, note string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = append(c.progress, fmt.Sprintf("%s %d/%d %s", stream, done, total, note))
	return nil
}

func (c *collector) Report(d sdk.Diagnostic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = append(c.reports, d)
	if c.reported != nil {
		close(c.reported)
		c.reported = nil
	}
}

// diagnostic returns the diagnostic that err is, with the code asked for.
func diagnostic(tb testing.TB, err error, code string) *sdk.Diagnostic {
	tb.Helper()
	var d *sdk.Diagnostic
	if !errors.As(err, &d) {
		tb.Fatalf("no diagnostic: %v", err)
	}
	if d.Code != code {
		tb.Fatalf("code %q, not %q: %v\n%s", d.Code, code, err, d.Detail)
	}
	return d
}

// gone waits until a process does not run any more.
func gone(tb testing.TB, pid int) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-tick.C
	}
	tb.Errorf("process %d still runs", pid)
}

// plenty is longer than any plugin needs to start.
const plenty = time.Minute

// startInVain returns why a plugin did not start.
func startInVain(t *testing.T, config Config) error {
	t.Helper()
	p, err := Start(t.Context(), config)
	if err == nil {
		_ = p.Close()
		t.Fatal("it started")
	}
	return err
}

func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tc := range map[string]struct {
		kind    string
		command []string
		code    string
		errKind sdk.Kind
		says    string
	}{
		"missing":       {"", []string{dir + "/none"}, CodeNotFound, sdk.NotFound, "no such file"},
		"no command":    {"", []string{}, CodeNotFound, sdk.NotFound, "no command"},
		"not on PATH":   {"", []string{"converter-no-such-thing"}, CodeNotFound, sdk.NotFound, "no such file"},
		"mode":          {"", []string{write("mode", "x", 0o644)}, CodeNotExecutable, sdk.Invalid, "-rw-r--r--"},
		"folder":        {"", []string{dir}, CodeNotExecutable, sdk.Invalid, "directory"},
		"format":        {"", []string{write("format", "no program", 0o755)}, CodeWrongFormat, sdk.Invalid, "not a program for this machine"},
		"interpreter":   {"", []string{write("script", "#!/no/such/thing\n", 0o755)}, CodeWrongFormat, sdk.Invalid, "interpreter"},
		"exits":         {"exits", nil, CodeExited, sdk.Internal, "(exit status 2); it said last: cannot find libexample.so"},
		"ends":          {"ends", nil, CodeExited, sdk.Internal, "exit status 0"},
		"panics":        {"panics", nil, CodeExited, sdk.Internal, "panic: no index"},
		"prints":        {"prints", nil, CodeNotAPlugin, sdk.Invalid, "Loading model…"},
		"other program": {"", []string{"/bin/ls", "/"}, CodeNotAPlugin, sdk.Invalid, "not the handshake"},
		"long line":     {"long", nil, CodeNotAPlugin, sdk.Invalid, "xxxx …"},
		"bars":          {"bars", nil, CodeNotAPlugin, sdk.Invalid, "hello|world"},
		"hangs":         {"hangs", nil, CodeTimeout, sdk.Unavailable, "no handshake"},
		"closes stdout": {"closes-stdout", nil, CodeTimeout, sdk.Unavailable, "no handshake"},
		"protocol":      {"protocol", nil, CodeProtocol, sdk.Unsupported, "speaks version 9 of the protocol, and this converter version 1"},
		"net/rpc":       {"netrpc", nil, CodeProtocol, sdk.Unsupported, "net/rpc"},
		"nobody serves": {"nobody", nil, CodeDisconnected, sdk.Unavailable, "broke"},
		"deaf":          {"deaf", nil, CodeTimeout, sdk.Unavailable, "no answer"},
		"outside":       {"outside", nil, CodeInsecure, sdk.Invalid, "without a certificate"},
		"TCP":           {"tcp", nil, CodeInsecure, sdk.Invalid, "without a certificate"},
		"certificate":   {"certificate", nil, CodeInsecure, sdk.Invalid, "certificate cannot be read"},
		"other name":    {"good", nil, CodeName, sdk.Invalid, `calls itself "good"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := pluginConfig(t, "test", tc.kind)
			if tc.command != nil {
				config.Command = tc.command
			}
			config.StartTimeout = plenty
			if tc.code == CodeTimeout {
				config.StartTimeout = 500 * time.Millisecond
			}
			began := time.Now()
			err := startInVain(t, config)
			took := time.Since(began)
			// Under load a limit may be over before the plugin has come as far as it gets, so it is given more.
			for tc.code == CodeTimeout && !strings.Contains(err.Error(), tc.says) && config.StartTimeout < plenty {
				config.StartTimeout *= 2
				err = startInVain(t, config)
			}
			d := diagnostic(t, err, tc.code)
			if d.Kind != tc.errKind || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("kind %v, text %q", d.Kind, err)
			}
			for _, raw := range []string{"Unrecognized", "go-plugin", "rpc error", "fork/exec", "strconv"} {
				if strings.Contains(err.Error()+d.Detail+d.Suggestion, raw) {
					t.Errorf("not for users: %v %s", err, d.Detail)
				}
			}
			if tc.code != CodeTimeout && took > plenty/2 {
				t.Errorf("took %s, as if it had waited for the limit", took)
			}
		})
	}
}

func TestStartIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := Start(ctx, pluginConfig(t, "test", "hangs"))
	if sdk.KindOf(err) != sdk.Cancelled {
		t.Errorf("err = %v", err)
	}
}

func TestSocketPathIsKeptShort(t *testing.T) {
	t.Parallel()
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	folder, err := socketFolder(t.Context(), "test", long)
	if err != nil {
		t.Fatal(err)
	}
	if len(folder)+socketName > socketLimit {
		t.Errorf("folder %s", folder)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Remove(folder); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(long); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := socketFolder(t.Context(), "test", "/no/such/folder"); sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("err = %v", err)
	}
}

func TestSpecAndCalls(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{})
	if !p.child.secure() {
		t.Error("the connection is not encrypted")
	}
	spec := p.Spec()
	if spec.Name != "good" || spec.Version != "1.2.3" || spec.StateVersion != 7 || len(spec.Kinds) != 1 {
		t.Errorf("spec = %+v", spec)
	}
	if want := (sdk.Capabilities{Check: true, Discover: true, Resumable: true, FetchAsset: true}); spec.Can != want {
		t.Errorf("capabilities = %+v", spec.Can)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Error(err)
	}
	streams, err := p.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := (&goodSource{}).Discover(t.Context())
	if !reflect.DeepEqual(streams, want) {
		t.Errorf("streams = %+v", streams)
	}
}

// wholeRecord has a value in every field.
func wholeRecord() sdk.Record {
	return sdk.Record{
		ID: "Compendium.a.b", Scope: "system/x", JSON: json.RawMessage(`{"name":"Goblin"}`), Kind: "creature",
		NativeType: "Actor/npc", Name: "Goblin", Revision: "r1", Lang: "en", FolderPath: []string{"a", "b"}, Sort: -5,
		Ruleset: sdk.Ruleset{System: "dnd5e", Version: "4.0", Edition: "2024"},
		Origin: sdk.Origin{
			PackageKind: "system", Package: "p", PackageVersion: "1", Pack: "q", PackLabel: "Q", Format: "leveldb", URI: "u",
			Page: 3, Pointer: "/x", Book: "b", SystemVersion: "s", CoreVersion: "c", CreatedMS: 1, ModifiedMS: 2,
			DerivedFrom: "d",
		},
		License:    sdk.License{Expression: "MIT", Attribution: "me", URL: "https://example.org", From: "document"},
		Visibility: "gm",
		Assets: []sdk.AssetRef{
			{
				URI: "a.png", Pointer: "/img", Role: "portrait", Status: sdk.Present, MediaType: "image/png", Size: 5,
				Revision: "1", Path: "/x/a.png", License: sdk.License{Expression: "CC0-1.0", From: "package"},
			},
			{URI: "b", Status: sdk.Remote, URL: "https://example.org/b"},
			{URI: "c", Status: sdk.Present, Key: "c"},
			{URI: "d", Status: sdk.Missing},
		},
		Links:    []sdk.Link{{Pointer: "/l", Kind: "uuid", Raw: "@UUID[x]", Target: "x", Label: "X", Anchor: "y", Part: "z"}},
		Aliases:  []string{"Item.b"},
		Warnings: []string{"not whole"}, Incomplete: true,
		Texts: []sdk.Text{{Pointer: "/text", Role: "notes", Title: "T", Markdown: "*small* and green", HasSecrets: true}},
		Embedded: []sdk.Embedded{{
			Part: "Item.i", Pointer: "/items/0", Kind: "item", NativeType: "Item/weapon", Name: "Club", Book: "b", Page: 4,
			License: sdk.License{Expression: "OGL-1.0a"}, DerivedFrom: "Compendium.a.c",
		}},
		Facts: json.RawMessage(`{"level":1}`),
	}
}

// TestWholeRecordIsWhole makes the next test notice a new field.
func TestWholeRecordIsWhole(t *testing.T) {
	t.Parallel()
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is empty", path)
		}
		switch {
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				look(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct: // each field in some element
			for i := range v.Type().Elem().NumField() {
				some := false
				for j := range v.Len() {
					some = some || !v.Index(j).Field(i).IsZero()
				}
				if !some {
					t.Errorf("%s: no element has %s", path, v.Type().Elem().Field(i).Name)
				}
			}
		}
	}
	look("Record", reflect.ValueOf(wholeRecord()))
}

func TestEverythingSurvivesTheWire(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "whole"})
	var c collector
	err := p.Read(t.Context(), sdk.ReadRequest{
		Streams: []string{"monsters"}, State: map[string][]byte{"monsters": []byte("page 3")}, RunID: "run-1",
	}, &c)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 1 || !reflect.DeepEqual(c.records[0], wholeRecord()) {
		t.Errorf("got  %+v\nwant %+v", c.records, wholeRecord())
	}
	if !slices.Equal(c.states, []string{"monsters=page 3!"}) || !slices.Equal(c.progress, []string{"monsters 1/2 half"}) {
		t.Errorf("states %q, progress %q", c.states, c.progress)
	}
	d := diagnostic(t, c.skipped[0], "good.torn")
	want := sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "good.torn", Summary: "the page is torn", Stream: "monsters", RecordID: "broken",
		Origin: sdk.Origin{URI: "book.pdf", Page: 3},
	}
	if *d != want {
		t.Errorf("skipped: %+v", *d)
	}
	if len(c.reports) != 1 || c.reports[0].Summary != "run run-1" || c.reports[0].Severity != sdk.SeverityInfo {
		t.Errorf("reports: %+v", c.reports)
	}
}

func TestErrorsOfThePluginKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	p := start(t, pluginConfig(t, "good", "good"))
	err := p.Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{"do":"refuse"}`)})
	d := diagnostic(t, err, "good.no_library")
	if d.Kind != sdk.NotFound || d.ConfigPath != "/do" || d.Suggestion != "build one" || d.Detail != "file does not exist" {
		t.Errorf("diagnostic = %+v", *d)
	}
	if want := "open library: there is no library: file does not exist"; err.Error() != want {
		t.Errorf("text = %q", err)
	}
	err = p.Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{"dow":1,"recordz":2}`)})
	if all := sdk.Diagnose(err, ""); len(all) != 2 || all[0].ConfigPath != "/dow" || all[1].ConfigPath != "/recordz" {
		t.Errorf("joined: %v", err)
	}
	if err := p.Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{"do":"check-fails"}`)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(t.Context()); sdk.KindOf(err) != sdk.Invalid || err.Error() != "log in: wrong password" {
		t.Errorf("check: %v", err)
	}
}

func TestPlainErrorIsInternal(t *testing.T) {
	t.Parallel()
	err := startGood(t, deed{Do: "check-plain"}).Check(t.Context())
	if sdk.KindOf(err) != sdk.Internal || err.Error() != io.ErrClosedPipe.Error() {
		t.Errorf("err = %v", err)
	}
}

func TestCallsHaveALimit(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "check-hangs"}, func(c *Config) {
		c.CallTimeout, c.CloseTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	err := p.Check(t.Context())
	if d := diagnostic(t, err, CodeStalled); d.Kind != sdk.Unavailable {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Check(ctx); sdk.KindOf(err) != sdk.Cancelled || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("limit of the caller: %v", err)
	}
}

func TestDeathsWhileReading(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ do, code, says, detail string }{
		"panic in a handler": {"panic", "plugin_panic", "in a handler", "plugins_test.go"},
		"panic elsewhere":    {"crash", CodeCrashed, "panic: assignment to nowhere", "plugins_test.go"},
		"exit":               {"exit", CodeCrashed, "exit status 3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := startGood(t, deed{Do: tc.do})
			err := p.Read(t.Context(), sdk.ReadRequest{}, &collector{})
			d := diagnostic(t, err, tc.code)
			if !strings.Contains(d.Summary, tc.says) || !strings.Contains(d.Detail, tc.detail) {
				t.Errorf("%q\n%s", d.Summary, d.Detail)
			}
			err = p.Check(t.Context())
			if alive := tc.do == "panic"; alive != (err == nil) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestKillInMidStreamIsNeverACleanEnd(t *testing.T) {
	t.Parallel()
	const total = 20000
	for i := range 16 {
		p := startGood(t, deed{Records: total, Bytes: 500})
		c := &collector{}
		at := 1 + rand.IntN(total/2)
		c.onRecord = func(n int) error {
			if n == at {
				return syscall.Kill(p.child.pid(), syscall.SIGKILL)
			}
			return nil
		}
		err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"monsters"}}, c)
		if err == nil {
			t.Fatalf("round %d: a clean end with %d of %d records", i, len(c.records), total)
		}
		if d := diagnostic(t, err, CodeKilled); d.Kind != sdk.Unavailable || !strings.Contains(err.Error(), "signal: killed") {
			t.Errorf("err = %v", err)
		}
		for n, r := range c.records {
			if r.ID != strconv.Itoa(n) {
				t.Fatalf("round %d: record %d has id %s", i, n, r.ID)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadingIsCancelled(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "wait", Records: 100})
	ctx, cancel := context.WithCancel(t.Context())
	c := &collector{onRecord: func(n int) error {
		if n == 100 {
			cancel()
		}
		return nil
	}}
	if err := p.Read(ctx, sdk.ReadRequest{}, c); sdk.KindOf(err) != sdk.Cancelled {
		t.Errorf("err = %v", err)
	}
	enough := errors.New("enough")
	c = &collector{onRecord: func(int) error { return enough }}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	err := p.Read(t.Context(), sdk.ReadRequest{}, c)
	for range 1000 { // the plugin may still be ending the first
		var d *sdk.Diagnostic
		if !errors.As(err, &d) || d.Code != "already_reading" {
			break
		}
		<-tick.C
		err = p.Read(t.Context(), sdk.ReadRequest{}, c)
	}
	if !errors.Is(err, enough) {
		t.Errorf("error of the writer: %v", err)
	}
}

func TestIncompleteReadings(t *testing.T) {
	t.Parallel()
	p := start(t, pluginConfig(t, "plain", "plain"))
	if p.child.secure() {
		t.Fatal("this one has no certificate")
	}
	err := p.Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{"a":1}`)})
	if d := diagnostic(t, err, ""); d.ConfigPath != "/a" || d.Kind != sdk.Invalid {
		t.Errorf("configure: %v", err)
	}
	if err := p.Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{}`)}); err != nil {
		t.Error(err)
	}
	if err := p.Check(t.Context()); diagnostic(t, err, CodeUnsupported).Kind != sdk.Unsupported {
		t.Errorf("check: %v", err)
	}
	for stream, code := range map[string]string{
		"silent": CodeIncomplete, "no-status": CodeIncomplete, "miscounted": CodeIncomplete, "after-end": CodeMisbehaved,
		"other": CodeMisbehaved, "large": CodeTooLarge,
	} {
		t.Run(stream, func(t *testing.T) {
			diagnostic(t, p.Read(t.Context(), sdk.ReadRequest{Streams: []string{stream}}, &collector{}), code)
		})
	}
	c := &collector{}
	if err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"right"}}, c); err != nil || len(c.records) != 1 {
		t.Errorf("%d records, %v", len(c.records), err)
	}
	if len(c.skipped) != 1 || diagnostic(t, c.skipped[0], "record_without_id").Kind != sdk.Invalid {
		t.Errorf("record without id: %v", c.skipped)
	}
	if len(c.reports) != 1 || c.reports[0].Code != CodeUnsupported {
		t.Errorf("message of the future: %+v", c.reports)
	}
}

// TestWhatIsTooLarge: a record is left out and counted; a message ends the reading, and nothing else.
func TestWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	p := start(t, pluginConfig(t, "plain", "plain"))
	c := &collector{}
	if err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"large record"}}, c); err != nil {
		t.Fatal(err)
	}
	if len(c.skipped) != 2 || len(c.records) != 0 { // the other one has no id
		t.Fatalf("%d records, skipped %v", len(c.records), c.skipped)
	}
	if d := diagnostic(t, c.skipped[0], "TOO_LARGE"); d.Kind != sdk.Unsupported || !strings.Contains(d.Suggestion, "assets") {
		t.Errorf("%+v", d)
	}
	err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"large"}}, c)
	d := diagnostic(t, err, CodeTooLarge)
	if d.Kind != sdk.Unsupported || !strings.Contains(err.Error(), "larger than 16 MiB") || !strings.Contains(d.Suggestion, "batches at 1 MiB") {
		t.Errorf("%v; %s", err, d.Suggestion)
	}
	if err := p.Read(t.Context(), sdk.ReadRequest{Streams: []string{"right"}}, c); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestSilentPluginIsReportedAndLives(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "wait"}, func(c *Config) { c.StallAfter, c.StallKill = 50*time.Millisecond, 400*time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	reported := make(chan struct{})
	c := &collector{reported: reported}
	go func() {
		<-reported
		cancel()
	}()
	if err := p.Read(ctx, sdk.ReadRequest{}, c); sdk.KindOf(err) != sdk.Cancelled {
		t.Errorf("err = %v", err)
	}
	d := c.reports[0]
	if d.Severity != sdk.SeverityWarning || d.Code != CodeStalled || !strings.Contains(d.Summary, "still answers") {
		t.Errorf("report: %+v", d)
	}
	if err := p.Check(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFrozenPluginIsKilled(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "wait", Records: 100}, func(c *Config) {
		c.StallAfter, c.StallKill, c.PingTimeout = 50*time.Millisecond, 200*time.Millisecond, 50*time.Millisecond
	})
	c := &collector{onRecord: func(n int) error {
		if n == 100 {
			return syscall.Kill(p.child.pid(), syscall.SIGSTOP)
		}
		return nil
	}}
	err := p.Read(t.Context(), sdk.ReadRequest{}, c)
	if d := diagnostic(t, err, CodeStalled); d.Kind != sdk.Unavailable {
		t.Errorf("err = %v", err)
	}
	gone(t, p.child.pid())
}

// TestPluginThatOnlyAnswersIsKilled: it is asked, it answers, and it does not go on for ever.
func TestPluginThatOnlyAnswersIsKilled(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "wait", Records: 100}, func(c *Config) {
		c.StallAfter, c.StallKill, c.StallLimit = 100*time.Millisecond, forEver, time.Second
	})
	c := &collector{}
	err := p.Read(t.Context(), sdk.ReadRequest{}, c)
	d := diagnostic(t, err, CodeStalled)
	if want := `plugin "good" sent nothing for 1s although it still answered; it was killed`; d.Summary != want || d.Kind != sdk.Unavailable {
		t.Errorf("%s: %v", d.Kind, err)
	}
	if !strings.Contains(d.Suggestion, "Progress") || !strings.Contains(d.Suggestion, "stall_after") {
		t.Errorf("advice: %s", d.Suggestion)
	}
	if len(c.reports) == 0 || !strings.Contains(c.reports[0].Summary, "still answers") {
		t.Errorf("reports %+v", c.reports)
	}
	gone(t, p.child.pid())
}

// TestBusyHostKillsNobody: the time that the host takes is not the plugin's.
func TestBusyHostKillsNobody(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Records: 3}, func(c *Config) {
		c.StallAfter, c.StallLimit = 500*time.Millisecond, time.Second
	})
	c := &collector{onRecord: func(n int) error {
		if n == 1 {
			time.Sleep(1500 * time.Millisecond) // this is what is tested: a host that takes longer than a plugin may
		}
		return nil
	}}
	if err := p.Read(t.Context(), sdk.ReadRequest{}, c); err != nil || len(c.records) != 3 {
		t.Errorf("%d records, %v", len(c.records), err)
	}
}

func TestLimitsFollowStallAfter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ given, want Config }{
		{Config{}, Config{StallAfter: time.Minute, StallKill: 30 * time.Second, StallLimit: 10 * time.Minute}},
		{Config{StallAfter: time.Hour}, Config{StallAfter: time.Hour, StallKill: 30 * time.Minute, StallLimit: 10 * time.Hour}},
		{Config{StallKill: 1, StallLimit: 2}, Config{StallAfter: time.Minute, StallKill: 1, StallLimit: 2}},
	} {
		got := tc.given.withDefaults()
		if got.StallAfter != tc.want.StallAfter || got.StallKill != tc.want.StallKill || got.StallLimit != tc.want.StallLimit {
			t.Errorf("%s %s %s", got.StallAfter, got.StallKill, got.StallLimit)
		}
	}
	for d, want := range map[time.Duration]string{
		10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Second: "1m30s", time.Second: "1s", 61 * time.Minute: "1h1m", 0: "0s",
	} {
		if got := short(d); got != want {
			t.Errorf("%s is short for %s", got, d)
		}
	}
}

func TestFrozenPluginIsClosed(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{}, func(c *Config) { c.CloseTimeout = 200 * time.Millisecond })
	if err := syscall.Kill(p.child.pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	gone(t, p.child.pid())
	diagnostic(t, p.Check(t.Context()), CodeClosed)
}

func TestCloseWhileReading(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "wait", Records: 1})
	c := &collector{onRecord: func(int) error {
		go func() { _ = p.Close() }()
		return nil
	}}
	if err := p.Read(t.Context(), sdk.ReadRequest{}, c); sdk.KindOf(err) != sdk.Cancelled {
		t.Errorf("err = %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoiseHarmsNobody(t *testing.T) {
	t.Parallel()
	var log logBuffer
	p := startGood(t, deed{Do: "noise", Records: 10}, func(c *Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	})
	c := &collector{}
	if err := p.Read(t.Context(), sdk.ReadRequest{}, c); err != nil || len(c.records) != 10 {
		t.Errorf("%d records, %v", len(c.records), err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	text := log.String()
	for _, want := range []string{
		`"level":"INFO","msg":"5","plugin":"good"`, "eeee … (shortened)", "oooo … (shortened)", `"msg":"chatter"`,
		`"level":"WARN","msg":"a warning of the plugin","plugin":"good","page":"12"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if n := strings.Count(text, "chatter"); n > 50*linesSecond {
		t.Errorf("%d lines of chatter", n)
	}
	if strings.Contains(text, "a detail of the plugin") {
		t.Error("a line below the level came through")
	}
}

// logBuffer is a buffer for a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestGrandchildHoldingThePipes(t *testing.T) {
	t.Parallel()
	for _, do := range []string{"grandchild", "escaped grandchild"} {
		t.Run(do, func(t *testing.T) {
			p := startGood(t, deed{Do: do}, func(c *Config) { c.CloseTimeout = 2 * time.Second })
			c := &collector{}
			if err := p.Read(t.Context(), sdk.ReadRequest{}, c); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("took %s", took)
			}
			pid, err := strconv.Atoi(c.records[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if do != "grandchild" { // it has left the group: nobody ends it, and nobody waits for it
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
			gone(t, pid)
		})
	}
}

func TestPluginDiesWithItsHost(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux kills the plugin at once")
	}
	config := pluginConfig(t, "test", "host")
	dir := t.TempDir()
	cmd := commandOf(t, append(config.Command, dir))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := firstLine(out)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	gone(t, pid)
}

func TestFetchAsset(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{})
	fetch := func(key string) ([]byte, sdk.Asset, error) {
		t.Helper()
		a, err := p.FetchAsset(t.Context(), sdk.AssetRef{Key: key})
		if err != nil {
			return nil, a, err
		}
		content, err := io.ReadAll(a.Body)
		if closeErr := a.Body.Close(); closeErr != nil {
			t.Error(closeErr)
		}
		return content, a, err
	}
	content, a, err := fetch("whole")
	if err != nil || len(content) != 1000<<10 || a.Size != int64(len(content)) || a.MediaType != "image/png" {
		t.Errorf("%d bytes, %+v, %v", len(content), a, err)
	}
	if _, _, err := fetch("none"); diagnostic(t, err, "good.no_asset").Kind != sdk.NotFound {
		t.Errorf("err = %v", err)
	}
	if content, _, err := fetch("broken"); err == nil || string(content) != "half" || !strings.Contains(err.Error(), "read asset") {
		t.Errorf("%q, %v", content, err)
	}
	a, err = p.FetchAsset(t.Context(), sdk.AssetRef{Key: "endless"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(a.Body, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err == nil {
		t.Error("a closed body goes on for ever")
	}
	if content, _, err := fetch("exit"); err == nil {
		t.Errorf("a clean end after %d bytes", len(content))
	} else {
		diagnostic(t, err, CodeCrashed)
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	p := startGood(t, deed{Records: 1000})
	if err := p.Read(t.Context(), sdk.ReadRequest{}, &collector{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		<-tick.C
	}
	buffer := make([]byte, 1<<20)
	t.Errorf("goroutines are left:\n%s", buffer[:runtime.Stack(buffer, true)])
}

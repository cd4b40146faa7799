//go:build unix

package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// asPlugin is the argument that makes the test binary a plugin instead. The argument after it chooses what kind.
const asPlugin = "as-plugin"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == asPlugin {
		bePlugin(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// forEver is longer than any test.
const forEver = time.Hour

func bePlugin(kind string) {
	switch kind {
	case "good":
		sdk.Serve(good())
	case "debug":
		os.Args = []string{os.Args[0], "--debug"}
		sdk.Serve(good())
	case "killed-once":
		dieOnce(os.Getenv("ONCE"))
		sdk.Serve(good())
	case "exits":
		fmt.Fprintln(os.Stderr, "cannot find libexample.so")
		os.Exit(2)
	case "ends":
	case "panics":
		panic("no index")
	case "prints":
		fmt.Println("Loading model…")
		time.Sleep(forEver)
	case "long":
		fmt.Print(strings.Repeat("x", 100<<10))
		time.Sleep(forEver)
	case "bars":
		fmt.Println("hello|world|of|bars|and|pipes")
		time.Sleep(forEver)
	case "hangs":
		fmt.Fprintln(os.Stderr, "waiting for a lock")
		time.Sleep(forEver)
	case "closes-stdout":
		_ = os.Stdout.Close()
		time.Sleep(forEver)
	case "protocol":
		fmt.Printf("1|9|unix|%s/s|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		time.Sleep(forEver)
	case "second", "both", "far":
		serveMajors(kind)
	case "netrpc":
		fmt.Printf("1|1|unix|%s/s|netrpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		time.Sleep(forEver)
	case "nobody":
		fmt.Printf("1|1|unix|%s/s|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		time.Sleep(forEver)
	case "deaf":
		l := must(net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")))
		fmt.Printf("1|1|unix|%s|grpc|\n", l.Addr())
		time.Sleep(forEver)
	case "outside":
		fmt.Printf("1|1|unix|%s/../../s|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		time.Sleep(forEver)
	case "tcp":
		fmt.Print("1|1|tcp|127.0.0.1:1|grpc|\n")
		time.Sleep(forEver)
	case "certificate":
		fmt.Printf("1|1|unix|%s/s|grpc|%s\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), strings.Repeat("A", 100))
		time.Sleep(forEver)
	case "plain":
		servePlain()
	case "host":
		beHost(os.Args[3])
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// beHost starts a plugin that does not watch its parent, prints its process id and waits to be killed.
func beHost(dir string) {
	p := must(Start(context.Background(), Config{
		Name: "plain", Command: []string{must(os.Executable()), asPlugin, "plain"}, TempDir: dir,
	}))
	fmt.Println(p.child.pid())
	time.Sleep(forEver)
}

// deed is what a good plugin is told to do when it is read.
type deed struct {
	Do      string `json:"do"`
	Records int    `json:"records"`
	Bytes   int    `json:"bytes"`
	File    string `json:"file"`
}

type goodSource struct {
	deed deed
	env  sdk.Environment

	stdout, stderr *os.File // of the process
}

func good() sdk.Source {
	stdout, stderr := os.Stdout, os.Stderr
	return sdk.Define(sdk.Plugin[deed]{
		Name: "good", Version: "1.2.3", Summary: "Does as it is told.", Kinds: []string{"creature"}, StateVersion: 7,
		Resumable: true,
		Open: sdk.NewOpener(func(_ context.Context, d deed, env sdk.Environment) (*goodSource, error) {
			if d.Do == "die-once" {
				dieOnce(d.File)
			}
			if d.Do == "refuse" {
				return nil, fmt.Errorf("open library: %w", &sdk.Diagnostic{
					Kind: sdk.NotFound, Code: "good.no_library", Summary: "there is no library", ConfigPath: "/do",
					Suggestion: "build one", Cause: os.ErrNotExist,
				})
			}
			return &goodSource{deed: d, env: env, stdout: stdout, stderr: stderr}, nil
		}),
	})
}

func (g *goodSource) Check(context.Context) error {
	switch g.deed.Do {
	case "check-fails":
		return fmt.Errorf("log in: %w", &sdk.Diagnostic{Kind: sdk.Invalid, Code: "good.login", Summary: "wrong password"})
	case "check-hangs":
		time.Sleep(forEver)
	case "check-plain":
		return io.ErrClosedPipe
	}
	return nil
}

func (g *goodSource) Discover(context.Context) ([]sdk.Stream, error) {
	if g.deed.Do == "die-once" {
		dieOnce(g.deed.File)
	}
	return []sdk.Stream{{
		Name: "monsters", Title: "Monsters", Kind: "creature", Records: sdk.Estimate{Count: 3, Quality: sdk.Exact},
		Assets: sdk.Estimate{Count: 5, Quality: sdk.LowerBound}, Bytes: sdk.Estimate{Count: 9, Quality: sdk.Approximate},
		License: sdk.License{Expression: "MIT", Attribution: "somebody", URL: "https://example.org", From: "pack"},
	}}, nil
}

func (g *goodSource) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	switch g.deed.Do {
	case "panic":
		panic("in a handler")
	case "crash":
		go func() { panic("assignment to nowhere") }()
		time.Sleep(forEver)
	case "exit":
		os.Exit(3)
	case "hang":
		time.Sleep(forEver)
	case "noise":
		g.noise()
	case "grandchild", "escaped grandchild":
		return g.grandchild(out)
	case "whole":
		return g.whole(request, out)
	case "metrics":
		out.(sdk.MetricsWriter).Metrics(sdk.Metrics{Requests: 3, Hits: 4, Misses: 2, Bytes: 1 << 40})
	case "environment":
		return g.environment(out)
	}
	body := fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", g.deed.Bytes))
	for i := range g.deed.Records {
		if err := out.Record("monsters", sdk.Record{ID: fmt.Sprint(i), JSON: body}); err != nil {
			return err
		}
	}
	if g.deed.Do == "wait" {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// dieOnce kills this process, unless the file is there, which it makes.
func dieOnce(file string) {
	if f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = f.Close()
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// noise writes what has crashed or stopped hosts.
func (g *goodSource) noise() {
	write := func(fd int, text string) {
		for len(text) > 0 {
			text = text[must(syscall.Write(fd, []byte(text))):]
		}
	}
	write(2, `{"@message": 5, "@level": [], "@timestamp": {}}`+"\n")
	write(2, "[WARN] "+strings.Repeat("e", 1<<20)+"\n")
	write(1, strings.Repeat("o", 8<<20))
	for range 20000 {
		fmt.Println("chatter")
	}
	g.env.Log.Warn("a warning of the plugin", "page", 12)
	g.env.Log.Debug("a detail of the plugin")
}

// grandchild leaves a process behind that holds the pipes, and says which.
func (g *goodSource) grandchild(out sdk.Writer) error {
	cmd := exec.Command("sleep", "3600")
	cmd.Stdout, cmd.Stderr = g.stdout, g.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: g.deed.Do == "escaped grandchild"}
	if err := cmd.Start(); err != nil {
		return err
	}
	return out.Record("monsters", sdk.Record{ID: fmt.Sprint(cmd.Process.Pid), JSON: []byte(`{}`)})
}

// whole sends one of everything.
func (g *goodSource) whole(request sdk.ReadRequest, out sdk.Writer) error {
	if err := out.Record("monsters", wholeRecord()); err != nil {
		return err
	}
	if err := out.Skip("monsters", "broken", &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "good.torn", Summary: "the page is torn", Origin: sdk.Origin{URI: "book.pdf", Page: 3},
	}); err != nil {
		return err
	}
	if err := out.Progress("monsters", 1, 2, "half"); err != nil {
		return err
	}
	out.Report(sdk.Diagnostic{Severity: sdk.SeverityInfo, Code: "good.note", Summary: "run " + request.RunID})
	return out.Checkpoint("monsters", append(request.State["monsters"], '!'))
}

func (g *goodSource) environment(out sdk.Writer) error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	text := must(json.Marshal(map[string]any{"env": os.Environ(), "stdin": string(input), "dir": must(os.Getwd())}))
	return out.Record("monsters", sdk.Record{ID: "environment", JSON: text})
}

func (g *goodSource) FetchAsset(_ context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	switch ref.Key {
	case "none":
		return sdk.Asset{}, &sdk.Diagnostic{Kind: sdk.NotFound, Code: "good.no_asset", Summary: "there is no such asset"}
	case "broken":
		return sdk.Asset{Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), failing{})), Size: 8}, nil
	case "exit":
		return sdk.Asset{Body: io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("a", 1<<20)), exiting{})), Size: -1}, nil
	case "endless":
		return sdk.Asset{Body: io.NopCloser(endless{}), Size: -1}, nil
	}
	content := strings.Repeat("0123456789", 100<<10)
	if ref.Key == "large" { // more than can be on its way
		content = strings.Repeat("0123456789", 4<<20)
	}
	return sdk.Asset{Body: io.NopCloser(strings.NewReader(content)), MediaType: "image/png", Size: int64(len(content))}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

type exiting struct{}

func (exiting) Read([]byte) (int, error) { os.Exit(4); return 0, nil }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// servePlain is a plugin as another language writes it: no TLS, no health service, and an SDK of nobody's.
func servePlain() {
	l := must(net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "plain")))
	server := grpc.NewServer()
	sourcepb.RegisterSourceServiceServer(server, plainService{})
	fmt.Printf("1|1|unix|%s|grpc\n", l.Addr())
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("an error of slog")
	if err := server.Serve(l); err != nil {
		panic(err)
	}
}

// serveMajors is a plugin of a time when there is more than one version of the protocol.
func serveMajors(kind string) {
	majors := map[string][]int{"second": {2}, "both": {1, 2}, "far": {3, 4}}[kind]
	if slices.Contains(os.Args, "describe") {
		text := must(json.Marshal(map[string]any{"name": kind, "protocols": majors}))
		fmt.Println(string(text))
		return
	}
	config := &plugin.ServeConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: sourcepb.CookieKey, MagicCookieValue: sourcepb.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{},
		GRPCServer:       plugin.DefaultGRPCServer,
		Logger:           hclog.NewNullLogger(),
	}
	for _, major := range majors {
		config.VersionedPlugins[major] = plugin.PluginSet{sourcepb.PluginName: plainPlugin{}}
	}
	plugin.Serve(config)
}

type plainPlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (plainPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	sourcepb.RegisterSourceServiceServer(s, plainService{})
	return nil
}

func (plainPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("this end serves")
}

// plainService says and does what the options are, one character a deed.
type plainService struct {
	sourcepb.UnimplementedSourceServiceServer
}

func (plainService) GetSpec(context.Context, *sourcepb.GetSpecRequest) (*sourcepb.GetSpecResponse, error) {
	return &sourcepb.GetSpecResponse{Spec: &sourcepb.Spec{Name: "plain", Version: "0.1.0"}}, nil
}

func (plainService) Configure(_ context.Context, r *sourcepb.ConfigureRequest) (*sourcepb.ConfigureResponse, error) {
	if string(r.GetOptions()) == "{}" {
		return &sourcepb.ConfigureResponse{}, nil
	}
	return &sourcepb.ConfigureResponse{Diagnostics: []*sourcepb.Diagnostic{
		{Severity: sourcepb.Diagnostic_SEVERITY_WARNING, Summary: "old option"},
		{Severity: sourcepb.Diagnostic_SEVERITY_ERROR, Summary: "bad option", Kind: "invalid", ConfigPath: "/a"},
	}}, nil
}

// Read does what the names of the streams say.
func (plainService) Read(r *sourcepb.ReadRequest, out grpc.ServerStreamingServer[sourcepb.ReadResponse]) error {
	send := func(m *sourcepb.ReadResponse) {
		if err := out.Send(m); err != nil {
			panic(err)
		}
	}
	records := &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: &sourcepb.RecordBatch{
		Stream: r.GetStreams()[0], Records: []*sourcepb.Record{{Id: "1", Json: []byte("{}")}, {Json: []byte("{}")}},
	}}}
	complete := func(n int64) *sourcepb.ReadResponse {
		return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Status{Status: &sourcepb.StreamStatus{
			Stream: r.GetStreams()[0], State: sourcepb.StreamStatus_STATE_COMPLETE, Records: n,
		}}}
	}
	switch r.GetStreams()[0] {
	case "right":
		send(&sourcepb.ReadResponse{}) // a message of the future
		send(records)
		send(complete(2))
	case "silent":
	case "no-status":
		send(records)
	case "miscounted":
		send(records)
		send(complete(1))
	case "after-end":
		send(complete(0))
		send(records)
	case "other":
		records.GetRecords().Stream = "another"
		send(records)
	case "large":
		records.GetRecords().GetRecords()[0].Json = make([]byte, 17<<20)
		send(records)
	case "large record":
		records.GetRecords().GetRecords()[0].Json = fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", 9<<20))
		send(records)
		send(complete(2))
	}
	return nil
}

// commandOf is a command that ends with the test.
func commandOf(t *testing.T, command []string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), command[0], command[1:]...)
}

// firstLine returns the first line of r.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(r).ReadString('\n')
	return strings.TrimSpace(line), err
}

package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

const (
	// lastWords is how long handlers may take to end after the host has said goodbye.
	lastWords = time.Second
	// parentInterval is how often a plugin looks whether its host still lives, on systems that do not tell.
	parentInterval = time.Second
)

// Serve serves a source to the host that started this process, and returns when the host is done with it. It is the one
// statement of a plugin's main function. A source that is an [io.Closer] is closed at the end.
//
// Standard output belongs to the handshake until Serve is called, so a plugin prints nothing before. Started by a person
// instead of a host, Serve says so and exits with status 2; with the argument "describe" it prints the Spec as JSON.
//
// With the argument "--debug" it serves until it is interrupted, in a debugger say, and prints the variable that makes the
// converter attach to it instead of starting it. One run after the other may attach; before the next one configures the
// source, it is closed where it is an io.Closer.
func Serve(s Source) {
	if len(os.Args) == 2 && os.Args[1] == "describe" {
		if err := describe(os.Stdout, s.Spec()); err != nil {
			exit(1, err.Error())
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "--debug" {
		if err := serveDebug(s); err != nil {
			exit(1, err.Error())
		}
		return
	}
	if os.Getenv(sourcepb.CookieKey) != sourcepb.CookieValue {
		exit(2, notice(s.Spec()))
	}
	if err := serve(s); err != nil {
		exit(1, err.Error())
	}
}

// exit ends a plugin that cannot be served at all. Nothing runs yet, so nothing is cut off.
func exit(status int, text string) {
	_, _ = fmt.Fprintln(os.Stderr, text)
	os.Exit(status) //nolint:forbidigo // Serve stands for the main function of a plugin
}

func notice(spec Spec) string {
	text := fmt.Sprintf(`%[1]s %[2]s is a source plugin of converter, which starts it by itself.

To use it, name it in converter.yaml:

    sources:
      - name: my-%[1]s
        plugin: %[1]s`, spec.Name, spec.Version)
	if len(os.Args) == 1 {
		text += "\n\nIts options as JSON: " + os.Args[0] + " describe\nTo run it in a debugger: " + os.Args[0] + " --debug"
	}
	return text
}

// description is what "describe" prints.
type description struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	Summary      string          `json:"summary,omitempty"`
	Description  string          `json:"description,omitempty"`
	Author       string          `json:"author,omitempty"`
	Homepage     string          `json:"homepage,omitempty"`
	License      string          `json:"license,omitempty"`
	Kinds        []string        `json:"kinds,omitempty"`
	Capabilities []string        `json:"capabilities"`
	StateVersion uint32          `json:"state_version,omitempty"`
	Protocols    []int           `json:"protocols"`
	SDK          string          `json:"sdk,omitempty"`
	Options      json.RawMessage `json:"options,omitempty"`
}

func describe(w io.Writer, s Spec) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(description{
		Name: s.Name, Version: s.Version, Summary: s.Summary, Description: s.Description, Author: s.Author,
		Homepage: s.Homepage, License: s.License, Kinds: s.Kinds, Capabilities: s.Can.words(),
		StateVersion: s.StateVersion, Protocols: sourcepb.Majors(), SDK: version(), Options: s.Options,
	})
}

func (c Capabilities) words() []string {
	words := []string{}
	for _, can := range []struct {
		yes  bool
		word string
	}{
		{c.Check, "check"},
		{c.Discover, "discover"},
		{c.Resumable, "resumable"},
		{c.Incremental, "incremental"},
		{c.FetchAsset, "fetch_asset"},
	} {
		if can.yes {
			words = append(words, can.word)
		}
	}
	return words
}

// version is that of the module this package is in.
func version() string {
	const module = "github.com/seed-98789ff7/converter"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
}

// serve runs the process until the host ends it.
func serve(s Source) error {
	// go-plugin puts other files in place of these two. Nobody else holds them then, and an unheld file is closed: its
	// number would go to the next file that is opened, and with it the panic that the runtime writes to number 2.
	stdout, stderr := os.Stdout, os.Stderr
	defer runtime.KeepAlive(stdout)
	defer runtime.KeepAlive(stderr)
	log := newLogger(stderr, os.Getenv(sourcepb.LogLevelKey))
	service := newService(s, log)
	config := plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: sourcepb.CookieKey, MagicCookieValue: sourcepb.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{},
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: stderr, JSONFormat: true}),
	}
	for _, major := range sourcepb.Majors() { // there is one so far, and the host chooses
		config.VersionedPlugins[major] = plugin.PluginSet{sourcepb.PluginName: &served{service: service}}
	}
	stop := make(chan func(), 1)
	config.GRPCServer = func(options []grpc.ServerOption) *grpc.Server {
		server := newServer(service, options...)
		stop <- server.Stop
		return server
	}
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watchParent(done, stop)
	}()
	plugin.Serve(&config)
	close(done)
	<-watched
	return service.end(lastWords)
}

// watchParent stops the server when the host has died. On Linux the kernel kills the plugin together with its host, and
// this is the second line; elsewhere it is the only one.
func watchParent(done <-chan struct{}, stop <-chan func()) {
	parent := os.Getppid()
	host, _ := strconv.Atoi(os.Getenv(sourcepb.HostKey)) // 0: it does not say
	tick := time.NewTicker(parentInterval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if os.Getppid() != parent || gone(host) {
				(<-stop)()
				return
			}
		}
	}
}

// served hangs the service on the server that go-plugin makes.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	service *service
}

func (p *served) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	sourcepb.RegisterSourceServiceServer(s, p.service)
	return nil
}

func (p *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("this end serves")
}

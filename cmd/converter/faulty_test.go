package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// forEver is longer than any test.
const forEver = time.Hour

// someRecords is how many records a faulty plugin sends before it does what it is made for.
const someRecords = 150

// steadyRecords is how many records the plugin sends that does nothing wrong.
const steadyRecords = 500

// faulty are programs that do one thing wrong each, by the names of their plugins. They are real processes: the test binary
// under another name. "steady" and "mill" do everything right.
func faulty() map[string]func() {
	programs := map[string]func(){
		"prints":  func() { fmt.Println("Loading model…"); time.Sleep(forEver) },
		"leaving": func() { fmt.Fprintln(os.Stderr, "cannot find libexample.so"); os.Exit(3) },
		"future": func() {
			fmt.Printf("1|9|unix|%s/s|grpc|\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
			time.Sleep(forEver)
		},
		"liar":     func() { serve("honest", sending(someRecords)) },
		"raw-huge": serveHuge,
		"mill":     func() { sdk.Serve(mill()) },
		"steady":   func() { serve("steady", sending(steadyRecords)) },
	}
	for name, after := range map[string]func(request sdk.ReadRequest, out sdk.Writer) error{
		"panics": func(sdk.ReadRequest, sdk.Writer) error { panic("assignment to entry in nil map") },
		"killed": func(sdk.ReadRequest, sdk.Writer) error { return signalled(syscall.SIGKILL) },
		"frozen": func(sdk.ReadRequest, sdk.Writer) error { return signalled(syscall.SIGSTOP) },
		"hangs":  func(sdk.ReadRequest, sdk.Writer) error { time.Sleep(forEver); return nil },
		"floods": flood,
		"no-end": func(sdk.ReadRequest, sdk.Writer) error { return raw(1, strings.Repeat("o", 8<<20)) },
		"bad-log": func(sdk.ReadRequest, sdk.Writer) error {
			return raw(2, `{"@message": 5, "@level": [], "@timestamp": {}}`+"\n")
		},
		"clings":   cling,
		"huge":     huge,
		"torn":     torn,
		"backward": backward,
	} {
		programs[name] = func() { serve(name, sending(someRecords), after) }
	}
	programs["escapes"] = func() { serve("escapes", escape) }
	return programs
}

type deed = func(request sdk.ReadRequest, out sdk.Writer) error

type folder struct {
	Folder string `json:"folder"`
}

// serve is a plugin that does what it is told, one after the other.
func serve(name string, deeds ...deed) {
	if len(os.Args) == 2 && os.Args[1] == clinging {
		time.Sleep(forEver)
	}
	sdk.Serve(sdk.Define(sdk.Plugin[folder]{
		Name: name, Version: "1.0.0", Summary: "Does as it is told.", Kinds: []string{"creature"}, Resumable: name == "backward",
		Read: func(_ context.Context, _ folder, request sdk.ReadRequest, out sdk.Writer) error {
			for _, do := range deeds {
				if err := do(request, out); err != nil {
					return err
				}
			}
			return nil
		},
	}))
}

// sending sends records, from the state on where there is one.
func sending(n int) deed {
	return func(request sdk.ReadRequest, out sdk.Writer) error {
		from, _ := strconv.Atoi(string(request.State["all"])) // no state: 0
		return send(out, from, n)
	}
}

func send(out sdk.Writer, from, to int) error {
	for i := from; i < to; i++ {
		if err := out.Record("all", sdk.Record{ID: fmt.Sprintf("n-%d", i), JSON: fmt.Appendf(nil, `{"name": "Number %d"}`, i)}); err != nil {
			return err
		}
	}
	return nil
}

// signalled gives this process a signal that it does not survive, and waits for it to arrive.
func signalled(signal syscall.Signal) error {
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		return err
	}
	time.Sleep(forEver)
	return nil
}

// raw writes to a file descriptor of the process, past everything that looks after it.
func raw(fd int, text string) error {
	for len(text) > 0 {
		n, err := syscall.Write(fd, []byte(text))
		if err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

func flood(sdk.ReadRequest, sdk.Writer) error {
	for i := range 100_000 {
		fmt.Println("chatter", i)
		fmt.Fprintln(os.Stderr, "more chatter", i)
	}
	return nil
}

// clinging is the argument of a child that holds on to its parent's output.
const clinging = "cling"

func cling(sdk.ReadRequest, sdk.Writer) error {
	c := exec.Command(os.Args[0], clinging)
	c.Stdout, c.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	return c.Start()
}

func huge(_ sdk.ReadRequest, out sdk.Writer) error {
	return out.Record("all", sdk.Record{ID: "huge", JSON: fmt.Appendf(nil, `{"x": %q}`, strings.Repeat("x", 20<<20))})
}

func torn(_ sdk.ReadRequest, out sdk.Writer) error {
	return out.Record("all", sdk.Record{ID: "torn", JSON: json.RawMessage(`{"name": }`)})
}

// backward says twice how far it is, and the second time less far, before it dies. Its successor sends the rest.
func backward(request sdk.ReadRequest, out sdk.Writer) error {
	if len(request.State) > 0 {
		return send(out, someRecords, 2*someRecords)
	}
	for _, state := range []string{"140", "50"} {
		if err := out.Checkpoint("all", []byte(state)); err != nil {
			return err
		}
	}
	time.Sleep(100 * time.Millisecond) // the host is to hear of it
	return signalled(syscall.SIGKILL)
}

// escape refers to a file behind a link that leads out of its folder, the one below the folder it works in.
func escape(_ sdk.ReadRequest, out sdk.Writer) error {
	path, err := filepath.Abs(filepath.Join("pictures", "out.png"))
	if err != nil {
		return err
	}
	return out.Record("all", sdk.Record{ID: "thief", JSON: json.RawMessage(`{"name": "Thief"}`), Assets: []sdk.AssetRef{
		{URI: "out.png", Status: sdk.Present, Path: path},
	}})
}

// serveHuge is a plugin without an SDK, which sends a message of 20 MiB.
func serveHuge() {
	l, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.MaxSendMsgSize(1 << 30))
	sourcepb.RegisterSourceServiceServer(server, hugeService{})
	fmt.Printf("1|1|unix|%s|grpc\n", l.Addr())
	if err := server.Serve(l); err != nil {
		panic(err)
	}
}

type hugeService struct {
	sourcepb.UnimplementedSourceServiceServer
}

func (hugeService) GetSpec(context.Context, *sourcepb.GetSpecRequest) (*sourcepb.GetSpecResponse, error) {
	return &sourcepb.GetSpecResponse{Spec: &sourcepb.Spec{Name: "raw-huge", Version: "1.0.0"}}, nil
}

func (hugeService) Configure(context.Context, *sourcepb.ConfigureRequest) (*sourcepb.ConfigureResponse, error) {
	return &sourcepb.ConfigureResponse{}, nil
}

func (hugeService) Read(_ *sourcepb.ReadRequest, out grpc.ServerStreamingServer[sourcepb.ReadResponse]) error {
	return out.Send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: &sourcepb.RecordBatch{
		Stream: "all", Records: []*sourcepb.Record{{Id: "huge", Json: make([]byte, 20<<20)}},
	}}})
}

package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

type greeting struct {
	Text string `json:"text" jsonschema:"default=Hail"`
}

// The main function of a plugin.
func ExampleServe() {
	sdk.Serve(sdk.Define(sdk.Plugin[greeting]{
		Name: "guard", Version: "0.1.0", Summary: "One guard, who greets.", Kinds: []string{"creature"},
		Read: func(_ context.Context, o greeting, _ sdk.ReadRequest, out sdk.Writer) error {
			body, err := json.Marshal(map[string]string{"name": "Guard", "says": o.Text})
			if err != nil {
				return err
			}
			return out.Record("guards", sdk.Record{ID: "guard-1", JSON: body})
		},
	}))
}

// A source in this process, for as long as somebody wants to look into it with a debugger.
func ExampleServeListener() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- sdk.ServeListener(ctx, newCastle(), listener, nil) }()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err == nil {
		err = conn.Close()
	}
	fmt.Println("called:", err)
	stop()
	fmt.Println("ended:", <-served)
	// Output:
	// called: <nil>
	// ended: <nil>
}

// What is declared shows in the Spec: here a function that finds the streams.
func ExampleDefine() {
	source := sdk.Define(sdk.Plugin[greeting]{
		Name: "guard", Version: "0.1.0",
		Read: func(context.Context, greeting, sdk.ReadRequest, sdk.Writer) error { return nil },
		Discover: func(context.Context, greeting) ([]sdk.Stream, error) {
			return []sdk.Stream{{Name: "guards", Records: sdk.Estimate{Count: 1, Quality: sdk.Exact}}}, nil
		},
	})
	fmt.Println(source.Spec().Name, source.Spec().Can.Discover, source.Spec().Can.FetchAsset)

	err := source.Configure(context.Background(), sdk.Configuration{Options: json.RawMessage(`{"tekst": "Halt"}`)})
	for _, d := range sdk.Diagnose(err, "") {
		fmt.Printf("%s at %s; %s\n", d.Summary, d.ConfigPath, d.Suggestion)
	}
	// Output:
	// guard true false
	// there is no option "tekst" at /tekst; did you mean "text"?
}

type folderOptions struct {
	Folder string `json:"folder" jsonschema:"required"`
}

// folder is a source that reads every JSON file of a folder.
type folder struct{ files fs.FS }

func openFolder(_ context.Context, o folderOptions, env sdk.Environment) (*folder, error) {
	return &folder{files: os.DirFS(env.Path(o.Folder))}, nil
}

func (f *folder) Discover(context.Context) ([]sdk.Stream, error) {
	names, err := fs.Glob(f.files, "*.json")
	return []sdk.Stream{{Name: "files", Records: sdk.Estimate{Count: int64(len(names)), Quality: sdk.Exact}}}, err
}

func (f *folder) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	names, err := fs.Glob(f.files, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		body, err := fs.ReadFile(f.files, name)
		if err != nil {
			err = out.Skip("files", name, err)
		} else {
			err = out.Record("files", sdk.Record{ID: name, JSON: body, Origin: sdk.Origin{URI: name}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A source that is opened first and kept. It can discover, because what is opened has that method.
func ExampleNewOpener() {
	source := sdk.Define(sdk.Plugin[folderOptions]{
		Name: "folder", Version: "0.1.0", Summary: "Every JSON file of a folder.", Open: sdk.NewOpener(openFolder),
	})
	fmt.Println(source.Spec().Can.Discover, source.Spec().Can.Check)
	// Output: true false
}

// Relative names in the options are relative to the config file.
func ExampleEnvironment_Path() {
	env := sdk.Environment{BaseDir: filepath.FromSlash("/home/gm/campaign")}
	fmt.Println(filepath.ToSlash(env.Path("books")))
	// Output: /home/gm/campaign/books
}

// An error that says what to do next, and how it is looked at.
func ExampleDiagnostic() {
	err := fmt.Errorf("open gate: %w", &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "guard.gate_closed", Summary: "the gate is closed",
		Suggestion: "come back in the morning",
	})
	fmt.Println(err)
	fmt.Println(sdk.KindOf(err))
	// Output:
	// open gate: the gate is closed
	// unavailable
}

// Errors of every sort have a kind.
func ExampleKindOf() {
	fmt.Println(sdk.KindOf(context.Canceled), sdk.KindOf(errors.New("?")), sdk.ParseKind("not_found"))
	// Output: cancelled internal not_found
}

// Joined errors fall apart into their diagnostics.
func ExampleDiagnose() {
	err := errors.Join(
		&sdk.Diagnostic{Code: "guard.no_gate", Summary: "there is no gate"},
		&sdk.Diagnostic{Code: "guard.no_wall", Summary: "there is no wall"},
	)
	var codes []string
	for _, d := range sdk.Diagnose(err, "guard.failed") {
		codes = append(codes, d.Code)
	}
	fmt.Println(strings.Join(codes, " "))
	fmt.Println(sdk.Diagnose(errors.New("hm"), "guard.failed")[0].Code)
	// Output:
	// guard.no_gate guard.no_wall
	// guard.failed
}

// A record that no host would take.
func ExampleRecord_Validate() {
	fmt.Println(sdk.Record{ID: "1", JSON: []byte(`{"name": "Guard"}`)}.Validate())
	fmt.Println(sdk.Record{ID: "1", JSON: []byte(`["Guard"]`)}.Validate())
	// Output:
	// <nil>
	// the record is not a JSON object
}

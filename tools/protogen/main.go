//go:build ignore

// Protogen writes what is made of the plugin protocol, the .proto files below sdk/proto:
//
//   - Go: .pb.go files at the place their go_package option names,
//   - Python: the modules that examples/source-python and new plugins in Python are built on,
//   - docs/protocol.md: the reference, from the comments, behind an introduction that stands in protocol.md.tmpl.
//
// It compiles the files itself, so no protoc has to be installed; the generators for Go are tools of tools/protogen.mod,
// and so is the library that compiles.
//
// It has its own module file, so the build constraint keeps it out of the main module's build and out of `go mod tidy`.
// Run it from the root of the repository:
//
//	go run -modfile=tools/protogen.mod tools/protogen/*.go
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	module  = "github.com/seed-98789ff7/converter"
	source  = "sdk/proto"
	modfile = "tools/protogen.mod"
	// protocol is the file that the Python modules and the reference are made of.
	protocol = "converter/source/v1/source.proto"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if _, err := os.Stat(modfile); err != nil {
		return fmt.Errorf("%s is not here: run it from the root of the repository", modfile)
	}
	names, err := find(source)
	if err != nil {
		return err
	}
	files, err := compile(ctx, names)
	if err != nil {
		return err
	}
	if err := writeGo(ctx, names, files); err != nil {
		return err
	}
	file := files.FindFileByPath(protocol)
	if file == nil {
		return fmt.Errorf("there is no %s below %s", protocol, source)
	}
	if err := writePython(file); err != nil {
		return err
	}
	return writeReference(file)
}

// find lists the .proto files below root, relative to it, in a stable order.
func find(root string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".proto" {
			names = append(names, path)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("no .proto file below %s", root)
	}
	return names, err
}

// compile compiles the named files, with their comments.
func compile(ctx context.Context, names []string) (linker.Files, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{source}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	return compiler.Compile(ctx, names...)
}

// writeGo has the generators for Go do their work: they read the files, what they import, and their comments.
func writeGo(ctx context.Context, names []string, files linker.Files) error {
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("module=" + module),
	}
	for _, file := range inOrder(files) {
		request.ProtoFile = append(request.ProtoFile, protoutil.ProtoFromFileDescriptor(file))
	}
	for _, generator := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		response, err := generate(ctx, generator, request)
		if err != nil {
			return fmt.Errorf("%s: %w", generator, err)
		}
		for _, file := range response.File {
			if err := write(file.GetName(), file.GetContent()); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder returns files and all they import, each after its imports, as generators demand.
func inOrder(files linker.Files) []protoreflect.FileDescriptor {
	var ordered []protoreflect.FileDescriptor
	var visit func(file protoreflect.FileDescriptor)
	visit = func(file protoreflect.FileDescriptor) {
		known := func(other protoreflect.FileDescriptor) bool { return other.Path() == file.Path() }
		if slices.ContainsFunc(ordered, known) {
			return
		}
		imports := file.Imports()
		for i := range imports.Len() {
			visit(imports.Get(i).FileDescriptor)
		}
		ordered = append(ordered, file)
	}
	for _, file := range files {
		visit(file)
	}
	return ordered
}

// generate runs one generator, a tool of our module file, and returns what it wants written.
func generate(ctx context.Context, tool string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	input, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "go", "tool", "-modfile="+modfile, tool)
	command.Stdin = bytes.NewReader(input)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, err
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(output, response); err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, errors.New(response.GetError())
	}
	return response, nil
}

func write(name, content string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the generator named a file outside of the repository: %s", name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}

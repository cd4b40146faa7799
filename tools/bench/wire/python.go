package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sourcepython "github.com/seed-98789ff7/converter/examples/source-python"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// program is the source in Python.
//
//go:embed source.py
var program []byte

// python is the cell of a plugin in Python, where there is one that can run it.
func (b *bench) python(ctx context.Context, records int) error {
	python := testdata.FindPython()
	if python == "" {
		fmt.Fprintln(os.Stderr, "plugin: no plugin in Python is measured, as no python3 has grpc and protobuf "+
			"(apt-get install python3-grpcio python3-protobuf)")
		return nil
	}
	dir := filepath.Join(b.folder, "python")
	path := filepath.Join(dir, "source.py")
	err := os.CopyFS(dir, sourcepython.Files)
	err = errors.Join(err, os.WriteFile(path, program, 0o600), os.WriteFile(filepath.Join(dir, "document.json"), document(), 0o600))
	if err != nil {
		return err
	}
	p, err := b.start(ctx, []string{python, path}, 100, records)
	if err != nil {
		return err
	}
	b.add(reading{p, true, int64(records)}, "records python 100")
	b.add(starting{[]string{python, path}, starts}, "start python")
	return nil
}

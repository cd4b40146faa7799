package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// workerFlag makes this program a process that reads packs, so that its CPU and memory are its own. Of ours it has
// nothing in it but the reader, for the same reason:
//
//	bench -worker hash DIR…         read, join and hash every document
//	bench -worker files OUT DIR…    the same, and write every document to a file as the official tool does
//	bench -worker multiply TO FROM N  write a pack N times as large, so that the memory it takes is not that of the next child
const workerFlag = "-worker"

// tally is what was done: a worker prints it.
type tally struct {
	Documents int   `json:"documents"`
	Written   int64 `json:"written"` // bytes of files
}

func work(out io.Writer, job string, args []string) error {
	var w worker
	switch {
	case job == "multiply" && len(args) == 3:
		n, err := strconv.Atoi(args[2])
		if err == nil {
			err = multiply(args[0], args[1], n)
		}
		return err
	case job == "hash":
	case job == "files" && len(args) > 0:
		w.folder, args = args[0], args[1:]
	default:
		return fmt.Errorf("there is no job %q for a worker", job)
	}
	for _, dir := range args {
		if err := w.pack(dir); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return json.NewEncoder(out).Encode(w.done)
}

// worker reads packs.
type worker struct {
	folder string // to write documents to, in a folder for each pack; empty: they are not written
	done   tally
	text   bytes.Buffer
}

// pack reads one pack. Anything wrong with it is an error: what is compared must be whole.
func (w *worker) pack(dir string) error {
	p, err := pack.Open(dir)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // only read
	to := filepath.Join(w.folder, filepath.Base(dir))
	if w.folder != "" {
		if err := os.MkdirAll(to, 0o777); err != nil {
			return err
		}
	}
	for d, err := range p.Documents() {
		if err != nil {
			return err
		}
		sha256.Sum256(d.JSON)
		w.done.Documents++
		if w.folder == "" {
			continue
		}
		if err := w.write(to, d); err != nil {
			return err
		}
	}
	if r := p.Report(); r.FaultCount+r.Missing+len(r.Database.Damage) > 0 {
		return fmt.Errorf("the pack is not whole: %v", r)
	}
	return nil
}

// write writes a document as the official tool does, to the byte but for the file's name.
func (w *worker) write(dir string, d pack.Document) error {
	w.text.Reset()
	if err := json.Indent(&w.text, d.JSON, "", "  "); err != nil {
		return err
	}
	w.text.WriteByte('\n')
	w.done.Written += int64(w.text.Len())
	return os.WriteFile(filepath.Join(dir, d.Collection+"_"+d.ID+".json"), w.text.Bytes(), 0o666)
}

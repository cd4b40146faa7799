package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/seed-98789ff7/converter/internal/child"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
)

// The megabytes that a process may have beyond the memory of PDFium: the program itself, PDFium's compiled form, pages and pictures on
// their way.
const (
	overhead = 768
	heap     = 192 // from here on what is not used is collected at once
)

// garbage is how much may lie beside what is in use, in percent of that, before it is collected. Little is in use between two pages, so
// that much may.
const garbage = 200

// failures is how many pages in a row may be damaged or too much before the rest of a file is not tried.
const failures = 10

// Work reads files for a Pool until in ends. Nobody else may write to out, and signals that are meant for the program that started
// this one are not listened to.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	k, content, err := readFrame(in)
	if err != nil {
		return fmt.Errorf("read the settings: %w", unexpected(err))
	}
	var s settings
	if err := json.Unmarshal(content, &s); err != nil || k != kindSettings {
		return fmt.Errorf("read the settings: a message that is none: %w", err)
	}
	w := &worker{out: bufio.NewWriterSize(out, 1<<16)}
	if err := w.load(ctx, s); err != nil {
		return err
	}
	defer w.close(ctx)
	// Bounds are for what files want. PDFium itself, when it has to be compiled, takes more for a moment, and much longer within them.
	if err := child.LimitMemory(uint64(s.MemoryMB+overhead) << 20); err != nil {
		return err
	}
	debug.SetMemoryLimit(heap << 20)
	debug.SetGCPercent(garbage)
	if err := w.say(kindReady, nil); err != nil {
		return err
	}
	return w.serve(ctx, in)
}

// worker is the process.
type worker struct {
	library *pdfium.Library
	out     *bufio.Writer
	disk    *os.File // of the file that is open
	file    *pdfium.File
	info    os.FileInfo
	which   int    // of the passwords opened it
	form    []byte // of the page that was read last
	busy    atomic.Bool
	trapped bool // something was too much for PDFium
}

func (w *worker) load(ctx context.Context, s settings) (err error) {
	config := pdfium.Config{CacheDir: s.CacheDir, MemoryMB: s.MemoryMB, Limits: s.Limits}
	w.library, err = pdfium.Load(ctx, config)
	if err != nil && config.CacheDir != "" { // it may not be for us to write to
		config.CacheDir = ""
		w.library, err = pdfium.Load(ctx, config)
	}
	return err
}

// serve answers requests.
func (w *worker) serve(ctx context.Context, in io.Reader) error {
	type message struct {
		request
		err error
	}
	messages := make(chan message)
	go func() { // it ends with the input
		for r := bufio.NewReader(in); ; {
			var m message
			k, content, err := readFrame(r)
			if m.err = err; err == nil {
				if m.err = json.Unmarshal(content, &m.request); m.err == nil && k != kindRequest {
					m.err = errors.New("a message that is none")
				}
			}
			if m.err != nil && w.busy.Load() {
				w.die()
			}
			messages <- m
			if m.err != nil {
				return
			}
		}
	}()
	for {
		m := <-messages
		if errors.Is(m.err, io.EOF) {
			return nil
		}
		if m.err != nil {
			return m.err
		}
		w.busy.Store(true)
		if err := w.answer(ctx, m.request); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		w.busy.Store(false)
	}
}

// die ends this process. Nobody waits for what it does, and PDFium cannot be interrupted.
func (w *worker) die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
}

func (w *worker) say(k kind, content []byte) error {
	if err := writeFrame(w.out, k, content); err != nil {
		return err
	}
	return w.out.Flush()
}

func (w *worker) tell(k kind, v any) error {
	if err := writeJSON(w.out, k, v); err != nil {
		return err
	}
	return w.out.Flush()
}

// close closes the file that is open.
func (w *worker) close(ctx context.Context) {
	if w.file != nil {
		_ = w.file.Close(ctx) // nothing was written to it
		_ = w.disk.Close()
	}
	w.file, w.disk = nil, nil
}

// open opens a file, unless it is.
func (w *worker) open(ctx context.Context, path string, passwords []string) error {
	disk, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := disk.Stat()
	if err == nil && w.file != nil && os.SameFile(info, w.info) && info.ModTime().Equal(w.info.ModTime()) && info.Size() == w.info.Size() {
		return disk.Close()
	}
	w.close(ctx)
	for i := 0; err == nil && i < max(1, len(passwords)); i++ {
		password := ""
		if i < len(passwords) {
			password = passwords[i]
		}
		var refused *pdfium.Error
		if w.file, err = w.library.Open(ctx, disk, info.Size(), password); err == nil {
			w.disk, w.info, w.which = disk, info, i
			return nil
		} else if errors.As(err, &refused) && refused.Code == pdfium.Password && i+1 < len(passwords) {
			err = nil
		}
	}
	w.file = nil
	_ = disk.Close() // nothing was written to it
	return err
}

func (w *worker) answer(ctx context.Context, q request) error {
	if err := w.open(ctx, q.Path, q.Passwords); err != nil {
		return w.refuse(ctx, err)
	}
	o := opened{Pages: w.file.Pages(), Password: w.which}
	if q.Describe {
		var err error
		if o.Document, err = w.file.Document(ctx); err != nil {
			return w.refuse(ctx, err)
		}
	}
	if err := w.tell(kindOpened, o); err != nil {
		return err
	}
	switch {
	case q.Side > 0:
		picture, err := w.file.Render(ctx, q.Page, q.Side, q.Type)
		return w.show(ctx, picture, err)
	case q.Page > 0:
		picture, err := w.file.Picture(ctx, q.Page, q.Index)
		return w.show(ctx, picture, err)
	case q.To > 0:
		return w.pages(ctx, q)
	}
	return w.done()
}

// done ends an answer. After a trap a new process goes on: what PDFium had is given back then at the latest.
func (w *worker) done() error { return w.tell(kindDone, refusal{Retire: w.trapped}) }

// pages reads some pages. One that is too much costs the file that is open.
func (w *worker) pages(ctx context.Context, q request) error {
	failed := 0
	for n := q.From; n <= q.To && failed < failures; n++ {
		if w.file == nil { // the page before was too much
			if err := w.open(ctx, q.Path, q.Passwords); err != nil {
				return w.refuse(ctx, err)
			}
		}
		p, err := w.file.Page(ctx, n)
		failed++
		if err != nil {
			code, detail := w.reason(ctx, err)
			p.Faults = append(p.Faults, page.Fault{Code: code, Detail: detail})
		} else {
			failed = 0
		}
		if w.form, err = p.AppendBinary(w.form[:0]); err != nil {
			return err
		}
		if err := w.say(kindPage, w.form); err != nil {
			return err
		}
	}
	return w.done()
}

// show sends a picture.
func (w *worker) show(ctx context.Context, p *pdfium.Picture, err error) error {
	if err != nil {
		return w.refuse(ctx, err)
	}
	data := p.Data
	head := *p
	head.Data = nil
	if err := writeJSON(w.out, kindPicture, head); err != nil {
		return err
	}
	if err := writeFrame(w.out, kindBytes, data); err != nil {
		return err
	}
	return w.done()
}

// refuse says why there is no answer.
func (w *worker) refuse(ctx context.Context, err error) error {
	code, detail := w.reason(ctx, err)
	return w.tell(kindRefusal, refusal{Code: code, Detail: detail, Retire: w.trapped})
}

// reason is the code of an error. After a trap the file has to be opened again.
func (w *worker) reason(ctx context.Context, err error) (code, detail string) {
	var (
		trap    *pdfium.TrapError
		refused *pdfium.Error
		large   *pdfium.TooLargeError
	)
	switch {
	case errors.As(err, &trap):
		w.trapped = true
		w.close(ctx)
		if trap.Memory {
			return CodePageMemory, err.Error()
		}
		return CodePageTrap, err.Error()
	case errors.As(err, &large):
		return CodeImageLimit, err.Error()
	case errors.As(err, &refused):
		switch {
		case refused.Code == pdfium.Password:
			return CodePassword, err.Error()
		case refused.Code == pdfium.Security:
			return CodeSecurity, err.Error()
		case w.file != nil:
			return CodePageDamaged, err.Error()
		}
		return CodeDamaged, err.Error()
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission):
		return CodeGone, err.Error()
	}
	return CodeDamaged, err.Error()
}

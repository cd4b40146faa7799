package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/sdk"
)

// Config says how files are read.
type Config struct {
	Command     []string      // Program and arguments that call Work. Required.
	Workers     int           // Processes at work at a time. Default: one for each core.
	PageTimeout time.Duration // For one page, or one picture. Default: 10 s.
	MemoryMB    int           // For PDFium in each process. Default: 512.
	CacheDir    string        // For PDFium's compiled form. Default: [pdfium.CacheDir].
	Limits      Limits        // Default: those of Limits.
	Log         *slog.Logger  // Default: nothing is logged.
}

// Limits bound what is read of a file.
type Limits struct {
	FileMB        int // Size of a file. Default: 512.
	FilePages     int // Pages of a file. Default: 5,000.
	FileChars     int // Characters of a file. Default: 50,000,000.
	pdfium.Limits     // Of pages and pictures.
}

// The bounds of a process and of what is asked of one at a time.
const (
	retirement = 500 // pages after which a process has done enough
	taskPages  = 16
	wholePages = 64 // a file with fewer pages is one task
	attempts   = 3  // processes that may die of a page
)

// Pool is the processes. They are started when they are needed, and kept.
type Pool struct {
	config Config
	slots  chan struct{} // one taken for each process at work

	mu     sync.Mutex // guards what follows
	idle   []*process
	closed bool

	first sync.Mutex // held while a process is started, until one has been: that one compiles PDFium for all
	ready bool       // guarded by first
}

// New returns a pool without a process.
func New(c Config) *Pool {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.PageTimeout <= 0 {
		c.PageTimeout = 10 * time.Second
	}
	if c.CacheDir == "" {
		c.CacheDir = pdfium.CacheDir()
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&c.MemoryMB, 512}, {&c.Limits.FileMB, 512}, {&c.Limits.FilePages, 5000}, {&c.Limits.FileChars, 50_000_000}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	c.Limits.Limits.Pages = c.Limits.FilePages
	return &Pool{config: c, slots: make(chan struct{}, c.Workers)}
}

// Close ends the processes. Those at work end with what they do.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, w := range idle {
		w.stop()
	}
}

// File is a file that can be read.
type File struct {
	Path     string
	Document *page.Document
	Pages    int // that are read: as many as the file has, or as are allowed
	password string
}

// Open looks at a file, and says what it says of itself. The passwords are tried one after the other, after none.
func (p *Pool) Open(ctx context.Context, path string, passwords []string) (*File, error) {
	if err := p.look(path); err != nil {
		return nil, err
	}
	q := request{Path: path, Passwords: append([]string{""}, passwords...), Describe: true}
	var o opened
	err := p.once(ctx, q, func(k kind, content []byte) error {
		if k != kindOpened {
			return errNoMessage
		}
		return json.Unmarshal(content, &o)
	})
	if err != nil {
		return nil, p.explainFile(path, err)
	}
	if o.Document == nil || o.Password < 0 || o.Password >= len(q.Passwords) {
		return nil, p.explain(path, errNoMessage)
	}
	if o.Pages <= 0 {
		return nil, p.explain(path, &refusedError{refusal{Code: CodeEmpty}})
	}
	return &File{path, o.Document, min(o.Pages, p.config.Limits.FilePages), q.Passwords[o.Password]}, nil
}

// look refuses what is no PDF without asking PDFium.
func (p *Pool) look(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return p.explain(path, &refusedError{refusal{Code: CodeGone, Detail: err.Error()}})
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	info, err := f.Stat()
	if err != nil {
		return p.explain(path, &refusedError{refusal{Code: CodeGone, Detail: err.Error()}})
	}
	head := make([]byte, 1024)
	n, _ := f.ReadAt(head, 0) // what cannot be read has no header
	switch {
	case info.IsDir():
		return p.explain(path, &refusedError{refusal{Code: CodeNotPDF}})
	case info.Size() == 0:
		return p.explain(path, &refusedError{refusal{Code: CodeEmpty}})
	case info.Size() > int64(p.config.Limits.FileMB)<<20:
		return p.explain(path, &refusedError{refusal{Code: CodeTooLarge}})
	case !strings.Contains(string(head[:n]), "%PDF-"):
		return p.explain(path, &refusedError{refusal{Code: CodeNotPDF}})
	}
	return nil
}

// Picture reads a picture of a page, by the index that the page gave it.
func (p *Pool) Picture(ctx context.Context, f *File, n, index int) (*pdfium.Picture, error) {
	return p.picture(ctx, f, request{Page: n, Index: index})
}

// Render draws a page. Its longer side has the pixels asked for, as far as the limits allow. The type is image/png or image/jpeg.
func (p *Pool) Render(ctx context.Context, f *File, n, side int, as string) (*pdfium.Picture, error) {
	return p.picture(ctx, f, request{Page: n, Side: max(side, 1), Type: as})
}

func (p *Pool) picture(ctx context.Context, f *File, q request) (*pdfium.Picture, error) {
	q.Path, q.Passwords = f.Path, []string{f.password}
	if q.Page < 1 {
		return nil, p.explain(f.Path, &refusedError{refusal{Code: CodePageDamaged, Detail: "there is no such page"}})
	}
	var made *pdfium.Picture
	err := p.once(ctx, q, func(k kind, content []byte) error {
		switch {
		case k == kindOpened:
			made = nil // of a process that died
			return nil
		case k == kindPicture && made == nil:
			made = &pdfium.Picture{}
			return json.Unmarshal(content, made)
		case k == kindBytes && made != nil:
			made.Data = content
			return nil
		}
		return errNoMessage
	})
	if err == nil && (made == nil || made.Data == nil) {
		err = errNoMessage
	}
	if err != nil {
		return nil, p.explain(fmt.Sprintf("%s, page %d", f.Path, q.Page), err)
	}
	return made, nil
}

var errNoMessage = errors.New("an answer that is none")

// refusedError is what a process says against a file or a part of it.
type refusedError struct{ refusal }

func (e *refusedError) Error() string { return e.Code + ": " + e.Detail }

// once asks a process for something. One that dies before the answer is complete is tried again with another.
func (p *Pool) once(ctx context.Context, q request, take func(kind, []byte) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	var err error
	for range attempts {
		if err = p.ask(ctx, q, take); err == nil || p.final(err) {
			return err
		}
		p.config.Log.Info("a reader of PDF files died", "path", q.Path, "error", err)
	}
	return err
}

// final says whether an error would be the same with another process.
func (p *Pool) final(err error) bool {
	refused := (*refusedError)(nil)
	unready := (*unreadyError)(nil)
	return errors.As(err, &refused) || errors.As(err, &unready) || errors.Is(err, errLate) || sdk.KindOf(err) == sdk.Cancelled
}

// unreadyError says that there is no process.
type unreadyError struct{ error }

func (e *unreadyError) Unwrap() error { return e.error }

// enter takes a place among those at work.
func (p *Pool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pool) leave() { <-p.slots }

// ask puts a request to a process, and takes the frames of the answer. Each may take as long as a page.
func (p *Pool) ask(ctx context.Context, q request, take func(kind, []byte) error) error {
	w, err := p.take(ctx, q.Path)
	if err != nil {
		return err
	}
	last := refusal{}
	err = w.during(ctx, p.config.PageTimeout, func(gotOn func()) error {
		if err := writeJSON(w.in, kindRequest, q); err != nil {
			return err
		}
		for {
			k, content, err := readFrame(w.out)
			if err != nil {
				return unexpected(err)
			}
			gotOn()
			switch k {
			case kindDone:
				return json.Unmarshal(content, &last)
			case kindRefusal:
				if err := json.Unmarshal(content, &last); err != nil {
					return err
				}
				return &refusedError{last}
			case kindPage:
				w.pages++
			default: // whoever asked knows what to make of it
			}
			if err := take(k, content); err != nil {
				return err
			}
		}
	})
	refused := (*refusedError)(nil)
	switch {
	case err != nil && !errors.As(err, &refused):
		return w.end(err)
	case last.Retire || w.pages >= retirement:
		w.stop()
	default:
		w.path = q.Path
		p.put(w)
	}
	return err
}

// take finds or starts a process, one that has the file open if there is one.
func (p *Pool) take(ctx context.Context, path string) (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, &unreadyError{errors.New("the run has ended")}
	}
	if n := len(p.idle); n > 0 {
		at := slices.IndexFunc(p.idle, func(w *process) bool { return w.path == path })
		if at < 0 {
			at = n - 1
		}
		w := p.idle[at]
		p.idle = slices.Delete(p.idle, at, at+1)
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	p.first.Lock()
	if p.ready {
		p.first.Unlock()
		return p.start(ctx)
	}
	defer p.first.Unlock()
	w, err := p.start(ctx)
	p.ready = err == nil
	return w, err
}

// start starts a process. One that dies before it is ready may have been killed by somebody, and is tried again.
func (p *Pool) start(ctx context.Context) (w *process, err error) {
	c := p.config
	for range attempts {
		if w, err = start(ctx, c.Command, settings{c.CacheDir, c.MemoryMB, c.Limits.Limits}); err == nil {
			return w, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.Log.Info("a reader of PDF files did not start", "error", err)
	}
	return nil, &unreadyError{err}
}

// put takes a process back.
func (p *Pool) put(w *process) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
	if closed {
		w.stop()
	}
}

package pdfium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	_ "unsafe" // For go:linkname.

	// It carries PDFium as WebAssembly.
	_ "github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/emscripten"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// program is PDFium, in a variable of go-pdfium that has no exported name. Its own calls cost fifteen times what ours do for the
// characters of a page, and with this in hand nothing else of it is linked. Were the variable gone in
// another version, this one would be empty; Open says so.
//
//go:linkname program github.com/klippa-app/go-pdfium/webassembly.pdfiumWasm
var program []byte

// Build names the PDFium that reads the files. What boxes characters have differs between builds.
const Build = "go-pdfium 1.19.8"

// Config says how PDFium runs.
type Config struct {
	CacheDir string // Where its compiled form is kept; compiling takes a second or two. Default: nowhere.
	MemoryMB int    // What one file may take. Default: 512.
	Limits   Limits // Default: those of Limits.
}

// CacheDir is where the programs of a user keep PDFium's compiled form; empty where there is no place for it. What lies there is
// run, so it must be nobody else's.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "converter", "pdfium")
}

// Library is PDFium, ready to open files.
type Library struct {
	config   Config
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule

	mu     sync.Mutex // guards what follows
	files  map[uint32]source
	nextID uint32
}

// source is where PDFium reads a file from.
type source struct {
	from io.ReaderAt
	size int64
}

// Load makes PDFium ready.
func Load(ctx context.Context, c Config) (*Library, error) {
	if len(program) == 0 {
		return nil, errors.New("load PDFium: this program was built with a version of go-pdfium that does not have it where it is expected; build it with the version that go.mod names")
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = 512
	}
	c.Limits = c.Limits.orDefaults()
	l := &Library{config: c, files: map[uint32]source{}}
	if err := l.load(ctx, quicken(program)); err != nil {
		_ = l.Close(ctx) // the first error says more
		return nil, fmt.Errorf("load PDFium: %w", err)
	}
	return l, nil
}

func (l *Library) load(ctx context.Context, program []byte) (err error) {
	config := wazero.NewRuntimeConfig()
	if l.config.CacheDir != "" {
		if l.cache, err = wazero.NewCompilationCacheWithDir(l.config.CacheDir); err != nil {
			return fmt.Errorf("open the cache: %w", err)
		}
		config = config.WithCompilationCache(l.cache)
	}
	l.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, l.runtime); err != nil {
		return err
	}
	var before []string
	if l.config.CacheDir != "" {
		before = forms(l.config.CacheDir)
	}
	compiling := experimental.WithCompilationWorkers(ctx, runtime.NumCPU())
	if l.compiled, err = l.runtime.CompileModule(compiling, program); err != nil {
		return err
	}
	if l.config.CacheDir != "" {
		forget(l.config.CacheDir, before)
	}
	return l.provide(ctx)
}

// provide gives PDFium the functions it asks its host for. Of those that go-pdfium adds, for forms, for saving and the like, only the one
// that reads a file is ever called.
func (l *Library) provide(ctx context.Context) error {
	host := l.runtime.NewHostModuleBuilder("env")
	known, err := emscripten.NewFunctionExporterForModule(l.compiled)
	if err != nil {
		return err
	}
	known.ExportFunctions(host)
	for _, f := range l.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		var call api.GoModuleFunc
		switch {
		case module != "env" || isEmscripten(name):
			continue
		case name == "FPDF_FILEACCESS_CB":
			call = l.readBlock
		default:
			call = func(context.Context, api.Module, []uint64) { panic("PDFium called " + name) }
		}
		host.NewFunctionBuilder().WithGoModuleFunction(call, f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	_, err = host.Instantiate(ctx)
	return err
}

// isEmscripten says whether a function is one of those by which the compiler's runtime does what WebAssembly cannot.
func isEmscripten(name string) bool {
	return len(name) > 7 && name[:7] == "invoke_" || name == "_emscripten_throw_longjmp" || name == "emscripten_notify_memory_growth"
}

// readBlock is called by PDFium for a part of a file: its id, where, how much, and where to put it.
func (l *Library) readBlock(_ context.Context, m api.Module, stack []uint64) {
	id, at, to, size := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	stack[0] = 0
	l.mu.Lock()
	file, ok := l.files[id]
	l.mu.Unlock()
	memory, inside := m.Memory().Read(to, size)
	if !ok || !inside || int64(at)+int64(size) > file.size {
		return
	}
	if n, _ := file.from.ReadAt(memory, int64(at)); n == len(memory) {
		stack[0] = 1
	}
}

// Close frees what PDFium holds. No file may be open.
func (l *Library) Close(ctx context.Context) error {
	var errs []error
	if l.runtime != nil {
		errs = append(errs, l.runtime.Close(ctx))
	}
	if l.cache != nil {
		errs = append(errs, l.cache.Close(ctx))
	}
	return errors.Join(errs...)
}

// instance is a PDFium of its own, with memory of its own.
type instance struct {
	module api.Module
	memory api.Memory
	limit  *limitedMemory
	calls  map[string]*call
}

func (l *Library) start(ctx context.Context) (*instance, error) {
	i := &instance{limit: &limitedMemory{limit: uint64(l.config.MemoryMB) << 20}, calls: map[string]*call{}}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithFSConfig(wazero.NewFSConfig())
	ctx = experimental.WithMemoryAllocator(ctx, i.limit)
	module, err := l.runtime.InstantiateModule(ctx, l.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	i.module, i.memory = module, module.Memory()
	if _, err := i.call(ctx, "FPDF_InitLibrary"); err != nil {
		_ = module.Close(ctx) // the first error says more
		return nil, err
	}
	return i, nil
}

func (i *instance) close(ctx context.Context) error { return i.module.Close(ctx) }

// call is a function of PDFium, with room for its arguments.
type call struct {
	function api.Function
	stack    []uint64
}

// function finds a function of PDFium.
func (i *instance) function(name string) (*call, error) {
	if c := i.calls[name]; c != nil {
		return c, nil
	}
	f := i.module.ExportedFunction(name)
	if f == nil {
		return nil, fmt.Errorf("this PDFium has no function %s", name)
	}
	d := f.Definition()
	c := &call{f, make([]uint64, max(len(d.ParamTypes()), len(d.ResultTypes()), 1))}
	i.calls[name] = c
	return c, nil
}

// call calls a function of PDFium. Its result is 0 when it has none.
func (i *instance) call(ctx context.Context, name string, arguments ...uint64) (uint64, error) {
	c, err := i.function(name)
	if err != nil {
		return 0, err
	}
	return i.run(ctx, c, arguments...)
}

func (i *instance) run(ctx context.Context, c *call, arguments ...uint64) (uint64, error) {
	copy(c.stack, arguments)
	if err := c.function.CallWithStack(ctx, c.stack); err != nil {
		return 0, i.trap(err)
	}
	return c.stack[0], nil
}

// trap says why PDFium came to an end.
func (i *instance) trap(err error) error {
	return &TrapError{Memory: i.limit.refused, Err: err}
}

// TrapError is the end of a PDFium: the file made it do what it must not, or take more memory than it may.
type TrapError struct {
	Memory bool // it asked for more memory than it may have
	Err    error
}

func (t *TrapError) Error() string {
	if t.Memory {
		return "PDFium ran out of memory"
	}
	return "PDFium came to a sudden end: " + t.Err.Error()
}

func (t *TrapError) Unwrap() error { return t.Err }

package pdfium

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf16"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Code is PDFium's reason to refuse a file.
type Code int

// The codes.
const (
	Unknown  Code = 1
	NoFile   Code = 2 // it could not be read
	Damaged  Code = 3 // it is no PDF, or damaged beyond repair
	Password Code = 4 // it wants one, or another one
	Security Code = 5 // its kind of encryption is not known
	NoPage   Code = 6 // the page is not there, or damaged
)

// Error says that PDFium refused something.
type Error struct {
	Code Code
	What string
}

func (e *Error) Error() string {
	reason := "for a reason it does not tell"
	switch e.Code {
	case NoFile:
		reason = "it cannot be read"
	case Damaged:
		reason = "it is no PDF, or damaged beyond repair"
	case Password:
		reason = "it wants a password, or another one"
	case Security:
		reason = "it is encrypted in a way that PDFium does not know"
	case NoPage:
		reason = "it is not there, or damaged"
	case Unknown:
	}
	return e.What + ": refused by PDFium: " + reason
}

// File is an open PDF.
type File struct {
	library  *Library
	instance *instance
	id       uint32
	document uint64
	room     uint32 // in PDFium's memory, for small results
	pages    int
	// encrypted streams have another length in the file than when they are read.
	encrypted bool
	masks     masks
	fonts     map[uint64]page.Font
}

// roomBytes is enough for what any function returns in a place that its caller names, texts apart.
const roomBytes = 256

// Open opens a file. It is read while it is used, and must not change.
func (l *Library) Open(ctx context.Context, from io.ReaderAt, size int64, password string) (*File, error) {
	if size <= 0 || size > math.MaxUint32 {
		return nil, &Error{Damaged, "open"}
	}
	i, err := l.start(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.nextID++
	f := &File{library: l, instance: i, id: l.nextID, fonts: map[uint64]page.Font{}, masks: masks{from: from, size: size}}
	l.files[f.id] = source{from, size}
	l.mu.Unlock()
	if err := f.open(ctx, size, password); err != nil {
		_ = f.Close(ctx) // the first error says more
		return nil, err
	}
	return f, nil
}

func (f *File) open(ctx context.Context, size int64, password string) error {
	access, err := f.call(ctx, "FPDF_FILEACCESS_Create", uint64(size), uint64(f.id))
	if err != nil {
		return err
	}
	room, err := f.allocate(ctx, roomBytes)
	if err != nil {
		return err
	}
	f.room = room
	secret, err := f.text(ctx, password)
	if err != nil {
		return err
	}
	defer f.release(ctx, secret)
	if f.document, err = f.call(ctx, "FPDF_LoadCustomDocument", access, uint64(secret)); err != nil {
		return err
	}
	if f.document == 0 {
		code, err := f.call(ctx, "FPDF_GetLastError")
		if err != nil {
			return err
		}
		return &Error{Code(code), "open"}
	}
	revision, err := f.call(ctx, "FPDF_GetSecurityHandlerRevision", f.document)
	if err != nil {
		return err
	}
	f.encrypted = int32(revision) != -1
	count, err := f.call(ctx, "FPDF_GetPageCount", f.document)
	f.pages = int(int32(count))
	return err
}

// Close ends the PDFium that has the file open.
func (f *File) Close(ctx context.Context) error {
	f.library.mu.Lock()
	delete(f.library.files, f.id)
	f.library.mu.Unlock()
	return f.instance.close(ctx)
}

// Pages is how many pages the file says it has.
func (f *File) Pages() int { return f.pages }

// MemoryBytes is what the file takes in PDFium's memory.
func (f *File) MemoryBytes() int { return int(f.instance.memory.Size()) }

func (f *File) call(ctx context.Context, name string, arguments ...uint64) (uint64, error) {
	return f.instance.call(ctx, name, arguments...)
}

// allocate takes memory of PDFium's.
func (f *File) allocate(ctx context.Context, size uint32) (uint32, error) {
	at, err := f.call(ctx, "malloc", uint64(size))
	if err == nil && at == 0 {
		err = &TrapError{Memory: true, Err: fmt.Errorf("no room for %d bytes", size)}
	}
	return uint32(at), err
}

func (f *File) release(ctx context.Context, at uint32) {
	_, _ = f.call(ctx, "free", uint64(at)) // a trap shows with the next call
}

// text puts a text where PDFium finds it.
func (f *File) text(ctx context.Context, s string) (uint32, error) {
	at, err := f.allocate(ctx, uint32(len(s))+1)
	if err != nil {
		return 0, err
	}
	memory, err := f.view(at, uint32(len(s))+1)
	if err != nil {
		return 0, err
	}
	memory[copy(memory, s)] = 0
	return at, nil
}

// view is a part of PDFium's memory, until it is called again.
func (f *File) view(at, size uint32) ([]byte, error) {
	memory, ok := f.instance.memory.Read(at, size)
	if !ok {
		return nil, &TrapError{Err: errors.New("an address that is none")}
	}
	return memory, nil
}

// floats reads numbers of four bytes from the room for small results.
func (f *File) floats(n int) ([]float32, error) {
	memory, err := f.view(f.room, uint32(4*n))
	if err != nil {
		return nil, err
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float(memory[4*i:])
	}
	return values, nil
}

func double64(x float64) uint64 { return math.Float64bits(x) }

func float(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func double(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

// textBytes is the most that is read of a title and the like.
const textBytes = 1 << 16

// fetch reads what a function writes, which says how long it is when there is no room for it. Place and size are the last
// arguments.
func (f *File) fetch(ctx context.Context, most uint32, name string, arguments ...uint64) ([]byte, error) {
	need, err := f.call(ctx, name, append(arguments, 0, 0)...)
	size := min(uint32(need), most)
	if err != nil || size == 0 || uint32(need) > most {
		return nil, err
	}
	at, err := f.allocate(ctx, size)
	if err != nil {
		return nil, err
	}
	defer f.release(ctx, at)
	if _, err := f.call(ctx, name, append(arguments, uint64(at), uint64(size))...); err != nil {
		return nil, err
	}
	memory, err := f.view(at, size)
	return append([]byte(nil), memory...), err
}

// wide reads a text of UTF-16.
func (f *File) wide(ctx context.Context, name string, arguments ...uint64) (string, error) {
	raw, err := f.fetch(ctx, textBytes, name, arguments...)
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, binary.LittleEndian.Uint16(raw[i:]))
	}
	for len(units) > 0 && units[len(units)-1] == 0 {
		units = units[:len(units)-1]
	}
	return string(utf16.Decode(units)), err
}

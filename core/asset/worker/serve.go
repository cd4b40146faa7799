package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/internal/child"
)

// overhead is the megabytes that a process may have beyond its limit of pixels: the program itself, what waits to be collected,
// and memory that is set aside and not used.
const overhead = 512

// freedFrom is the megabytes of heap from which a process gives its memory back after a picture.
const freedFrom = 48

// Serve renders what comes in until there is no more. Memory is the megabytes that one picture may take. Nobody else may write to
// out, and signals that are meant for the program that started this one are not listened to.
func Serve(ctx context.Context, in io.Reader, out io.Writer, memory int64) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	if err := child.LimitMemory(uint64(memory+overhead) << 20); err != nil {
		return err
	}
	debug.SetMemoryLimit(memory << 20) // what encoders hold is not in it
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type message struct {
		request request
		data    []byte
		err     error
	}
	messages := make(chan message)
	go func() { // it ends with the input
		defer cancel() // nobody waits for what is being rendered
		for r := bufio.NewReaderSize(in, 1<<16); ; {
			var m message
			blobs, err := read(r, &m.request)
			if m.err = err; err == nil && len(blobs) != 1 {
				m.err = errors.New("a request without a picture")
			}
			if m.err == nil {
				m.data = blobs[0]
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
			if m.err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-messages:
			if errors.Is(m.err, io.EOF) {
				return nil
			}
			if m.err != nil {
				return m.err
			}
			if err := answer(ctx, out, m.request, m.data); err != nil {
				return err
			}
		}
		tidy()
	}
}

// tidy gives back what a large picture has left, so that a process that waits is a small one.
func tidy() {
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapSys-m.HeapReleased > freedFrom<<20 {
		debug.FreeOSMemory()
	}
}

func answer(ctx context.Context, out io.Writer, q request, data []byte) error {
	encoder, _, err := asset.FindEncoder(q.Encoder)
	if err != nil {
		return err
	}
	q.Config.Encoder = encoder
	result, wrong := asset.Render(ctx, data, q.Config)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // nobody waits for it any more
	}
	r := response{Result: result}
	if wrong != nil {
		r.Fault = toFault(wrong)
	}
	var blobs [][]byte
	for i := range r.Result.Renditions {
		made := &r.Result.Renditions[i]
		at := -1
		if !made.Kept {
			for at = range blobs { // renditions of one size share their bytes
				if same(blobs[at], made.Data) {
					break
				}
				at = len(blobs)
			}
			if at < 0 || at == len(blobs) {
				at = len(blobs)
				blobs = append(blobs, made.Data)
			}
		}
		made.Data = nil
		r.Blobs = append(r.Blobs, at)
	}
	if err := write(out, r, blobs...); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// same says whether two slices are the same memory.
func same(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

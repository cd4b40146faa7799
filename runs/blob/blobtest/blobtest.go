// Package blobtest says in tests what a blob.Store has to do, and has one in memory as the second to do it.
//
// It owns [Run], the suite, and [Memory]. It starts goroutines only within Run, which waits for them.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/runs/blob"
)

// Memory is a blob.Store in memory, without a bound: for tests.
type Memory struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

var _ blob.Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{blobs: map[string][]byte{}} }

// Put implements [blob.Store].
func (m *Memory) Put(ctx context.Context, data []byte) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	name := blob.Name(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[name] = bytes.Clone(data)
	return name, nil
}

// Open implements [blob.Store].
func (m *Memory) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := errors.Join(ctx.Err(), blob.CheckName(name)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.blobs[name]
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", name, blob.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Has implements [blob.Store].
func (m *Memory) Has(ctx context.Context, name string, size int64) (bool, error) {
	if err := errors.Join(ctx.Err(), blob.CheckName(name)); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.blobs[name]
	return ok && (size == blob.AnySize || int64(len(data)) == size), nil
}

// Remove implements [blob.Store].
func (m *Memory) Remove(ctx context.Context, name string) error {
	if err := errors.Join(ctx.Err(), blob.CheckName(name)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, name)
	return nil
}

// Run holds the stores that open returns, each empty, to the contract of [blob.Store].
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"what was put comes back", roundTrip},
		{"absent blobs", absent},
		{"names that are none", badNames},
		{"sizes are checked", sizes},
		{"remove", remove},
		{"an ended context", ended},
		{"many at once", concurrent},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func roundTrip(t *testing.T, store blob.Store) {
	t.Helper()
	for _, data := range [][]byte{nil, []byte("a"), bytes.Repeat([]byte("\x00\xff"), 1<<18)} {
		name := put(t, store, data)
		if want := blob.Name(data); name != want {
			t.Errorf("Put returned %s, want %s", name, want)
		}
		for range 2 { // the second Put is of what is there
			if got := read(t, store, name); !bytes.Equal(got, data) {
				t.Errorf("%d bytes came back as %d", len(data), len(got))
			}
			put(t, store, data)
		}
	}
	data := []byte("before")
	name := put(t, store, data)
	copy(data, "AFTER!")
	if got := read(t, store, name); string(got) != "before" {
		t.Errorf("changing the bytes after Put changed the blob to %q", got)
	}
}

func absent(t *testing.T, store blob.Store) {
	t.Helper()
	name := blob.Name([]byte("never put"))
	if _, err := store.Open(t.Context(), name); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open: %v, want ErrNotFound", err)
	}
	if there, err := store.Has(t.Context(), name, blob.AnySize); there || err != nil {
		t.Errorf("Has: %v, %v", there, err)
	}
	if err := store.Remove(t.Context(), name); err != nil {
		t.Errorf("Remove: %v", err)
	}
}

func badNames(t *testing.T, store blob.Store) {
	t.Helper()
	good := blob.Name(nil)
	for _, name := range []string{"", "..", good[1:], good + "0", strings.ToUpper(good), "../../" + good[6:], good[:63] + "/"} {
		if _, err := store.Open(t.Context(), name); !errors.Is(err, blob.ErrName) {
			t.Errorf("Open(%q): %v, want ErrName", name, err)
		}
		if _, err := store.Has(t.Context(), name, blob.AnySize); !errors.Is(err, blob.ErrName) {
			t.Errorf("Has(%q): %v, want ErrName", name, err)
		}
		if err := store.Remove(t.Context(), name); !errors.Is(err, blob.ErrName) {
			t.Errorf("Remove(%q): %v, want ErrName", name, err)
		}
	}
}

func sizes(t *testing.T, store blob.Store) {
	t.Helper()
	name := put(t, store, []byte("four"))
	for size, want := range map[int64]bool{4: true, 3: false, 5: false, 0: false, blob.AnySize: true} {
		if there, err := store.Has(t.Context(), name, size); there != want || err != nil {
			t.Errorf("Has of size %d: %v, %v, want %v", size, there, err, want)
		}
	}
}

func remove(t *testing.T, store blob.Store) {
	t.Helper()
	gone, kept := put(t, store, []byte("gone")), put(t, store, []byte("kept"))
	for range 2 {
		if err := store.Remove(t.Context(), gone); err != nil {
			t.Fatalf("Remove: %v", err)
		}
	}
	if _, err := store.Open(t.Context(), gone); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Open after Remove: %v, want ErrNotFound", err)
	}
	if got := read(t, store, kept); string(got) != "kept" {
		t.Errorf("the other blob is now %q", got)
	}
	put(t, store, []byte("gone"))
	if got := read(t, store, gone); string(got) != "gone" {
		t.Errorf("put again: %q", got)
	}
}

func ended(t *testing.T, store blob.Store) {
	t.Helper()
	name := put(t, store, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, put := store.Put(ctx, []byte("y"))
	_, open := store.Open(ctx, name)
	_, has := store.Has(ctx, name, blob.AnySize)
	for call, err := range map[string]error{"Put": put, "Open": open, "Has": has, "Remove": store.Remove(ctx, name)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want the context's error", call, err)
		}
	}
}

// concurrent puts the same blobs from many goroutines while others read: whoever finds one finds all of it.
func concurrent(t *testing.T, store blob.Store) {
	t.Helper()
	const workers, blobs = 8, 20
	content := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 10_000+i) }
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range blobs {
				if _, err := store.Put(t.Context(), content(i)); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
		wg.Go(func() {
			for i := range blobs {
				data, err := readAll(t.Context(), store, blob.Name(content(i)))
				if err == nil && !bytes.Equal(data, content(i)) {
					t.Errorf("blob %d was seen with %d bytes", i, len(data))
				}
				if err != nil && !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("Open: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func put(t *testing.T, store blob.Store, data []byte) string {
	t.Helper()
	name, err := store.Put(t.Context(), data)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	return name
}

func read(t *testing.T, store blob.Store, name string) []byte {
	t.Helper()
	data, err := readAll(t.Context(), store, name)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return data
}

func readAll(ctx context.Context, store blob.Store, name string) ([]byte, error) {
	r, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

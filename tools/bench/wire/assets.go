package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/sdk"
)

// assetBytes is about how many bytes of assets a cell fetches.
const assetBytes = 64 << 20

// fetching is a cell that fetches assets of one size.
type fetching struct {
	size   int64
	atOnce int
	fetch  fetch
}

// fetch fetches one asset, through the buffer, and returns how many bytes it had.
type fetch func(ctx context.Context, buffer []byte) (int64, error)

// fetchings adds the cells of one way to fetch assets.
func (b *bench) fetchings(way string, of func(size int) fetch) {
	for _, size := range []int{largeAsset, smallAsset} {
		for _, atOnce := range []int{1, 4} {
			b.add(fetching{int64(size), atOnce, of(size)}, "assets %s %d %d", way, size, atOnce)
		}
	}
}

// stream adds the cells in which the bytes come from a source.
func (b *bench) stream(way string, s sdk.Source) {
	b.fetchings(way, func(size int) fetch {
		ref := sdk.AssetRef{Key: strconv.Itoa(size)}
		return func(ctx context.Context, buffer []byte) (int64, error) {
			a, err := s.FetchAsset(ctx, ref)
			if err != nil {
				return 0, err
			}
			return drain(a.Body, buffer)
		}
	})
}

// written adds the cells in which the plugin writes a file, and only its path goes over the wire.
func (b *bench) written(s sdk.Source) {
	b.fetchings("written", func(size int) fetch {
		ref := sdk.AssetRef{Key: writtenKey + strconv.Itoa(size)}
		return func(ctx context.Context, buffer []byte) (int64, error) {
			a, err := s.FetchAsset(ctx, ref)
			if err != nil {
				return 0, err
			}
			path, err := io.ReadAll(a.Body)
			if err := errors.Join(err, a.Body.Close()); err != nil {
				return 0, err
			}
			n, err := readFile(string(path), buffer)
			return n, errors.Join(err, os.Remove(string(path)))
		}
	})
}

// files adds the cells in which the file is there already, as those of a Foundry library are.
func (b *bench) files() error {
	path := func(size int) string { return filepath.Join(b.folder, fmt.Sprintf("asset-%d", size)) }
	for _, size := range []int{largeAsset, smallAsset} {
		if err := os.WriteFile(path(size), make([]byte, size), 0o600); err != nil {
			return err
		}
	}
	b.fetchings("opened", func(size int) fetch {
		return func(_ context.Context, buffer []byte) (int64, error) { return readFile(path(size), buffer) }
	})
	return nil
}

func readFile(path string, buffer []byte) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	return drain(f, buffer)
}

// drain reads a body to its end and closes it.
func drain(body io.ReadCloser, buffer []byte) (n int64, err error) {
	for err == nil {
		var some int
		some, err = body.Read(buffer)
		n += int64(some)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, errors.Join(err, body.Close())
}

func (c fetching) measure(ctx context.Context) (sample, error) {
	const bufferBytes = 256 << 10
	count := assetBytes / c.size
	buffers := make([][]byte, c.atOnce)
	for i := range buffers {
		buffers[i] = make([]byte, bufferBytes)
	}
	runtime.GC() // nobody pays for the garbage of another
	var next atomic.Int64
	watch := startWatch()
	group, ctx := errgroup.WithContext(ctx)
	for _, buffer := range buffers {
		group.Go(func() error {
			for next.Add(1) <= count {
				n, err := c.fetch(ctx, buffer)
				if err != nil {
					return err
				}
				if n != c.size {
					return fmt.Errorf("an asset of %d bytes had %d", c.size, n)
				}
			}
			return nil
		})
	}
	err := group.Wait()
	s := watch.stop()
	s.Count, s.Bytes = count, count*c.size
	return s, err
}

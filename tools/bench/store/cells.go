package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/rqlite/gorqlite"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// writeRun has a run store rows: from the entities that workers put to the store's acknowledgement of the last row.
func (b *bench) writeRun(ctx context.Context) (s sample, err error) {
	r, err := b.begin(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, b.end(ctx, r)) }()
	m := startMeter(b.process)
	if err := b.store(ctx, r, writes); err != nil {
		return s, err
	}
	s = m.end(writes)
	s.Bytes = b.bytes(writes)
	return s, nil
}

// writeDirect writes the same rows into SQLite itself.
func (b *bench) writeDirect(d *direct) (sample, error) {
	before := d.cpu()
	took, err := d.write(writes, batch)
	return sample{Seconds: took.Seconds(), CPU: (d.cpu() - before).Seconds(), Count: writes, Bytes: b.bytes(writes)}, err
}

// anew makes the table of the other node anew.
func (b *bench) anew(ctx context.Context) error {
	_, err := b.client.Apply(ctx, rqlite.Statement{SQL: "DROP TABLE IF EXISTS items"}, rqlite.Statement{SQL: b.table.ddl})
	return err
}

// writeSingle sends each row in a request of its own, as a program does that uses the client library as it comes.
func (b *bench) writeSingle(ctx context.Context) (s sample, err error) {
	if err := b.anew(ctx); err != nil {
		return s, err
	}
	insert := b.table.insert()
	m := startMeter(b.otherProcess)
	for _, row := range b.rows[:singles] {
		result, err := b.naive.WriteOneParameterizedContext(ctx, gorqlite.ParameterizedStatement{Query: insert, Arguments: row})
		if err := errors.Join(err, result.Err); err != nil {
			return s, err
		}
		if result.RowsAffected != 1 {
			return s, fmt.Errorf("%d rows were written, not one", result.RowsAffected)
		}
	}
	s = m.end(singles)
	s.Bytes = b.bytes(singles)
	return s, nil
}

// writeBatches sends rows that are ready, batch after batch: the way of a run without all that it does to its items.
func (b *bench) writeBatches(ctx context.Context) (s sample, err error) {
	if err := b.anew(ctx); err != nil {
		return s, err
	}
	upsert := rqlite.Upsert{Table: "items", Key: []string{"rev"}, Columns: b.table.columns, Long: []string{"head", "entity", "raw"}, Update: []string{}}
	m := startMeter(b.otherProcess)
	for from := 0; from < writes; from += batch {
		statement, err := upsert.Statement(b.rows[from:min(from+batch, writes)])
		if err != nil {
			return s, err
		}
		if _, err := b.client.Apply(ctx, statement); err != nil {
			return s, err
		}
	}
	s = m.end(writes)
	s.Bytes = b.bytes(writes)
	return s, nil
}

// The picture that is looked up.
const recipe = "bench"

// remember makes what is looked up.
func (b *bench) remember(ctx context.Context) error {
	data := document(1, documentBytes)
	b.asset = core.Asset{MediaType: "image/webp"}
	for _, name := range []string{"original", "thumbnail", "preview", "display"} {
		data = append(data, name...)
		sum, err := b.library.Blobs().Put(ctx, data)
		if err != nil {
			return err
		}
		b.asset.ID = sum
		b.asset.Renditions = append(b.asset.Renditions, core.Rendition{Resolution: name, SHA256: sum, Bytes: int64(len(data)), MediaType: "image/webp"})
	}
	if err := b.library.Store(ctx, recipe, b.asset); err != nil {
		return err
	}
	var err error
	if b.mem, err = cache.Open(ctx, cache.Config{Name: "bench"}); err != nil {
		return err
	}
	for i := range lookups {
		if err := b.mem.Put(ctx, strconv.Itoa(i), data); err != nil {
			return err
		}
	}
	return nil
}

// lookMemory asks a cache for what it has in memory.
func (b *bench) lookMemory(ctx context.Context) (sample, error) {
	keys := make([]string, lookups)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	const times = 50
	began := time.Now()
	for range times {
		for _, key := range keys {
			if hit := b.mem.Get(ctx, key); hit.Level != cache.L1 {
				return sample{}, fmt.Errorf("%s is not in memory", key)
			}
		}
	}
	return timed(began, times*lookups), nil
}

// lookPicture asks for a picture that is in memory, which looks also whether its files are there.
func (b *bench) lookPicture(ctx context.Context) (sample, error) {
	began := time.Now()
	for range lookups {
		if _, there, err := b.library.Lookup(ctx, b.asset.ID, recipe); err != nil || !there {
			return sample{}, fmt.Errorf("the picture is not there: %w", err)
		}
	}
	return timed(began, lookups), nil
}

// lookStore reads the row of the picture from the store.
func (b *bench) lookStore(ctx context.Context) (sample, error) {
	key, err := rqlite.List([]string{b.asset.ID, recipe})
	if err != nil {
		return sample{}, err
	}
	statement := rqlite.Statement{SQL: `SELECT body FROM pictures WHERE asset_id=?1->>0 AND recipe=?1->>1`, Args: []any{key}}
	began := time.Now()
	for range lookups {
		if rows, err := b.guest.Query(ctx, statement); err != nil || rows.Len() != 1 {
			return sample{}, fmt.Errorf("the row is not there: %w", err)
		}
	}
	return timed(began, lookups), nil
}

// smallRun is how many items a run must have to be timed alone; smaller ones are timed several times.
const smallRun = 10_000

// items has a run store so many items. Its time is from the first put to the last acknowledgement; its memory is what is
// held of them when all are stored and their heads are in memory for linking.
func (b *bench) items(ctx context.Context, n int) (s sample, err error) {
	for range max(1, smallRun/n) {
		one, err := b.oneRun(ctx, n)
		if err != nil {
			return s, err
		}
		s.Seconds += one.Seconds
		s.Count += one.Count
		s.Bytes += one.Bytes
	}
	return s, nil
}

func (b *bench) oneRun(ctx context.Context, n int) (s sample, err error) {
	r, err := b.begin(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, b.end(ctx, r)) }()
	before := heap()
	began := time.Now()
	if err := put(ctx, r, n, func(i int) thing { return newThing(i, documentBytes) }); err != nil {
		return s, err
	}
	if err := r.Flush(ctx); err != nil {
		return s, err
	}
	s = timed(began, n)
	heads, err := r.Heads(ctx)
	if err != nil {
		return s, err
	}
	if len(heads) != n {
		return s, fmt.Errorf("%d items were stored, not %d", len(heads), n)
	}
	s.Bytes = heap() - before
	runtime.KeepAlive(heads)
	return s, nil
}

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // it fits
}

// tell is after how many rows it is told how long they took: whether each takes as long as the first does.
const tell = 50_000

// fill has a run store so many rows as fast as it can, and looks at the memory it takes at both ends. What this process
// holds is, but for some megabytes, what is on its way.
func fill(ctx context.Context, at places, n int) (s sample, err error) {
	library, err := runs.Open(ctx, runs.Config{Dir: at.dir, Binary: at.rqlited})
	if err != nil {
		return s, err
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, library.Close(late))
		used := usage()
		s.Peak, s.PluginPeak = used.peak, used.children
	}()
	r, err := library.Begin(ctx, core.Summary{Name: "fill", Config: "bench", ConfigDigest: "bench"})
	if err != nil {
		return s, err
	}
	watch := watchHeap()
	began := time.Now()
	err = put(ctx, r, n, func(i int) thing {
		if i > 0 && i%tell == 0 {
			fmt.Fprintf(os.Stderr, "store: %d rows were put after %s\n", i, time.Since(began).Round(time.Second/10))
		}
		return newThing(i, documentBytes)
	})
	if err == nil {
		err = r.Flush(ctx)
	}
	s = timed(began, n)
	s.Bytes = watch.end()
	return s, errors.Join(err, r.End(ctx, runs.Ending{State: core.Succeeded, Drop: true}))
}

// heapWatch looks again and again at what was in use when garbage was collected last.
type heapWatch struct {
	stop, done chan struct{}
	most       uint64
}

func watchHeap() *heapWatch {
	w := &heapWatch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			metrics.Read(live)
			w.most = max(w.most, live[0].Value.Uint64())
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

// end returns the largest heap that was seen.
func (w *heapWatch) end() int64 {
	close(w.stop)
	<-w.done
	return int64(w.most) //nolint:gosec // it fits
}

package cache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Level says where an answer came from.
type Level int

// The levels.
const (
	Nowhere Level = iota // it is not known
	L1                   // memory
	L2                   // the store
	Loaded               // it was not cached, and has been loaded
)

// Hit is the answer to a lookup.
type Hit struct {
	Value  []byte // belongs to the cache: it must not be changed
	Absent bool   // it is known that there is no such thing
	Level  Level
}

// Found says that there is a value.
func (h Hit) Found() bool { return h.Level != Nowhere && !h.Absent }

// Get returns what is known of a key. It is nothing also when ctx ends or L2 does not answer.
func (c *Cache) Get(ctx context.Context, key string) Hit {
	if hit, ok := c.first(ctx, key); ok {
		return hit
	}
	hit, outcome := c.second(ctx, key)
	c.judge(outcome, hit)
	return hit
}

// pageKeys is how many keys L2 is asked for at once, so that an answer stays well below what is accepted as one.
const pageKeys = 200

// GetMany returns what is known of many keys; those of which nothing is known are left out. L2 is asked once for each 200
// keys that are not in L1.
func (c *Cache) GetMany(ctx context.Context, keys []string) map[string]Hit {
	hits := make(map[string]Hit, len(keys))
	var rest []string
	asked := make(map[string]bool, len(keys))
	for _, key := range keys {
		if asked[key] {
			continue
		}
		asked[key] = true
		if hit, ok := c.first(ctx, key); ok {
			hits[key] = hit
		} else {
			rest = append(rest, key)
		}
	}
	for page := range slices.Chunk(rest, pageKeys) {
		c.secondMany(ctx, page, hits)
	}
	return hits
}

func (c *Cache) secondMany(ctx context.Context, keys []string, hits map[string]Hit) {
	mine, others := map[string]*read{}, []string(nil)
	c.mu.Lock()
	for _, key := range keys {
		switch {
		case !c.sighted(key):
		case c.reads[key] != nil:
			others = append(others, key)
		default:
			mine[key] = newRead()
			c.reads[key] = mine[key]
		}
	}
	c.mu.Unlock()
	if len(mine) > 0 {
		c.find(ctx, mine)
	}
	for key, r := range mine {
		c.judge(r.outcome, r.hit)
		if r.hit.Level != Nowhere {
			hits[key] = r.hit
		}
	}
	for _, key := range others {
		hit, outcome := c.second(ctx, key)
		c.judge(outcome, hit)
		if hit.Level != Nowhere {
			hits[key] = hit
		}
	}
}

// first asks memory: L1, and what L2 does not have yet.
func (c *Cache) first(ctx context.Context, key string) (Hit, bool) {
	hit, ok := c.remembered(ctx, key)
	switch {
	case !ok:
		c.add(l1Misses, 1)
	default:
		c.add(l1Hits, 1)
		c.countAbsent(hit)
	}
	return hit, ok
}

func (c *Cache) remembered(ctx context.Context, key string) (Hit, bool) {
	now := time.Now().UnixMilli()
	i, ok := c.l1.GetIfPresent(key)
	if ok && i.expiresMS <= now {
		c.expire(key, now)
		ok = false
	}
	if !ok {
		if i, ok = c.unsaved(key, now); !ok {
			return Hit{}, false
		}
	}
	hit := Hit{Value: i.value, Absent: i.absent, Level: L1}
	if !c.good(ctx, key, hit) {
		c.forget(key)
		return Hit{}, false
	}
	return hit, true
}

// unsaved returns what L2 does not have yet, and L1 no more.
func (c *Cache) unsaved(key string, nowMS int64) (item, bool) {
	if c.Table == nil {
		return item{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.backlog.byKey[key]
	if p == nil || p.row.ExpiresMS <= nowMS {
		return item{}, false
	}
	return item{value: p.row.Value, expiresMS: p.row.ExpiresMS, absent: p.row.Absent}, true
}

func (c *Cache) good(ctx context.Context, key string, hit Hit) bool {
	return hit.Absent || c.Check == nil || c.Check(ctx, key, hit.Value)
}

func (c *Cache) countAbsent(hit Hit) {
	if hit.Absent {
		c.add(absentHits, 1)
	}
}

// outcome is what became of asking L2.
type outcome int

const (
	unasked outcome = iota
	missed
	found
	failed
)

func (c *Cache) judge(o outcome, hit Hit) {
	switch o {
	case found:
		c.add(l2Hits, 1)
		c.countAbsent(hit)
	case missed:
		c.add(l2Misses, 1)
	case failed:
		c.add(fallbacks, 1)
	case unasked:
	}
}

// read is one key being asked for in L2. All who want it meanwhile wait for the one who asks.
type read struct {
	done    chan struct{} // closed when what follows is final
	hit     Hit
	outcome outcome
	left    bool // who asked gave up: somebody else should

	spoiled bool // the key changed meanwhile: the answer is that of a moment ago. Under the mutex of the cache
}

func newRead() *read { return &read{done: make(chan struct{})} }

// sighted says that L2 can be asked for a key.
func (c *Cache) sighted(key string) bool { return c.Table != nil && keyFits(key) }

// second asks L2, or waits for who is asking already.
func (c *Cache) second(ctx context.Context, key string) (Hit, outcome) {
	if !c.sighted(key) {
		return Hit{}, unasked
	}
	for ctx.Err() == nil {
		c.mu.Lock()
		r := c.reads[key]
		mine := r == nil
		if mine {
			r = newRead()
			c.reads[key] = r
		}
		c.mu.Unlock()
		if mine {
			c.find(ctx, map[string]*read{key: r})
			return r.hit, r.outcome
		}
		c.add(shared, 1)
		select {
		case <-ctx.Done():
		case <-r.done:
			if !r.left {
				return r.hit, r.outcome
			}
		}
	}
	return Hit{}, unasked
}

// find asks L2 for the keys of reads, promotes what it has, and ends the reads.
func (c *Cache) find(ctx context.Context, reads map[string]*read) {
	rows, o := c.query(ctx, slices.Collect(maps.Keys(reads)))
	rows = c.sound(ctx, rows)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range rows {
		if r := reads[row.Key]; r != nil && !c.backlog.deleted(&row) {
			r.hit = Hit{Value: row.Value, Absent: row.Absent, Level: L2}
			if !r.spoiled {
				c.set(row.Key, item{value: row.Value, expiresMS: row.ExpiresMS, absent: row.Absent})
			}
		}
	}
	for key, r := range reads {
		if c.reads[key] == r {
			delete(c.reads, key)
		}
		r.outcome, r.left = o, o == unasked
		if r.hit.Level == L2 {
			r.outcome, r.left = found, false
		}
		close(r.done)
	}
}

// query asks L2 for rows; o is what became of the keys it does not return.
func (c *Cache) query(ctx context.Context, keys []string) (rows []Row, o outcome) {
	if !c.sight.clear() {
		return nil, failed
	}
	limited, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	rows, err := c.Table.Find(limited, c.Name, keys, time.Now().UnixMilli())
	switch {
	case err == nil:
		c.sight.regain()
		return rows, missed
	case ctx.Err() != nil: // that says nothing about L2
		return nil, unasked
	}
	c.sight.lose()
	c.Log.Debug("no_answer_from_level_2", "error", err)
	return nil, failed
}

// sound returns the rows that may be served, and drops the others from L2.
func (c *Cache) sound(ctx context.Context, rows []Row) []Row {
	var good []Row
	for _, row := range rows {
		switch {
		case row.Checksum != row.Sum(c.Name):
			c.add(corrupt, 1)
			c.Log.Warn("damaged_row_dropped", "item", row.Key)
			c.dropRow(row.Key)
		case !c.good(ctx, row.Key, Hit{Value: row.Value, Absent: row.Absent}):
			c.dropRow(row.Key)
		default:
			good = append(good, row)
		}
	}
	return good
}

// Load returns the value of a key from where it is really known; found is false when there is none.
type Load func(ctx context.Context) (value []byte, found bool, err error)

// loading is one key being loaded. All who want it meanwhile wait for the one who loads.
type loading struct {
	done    chan struct{} // closed when what follows is final
	hit     Hit
	outcome outcome
	err     error
	left    bool // who loaded gave up: somebody else should

	spoiled bool // the key changed meanwhile: what was loaded is not kept. Under the mutex of the cache
}

// GetOrLoad returns what is known of a key, and loads it if nothing is. However many want the same key at a time, one of
// them loads it and the others wait, each for as long as its own ctx lasts. That there is none is remembered too. An
// error of load is returned to all who waited for it and not remembered; when the one who loads gives up because its own
// ctx has ended, another one loads.
//
// load must not ask for the same key.
func (c *Cache) GetOrLoad(ctx context.Context, key string, load Load) (Hit, error) {
	if hit, ok := c.first(ctx, key); ok {
		return hit, nil
	}
	for ctx.Err() == nil {
		c.mu.Lock()
		l := c.loading[key]
		mine := l == nil
		if mine {
			l = &loading{done: make(chan struct{})}
			c.loading[key] = l
		}
		c.mu.Unlock()
		if mine {
			c.lead(ctx, key, l, load)
			c.judge(l.outcome, l.hit)
			return l.hit, l.err
		}
		c.add(shared, 1)
		select {
		case <-ctx.Done():
		case <-l.done:
			if !l.left {
				c.judge(l.outcome, l.hit)
				return l.hit, l.err
			}
		}
	}
	return Hit{}, context.Cause(ctx)
}

var errLoadPanicked = errors.New("the loader panicked")

// lead answers for all who wait for a key.
func (c *Cache) lead(ctx context.Context, key string, l *loading, load Load) {
	l.left, l.err = true, errLoadPanicked // seen only if it does
	defer func() {
		c.mu.Lock()
		if c.loading[key] == l {
			delete(c.loading, key)
		}
		c.mu.Unlock()
		close(l.done)
	}()
	hit, ok := c.remembered(ctx, key) // somebody may have been faster
	if !ok {
		hit, l.outcome = c.second(ctx, key)
		ok = hit.Level != Nowhere
	}
	if ok {
		l.hit, l.err, l.left = hit, nil, false
		return
	}
	begun := time.Now()
	value, there, err := load(ctx)
	c.add(loads, 1)
	c.add(loadNS, time.Since(begun).Nanoseconds())
	if err != nil {
		l.err, l.left = err, ctx.Err() != nil
		return
	}
	if !there {
		value = nil
	}
	l.hit, l.err, l.left = Hit{Value: value, Absent: !there, Level: Loaded}, nil, false
	_ = c.put(ctx, key, item{value: value, absent: !there}, l) // it is loaded, whether or not it can be kept
}

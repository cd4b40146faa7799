package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Put remembers a value, of which it takes a copy, in L1 at once and in L2 a little later. It waits while too much is on
// its way to L2, for as long as ctx lasts; then nothing was put, and the error is that of ctx. It does not wait for a
// store that fails: L2 is then emptied when it comes back, because some of it will be out of date.
func (c *Cache) Put(ctx context.Context, key string, value []byte) error {
	return c.put(ctx, key, item{value: value}, nil)
}

// PutNegative remembers that there is no such thing, for [Config.AbsentTTL].
func (c *Cache) PutNegative(ctx context.Context, key string) error {
	return c.put(ctx, key, item{absent: true}, nil)
}

// put is Put, or what follows a load: then it does not wait, and keeps nothing that was spoiled meanwhile.
func (c *Cache) put(ctx context.Context, key string, i item, after *loading) error {
	ttl := c.TTL
	if i.absent {
		ttl = c.AbsentTTL
	}
	if !keyFits(key) {
		return nil
	}
	if ttl < 0 {
		if after == nil {
			c.forget(key) // what was known before is not so
		}
		return nil
	}
	i.value = bytes.Clone(i.value)
	i.expiresMS = time.Now().Add(ttl).UnixMilli()
	for {
		moved, err := c.tryPut(key, i, after)
		if moved == nil || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moved:
		}
	}
}

// tryPut puts an entry if there is room in the backlog, else it returns what to wait for.
func (c *Cache) tryPut(key string, i item, after *loading) (<-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
		return nil, fmt.Errorf("cache %s: %w", c.Name, ErrClosed)
	case after != nil && after.spoiled:
		return nil, nil
	case c.Table == nil:
	case len(i.value) > ValueLimit:
		c.erase(Exactly(key)) // L2 may have an older one
	case c.crowded(key, len(i.value)) && c.trouble == nil && after != nil:
		c.add(dropped, 1)
		if after.outcome != missed {
			c.erase(Exactly(key)) // L2 did not answer: it may have an older one
		}
	case c.crowded(key, len(i.value)) && c.trouble == nil:
		return c.moved, nil
	default:
		if c.crowded(key, len(i.value)) {
			c.despair()
		}
		c.queue(key, i)
	}
	c.spoil(key, after)
	c.set(key, i)
	return nil, nil
}

// The following want mu held.

// crowded says that the backlog has no room for an entry.
func (c *Cache) crowded(key string, size int) bool {
	b := &c.backlog
	held := len(b.byKey)
	return held > 0 && (held >= c.MaxBacklog || b.bytes+len(key)+size > c.MaxBacklogBytes)
}

func (c *Cache) queue(key string, i item) {
	c.rev++
	row := Row{Key: key, Value: i.value, Absent: i.absent, ExpiresMS: i.expiresMS, Writer: c.writer, Rev: c.rev}
	row.Checksum = row.Sum(c.Name)
	c.stir()
	c.backlog.put(row)
}

// despair gives up what waits for a store that fails, and has L2 emptied instead when it comes back.
func (c *Cache) despair() {
	c.add(dropped, int64(len(c.backlog.byKey)))
	c.rev++
	c.backlog.clear(Deletion{Writer: c.writer, Rev: c.rev})
	c.Log.Warn("level_2_fails_and_will_be_emptied", "error", c.trouble)
}

// erase has rows deleted from L2.
func (c *Cache) erase(match Pattern) {
	c.rev++
	c.stir()
	c.backlog.erase(Deletion{Match: match, Writer: c.writer, Rev: c.rev})
}

// stir has the goroutine look after the backlog.
func (c *Cache) stir() {
	if len(c.backlog.byKey) == 0 && len(c.backlog.deletions) == 0 {
		c.since = time.Now()
	}
	c.nudge()
}

// spoil makes whoever is reading or loading the key not keep it, except for one of them. Who comes later does not wait
// for them.
func (c *Cache) spoil(key string, but *loading) {
	if r := c.reads[key]; r != nil {
		r.spoiled = true
		delete(c.reads, key)
	}
	if l := c.loading[key]; l != nil && l != but {
		l.spoiled = true
		delete(c.loading, key)
	}
	for s := range c.scans {
		s.touched[key] = true
	}
}

// forget drops a key from both levels.
func (c *Cache) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.l1.Invalidate(key)
	if c.sighted(key) {
		c.erase(Exactly(key))
	}
}

// dropRow drops a key from L2 alone.
func (c *Cache) dropRow(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backlog.byKey[key] == nil { // else it is about to be replaced
		c.erase(Exactly(key))
	}
}

// Invalidate drops the entries whose keys match from both levels: * stands for any characters, and a pattern without
// one is a key. What is being loaded meanwhile is not kept. Nothing that was dropped is served by this process again,
// even when there is an error: it says that the store could not be told yet, so that a later process might.
func (c *Cache) Invalidate(ctx context.Context, pattern string) error {
	match := NewPattern(pattern)
	c.mu.Lock()
	for _, key := range slices.Concat(slices.Collect(maps.Keys(c.reads)), slices.Collect(maps.Keys(c.loading))) {
		if match.Matches(key) {
			c.spoil(key, nil)
		}
	}
	for s := range c.scans {
		s.spoiled = true
	}
	if c.Table != nil {
		c.erase(match)
	}
	if match.exact {
		c.l1.Invalidate(pattern)
	} else {
		for key := range c.l1.Keys() {
			if match.Matches(key) {
				c.l1.Invalidate(key)
			}
		}
	}
	c.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	if err := c.Flush(limited); err != nil {
		return fmt.Errorf("invalidate %s: %w", pattern, err)
	}
	return nil
}

// Flush returns when L2 has all that was put and invalidated so far, or ctx ends.
func (c *Cache) Flush(ctx context.Context) error {
	c.mu.Lock()
	upTo := c.backlog.place
	c.awaited = max(c.awaited, upTo)
	c.nudge()
	defer c.mu.Unlock()
	for c.backlog.waitsFor(upTo, c.flying) {
		moved := c.moved
		c.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-c.gone:
		case <-moved:
		}
		c.mu.Lock()
		if ended(c.gone) && c.backlog.waitsFor(upTo, c.flying) {
			return fmt.Errorf("cache %s: %w", c.Name, ErrClosed)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("cache %s: the store does not have everything yet: %w", c.Name, errors.Join(context.Cause(ctx), c.trouble))
		}
	}
	return nil
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

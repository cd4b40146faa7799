package cache

import (
	"context"
	"fmt"
	"time"
)

// scan is L2 being read in order; what changes meanwhile is noted by those who change it.
type scan struct {
	touched map[string]bool
	spoiled bool // anything may have changed
}

// Warm brings entries whose keys have a prefix from L2 into L1, in the order of their keys, at most limit of them and no
// more than fill L1. It returns how many came. It replaces nothing that L1 has.
func (c *Cache) Warm(ctx context.Context, prefix string, limit int) (int, error) {
	if c.Table == nil {
		return 0, nil
	}
	count, after := 0, ""
	for count < limit && c.size.entries.Load() < int64(c.MaxEntries) {
		room := min(pageKeys, limit-count)
		rows, came, err := c.warmPage(ctx, prefix, after, room)
		count += came
		if err != nil {
			return count, fmt.Errorf("warm cache %s: %w", c.Name, err)
		}
		if len(rows) < room || c.l1.WeightedSize() >= uint64(c.MaxBytes)*9/10 { //nolint:gosec // it is positive
			break
		}
		after = rows[len(rows)-1].Key
	}
	return count, nil
}

func (c *Cache) warmPage(ctx context.Context, prefix, after string, limit int) (rows []Row, came int, err error) {
	s := &scan{touched: map[string]bool{}}
	c.mu.Lock()
	c.scans[s] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.scans, s)
		c.mu.Unlock()
	}()
	if rows, err = c.Table.Scan(ctx, c.Name, prefix, after, time.Now().UnixMilli(), limit); err != nil {
		return nil, 0, err
	}
	good := c.sound(ctx, rows)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range good {
		_, there := c.l1.GetEntryQuietly(row.Key)
		if there || s.spoiled || s.touched[row.Key] || c.backlog.byKey[row.Key] != nil || c.backlog.deleted(&row) {
			continue
		}
		c.set(row.Key, item{value: row.Value, expiresMS: row.ExpiresMS, absent: row.Absent})
		came++
	}
	return rows, came, nil
}

// purgePage is how many rows are removed by one write, so that none is long.
const purgePage = 500

// Purge removes what has expired: all of it from L1, and at most limit rows from L2, of whatever cache. It returns how
// many rows that were.
func (c *Cache) Purge(ctx context.Context, limit int) (int, error) {
	c.sweep()
	if c.Table == nil {
		return 0, nil
	}
	removed := 0
	for removed < limit {
		page := min(purgePage, limit-removed)
		n, err := c.Table.Purge(ctx, time.Now().UnixMilli(), page)
		removed += n
		c.purgedRows.Add(int64(n))
		if err != nil {
			return removed, fmt.Errorf("purge the table of caches: %w", err)
		}
		if n < page {
			break
		}
	}
	return removed, nil
}

package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/runs/cache"
)

// open opens a cache called "c" that is closed with the test.
func open(tb testing.TB, config cache.Config) *cache.Cache {
	tb.Helper()
	config.Name = "c"
	c, err := cache.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { shut(tb, c) })
	return c
}

func shut(tb testing.TB, c *cache.Cache) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		tb.Error(err)
	}
}

func put(tb testing.TB, c *cache.Cache, key, value string) {
	tb.Helper()
	if err := c.Put(tb.Context(), key, []byte(value)); err != nil {
		tb.Fatal(err)
	}
}

func flush(tb testing.TB, c *cache.Cache) {
	tb.Helper()
	if err := c.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// know checks what a cache knows of a key: a value, "absent" or "nothing", and from where.
func know(tb testing.TB, c *cache.Cache, key, want string, level cache.Level) {
	tb.Helper()
	if got := c.Get(tb.Context(), key); said(got) != want || got.Level != level {
		tb.Errorf("%s: %s from %d, want %s from %d", key, said(got), got.Level, want, level)
	}
}

func said(h cache.Hit) string {
	switch {
	case h.Found():
		return string(h.Value)
	case h.Absent:
		return "absent"
	default:
		return "nothing"
	}
}

// never is a loader that must not be asked.
func never(tb testing.TB) cache.Load {
	tb.Helper()
	return func(context.Context) ([]byte, bool, error) {
		tb.Error("loaded")
		return nil, false, nil
	}
}

func value(text string) cache.Load {
	return func(context.Context) ([]byte, bool, error) { return []byte(text), true, nil }
}

// slowTable takes its time to answer, after it has looked.
type slowTable struct {
	cache.Table

	finding, writing atomic.Int64 // nanoseconds
	refuse           string       // key of a row that is refused
}

func (s *slowTable) Find(ctx context.Context, name string, keys []string, nowMS int64) ([]cache.Row, error) {
	rows, err := s.Table.Find(ctx, name, keys, nowMS)
	return rows, errors.Join(err, pause(ctx, s.finding.Load()))
}

func (s *slowTable) Write(ctx context.Context, name string, deletions []cache.Deletion, rows []cache.Row) error {
	if err := pause(ctx, s.writing.Load()); err != nil {
		return err
	}
	if s.refuse != "" && slices.ContainsFunc(rows, func(r cache.Row) bool { return r.Key == s.refuse }) {
		return fmt.Errorf("%w: it is odd", cache.ErrRefused)
	}
	return s.Table.Write(ctx, name, deletions, rows)
}

func pause(ctx context.Context, ns int64) error {
	if ns == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(ns)):
		return nil
	}
}

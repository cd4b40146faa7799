package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/maypok86/otter/v2"
)

// Config says what a cache is and how much it may take.
type Config struct {
	// Name tells the cache from others in the same table. Required.
	Name string
	// Table is the second level. Default: none, the cache ends with the process.
	Table Table
	// MaxBytes is what L1 weighs at most. Default: 16 MiB.
	MaxBytes int
	// MaxEntries is how many entries L1 has at most. Default: 50,000.
	MaxEntries int
	// TTL is how long an entry is good for. Default: 24 h.
	TTL time.Duration
	// AbsentTTL is how long it is good for that something does not exist. Default: 5 min. Negative: it is not kept.
	AbsentTTL time.Duration
	// Check is asked before an entry is served; one that it refuses is dropped from both levels and counts as missing.
	// Default: every entry is good.
	Check func(ctx context.Context, key string, value []byte) bool
	// Patience is how long L2 may take for an answer. Default: 2 s.
	Patience time.Duration
	// BatchRows and BatchBytes are how much is written to L2 at once at most. Default: 100, 128 KiB.
	BatchRows, BatchBytes int
	// Age is how long a row waits for others to be written with. Default: 250 ms.
	Age time.Duration
	// MaxBacklog and MaxBacklogBytes are what is held at most that L2 does not have yet. Default: 5,000, 8 MiB.
	MaxBacklog, MaxBacklogBytes int
	// Log gets what happens to L2. Default: nothing is logged.
	Log *slog.Logger
}

// Limits of what is kept in L2.
const (
	// KeyLimit is the longest key in bytes. Something with a longer one is not kept at all.
	KeyLimit = 1 << 10
	// ValueLimit is the longest value in bytes that goes to L2; longer ones are kept in L1 alone.
	ValueLimit = 64 << 10
)

// Overhead is what an entry of L1 counts for beside its key and its value, in bytes. Measured with 1,000 to 160,000 entries
// it is 122 to 142, to which the heap adds the rounding of sizes.
const Overhead = 160

// Validate says which setting is wrong.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return errors.New("cache: it has no Name")
	case !keyFits(c.Name):
		return fmt.Errorf("cache: Name %q is not UTF-8, has a NUL in it or more than %d bytes", c.Name, KeyLimit)
	case min(c.MaxBytes, c.MaxEntries, c.BatchRows, c.BatchBytes, c.MaxBacklog, c.MaxBacklogBytes) < 0:
		return fmt.Errorf("cache %s: no limit may be negative", c.Name)
	case c.TTL < 0 || c.Age < 0 || c.Patience < 0:
		return fmt.Errorf("cache %s: TTL, Age and Patience must not be negative", c.Name)
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.MaxBytes = cmp.Or(c.MaxBytes, 16<<20)
	c.MaxEntries = cmp.Or(c.MaxEntries, 50_000)
	c.TTL = cmp.Or(c.TTL, 24*time.Hour)
	c.AbsentTTL = cmp.Or(c.AbsentTTL, 5*time.Minute)
	c.Patience = cmp.Or(c.Patience, 2*time.Second)
	c.BatchRows = cmp.Or(c.BatchRows, 100)
	c.BatchBytes = cmp.Or(c.BatchBytes, 128<<10)
	c.Age = cmp.Or(c.Age, 250*time.Millisecond)
	c.MaxBacklog = cmp.Or(c.MaxBacklog, 5000)
	c.MaxBacklogBytes = cmp.Or(c.MaxBacklogBytes, 8<<20)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("cache", c.Name)
	return c
}

// ErrClosed says that the cache was closed before.
var ErrClosed = errors.New("the cache is closed")

// Cache is a cache of two levels. It is safe for concurrent use.
type Cache struct {
	*state

	own                         *tally // numbers of this scope
	overflowed, expired, purged int64  // before this scope
}

// state is what all scopes of a cache share.
type state struct {
	Config
	writer     string // names this process in L2
	l1         *otter.Cache[string, item]
	size       level1
	all        tally
	purgedRows atomic.Int64
	sight      sight

	cancel context.CancelFunc
	gone   chan struct{} // closed when the goroutine has ended
	wake   chan struct{} // holds one token: something has changed for the goroutine

	mu      sync.Mutex // held by who changes L1 or what follows
	rev     int64
	reads   map[string]*read
	loading map[string]*loading
	scans   map[*scan]bool
	backlog backlog
	flying  batch         // on its way
	since   time.Time     // when the backlog was last empty
	awaited uint64        // place up to which somebody waits for L2
	moved   chan struct{} // closed and replaced when the backlog has shrunk or writing failed
	trouble error         // of the last write; nil: it went well
	closing bool
}

// item is an entry of L1.
type item struct {
	value     []byte
	expiresMS int64
	absent    bool
}

// Open returns a cache, empty in L1. It has to be closed; its goroutine lives until then, however long ctx lasts.
func Open(ctx context.Context, config Config) (*Cache, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &state{
		Config: config.withDefaults(), writer: rand.Text(), gone: make(chan struct{}), wake: make(chan struct{}, 1),
		reads: map[string]*read{}, loading: map[string]*loading{}, scans: map[*scan]bool{},
		backlog: backlog{byKey: map[string]*pending{}}, moved: make(chan struct{}),
	}
	floor := (s.MaxBytes + s.MaxEntries - 1) / s.MaxEntries
	var err error
	s.l1, err = otter.New(&otter.Options[string, item]{
		MaximumWeight: uint64(s.MaxBytes), //nolint:gosec // it is positive
		Weigher: func(key string, i item) uint32 {
			return uint32(min(max(weight(key, i), floor), 1<<31)) //nolint:gosec // it is bounded
		},
		OnAtomicDeletion: s.size.deleted,
		Executor:         func(work func()) { work() }, // no goroutine that nobody waits for
		Logger:           &otter.NoopLogger{},
	})
	if err != nil {
		return nil, fmt.Errorf("cache %s: %w", s.Name, err)
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	go s.loop(lasting)
	return &Cache{state: s, own: &s.all}, nil
}

// Close writes to L2 what it does not have yet, and returns when the goroutine is gone. What could not be written before
// ctx ends is lost, and in the error.
func (c *Cache) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closing = true
	c.nudge()
	c.mu.Unlock()
	var late error
	select {
	case <-c.gone:
	case <-ctx.Done():
		late = context.Cause(ctx)
		c.cancel()
		<-c.gone
	}
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if unsaved := len(c.backlog.byKey) + len(c.backlog.deletions); late != nil && unsaved > 0 {
		return fmt.Errorf("cache %s: %d changes are not in the store: %w", c.Name, unsaved, errors.Join(late, c.trouble))
	}
	return nil
}

func keyFits(key string) bool {
	return len(key) <= KeyLimit && utf8.ValidString(key) && !strings.Contains(key, "\x00")
}

func weight(key string, i item) int { return len(key) + len(i.value) + Overhead }

// set puts an entry into L1. It wants mu held.
func (s *state) set(key string, i item) {
	s.size.entries.Add(1)
	s.size.bytes.Add(int64(weight(key, i)))
	s.l1.Set(key, i)
}

// deleted counts an entry that has left L1, or was replaced.
func (l *level1) deleted(e otter.DeletionEvent[string, item]) {
	l.entries.Add(-1)
	l.bytes.Add(-int64(weight(e.Key, e.Value)))
	if e.Cause == otter.CauseOverflow {
		l.overflowed.Add(1)
	}
}

// expire drops an entry from L1 unless it was renewed meanwhile.
func (s *state) expire(key string, nowMS int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.l1.GetEntryQuietly(key); ok && e.Value.expiresMS <= nowMS {
		s.l1.Invalidate(key)
		s.size.expired.Add(1)
	}
}

// sweep drops from L1 what has expired.
func (s *state) sweep() {
	now := time.Now().UnixMilli()
	for key, i := range s.l1.All() {
		if i.expiresMS <= now {
			s.expire(key, now)
		}
	}
}

// sight says whether L2 is to be asked. After a failure it is left alone for a second, after further ones for longer.
type sight struct {
	mu    sync.Mutex
	until time.Time
	pause time.Duration
}

const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

func (s *sight) clear() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pause == 0 || !time.Now().Before(s.until)
}

func (s *sight) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pause > 0 && time.Now().Before(s.until) {
		return // others have lost it at the same time
	}
	s.pause = min(max(2*s.pause, firstPause), lastPause)
	s.until = time.Now().Add(s.pause)
}

func (s *sight) regain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = 0
}

package rqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// NodeConfig says where the private node keeps its data and how it is looked after.
type NodeConfig struct {
	// Binary is the path of rqlited. Default: the one beside our own program, else the one on PATH.
	Binary string
	// Dir is the folder of the node, for it alone; it is made if need be, and closed to other users.
	Dir string
	// Hold is the folder, where the caller has taken it already; it stays the caller's when the node is gone. Default:
	// the node takes the folder for as long as it lives.
	Hold *Hold
	// Log gets the node's life as it goes on; what rqlited says is at the debug level. Default: nothing is logged.
	Log *slog.Logger
	// StartTimeout is how long a start may take, which reads all that was written since the last snapshot. Default: 2 min.
	StartTimeout time.Duration
	// Grace is how long the process may take to end when asked to. Default: 10 s.
	Grace time.Duration
	// MinFree is how many bytes must be free on the disk at the start. Default: 64 MiB.
	MinFree uint64
	// LittleFree is how many bytes are so few that a warning is due: the store takes three to four times what is written
	// to it. Default: 1 GiB.
	LittleFree uint64
	// MaxRestarts is how often within a minute the process is started again after it ended by itself. Default: 5;
	// negative: never.
	MaxRestarts int
}

func (c NodeConfig) withDefaults() NodeConfig {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 2 * time.Minute
	}
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	if c.MinFree == 0 {
		c.MinFree = 64 << 20
	}
	if c.LittleFree == 0 {
		c.LittleFree = 1 << 30
	}
	if c.MaxRestarts == 0 {
		c.MaxRestarts = 5
	}
	return c
}

// Node is the private database of this process: an rqlited of its own on the loopback, behind a password nobody else
// knows. It is started again when it dies, on another port; clients made from [Node.ClientConfig] follow it.
type Node struct {
	config         NodeConfig
	binary         string
	user, password string
	visitor        guest // who may read, and nothing else
	hold           *Hold

	halt context.CancelFunc // ends starts in progress and forbids new ones
	done chan struct{}      // closed when process and goroutine are gone

	mu       sync.Mutex
	stopping bool
	child    *child
	url      string // empty while it is not ready
	err      error
}

// StartNode starts the node and returns when all of its data is in sight. The end of ctx ends only the start.
//
// A folder in use by another process is a [LockedError]; without the program the error is [ErrNoBinary].
func StartNode(ctx context.Context, config NodeConfig) (*Node, error) {
	config = config.withDefaults()
	n, err := prepare(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("start the store: %w", err)
	}
	// From here on the node lives until it is stopped, however long ctx lasts.
	lasting, halt := context.WithCancel(context.WithoutCancel(ctx))
	n.halt = halt
	first, err := n.start(ctx)
	if err != nil {
		halt()
		return nil, errors.Join(fmt.Errorf("start the store: %w", err), n.letGo())
	}
	go n.supervise(lasting, first)
	return n, nil
}

// prepare finds the program and takes the folder.
func prepare(ctx context.Context, config NodeConfig) (*Node, error) {
	if config.Dir == "" {
		return nil, errors.New("no folder given")
	}
	binary, err := findBinary(ctx, config.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, err
	}
	config.Dir = dir
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	if err := config.room(); err != nil {
		return nil, err
	}
	hold := config.Hold
	if hold == nil {
		if hold, err = Take(dir); err != nil {
			return nil, err
		}
	}
	return &Node{
		config: config, binary: binary, hold: hold, done: make(chan struct{}),
		user: rand.Text(), password: rand.Text(), visitor: guest{User: rand.Text(), Password: rand.Text()},
	}, nil
}

// letGo leaves the folder to others, or to the caller who had it before.
func (n *Node) letGo() error {
	if n.config.Hold != nil {
		return n.hold.note(0, nil)
	}
	return n.hold.Release()
}

// room looks whether there is room for a run's rows.
func (c NodeConfig) room() error {
	free, known := FreeSpace(c.Dir)
	switch {
	case known && free < c.MinFree:
		return fmt.Errorf("%w: %d MiB are free in %s, %d are wanted: make room, or use another folder", ErrFull, free>>20, c.Dir, c.MinFree>>20)
	case known && free < c.LittleFree:
		c.Log.Warn("store_has_little_room", "free_mib", free>>20, "dir", c.Dir,
			"advice", "rows take three to four times their size on disk while a run lasts; when it is full the run stops and keeps what it has")
	}
	return nil
}

// ClientConfig returns what a client of this node needs. It holds for as long as the node lives.
func (n *Node) ClientConfig() Config {
	return Config{Endpoints: n.endpoints, Down: n.down, Trouble: n.trouble, User: n.user, Password: n.password, Log: n.config.Log}
}

// Done is closed when the node is gone for good: it was stopped, or could not be kept running.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err returns why the node could not be kept running, and nil as long as it could, or when it was stopped.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

var errStopped = errors.New("the store was stopped")

// down is Err for clients, which need not wait for a node that was stopped either.
func (n *Node) down() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err == nil && n.stopping {
		return errStopped
	}
	return n.err
}

// trouble tells clients what the process complains about.
func (n *Node) trouble() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child != nil && n.child.outOfSpace() {
		return fmt.Errorf("%w: make room in %s; it goes on by itself then", ErrFull, n.config.Dir)
	}
	return nil
}

func (n *Node) endpoints() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.url == "" {
		return nil
	}
	return []string{n.url}
}

package rqlite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rqlite/gorqlite"
)

// Client speaks to the database. It is safe for concurrent use; more than two writes at a time gain nothing.
type Client struct {
	config    Config
	http      *http.Client
	transport *transport

	mu      sync.Mutex
	closed  bool
	current string          // the node that answered last
	rounds  int             // of growing patience that the last call needed before a node was fast enough
	nodes   map[string]node // by URL
}

// node is one gorqlite connection per way of asking, because level and transactions belong to a connection.
type node struct {
	url    string
	weak   *gorqlite.Connection // writes
	plain  *gorqlite.Connection // reads at the level of the config
	linear *gorqlite.Connection
	strong *gorqlite.Connection
	bare   *gorqlite.Connection // without a transaction
}

// Open returns a client whose database answered and has all of its data in sight: the first read goes through the
// log, which a node that has just started is still catching up with.
func Open(ctx context.Context, config Config) (*Client, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := newClient(config)
	if _, err := c.read(ctx, "open the store", Statement{SQL: "SELECT 1"}, strongly); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func newClient(config Config) *Client {
	config = config.withDefaults()
	t := newTransport(config)
	return &Client{config: config, http: t.client(), transport: t, nodes: map[string]node{}}
}

// Patient returns a client for the same database that waits longer for an answer. It ends with this one.
func (c *Client) Patient(attempt time.Duration) *Client {
	config := c.config
	config.AttemptTimeout, config.RetryFor = attempt, attempt
	return &Client{config: config, http: c.http, transport: c.transport, nodes: map[string]node{}}
}

// Close ends the client. A call in progress ends with an error at its next attempt.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.transport.base.CloseIdleConnections()
	return nil
}

// Apply carries out all statements in one transaction, or none of them.
//
// A request whose answer was lost is sent again, so statements must be safe to carry out twice: deterministic ids, ON
// CONFLICT, absolute values in place of increments. And an attempt that was given up may still be carried out a little
// later, even after the next Apply: rows that change more than once carry a rising number and a guard on it
// ([Upsert.Where]).
func (c *Client) Apply(ctx context.Context, statements ...Statement) ([]Result, error) {
	ready, err := checked(statements, true)
	if err != nil {
		return nil, fmt.Errorf("write to the store: %w", err)
	}
	var results []Result
	err = c.retry(ctx, true, func(ctx context.Context, n node, seen *answer) error {
		written, err := n.weak.WriteParameterizedContext(ctx, ready)
		if err := judge(err, seen, writeFailures(written), statements); err != nil {
			return err
		}
		results = make([]Result, len(written))
		for i, w := range written {
			results[i] = Result{RowsAffected: w.RowsAffected, LastInsertID: w.LastInsertID}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("write to the store: %w", err)
	}
	return results, nil
}

func writeFailures(results []gorqlite.WriteResult) []error {
	failures := make([]error, len(results))
	for i, r := range results {
		failures[i] = r.Err
	}
	return failures
}

// Query reads at the level of the config, for what does no harm when it is a moment old: a node of a cluster that has
// just become its leader answers at once and may lack, for a second or so, rows and whole tables that were confirmed.
// Of a private node it sees all.
func (c *Client) Query(ctx context.Context, statement Statement) (*Rows, error) {
	const operation = "read from the store"
	rows, err := c.read(ctx, operation, statement, plainly)
	if failure, ok := errors.AsType[*StatementError](err); ok && strings.Contains(failure.Message, "no such ") {
		return c.read(ctx, operation, statement, linearly) // a new leader may not have come to the table yet
	}
	return rows, err
}

// QueryLinear reads what is certainly the last state of the whole cluster, for all that something hangs on. On one node
// it costs what Query costs.
func (c *Client) QueryLinear(ctx context.Context, statement Statement) (*Rows, error) {
	return c.read(ctx, "read from the store", statement, linearly)
}

// Claim settles who owns something: it carries out write and then read in one transaction and returns what read saw.
//
// It is sent again when the answer is lost, so write must recognise its own earlier success by a token that the caller
// makes once per claim (a random text), never by how many rows it changed:
//
//	INSERT INTO tasks(id, owner) VALUES(?, ?) ON CONFLICT(id) DO NOTHING      -- the task and the token
//	SELECT owner FROM tasks WHERE id = ?                                      -- mine, if it is the token
//
//	UPDATE jobs SET owner = ?1 WHERE id = (SELECT id FROM jobs WHERE owner IS NULL ORDER BY id LIMIT 1)
//	       AND NOT EXISTS (SELECT 1 FROM jobs WHERE owner = ?1)               -- the token
//	SELECT id FROM jobs WHERE owner = ?                                       -- mine; none: nothing was left
func (c *Client) Claim(ctx context.Context, write, read Statement) (*Rows, error) {
	const operation = "claim in the store"
	statements := []Statement{write, read}
	ready, err := checked(statements, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	var rows *Rows
	err = c.retry(ctx, true, func(ctx context.Context, n node, seen *answer) error {
		results, err := n.weak.RequestParameterizedContext(ctx, ready)
		failures := make([]error, len(results))
		for i, r := range results {
			failures[i] = r.Err
		}
		if err := judge(err, seen, failures, statements); err != nil {
			return err
		}
		if results[1].Query == nil {
			return finalError{fmt.Errorf("%w: the second statement of a claim must read: %s", ErrRejected, excerpt(read.SQL))}
		}
		rows, err = newRows(results[1].Query)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	return rows, nil
}

// level says through which connection a read goes.
type level func(node) *gorqlite.Connection

func plainly(n node) *gorqlite.Connection  { return n.plain }
func linearly(n node) *gorqlite.Connection { return n.linear }
func strongly(n node) *gorqlite.Connection { return n.strong }

func (c *Client) read(ctx context.Context, operation string, statement Statement, through level) (*Rows, error) {
	statements := []Statement{statement}
	ready, err := checked(statements, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	var rows *Rows
	err = c.retry(ctx, false, func(ctx context.Context, n node, seen *answer) error {
		results, err := through(n).QueryParameterizedContext(ctx, ready)
		failures := make([]error, len(results))
		for i, r := range results {
			failures[i] = r.Err
		}
		if err := judge(err, seen, failures, statements); err != nil {
			return err
		}
		rows, err = newRows(&results[0])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	return rows, nil
}

// connect returns the connections to the node at url, which contact nobody yet, and forgets nodes that are no more.
func (c *Client) connect(url string, endpoints []string) (node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return node{}, finalError{ErrClosed}
	}
	if n, ok := c.nodes[url]; ok {
		return n, nil
	}
	n, err := c.open(url)
	if err != nil {
		return node{}, finalError{fmt.Errorf("node %s: %w", url, err)}
	}
	kept := map[string]node{url: n}
	for _, endpoint := range endpoints {
		if old, ok := c.nodes[endpoint]; ok {
			kept[endpoint] = old
		}
	}
	c.nodes = kept
	return n, nil
}

func (c *Client) open(url string) (node, error) {
	var failures []error
	dial := func(level string) *gorqlite.Connection {
		// Discovery is off: which node is asked next is decided here, and a private node advertises an address of no use.
		conn, err := gorqlite.OpenWithClient(url+"/?disableClusterDiscovery=true&level="+level, c.http)
		failures = append(failures, err)
		return conn
	}
	n := node{
		url: url, weak: dial(string(Weak)), plain: dial(string(c.config.ReadLevel)), linear: dial(string(Linearizable)),
		strong: dial("strong"), bare: dial(string(Weak)),
	}
	if err := errors.Join(failures...); err != nil {
		return node{}, err
	}
	return n, n.bare.SetExecutionWithTransaction(false)
}

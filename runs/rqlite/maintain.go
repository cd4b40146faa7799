package rqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maintenanceLimit bounds work that copies the whole database.
const maintenanceLimit = 5 * time.Minute

// Snapshot makes every node fold its log into the database file, so that its next start takes a fraction of a second
// instead of seconds. It is for the end of a run; a node with nothing new does nothing.
func (c *Client) Snapshot(ctx context.Context) error {
	endpoints := c.config.Endpoints()
	if len(endpoints) == 0 {
		return fmt.Errorf("snapshot: %w: %w", ErrUnavailable, errNoNode)
	}
	var failures []error
	for _, url := range endpoints {
		if err := c.snapshot(ctx, url); err != nil {
			failures = append(failures, fmt.Errorf("snapshot of %s: %w", url, err))
		}
	}
	return errors.Join(failures...)
}

func (c *Client) snapshot(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, maintenanceLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/snapshot", http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, headSize))
	err = errors.Join(err, response.Body.Close())
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case response.StatusCode == http.StatusOK, response.StatusCode == http.StatusNoContent:
		return nil
	case response.StatusCode == http.StatusUnauthorized:
		return ErrUnauthorized
	default:
		return fmt.Errorf("%w: HTTP %d: %s", ErrUnavailable, response.StatusCode, text)
	}
}

const (
	adviceLimit   = time.Second
	mostLogged    = 2048 // entries of the log that a node may keep before a snapshot, at up to 128 KB each
	largestStatus = 1 << 20
)

// Status is what one node says of itself.
type Status struct {
	URL     string
	Version string
	State   string // Leader, Follower, …
	LogSize int64  // of its log on disk, which does not shrink
	Size    int64  // of its database
	Logged  int    // entries of the log that it keeps before a snapshot
	Err     error  // why it says nothing
}

// Advice is what will be regretted about the way a node is run.
func (s Status) Advice() []string {
	var list []string
	if s.Version != "" && !strings.HasPrefix(s.Version, version+".") {
		list = append(list, fmt.Sprintf("%s is rqlited %s, and this program was tried with %s: use that one", s.URL, s.Version, version))
	}
	if s.Logged > mostLogged {
		list = append(list, fmt.Sprintf("%s keeps %d batches in its log, up to %d MB on disk: start it with -raft-snap=1024",
			s.URL, s.Logged, s.Logged/8))
	}
	return list
}

// Nodes asks all nodes what they are. One that does not answer at once says why in its Err.
func (c *Client) Nodes(ctx context.Context) []Status {
	var list []Status
	for _, url := range c.config.Endpoints() {
		var told struct {
			Build struct {
				Version string `json:"version"`
			} `json:"build"`
			Store struct {
				Threshold int `json:"snapshot_threshold"`
				Raft      struct {
					State   string `json:"state"`
					LogSize int64  `json:"log_size"`
				} `json:"raft"`
				SQLite struct {
					Size int64 `json:"db_size"`
				} `json:"sqlite3"`
			} `json:"store"`
		}
		err := c.status(ctx, url, &told)
		list = append(list, Status{
			URL: url, Version: told.Build.Version, State: told.Store.Raft.State, LogSize: told.Store.Raft.LogSize,
			Size: told.Store.SQLite.Size, Logged: told.Store.Threshold, Err: err,
		})
	}
	return list
}

// Nodes asks all nodes what they are, also where they are too few to be of use.
func Nodes(ctx context.Context, config Config) ([]Status, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := newClient(config)
	return c.Nodes(ctx), c.Close()
}

// Advice looks at how the nodes of a cluster are run, and says what will be regretted. A node that does not tell, or does
// not answer at once, is passed over.
func (c *Client) Advice(ctx context.Context) []string {
	var list []string
	for _, s := range c.Nodes(ctx) {
		if s.Err != nil {
			c.config.Log.Debug("store_status_unknown", "node", s.URL, "error", s.Err)
		}
		list = append(list, s.Advice()...)
	}
	return list
}

// ReadFrom reads once from one node at one level, and returns how long that took.
func (c *Client) ReadFrom(ctx context.Context, url string, at ReadLevel) (time.Duration, error) {
	n, err := c.connect(url, c.config.Endpoints())
	if err != nil {
		return 0, final(err, 1)
	}
	through := n.weak
	if at == Linearizable {
		through = n.linear
	}
	ctx, cancel := context.WithTimeout(ctx, 2*c.config.AttemptTimeout)
	defer cancel()
	statements := []Statement{{SQL: "SELECT 1"}}
	ready, err := checked(statements, false)
	if err != nil {
		return 0, err
	}
	watched, seen := withAnswer(ctx, c.config.MaxAnswer)
	began := time.Now()
	results, err := through.QueryParameterizedContext(watched, ready)
	failures := make([]error, len(results))
	for i, r := range results {
		failures[i] = r.Err
	}
	if err := judge(err, seen, failures, statements); err != nil {
		return 0, final(err, 1)
	}
	return time.Since(began), nil
}

func (c *Client) status(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, adviceLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/status", http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, largestStatus))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", response.StatusCode)
	}
	return json.Unmarshal(text, into)
}

// Vacuum gives back the space of dropped tables if that is more than half of the file, and reports whether it did.
// Writes wait meanwhile, a second or so for each few hundred megabytes. It is tried once: it is worth nothing to the
// caller whose answer was lost.
func (c *Client) Vacuum(ctx context.Context) (bool, error) {
	const operation = "vacuum the store"
	rows, err := c.Query(ctx, Statement{SQL: `SELECT freelist_count, page_count FROM pragma_freelist_count(), pragma_page_count()`})
	if err != nil {
		return false, fmt.Errorf("%s: %w", operation, err)
	}
	var free, pages int64
	if !rows.Next() {
		return false, fmt.Errorf("%s: the size of the database is unknown", operation)
	}
	if err := rows.Scan(&free, &pages); err != nil {
		return false, fmt.Errorf("%s: %w", operation, err)
	}
	if free*2 <= pages {
		return false, nil
	}
	if err := c.vacuum(ctx); err != nil {
		return false, fmt.Errorf("%s: %w", operation, err)
	}
	// The log now holds the whole file once more, until a snapshot.
	return true, c.Snapshot(ctx)
}

func (c *Client) vacuum(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maintenanceLimit)
	defer cancel()
	endpoints := c.config.Endpoints()
	url := c.turn(endpoints)
	if url == "" {
		return fmt.Errorf("%w: %w", ErrUnavailable, errNoNode)
	}
	n, err := c.connect(url, endpoints)
	if err != nil {
		return final(err, 1)
	}
	statements := []Statement{{SQL: "VACUUM"}}
	ready, err := checked(statements, true)
	if err != nil {
		return err
	}
	watched, seen := withAnswer(ctx, c.config.MaxAnswer)
	results, err := n.bare.WriteParameterizedContext(watched, ready) // not possible within a transaction
	err = judge(err, seen, writeFailures(results), statements)
	switch {
	case err == nil:
		return nil
	case isFinal(err):
		return final(err, 1)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

package rqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	firstPause     = 20 * time.Millisecond
	longestPause   = 200 * time.Millisecond
	longestAttempt = 30 * time.Second
)

var (
	errNoNode  = errors.New("no node is up")
	errRetried = errors.New("as long as a call may try")
)

// attempt asks one node once.
type attempt func(ctx context.Context, n node, seen *answer) error

// retry makes attempts until one succeeds or fails for good, or time is over. The node that answered last is asked
// first; after a failure the next one is, following a pause.
func (c *Client) retry(ctx context.Context, write bool, try attempt) error {
	started := time.Now()
	within, cancel := context.WithTimeoutCause(ctx, c.config.RetryFor, errRetried)
	defer cancel()
	slow := 0
	var last error
	for n := 1; ; n++ {
		err := c.ask(within, slow, try)
		if err == nil {
			return nil
		}
		if isFinal(err) {
			return final(err, n)
		}
		if errors.Is(err, errSlow) {
			slow++
		}
		if within.Err() == nil || last == nil {
			last = err // what an attempt cut short by the end of the call saw says nothing new
		}
		reason := c.config.Down()
		if reason == nil && !pause(within, n) {
			reason = context.Cause(within)
		}
		if reason != nil {
			return &OutcomeError{
				Write: write, Attempts: n, Elapsed: time.Since(started), Last: last, Reason: reason, Trouble: c.config.Trouble(),
			}
		}
	}
}

var errSlow = errors.New("no answer in time")

// ask makes one attempt at the node whose turn it is.
func (c *Client) ask(ctx context.Context, slow int, try attempt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	endpoints := c.config.Endpoints()
	url := c.turn(endpoints)
	if url == "" {
		return errNoNode
	}
	n, err := c.connect(url, endpoints)
	if err != nil {
		return err
	}
	rounds := c.learned() + slow/len(endpoints)
	limit := c.patience(rounds)
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	watched, seen := withAnswer(within, c.config.MaxAnswer)
	began := time.Now()
	err = try(watched, n, seen)
	switch {
	case err == nil || isFinal(err):
		if time.Since(began) < c.config.AttemptTimeout {
			rounds = 0
		}
		c.stay(url, rounds)
		return err
	case within.Err() != nil && ctx.Err() == nil:
		err = fmt.Errorf("%s: %w (%s)", url, errSlow, limit)
	}
	c.move(url, endpoints, err)
	return err
}

// patience is the time one attempt gets after that many rounds in which no node was fast enough: what takes long
// because there is much to do gets done in the end.
func (c *Client) patience(rounds int) time.Duration {
	limit := c.config.AttemptTimeout
	for range rounds {
		if limit *= 2; limit >= longestAttempt {
			return max(longestAttempt, c.config.AttemptTimeout)
		}
	}
	return limit
}

// turn returns the endpoint to ask: the one that answered last, while it is one.
func (c *Client) turn(endpoints []string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(endpoints, c.current) {
		return c.current
	}
	if len(endpoints) == 0 {
		return ""
	}
	return endpoints[0]
}

// learned is how many rounds of patience the last call needed: where everything is slow, none has to find that out anew.
func (c *Client) learned() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rounds
}

func (c *Client) stay(url string, rounds int) {
	c.mu.Lock()
	c.current, c.rounds = url, rounds
	c.mu.Unlock()
}

// move makes the endpoint after failed the current one, unless another call has moved on already.
func (c *Client) move(failed string, endpoints []string, err error) {
	c.mu.Lock()
	moved := c.current != failed && c.current != "" && slices.Contains(endpoints, c.current)
	if !moved {
		c.current = endpoints[(slices.Index(endpoints, failed)+1)%len(endpoints)]
	}
	c.mu.Unlock()
	if !moved {
		c.config.Log.Debug("store_node_failed", "node", failed, "error", err)
	}
}

// pause waits before the next attempt, longer each time, and reports whether the call may go on.
func pause(ctx context.Context, attempts int) bool {
	length := min(firstPause<<min(attempts-1, 8), longestPause)
	length = length/2 + rand.N(length) //nolint:gosec // spreads attempts, keeps no secret
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// final returns a final error without its mark, and with the number of attempts that led to it.
func final(err error, attempts int) error {
	if failure, ok := errors.AsType[*StatementError](err); ok {
		failure.Attempts = attempts
		return failure
	}
	if marked, ok := errors.AsType[finalError](err); ok {
		return marked.error
	}
	return err
}

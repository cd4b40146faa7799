package engine

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// TooManyError ends a run in which more items failed than it may have. Nothing was written.
type TooManyError struct {
	Failed  int64 // items, records and pictures alike
	Allowed int64
}

// Error says how many.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d items failed, and no more than %d may", e.Failed, e.Allowed)
}

// limit counts the failed items of a run, each once.
type limit struct {
	allowed int64 // 0: any number
	failed  atomic.Int64
}

// fail counts one. It is an error when it was one too many.
func (l *limit) fail() error {
	if failed := l.failed.Add(1); l.allowed > 0 && failed > l.allowed {
		return &TooManyError{Failed: failed, Allowed: l.allowed}
	}
	return nil
}

// settle brings an error of the limit up to what had failed when everything stood still.
func (l *limit) settle(err error) error {
	if _, ok := errors.AsType[*TooManyError](err); ok {
		return &TooManyError{Failed: l.failed.Load(), Allowed: l.allowed}
	}
	return err
}

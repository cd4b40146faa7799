package rqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rqlite/gorqlite"
)

var (
	// ErrUnavailable says that no node gave a usable answer for as long as the call was allowed to try.
	ErrUnavailable = errors.New("the store does not answer")
	// ErrUnknown says that a write may or may not have happened. Such an error is ErrUnavailable as well.
	ErrUnknown = errors.New("it is not known whether it was written")
	// ErrUnauthorized says that user and password are not accepted, or may not do what was asked.
	ErrUnauthorized = errors.New("the store refuses user and password")
	// ErrRejected says that the request cannot be carried out as it stands, now or later.
	ErrRejected = errors.New("the request is not acceptable")
	// ErrFull says that the private node's disk has no room left. It stands beside ErrUnavailable.
	ErrFull = errors.New("the disk of the store is full")
	// ErrClosed says that the client was closed before.
	ErrClosed = errors.New("the store's client is closed")
)

// StatementError says that SQLite refused a statement, which undid the whole call. It is final.
type StatementError struct {
	Index    int    // which statement of the call, from 0
	SQL      string // its beginning
	Message  string // SQLite's words
	Attempts int    // more than 1: an earlier attempt of the same call may have succeeded unseen
}

// Error says which statement failed and why.
func (e *StatementError) Error() string {
	return fmt.Sprintf("statement %d (%s): %s", e.Index, e.SQL, e.Message)
}

// Duplicate reports whether the row was there already, by primary key or by another unique index.
func (e *StatementError) Duplicate() bool {
	return strings.Contains(e.Message, "UNIQUE constraint failed")
}

// Constraint reports whether the values broke a rule of the table, rather than the SQL being wrong.
func (e *StatementError) Constraint() bool {
	for _, part := range []string{"constraint failed", "cannot store ", "datatype mismatch"} {
		if strings.Contains(e.Message, part) {
			return true
		}
	}
	return false
}

// OutcomeError ends a call that got no usable answer in time. It is [ErrUnavailable], for a write [ErrUnknown] too,
// and wraps the reason why no more attempts were made.
type OutcomeError struct {
	Write    bool
	Attempts int
	Elapsed  time.Duration
	Last     error // what the last attempt saw
	Reason   error // the context's end, or why the database is gone for good
	Trouble  error // what is known to be wrong with the database, such as [ErrFull]; may be nil
}

// Error says how long was tried, what was seen last and what that means.
func (e *OutcomeError) Error() string {
	meaning := ErrUnavailable
	if e.Write {
		meaning = ErrUnknown
	}
	last := "no node to ask"
	if e.Last != nil {
		last = e.Last.Error()
	}
	if e.Trouble != nil {
		last = fmt.Sprintf("%v (%s)", e.Trouble, last)
	}
	return fmt.Sprintf("%v after %d attempts in %s (%v): %s", meaning, e.Attempts, e.Elapsed.Round(time.Millisecond), e.Reason, last)
}

// Is reports whether target is one of the two sentinels this error stands for.
func (e *OutcomeError) Is(target error) bool {
	return target == ErrUnavailable || (e.Write && target == ErrUnknown)
}

// Unwrap returns the reason and the trouble.
func (e *OutcomeError) Unwrap() []error {
	if e.Trouble == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Trouble}
}

// finalError is a failure that another attempt would only repeat.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func isFinal(err error) bool {
	_, final := errors.AsType[finalError](err)
	return final
}

// judge turns what gorqlite said and what the wire showed into nil (all statements confirmed), a finalError, or an
// error that leaves the outcome open. Results are the errors of the statements answered for.
func judge(err error, seen *answer, results []error, statements []Statement) error {
	if final := seen.refusal(); final != nil {
		return final
	}
	if _, ok := errors.AsType[gorqlite.StatementErrors](err); ok {
		return judgeStatement(results, statements)
	}
	if err != nil {
		return seen.explain(err)
	}
	if len(results) != len(statements) {
		if text := seen.message(); text != "" {
			return judgeMessage(text)
		}
		return fmt.Errorf("the node confirmed %d of %d statements", len(results), len(statements))
	}
	return nil
}

func judgeStatement(results []error, statements []Statement) error {
	for i, err := range results {
		if err == nil {
			continue
		}
		if passing(err.Error()) {
			return err
		}
		failure := &StatementError{Index: i, Message: err.Error()}
		if i < len(statements) {
			failure.SQL = excerpt(statements[i].SQL)
		}
		return finalError{failure}
	}
	return errors.New("the node reports an error of no statement")
}

// passing reports whether SQLite's words tell of the node's state rather than of the statement: the same statement may
// work later, and may even have been written to the log already.
func passing(message string) bool {
	for _, part := range []string{"disk is full", "disk I/O error", "is locked", "interrupted", "out of memory", "query timeout", "execute timeout"} {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}

func judgeMessage(text string) error {
	if strings.Contains(text, "PRAGMA") || strings.Contains(text, "pragma") {
		return finalError{fmt.Errorf("%w: %s", ErrRejected, text)}
	}
	return errors.New(text)
}

// refusal returns the final error that the HTTP side of an answer is, if it is one.
func (a *answer) refusal() error {
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return finalError{ErrUnauthorized}
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge:
		return finalError{fmt.Errorf("%w: HTTP %d: %s", ErrRejected, a.status, a.text())}
	case http.StatusInternalServerError:
		if strings.HasPrefix(a.text(), "SQL rewrite") {
			return finalError{fmt.Errorf("%w: %s", ErrRejected, a.text())}
		}
	}
	if a.untrusted != nil {
		return finalError{fmt.Errorf("%w: %w", ErrRejected, a.untrusted)}
	}
	if a.tooLarge {
		return finalError{fmt.Errorf("%w: the answer is larger than %d MiB: ask for fewer rows at a time", ErrRejected, a.limit>>20)}
	}
	return nil
}

// explain says in short what err says at length.
func (a *answer) explain(err error) error {
	switch {
	case errors.Is(a.failure, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer in time", a.host)
	case a.failure != nil:
		return a.failure
	case a.status != 0 && a.status != http.StatusOK:
		return fmt.Errorf("%s answered HTTP %d: %s", a.host, a.status, a.text())
	default:
		if text := a.message(); text != "" {
			return judgeMessage(text)
		}
		return err
	}
}

// message returns the error that a whole answer may carry in place of results.
func (a *answer) message() string {
	var body struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.head, &body) != nil {
		return ""
	}
	return body.Error
}

func (a *answer) text() string { return strings.TrimSpace(strings.ToValidUTF8(string(a.head), "")) }

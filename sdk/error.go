package sdk

import (
	"context"
	"errors"
	"fmt"
)

// Kind is what went wrong, in the few words that code may branch on. Kinds survive the way between processes.
type Kind uint8

// The kinds of errors.
const (
	// Internal is everything that should not happen, and every error that says nothing else.
	Internal Kind = iota
	// Invalid: what was given is wrong (options, a document); trying again will not help.
	Invalid
	// NotFound: what was asked for is not there.
	NotFound
	// Unavailable: it may work later (a server down, a folder being written).
	Unavailable
	// Unsupported: right, but not something this program can do.
	Unsupported
	// Cancelled: somebody ended it.
	Cancelled
)

var kindNames = [...]string{"internal", "invalid", "not_found", "unavailable", "unsupported", "cancelled"}

// String returns the kind's word on the wire and on screen.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// ParseKind returns the kind with that word; an unknown word is Internal.
func ParseKind(word string) Kind {
	for k, name := range kindNames {
		if name == word {
			return Kind(k)
		}
	}
	return Internal
}

// KindOf returns the kind of err: that of the first [*Diagnostic] in it, Cancelled for an ended context, else Internal.
func KindOf(err error) Kind {
	var d *Diagnostic
	switch {
	case errors.As(err, &d):
		return d.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cancelled
	default:
		return Internal
	}
}

// Severity is how bad a diagnostic is.
type Severity uint8

// The severities. Error is the zero value, because a Diagnostic is mostly used as an error.
const (
	SeverityError Severity = iota
	SeverityWarning
	SeverityInfo
)

// Diagnostic says what happened, where, and what to do next. It is an error.
type Diagnostic struct { //nolint:errname // the field's word for it; most of them are shown, not returned
	Severity   Severity
	Kind       Kind
	Code       string // stable and dotted: foundry.pack_damaged
	Summary    string // one sentence: what happened
	Detail     string // more of it, such as the output of a program
	Suggestion string // what to do next
	ConfigPath string // JSON Pointer into the options: /roots/0
	Stream     string
	RecordID   string
	Origin     Origin
	Cause      error // not sent over the wire but for its text in Detail
}

// Error returns the summary, and the cause where there is one.
func (d *Diagnostic) Error() string {
	if d.Cause != nil {
		return fmt.Sprintf("%s: %v", d.Summary, d.Cause)
	}
	return d.Summary
}

// Unwrap returns the cause.
func (d *Diagnostic) Unwrap() error { return d.Cause }

// Diagnose returns all diagnostics in err, looking into joined errors; an error without any becomes one of its kind
// with the code given.
func Diagnose(err error, code string) []*Diagnostic {
	if err == nil {
		return nil
	}
	var found []*Diagnostic
	collect(err, &found)
	if len(found) == 0 {
		found = append(found, &Diagnostic{Kind: KindOf(err), Code: code, Summary: err.Error()})
	}
	return found
}

func collect(err error, found *[]*Diagnostic) {
	switch e := err.(type) { //nolint:errorlint // walks the tree itself, because As stops at the first
	case *Diagnostic:
		*found = append(*found, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			collect(inner, found)
		}
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			collect(inner, found)
		}
	}
}

package asset

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// The codes of what can go wrong with an asset. They are stable: problems are grouped by them.
const (
	// CodeOverBudget: opening the file would cost more than the budget allows.
	CodeOverBudget = "image.over_budget"
	// CodeInconsistent: the file's headers contradict each other.
	CodeInconsistent = "image.inconsistent"
	// CodeNotAnImage: the bytes are no format that can be referred to as an asset.
	CodeNotAnImage = "image.not_an_image"
	// CodeDamaged: the file is cut off or its data is broken.
	CodeDamaged = "image.damaged"
	// CodeUnsupported: a sound file in a coding that is not read here.
	CodeUnsupported = "image.unsupported"
	// CodeFailed: a codec gave up or panicked; the fault is ours.
	CodeFailed = "image.codec_failed"
	// CodeQuarantined: the file killed the process that rendered it, twice.
	CodeQuarantined = "image.quarantined"
)

// RefusedError says that an asset was not opened, on the evidence of its header.
type RefusedError struct {
	Code   string // CodeOverBudget, CodeInconsistent or CodeNotAnImage.
	Reason string // What was found and what to do about it.
}

// Error returns the reason.
func (e *RefusedError) Error() string { return e.Reason }

// DamagedError says that a file is incomplete or broken. Its original is kept; there are no renditions.
type DamagedError struct {
	Code   string // CodeDamaged.
	Reason string // What was found and what to do about it.
	Err    error  // The decoder's complaint, if a decoder found it.
}

// Error returns the reason.
func (e *DamagedError) Error() string { return e.Reason }

// Unwrap returns the decoder's complaint.
func (e *DamagedError) Unwrap() error { return e.Err }

// UnsupportedError says that a file is sound as far as can be told, but coded in a way that is not read here. Its original
// is kept; there are no renditions.
type UnsupportedError struct {
	Code   string // CodeUnsupported.
	Reason string // What was found and what to do about it.
	Err    error  // The decoder's complaint, if a decoder found it.
}

// Error returns the reason.
func (e *UnsupportedError) Error() string { return e.Reason }

// Unwrap returns the decoder's complaint.
func (e *UnsupportedError) Unwrap() error { return e.Err }

// CodecError says that a codec gave up or panicked on a file that passed every check. Its original is kept.
type CodecError struct {
	Code   string // CodeFailed or CodeQuarantined.
	Reason string // What was found and what to do about it.
	Err    error  // What the codec said.
	Stack  []byte // Where it panicked; nil if it did not.
}

// Error returns the reason.
func (e *CodecError) Error() string { return e.Reason }

// Unwrap returns what the codec said.
func (e *CodecError) Unwrap() error { return e.Err }

// CodeOf returns the stable code of an error of this package, or "" for any other.
func CodeOf(err error) string {
	var (
		refused     *RefusedError
		damaged     *DamagedError
		unsupported *UnsupportedError
		failed      *CodecError
	)
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &damaged):
		return damaged.Code
	case errors.As(err, &unsupported):
		return unsupported.Code
	case errors.As(err, &failed):
		return failed.Code
	default:
		return ""
	}
}

func damaged(f Format, what string, err error) *DamagedError {
	return &DamagedError{
		Code:   CodeDamaged,
		Reason: fmt.Sprintf("the %s file is damaged: %s; fetch or export it again", f, what),
		Err:    err,
	}
}

func truncated(f Format) *DamagedError {
	return damaged(f, "it ends before its picture does", nil)
}

func unsupported(f Format, what string, err error) *UnsupportedError {
	return &UnsupportedError{
		Code:   CodeUnsupported,
		Reason: fmt.Sprintf("the %s file uses %s, which is not read here; save it as a plain PNG, JPEG or WebP", f, what),
		Err:    err,
	}
}

// guard runs one step of foreign code and turns a panic into an error that carries the stack.
func guard(step string, run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &CodecError{
				Code:   CodeFailed,
				Reason: fmt.Sprintf("the codec broke down on this file (%s: %v); save it again in another format and report it", step, r),
				Stack:  debug.Stack(),
			}
		}
	}()
	return run()
}

// interrupted reports whether err only says that the caller gave up.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

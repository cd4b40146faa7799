package sdk

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// maxDiagnostics is how many diagnostics an error carries over the wire: enough for every option of a config, and few
// enough for the trailer they travel in.
const maxDiagnostics = 64

// statusOf makes the status of a call from the error of a source: the code says its kind, the message its whole text,
// and the details are its diagnostics.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err // of gRPC itself: the peer is gone
	}
	found := Diagnose(err, "failed")
	var details []protoadapt.MessageV1
	for i, d := range found {
		if i == maxDiagnostics {
			rest := &Diagnostic{Kind: d.Kind, Code: d.Code, Summary: fmt.Sprintf("and %d more", len(found)-i)}
			details = append(details, protoadapt.MessageV1Of(diagnosticToWire(rest)))
			break
		}
		details = append(details, protoadapt.MessageV1Of(diagnosticToWire(d)))
	}
	s, err := status.New(codeOf(KindOf(err)), text(clip(err.Error(), maxSummary))).WithDetails(details...)
	if err != nil {
		return status.Errorf(codes.Internal, "put diagnostics into a status: %v", err)
	}
	return s.Err()
}

func codeOf(k Kind) codes.Code {
	switch k {
	case Invalid:
		return codes.InvalidArgument
	case NotFound:
		return codes.NotFound
	case Unavailable:
		return codes.Unavailable
	case Unsupported:
		return codes.Unimplemented
	case Cancelled:
		return codes.Canceled
	case Internal:
	}
	return codes.Internal
}

// endOf is what a call returns: the error of the source as a status, unless the host has ended the call, which is said
// plainly, whatever the source made of it.
func endOf(ctx context.Context, err error) error {
	_, said := errors.AsType[*Diagnostic](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case errors.Is(err, context.DeadlineExceeded) && !said:
		// A limit of the source's own: nobody cancelled anything, and another time it may be quicker.
		err = &Diagnostic{Kind: Unavailable, Code: "time_limit", Summary: err.Error()}
	}
	return statusOf(err)
}

// panicked makes an error of a recovered panic. It is called in the deferred function itself, so that the stack still
// has the place.
func panicked(v any) error {
	return &Diagnostic{
		Kind: Internal, Code: "plugin_panic", Summary: fmt.Sprintf("the plugin panicked%s: %v", culprit(), v),
		Detail:     string(debug.Stack()),
		Suggestion: "this is a fault of the plugin: please report it to its author",
	}
}

// culprit is the place in the plugin that panicked, as far as the stack of the deferred function tells: the first below the
// runtime's. Empty: not known.
func culprit() string {
	var counters [32]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters[:])])
	for seen := false; ; {
		frame, more := frames.Next()
		ofRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if seen && !ofRuntime {
			return fmt.Sprintf(" at %s:%d", filepath.Base(frame.File), frame.Line)
		}
		seen = seen || ofRuntime
		if !more {
			return ""
		}
	}
}

var errEnded = errors.New("the reading has ended")

package sourceclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// The codes of the diagnostics of this package. They are stable.
const (
	CodeStalled      = "plugin_stalled"
	CodeDisconnected = "plugin_disconnected"
	CodeUnsupported  = "plugin_unsupported"
	CodeTooLarge     = "plugin_message_too_large"
	CodeIncomplete   = "plugin_incomplete"
	CodeMisbehaved   = "plugin_misbehaved"
	CodeFailed       = "plugin_failed"
)

// ReportIt is what a user can do about a plugin that does what no plugin may do.
const ReportIt = "this is a fault of the plugin: please report it to its author"

// failure turns the error of a call into what it means: the caller ended it, the plugin said so, or the other end is gone.
// The context is the caller's, without the limits of this package.
func (c *Client) failure(ctx context.Context, call string, err error) error {
	s := status.Convert(err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", call, context.Cause(ctx))
	case s.Code() == codes.DeadlineExceeded && due(ctx):
		return fmt.Errorf("%s: %w", call, context.DeadlineExceeded)
	}
	if said := spoken(s); said != nil {
		return said
	}
	if fate := c.config.Fate(err); fate != nil {
		return fate
	}
	return c.meaning(call, s)
}

// due returns whether the time limit of a context is over or as good as: the plugin, which knows it, may be the first to
// say so.
func due(ctx context.Context) bool {
	const asGood = 20 * time.Millisecond
	limit, ok := ctx.Deadline()
	return ok && time.Until(limit) < asGood
}

// Meaning returns what the error of a call means by itself: what the plugin said, else what its code says.
func (c *Client) Meaning(call string, err error) error {
	s := status.Convert(err)
	if said := spoken(s); said != nil {
		return said
	}
	return c.meaning(call, s)
}

// meaning makes an error of a status that says no more than its code and a text.
func (c *Client) meaning(call string, s *status.Status) error {
	d := &sdk.Diagnostic{Code: CodeFailed, Kind: kindOf(s.Code())}
	name := c.config.Name
	switch {
	case s.Code() == codes.DeadlineExceeded && c.config.CallTimeout > 0:
		d.Code = CodeStalled
		d.Summary = fmt.Sprintf("plugin %q did not answer to %s within %s", name, call, c.config.CallTimeout)
	case s.Code() == codes.Unimplemented:
		d.Code = CodeUnsupported
		d.Summary = fmt.Sprintf("plugin %q does not know %s", name, call)
	case tooLarge(s):
		d.Kind, d.Code = sdk.Unsupported, CodeTooLarge
		d.Summary = fmt.Sprintf("plugin %q sent a message larger than %d MiB", name, sourcepb.MaxMessage>>20)
		d.Suggestion = fmt.Sprintf("%s, who is to keep batches at %d MiB and records below %d MiB, and to refer to binaries as assets",
			ReportIt, sourcepb.BatchBytes>>20, sourcepb.MaxRecord>>20)
	case s.Code() == codes.Unavailable:
		d.Code = CodeDisconnected
		d.Summary = fmt.Sprintf("the connection to plugin %q broke", name)
	default:
		d.Summary = fmt.Sprintf("plugin %q: %s: %s", name, call, s.Message())
	}
	return d
}

// tooLarge tells gRPC's own refusal of a message from a plugin whose server has had enough of it: they share the code.
func tooLarge(s *status.Status) bool {
	return s.Code() == codes.ResourceExhausted && strings.HasPrefix(s.Message(), "grpc: ") && strings.Contains(s.Message(), "larger than max")
}

// spoken is the error of a plugin as it was, where it said something in the details of a status: the text, and under it
// the diagnostics.
func spoken(s *status.Status) error {
	var said []error
	for _, detail := range s.Details() {
		if w, ok := detail.(*sourcepb.Diagnostic); ok {
			said = append(said, diagnosticFromWire(w))
		}
	}
	switch {
	case len(said) == 0:
		return nil
	case len(said) == 1 && (s.Message() == "" || s.Message() == said[0].Error()):
		return said[0]
	}
	return &remoteError{text: s.Message(), said: said}
}

type remoteError struct {
	text string
	said []error
}

// Error returns the text that the error had in the plugin.
func (r *remoteError) Error() string {
	if r.text == "" {
		return errors.Join(r.said...).Error()
	}
	return r.text
}

// Unwrap returns the diagnostics.
func (r *remoteError) Unwrap() []error { return r.said }

// kindOf is for plugins that say no more than the code.
func kindOf(c codes.Code) sdk.Kind {
	switch c {
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange, codes.PermissionDenied, codes.Unauthenticated:
		return sdk.Invalid
	case codes.NotFound:
		return sdk.NotFound
	case codes.Unavailable, codes.Aborted, codes.DeadlineExceeded, codes.ResourceExhausted:
		return sdk.Unavailable
	case codes.Unimplemented:
		return sdk.Unsupported
	case codes.Canceled:
		return sdk.Cancelled
	default:
		return sdk.Internal
	}
}

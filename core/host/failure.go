package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// deathLimit is how long a broken connection waits for the process to be found dead. The connection breaks first.
const deathLimit = time.Second

// failure turns the error of a call into what it means: the caller ended it, the plugin said so, or the process is gone.
// The context is the caller's, without the limits of this package.
func (p *Process) failure(ctx context.Context, call string, err error) error {
	s := status.Convert(err)
	said := diagnosticsOf(s)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", call, context.Cause(ctx))
	case s.Code() == codes.DeadlineExceeded && due(ctx):
		return fmt.Errorf("%s: %w", call, context.DeadlineExceeded)
	case len(said) > 0:
		return spoken(s.Message(), said)
	case p.child.closing():
		return p.isClosed()
	case p.attached && s.Code() == codes.Unavailable:
		return p.lost(err)
	case p.child.ended(), s.Code() == codes.Unavailable && within(p.child.done, deathLimit):
		return p.died(true)
	}
	return p.meaning(call, s)
}

// due returns whether the time limit of a context is over or as good as: the plugin, which knows it, may be the first to
// say so.
func due(ctx context.Context) bool {
	const asGood = 20 * time.Millisecond
	limit, ok := ctx.Deadline()
	return ok && time.Until(limit) < asGood
}

// meaning makes an error of a status that says no more than its code and a text.
func (p *Process) meaning(call string, s *status.Status) error {
	d := &sdk.Diagnostic{Code: CodeFailed, Kind: kindOf(s.Code())}
	name := p.config.Name
	switch s.Code() {
	case codes.DeadlineExceeded:
		d.Code = CodeStalled
		d.Summary = fmt.Sprintf("plugin %q did not answer to %s within %s", name, call, p.config.CallTimeout)
	case codes.Unimplemented:
		d.Code = CodeUnsupported
		d.Summary = fmt.Sprintf("plugin %q does not know %s", name, call)
	case codes.ResourceExhausted:
		d.Kind, d.Code = sdk.Unsupported, CodeTooLarge
		d.Summary = fmt.Sprintf("plugin %q sent a message larger than %d MiB", name, sourcepb.MaxMessage>>20)
		d.Suggestion = reportIt
	case codes.Unavailable:
		d.Code = CodeDisconnected
		d.Summary = fmt.Sprintf("the connection to plugin %q broke, but its process lives", name)
	default:
		d.Summary = fmt.Sprintf("plugin %q: %s: %s", name, call, s.Message())
	}
	return d
}

// diagnosticsOf returns what the plugin said in the details of a status.
func diagnosticsOf(s *status.Status) []error {
	var said []error
	for _, detail := range s.Details() {
		if w, ok := detail.(*sourcepb.Diagnostic); ok {
			said = append(said, diagnosticFromWire(w))
		}
	}
	return said
}

// spoken is the error of a plugin, as it was: the text, and under it the diagnostics.
func spoken(text string, said []error) error {
	if len(said) == 1 && (text == "" || text == said[0].Error()) {
		return said[0]
	}
	return &remoteError{text: text, said: said}
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

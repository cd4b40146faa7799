package host

import (
	"context"
	"errors"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// Spec returns what the plugin said of itself when it started.
func (p *Process) Spec() sdk.Spec { return p.spec }

// Protocol returns the major version of the protocol that is spoken with the plugin.
func (p *Process) Protocol() int {
	if p.attached { // nothing was negotiated: one of another version is not attached to
		return sourcepb.ProtocolVersion
	}
	return p.client.NegotiatedVersion()
}

// Configure hands over the options.
func (p *Process) Configure(ctx context.Context, c sdk.Configuration) error {
	call, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	response, err := p.rpc.Configure(call, &sourcepb.ConfigureRequest{
		Source: c.Source, Options: c.Options, BaseDir: c.BaseDir, WorkDir: c.WorkDir, CacheDir: c.CacheDir,
	})
	if err != nil {
		return p.failure(ctx, "configure", err)
	}
	return p.verdict(ctx, response.GetDiagnostics())
}

// Check reaches the source.
func (p *Process) Check(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	response, err := p.rpc.Check(call, &sourcepb.CheckRequest{})
	if err != nil {
		return p.failure(ctx, "check", err)
	}
	return p.verdict(ctx, response.GetDiagnostics())
}

// Discover lists the streams.
func (p *Process) Discover(ctx context.Context) ([]sdk.Stream, error) {
	call, cancel := context.WithTimeout(ctx, p.config.CallTimeout)
	defer cancel()
	response, err := p.rpc.Discover(call, &sourcepb.DiscoverRequest{})
	if err != nil {
		return nil, p.failure(ctx, "discover", err)
	}
	if err := p.verdict(ctx, response.GetDiagnostics()); err != nil {
		return nil, err
	}
	var streams []sdk.Stream
	for _, s := range response.GetStreams() {
		streams = append(streams, streamFromWire(s))
	}
	return streams, nil
}

// verdict returns the errors in the diagnostics of an answer, and logs the rest.
func (p *Process) verdict(ctx context.Context, diagnostics []*sourcepb.Diagnostic) error {
	var faults []error
	for _, w := range diagnostics {
		d := diagnosticFromWire(w)
		switch d.Severity {
		case sdk.SeverityError:
			faults = append(faults, d)
		case sdk.SeverityWarning:
			p.config.Log.WarnContext(ctx, "plugin warns", "plugin", p.config.Name, "code", d.Code, "text", d.Summary)
		case sdk.SeverityInfo:
			p.config.Log.InfoContext(ctx, "plugin says", "plugin", p.config.Name, "code", d.Code, "text", d.Summary)
		}
	}
	return errors.Join(faults...)
}

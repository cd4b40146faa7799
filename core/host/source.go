package host

import (
	"context"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourceclient"
	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// connected makes the wire of a connection to the plugin.
func (p *Process) connected(conn *grpc.ClientConn) {
	p.conn = conn
	p.wire = sourceclient.New(conn, sourceclient.Config{
		Name: p.config.Name, Version: p.config.Version, Log: p.config.Log, BatchRecords: p.config.BatchRecords,
		CallTimeout: p.config.CallTimeout, AssetTimeout: p.config.StallAfter, Fate: p.fate,
	})
}

// Spec returns what the plugin said of itself when it started.
func (p *Process) Spec() sdk.Spec { return p.wire.Spec() }

// Protocol returns the major version of the protocol that is spoken with the plugin.
func (p *Process) Protocol() int {
	if p.attached { // nothing was negotiated: one of another version is not attached to
		return sourcepb.ProtocolVersion
	}
	return p.client.NegotiatedVersion()
}

// Configure hands over the options.
func (p *Process) Configure(ctx context.Context, c sdk.Configuration) error {
	return p.wire.Configure(ctx, c)
}

// Check reaches the source.
func (p *Process) Check(ctx context.Context) error { return p.wire.Check(ctx) }

// Discover lists the streams.
func (p *Process) Discover(ctx context.Context) ([]sdk.Stream, error) { return p.wire.Discover(ctx) }

// FetchAsset opens an asset that a record referred to by key. The bytes come as the body is read, one chunk at a time,
// while ctx lasts; a body that ends early ends with an error. Close ends the sending.
func (p *Process) FetchAsset(ctx context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	return p.wire.FetchAsset(ctx, ref)
}

package sourceclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// FetchAsset opens an asset that a record referred to by key. The bytes come as the body is read, one chunk at a time,
// while ctx lasts; a body that ends early ends with an error. Close ends the sending.
func (c *Client) FetchAsset(ctx context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	call, cancel := context.WithCancel(ctx)
	stream, err := c.rpc.FetchAsset(call, &sourcepb.FetchAssetRequest{Asset: assetRefToWire(ref)})
	if err != nil {
		cancel()
		return sdk.Asset{}, c.failure(ctx, "fetch an asset", err)
	}
	b := &body{name: c.config.Name, patience: c.config.AssetTimeout, stream: stream, cancel: cancel, size: -1}
	b.explain = func(err error) error { return c.failure(ctx, "fetch an asset", err) }
	message, err := b.receive()
	switch {
	case err != nil:
	case message.GetInfo() == nil:
		err = b.broken("its bytes came before what is known of it")
	}
	if err != nil {
		cancel()
		return sdk.Asset{}, err
	}
	if size := message.GetInfo().GetSize(); size > 0 {
		b.size = size
	}
	return sdk.Asset{Body: b, MediaType: message.GetInfo().GetMediaType(), Size: b.size}, nil
}

// body reads the chunks of an asset. It holds one chunk.
type body struct {
	name     string        // of the plugin
	patience time.Duration // until a message has to have come; 0: for ever
	stream   grpc.ServerStreamingClient[sourcepb.FetchAssetResponse]
	cancel   func()
	explain  func(error) error // what an error of the call means
	size     int64             // announced; -1: not known
	read     int64
	chunk    []byte
	err      error // sticks
}

// Read returns bytes of the asset. It returns io.EOF only when all have come.
func (b *body) Read(p []byte) (int, error) {
	for len(b.chunk) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		message, err := b.receive()
		switch {
		case errors.Is(err, io.EOF) && b.size >= 0 && b.read != b.size:
			b.err = b.broken(fmt.Sprintf("it has %d bytes, not %d as announced", b.read, b.size))
		case err != nil:
			b.err = err
		case message.GetInfo() != nil:
			b.err = b.broken("it began twice")
		default:
			b.chunk = message.GetChunk()
			b.read += int64(len(b.chunk))
		}
	}
	n := copy(p, b.chunk)
	b.chunk = b.chunk[n:]
	return n, nil
}

// receive waits for the next message, but not longer than a plugin may be silent.
func (b *body) receive() (*sourcepb.FetchAssetResponse, error) {
	var late atomic.Bool
	if b.patience > 0 {
		timer := time.AfterFunc(b.patience, func() {
			late.Store(true)
			b.cancel()
		})
		defer timer.Stop()
	}
	message, err := b.stream.Recv()
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return message, err
	case late.Load():
		return nil, &sdk.Diagnostic{
			Kind: sdk.Unavailable, Code: CodeStalled,
			Summary: fmt.Sprintf("plugin %q sent nothing of an asset for %s", b.name, b.patience),
		}
	}
	return nil, b.explain(err)
}

func (b *body) broken(reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Internal, Code: CodeMisbehaved, Suggestion: ReportIt,
		Summary: fmt.Sprintf("plugin %q sent a broken asset: %s", b.name, reason),
	}
}

// Close ends the sending, which may be far from done.
func (b *body) Close() error {
	b.cancel()
	return nil
}

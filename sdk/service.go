package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// service answers the calls of a host with a source.
type service struct {
	sourcepb.UnimplementedSourceServiceServer
	source Source
	log    *slog.Logger
	again  bool // it may be configured again, by the next host

	mu         sync.Mutex
	calls      int           // that run
	idle       chan struct{} // closed when ending and no call runs
	ending     bool
	configured bool
	remembers  bool     // the host takes revisions
	reading    *reading // nil: nobody reads
}

// reading is one call of Read.
type reading struct {
	over  chan struct{} // closed when it has ended
	given func() error  // not nil once the host has given it up
}

func newService(s Source, log *slog.Logger) *service {
	return &service{source: s, log: log, idle: make(chan struct{})}
}

// newServer makes a server that survives panics of the source and takes messages of the protocol's size. What it sends is
// encoded when Send returns, and nobody else holds it: there is a codec that keeps nothing, and no handler of statistics.
func newServer(s *service, options ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(sourcepb.MaxMessage),
		grpc.ForceServerCodecV2(sourcepb.Codec()),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
	)...)
}

func (s *service) unary(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (response any, err error) {
	if err := s.enter(); err != nil {
		return nil, statusOf(err)
	}
	defer s.leave()
	defer func() {
		if v := recover(); v != nil {
			response, err = nil, statusOf(panicked(v))
		}
	}()
	response, err = handle(ctx, request)
	return response, endOf(ctx, err)
}

func (s *service) stream(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	if err := s.enter(); err != nil {
		return statusOf(err)
	}
	defer s.leave()
	defer func() {
		if v := recover(); v != nil {
			err = statusOf(panicked(v))
		}
	}()
	return endOf(stream.Context(), handle(server, stream))
}

func (s *service) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return &Diagnostic{Kind: Unavailable, Code: "plugin_ending", Summary: "the plugin is ending"}
	}
	s.calls++
	return nil
}

func (s *service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.ending && s.calls == 0 {
		close(s.idle)
	}
}

// end waits for the calls that still run, at most for grace, and closes the source.
func (s *service) end(grace time.Duration) error {
	s.mu.Lock()
	s.ending = true
	if s.calls == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-s.idle:
	case <-timer.C:
		return errors.New("a call did not end when the host ended it")
	}
	return s.close()
}

func (s *service) close() error {
	if c, ok := s.source.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// GetSpec says what the plugin is.
func (s *service) GetSpec(_ context.Context, r *sourcepb.GetSpecRequest) (*sourcepb.GetSpecResponse, error) {
	s.mu.Lock()
	s.remembers = slices.Contains(r.GetHostFeatures(), sourcepb.FeatureRevisions)
	s.mu.Unlock()
	return &sourcepb.GetSpecResponse{Spec: specToWire(s.source.Spec())}, nil
}

// Configure configures the source. It may be tried again after it went wrong, but not after it went right.
func (s *service) Configure(ctx context.Context, r *sourcepb.ConfigureRequest) (*sourcepb.ConfigureResponse, error) {
	if err := s.unconfigured(); err != nil {
		return nil, err
	}
	err := s.source.Configure(ctx, Configuration{
		Source: r.GetSource(), Options: r.GetOptions(), BaseDir: r.GetBaseDir(), WorkDir: r.GetWorkDir(),
		CacheDir: r.GetCacheDir(), Log: s.log,
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.configured = true
	s.mu.Unlock()
	return &sourcepb.ConfigureResponse{}, nil
}

// unconfigured makes sure that the source is not configured, or not any more.
func (s *service) unconfigured() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.configured:
		return nil
	case !s.again:
		return &Diagnostic{Kind: Internal, Code: "already_configured", Summary: "the source is configured already"}
	case s.reading != nil:
		return &Diagnostic{Kind: Unavailable, Code: "already_reading", Summary: "another run is still reading the source"}
	}
	s.configured = false
	return s.close()
}

func (s *service) ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.configured {
		return notConfigured()
	}
	return nil
}

// Check reaches the source.
func (s *service) Check(ctx context.Context, _ *sourcepb.CheckRequest) (*sourcepb.CheckResponse, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if err := s.source.Check(ctx); err != nil {
		return nil, err
	}
	return &sourcepb.CheckResponse{}, nil
}

// Discover lists the streams.
func (s *service) Discover(ctx context.Context, _ *sourcepb.DiscoverRequest) (*sourcepb.DiscoverResponse, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	streams, err := s.source.Discover(ctx)
	if err != nil {
		return nil, err
	}
	response := &sourcepb.DiscoverResponse{}
	for _, stream := range streams {
		response.Streams = append(response.Streams, streamToWire(stream))
	}
	return response, nil
}

// Read sends what the source reads.
func (s *service) Read(r *sourcepb.ReadRequest, stream grpc.ServerStreamingServer[sourcepb.ReadResponse]) error {
	if err := s.startReading(stream.Context()); err != nil {
		return err
	}
	defer s.stopReading()
	w := newWriter(stream, r)
	s.mu.Lock()
	w.remembers = s.remembers
	s.mu.Unlock()
	err := w.flushing(func() error {
		return s.source.Read(stream.Context(), ReadRequest{
			Streams: r.GetStreams(), State: r.GetState(), RunID: r.GetRunId(), Known: r.GetKnown(),
		}, w)
	})
	return w.end(err)
}

// startReading refuses a second reading at the same time. One that the host has given up is not counted: the source is on
// its way out of it, and is waited for.
func (s *service) startReading(ctx context.Context) error {
	if err := s.ready(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.reading != nil {
		earlier := s.reading
		if earlier.given() == nil {
			return &Diagnostic{Kind: Internal, Code: "already_reading", Summary: "the source is being read already"}
		}
		s.mu.Unlock()
		select {
		case <-earlier.over:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	s.reading = &reading{over: make(chan struct{}), given: ctx.Err}
	return nil
}

func (s *service) stopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.reading.over)
	s.reading = nil
}

// FetchAsset sends one asset in chunks.
func (s *service) FetchAsset(
	r *sourcepb.FetchAssetRequest, stream grpc.ServerStreamingServer[sourcepb.FetchAssetResponse],
) error {
	if err := s.ready(); err != nil {
		return err
	}
	asset, err := s.source.FetchAsset(stream.Context(), assetRefFromWire(r.GetAsset()))
	if err != nil {
		return err
	}
	if asset.Body == nil {
		return &Diagnostic{Kind: Internal, Code: "asset_without_body", Summary: "the plugin returned an asset without a body"}
	}
	return errors.Join(sendAsset(asset, stream), asset.Body.Close())
}

func sendAsset(asset Asset, stream grpc.ServerStreamingServer[sourcepb.FetchAssetResponse]) error {
	info := &sourcepb.AssetInfo{MediaType: text(asset.MediaType), Size: asset.Size}
	err := stream.Send(&sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Info{Info: info}})
	if err != nil {
		return err
	}
	var sent int64
	chunk := make([]byte, sourcepb.AssetChunk)
	for {
		n, err := io.ReadFull(asset.Body, chunk)
		if n > 0 {
			sent += int64(n)
			message := &sourcepb.FetchAssetResponse_Chunk{Chunk: chunk[:n]}
			if err := stream.Send(&sourcepb.FetchAssetResponse{Message: message}); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("read asset: %w", err)
		case asset.Size >= 0 && sent != asset.Size:
			return &Diagnostic{
				Kind: Invalid, Code: "asset_size",
				Summary: fmt.Sprintf("the asset has %d bytes, not %d as announced", sent, asset.Size),
			}
		default:
			return nil
		}
	}
}

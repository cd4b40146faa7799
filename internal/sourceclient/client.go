// Package sourceclient is the calling end of the wire: it makes an [sdk.Source] of a connection to a plugin. It owns what
// goes over the wire and comes back: the six calls, the decoding, the count of what came and whether that is all, the
// bodies of assets, and the meaning of errors.
//
// It leaves to its user where the connection comes from and what is at its other end: core/host has processes there, and
// asks them for their last words where [Config.Fate] is asked; sdk/sdktest has a source in the same process. The serving
// end is in sdk.
//
// It starts no goroutine, and every call ends with its context. It holds one message of each call, 16 MiB at most if the
// connection says so.
//
// Errors are [*sdk.Diagnostic] values with the codes named at the Code constants. A plugin's own errors keep the kind the
// plugin gave them; what it sends against the protocol is Internal; a call that the caller ended is Cancelled.
package sourceclient

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// Config says how to talk to a plugin.
type Config struct {
	Name    string       // name of the plugin, for messages; default: the name it gives itself
	Version string       // of the host, told to the plugin; default: empty
	Log     *slog.Logger // what the plugin remarks on calls that went well; default: nowhere

	BatchRecords int           // records of a batch at most, which the plugin is asked to hold to; default: 100
	CallTimeout  time.Duration // of one Configure, Check or Discover; default: no limit
	AssetTimeout time.Duration // without a message, while an asset is fetched; default: no limit

	// Fate is asked what became of the other end when a call broke and the plugin did not say why. It gets the error of
	// gRPC and returns nil where it knows nothing; default: nobody knows anything.
	Fate func(err error) error
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.BatchRecords <= 0 {
		c.BatchRecords = sourcepb.BatchRecords
	}
	if c.Fate == nil {
		c.Fate = func(error) error { return nil }
	}
	return c
}

// Client is a plugin at the other end of a connection. Greet comes first, once; then its methods are those of
// [sdk.Source], and safe for use by several goroutines.
type Client struct {
	config Config
	rpc    sourcepb.SourceServiceClient
	spec   sdk.Spec
}

var _ sdk.Source = (*Client)(nil)

// New makes a client of a connection, which stays its caller's.
func New(conn grpc.ClientConnInterface, config Config) *Client {
	return &Client{config: config.withDefaults(), rpc: sourcepb.NewSourceServiceClient(conn)}
}

// Greet asks the plugin what it is. Its error is that of gRPC; [Client.Meaning] tells what it means.
func (c *Client) Greet(ctx context.Context) error {
	response, err := c.rpc.GetSpec(ctx, &sourcepb.GetSpecRequest{
		HostVersion: c.config.Version, HostFeatures: []string{sourcepb.FeatureRevisions},
	})
	if err != nil {
		return err
	}
	c.spec = specFromWire(response.GetSpec())
	if c.config.Name == "" {
		c.config.Name = c.spec.Name
	}
	return nil
}

// Spec returns what the plugin said of itself when it was greeted.
func (c *Client) Spec() sdk.Spec { return c.spec }

// Configure hands over the options.
func (c *Client) Configure(ctx context.Context, configuration sdk.Configuration) error {
	call, cancel := c.limited(ctx)
	defer cancel()
	response, err := c.rpc.Configure(call, &sourcepb.ConfigureRequest{
		Source: configuration.Source, Options: configuration.Options, BaseDir: configuration.BaseDir,
		WorkDir: configuration.WorkDir, CacheDir: configuration.CacheDir,
	})
	if err != nil {
		return c.failure(ctx, "configure", err)
	}
	return c.verdict(ctx, response.GetDiagnostics())
}

// Check reaches the source.
func (c *Client) Check(ctx context.Context) error {
	call, cancel := c.limited(ctx)
	defer cancel()
	response, err := c.rpc.Check(call, &sourcepb.CheckRequest{})
	if err != nil {
		return c.failure(ctx, "check", err)
	}
	return c.verdict(ctx, response.GetDiagnostics())
}

// Discover lists the streams.
func (c *Client) Discover(ctx context.Context) ([]sdk.Stream, error) {
	call, cancel := c.limited(ctx)
	defer cancel()
	response, err := c.rpc.Discover(call, &sourcepb.DiscoverRequest{})
	if err != nil {
		return nil, c.failure(ctx, "discover", err)
	}
	if err := c.verdict(ctx, response.GetDiagnostics()); err != nil {
		return nil, err
	}
	var streams []sdk.Stream
	for _, s := range response.GetStreams() {
		streams = append(streams, streamFromWire(s))
	}
	return streams, nil
}

// limited is a context for one call.
func (c *Client) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.config.CallTimeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.config.CallTimeout)
}

// verdict returns the errors in the diagnostics of an answer, and logs the rest.
func (c *Client) verdict(ctx context.Context, diagnostics []*sourcepb.Diagnostic) error {
	var faults []error
	for _, w := range diagnostics {
		d := diagnosticFromWire(w)
		switch d.Severity {
		case sdk.SeverityError:
			faults = append(faults, d)
		case sdk.SeverityWarning:
			c.config.Log.WarnContext(ctx, "plugin warns", "plugin", c.config.Name, "code", d.Code, "text", d.Summary)
		case sdk.SeverityInfo:
			c.config.Log.InfoContext(ctx, "plugin says", "plugin", c.config.Name, "code", d.Code, "text", d.Summary)
		}
	}
	return errors.Join(faults...)
}

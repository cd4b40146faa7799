package host

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// maxStarts is how often the plugin of one source is started: once, and twice more when it died.
const maxStarts = 3

// Keeper is a source whose plugin is started again, and configured again, by the first call after it died. The call that
// it died in ends with the error that says so: whether it is worth another try, and from where on, the caller knows.
type Keeper struct {
	config Config
	spec   sdk.Spec

	mu            sync.Mutex // guards what follows
	process       *Process
	configuration *sdk.Configuration // nil: not configured yet
	starts        int
	closed        bool
}

var _ sdk.Source = (*Keeper)(nil)

// Keep starts a plugin, as [Start] does, and keeps it running.
func Keep(ctx context.Context, config Config) (*Keeper, error) {
	config = config.withDefaults()
	p, err := Start(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Keeper{config: config, process: p, spec: p.Spec(), starts: 1}, nil
}

// Spec returns what the plugin said of itself when it was first started.
func (k *Keeper) Spec() sdk.Spec { return k.spec }

// Configure hands over the options, now and to every process that takes this one's place.
func (k *Keeper) Configure(ctx context.Context, c sdk.Configuration) error {
	p, err := k.alive(ctx)
	if err != nil {
		return err
	}
	if err := p.Configure(ctx, c); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.configuration = &c
	return nil
}

// Check is that of [sdk.Source].
func (k *Keeper) Check(ctx context.Context) error {
	p, err := k.alive(ctx)
	if err != nil {
		return err
	}
	return p.Check(ctx)
}

// Discover is that of [sdk.Source].
func (k *Keeper) Discover(ctx context.Context) ([]sdk.Stream, error) {
	p, err := k.alive(ctx)
	if err != nil {
		return nil, err
	}
	return p.Discover(ctx)
}

// Read is that of [sdk.Source]. After an error of kind Unavailable it may be called again, with newer checkpoints.
func (k *Keeper) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	p, err := k.alive(ctx)
	if err != nil {
		return err
	}
	return p.Read(ctx, request, out)
}

// FetchAsset is that of [sdk.Source].
func (k *Keeper) FetchAsset(ctx context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	p, err := k.alive(ctx)
	if err != nil {
		return sdk.Asset{}, err
	}
	return p.FetchAsset(ctx, ref)
}

// Close ends the plugin. Calls that follow start none.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return k.process.Close()
}

// alive returns a process that had not ended a moment ago.
func (k *Keeper) alive(ctx context.Context) (*Process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || !k.process.child.ended() {
		return k.process, nil
	}
	if k.starts == maxStarts {
		return nil, k.process.died(true)
	}
	if err := k.process.Close(); err != nil {
		k.config.Log.Warn("what a dead plugin left behind could not be cleared away", "error", err)
	}
	k.starts++
	p, err := Start(ctx, k.config)
	if err != nil {
		return nil, err
	}
	if k.configuration != nil {
		if err := p.Configure(ctx, *k.configuration); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	k.process = p
	return p, nil
}

package host

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// maxStarts is how often the plugin of one source is started: once, and twice more when it died.
const maxStarts = 3

// Keeper is a source whose plugin is started again, and configured again, when it has died: at once where nothing is lost by
// asking again, and by the next call after a reading. That ends with the error that says so: whether it is worth another try,
// and from where on, the caller knows.
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
	k := &Keeper{config: config.withDefaults()}
	if err := k.start(ctx); err != nil {
		return nil, err
	}
	k.spec = k.process.Spec()
	return k, nil
}

// Spec returns what the plugin said of itself when it was first started.
func (k *Keeper) Spec() sdk.Spec { return k.spec }

// Protocol returns the major version of the protocol that is spoken with the plugin.
func (k *Keeper) Protocol() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process.Protocol()
}

// Configure hands over the options, now and to every process that takes this one's place.
func (k *Keeper) Configure(ctx context.Context, c sdk.Configuration) error {
	err := k.ask(ctx, func(p *Process) error { return p.Configure(ctx, c) })
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.configuration = &c
	return nil
}

// Check is that of [sdk.Source].
func (k *Keeper) Check(ctx context.Context) error {
	return k.ask(ctx, func(p *Process) error { return p.Check(ctx) })
}

// Discover is that of [sdk.Source].
func (k *Keeper) Discover(ctx context.Context) ([]sdk.Stream, error) {
	var streams []sdk.Stream
	err := k.ask(ctx, func(p *Process) (err error) {
		streams, err = p.Discover(ctx)
		return err
	})
	return streams, err
}

// Read is that of [sdk.Source]. After an error of kind Unavailable it may be called again, with newer checkpoints.
func (k *Keeper) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	p, err := k.alive(ctx)
	if err != nil {
		return err
	}
	return p.Read(ctx, request, out)
}

// FetchAsset is that of [sdk.Source]. When the plugin dies while the body is read, the rest comes from its successor.
func (k *Keeper) FetchAsset(ctx context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	b := &keptBody{keeper: k, ref: ref, ctx: ctx}
	asset, err := b.open()
	if err != nil {
		return sdk.Asset{}, err
	}
	asset.Body = b
	return asset, nil
}

// Close ends the plugin. Calls that follow start none.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return k.process.Close()
}

// ask asks something that can be asked again when the plugin dies over it.
func (k *Keeper) ask(ctx context.Context, question func(p *Process) error) error {
	for {
		p, err := k.alive(ctx)
		if err != nil {
			return err
		}
		if err = question(p); err == nil || !k.replaces(p, err) {
			return err
		}
	}
}

// replaces returns whether an error of a process is that of its death, and there is to be another.
func (k *Keeper) replaces(p *Process, err error) bool {
	if !p.child.ended() || sdk.KindOf(err) != sdk.Unavailable {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.closed && (k.process != p || k.starts < maxStarts)
}

// start starts a process, and another one where somebody killed the first before it had said a word. It wants k.mu held, or
// nobody else to know of k.
func (k *Keeper) start(ctx context.Context) error {
	for {
		k.starts++
		p, err := Start(ctx, k.config)
		if err == nil {
			k.process = p
			return nil
		}
		d, _ := errors.AsType[*sdk.Diagnostic](err)
		if d == nil || d.Code != CodeKilled && d.Code != CodeDisconnected || k.starts == maxStarts {
			return err
		}
	}
}

// alive returns a process that had not ended a moment ago.
func (k *Keeper) alive(ctx context.Context) (*Process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for !k.closed && k.process.child.ended() {
		if k.starts == maxStarts {
			return nil, k.process.died(true)
		}
		if err := k.again(ctx); err != nil {
			return nil, err
		}
	}
	return k.process, nil
}

// again puts a new process, with the old options, in the place of the dead one. The new one may be dead, too. It wants k.mu
// held.
func (k *Keeper) again(ctx context.Context) error {
	if err := k.process.Close(); err != nil {
		k.config.Log.Warn("what a dead plugin left behind could not be cleared away", "error", err)
	}
	if err := k.start(ctx); err != nil || k.configuration == nil {
		return err
	}
	err := k.process.Configure(ctx, *k.configuration)
	if err != nil && !k.process.child.ended() { // without its options it is of no use
		return errors.Join(err, k.process.Close())
	}
	return nil
}

// keptBody is the body of an asset that outlives the process it comes from. The same reference means the same bytes.
type keptBody struct {
	keeper *Keeper
	ref    sdk.AssetRef
	ctx    context.Context //nolint:containedctx // that of the one FetchAsset call the body belongs to

	process *Process
	body    io.ReadCloser
	read    int64
}

// open opens the asset, with whichever process there is.
func (b *keptBody) open() (asset sdk.Asset, err error) {
	err = b.keeper.ask(b.ctx, func(p *Process) (err error) {
		asset, err = p.FetchAsset(b.ctx, b.ref)
		b.process = p
		return err
	})
	b.body = asset.Body
	return asset, err
}

// Read returns bytes of the asset.
func (b *keptBody) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		b.read += int64(n)
		switch {
		case n > 0:
			return n, nil // the error comes again
		case err == nil || errors.Is(err, io.EOF) || !b.keeper.replaces(b.process, err):
			return 0, err
		}
		if err := b.reopen(); err != nil {
			return 0, err
		}
	}
}

// reopen goes to where the body was.
func (b *keptBody) reopen() error {
	for {
		_ = b.body.Close() // of a process that is dead
		if _, err := b.open(); err != nil {
			b.body = io.NopCloser(strings.NewReader(""))
			return err
		}
		_, err := io.CopyN(io.Discard, b.body, b.read)
		if err == nil || !b.keeper.replaces(b.process, err) {
			return err
		}
	}
}

// Close ends the sending.
func (b *keptBody) Close() error { return b.body.Close() }

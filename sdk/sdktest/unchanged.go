package sdktest

import (
	"context"

	"github.com/seed-98789ff7/converter/sdk"
)

// checkUnchanged gives a source the revisions that it has named, and then some that it has not. Nothing has changed meanwhile,
// so what it sends and what it says to be as it was have to come to the same as the first reading.
func checkUnchanged(ctx context.Context, b *bench) Result {
	switch {
	case b.first == nil:
		return skipped(notRead)
	case !b.spec.Can.Incremental:
		return skipped("the plugin does not say that it knows what has not changed")
	}
	known, other := map[string][]byte{}, map[string][]byte{}
	for name, t := range b.first.streams {
		if t.revision != nil {
			known[name], other[name] = t.revision, append([]byte("not "), t.revision...)
		}
	}
	if len(known) == 0 {
		return skipped("no stream was given a revision; the sample may lack something that the plugin wants for it, such as a cache folder")
	}
	const advice = "say that nothing has changed only where the revision is the one you were given; a revision is another one whenever anything you send is"
	r, err := b.recall(ctx, known)
	if err != nil {
		return failed("take back the revisions that you gave", "with its own revisions: %v", err)
	}
	if where := differs(b.first.streams, r.streams); where != "" {
		return failed(advice, "with its own revisions: %s", where)
	}
	var same, all int64
	for name := range known {
		same, all = same+r.streams[name].same, all+int64(len(b.first.streams[name].items))
	}
	if same < all {
		return failed("the same content has the same revision", "nothing had changed, and %d of %s came again", all-same, count(int(all), "record"))
	}
	if r, err = b.recall(ctx, other); err != nil {
		return failed("a revision that you do not know means that everything is sent", "with revisions that are not its own: %v", err)
	}
	for name, t := range r.streams {
		if t.same > 0 {
			return failed(advice, "stream %q was said to be unchanged since a revision that it never had", name)
		}
	}
	if where := differs(b.first.streams, r.streams); where != "" {
		return failed(advice, "with revisions that are not its own: %s", where)
	}
	return ok("%s in %s were as they had been; with other revisions everything came", count(int(same), "record"), count(len(known), "stream"))
}

// recall reads everything from a source that is given revisions.
func (b *bench) recall(ctx context.Context, known map[string][]byte) (*recorder, error) {
	request := b.all()
	request.Known = known
	r := b.recorder(request.Streams)
	r.past = b.first.streams
	return r, b.record(ctx, b.source, request, r)
}

var _ sdk.RevisionWriter = (*recorder)(nil)

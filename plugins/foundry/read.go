package foundry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/sdk"
)

// done is the checkpoint of a stream that was read to its end. A stream is read again from its start otherwise: a pack is
// read in less than a second.
const done = `{"done":true}`

// private are the collections whose documents are never read, wherever they lie: they hold passwords, keys, chat, and
// what single players have seen.
var private = []string{"users", "settings", "messages", "fog"}

// Discover lists the packs with their exact numbers of documents, counted by keys alone.
func (l *library) Discover(ctx context.Context) ([]sdk.Stream, error) {
	if l.missing != nil {
		return nil, l.missing
	}
	streams := make([]sdk.Stream, 0, len(l.packs))
	for _, p := range l.packs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := sdk.Stream{Name: p.stream(), Title: p.label, Kind: kindOf(p.typ, ""), License: p.licence()}
		if n, err := count(p); err == nil {
			s.Records = sdk.Estimate{Count: int64(n), Quality: sdk.Exact}
		}
		streams = append(streams, s) // one that cannot be opened is reported when it is read
	}
	return streams, nil
}

func count(p pack) (n int, err error) {
	opened, err := packs.Open(p.dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	counts, err := opened.Counts()
	for collection, c := range counts {
		if !slices.Contains(private, collection) {
			n += c
		}
	}
	return n, err
}

// Read sends the documents of the asked packs.
func (l *library) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	if l.missing != nil {
		return l.missing
	}
	for _, n := range l.notes {
		out.Report(n)
	}
	names := request.Streams
	if len(names) == 0 {
		for _, p := range l.packs {
			names = append(names, p.stream())
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if string(request.State[name]) == done {
			continue
		}
		if err := l.readStream(ctx, name, out); err != nil {
			return err
		}
	}
	return nil
}

func (l *library) readStream(ctx context.Context, name string, out sdk.Writer) error {
	i := slices.IndexFunc(l.packs, func(p pack) bool { return p.stream() == name })
	if i < 0 {
		return out.Skip(name, "", &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "foundry.pack_gone", Summary: "there is no pack " + name, Stream: name,
			Suggestion: "install its package again, or take the pack out of what is to be read",
		})
	}
	if whole, err := l.readPack(ctx, l.packs[i], out); err != nil || !whole {
		return err
	}
	return out.Checkpoint(name, []byte(done))
}

// readPack sends one pack and says whether it could be read to its end. Only an error of out or the context is an error;
// what is wrong with the pack is reported.
func (l *library) readPack(ctx context.Context, p pack, out sdk.Writer) (whole bool, err error) {
	opened, err := packs.Open(p.dir)
	if err != nil {
		return false, out.Skip(p.stream(), p.uri, unreadable(p, err))
	}
	r := reader{library: l, pack: p, folders: map[string]folder{}, sent: map[string]bool{}}
	fault, err := r.send(ctx, opened, out)
	fault = errors.Join(fault, opened.Close())
	switch {
	case err != nil:
		return false, err
	case fault != nil:
		return false, out.Skip(p.stream(), p.uri, unreadable(p, fault))
	}
	return true, nil
}

// send sends the documents, and says what is wrong with the pack apart from what out and the context have to say.
func (r *reader) send(ctx context.Context, opened *packs.Pack, out sdk.Writer) (fault, err error) {
	if fault := r.readFolders(opened); fault != nil {
		return fault, nil
	}
	for doc, fault := range opened.Documents() {
		if fault != nil {
			return fault, ctx.Err()
		}
		if slices.Contains(private, doc.Collection) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := out.Record(r.pack.stream(), r.record(doc)); err != nil {
			return nil, err
		}
		r.sent[doc.Key] = true
	}
	return nil, r.report(opened.Report(), out)
}

// report says what of the pack could not be read.
func (r *reader) report(rep packs.Report, out sdk.Writer) error {
	d := sdk.Diagnostic{Kind: sdk.Invalid, Stream: r.pack.stream(), Origin: sdk.Origin{URI: r.pack.uri}}
	for _, damage := range rep.Database.Damage {
		d.Code, d.RecordID = "foundry.pack_damaged", r.pack.uri+"/"+damage.File
		d.Summary = fmt.Sprintf("a part of the pack is damaged and was left out: %s", damage)
		d.Suggestion = "restore the pack from a backup, or install its package again; everything else of it was read"
		out.Report(d)
	}
	d.Code, d.Suggestion = "foundry.entry_unusable", "open the document in Foundry and save it again, or restore the pack from a backup"
	for _, f := range rep.Faults {
		entry := d
		entry.RecordID, entry.Summary = f.Key, "an entry of the pack cannot be used as it is: "+f.Reason
		switch collection, primary := primary(f.Key); {
		case !primary || r.sent[f.Key]:
			entry.Severity = sdk.SeverityWarning
			out.Report(entry)
		case slices.Contains(private, collection):
		default:
			if err := out.Skip(r.pack.stream(), f.Key, &entry); err != nil {
				return err
			}
		}
	}
	d.RecordID = ""
	if more := rep.FaultCount - len(rep.Faults); more > 0 {
		d.Summary = fmt.Sprintf("%d more entries of the pack cannot be used", more)
		out.Report(d)
	}
	d.Severity, d.Code, d.Suggestion = sdk.SeverityInfo, "foundry.orphans", ""
	for _, path := range slices.Sorted(maps.Keys(rep.Orphans)) {
		d.Summary = fmt.Sprintf("%d documents in %s belong to no document any more and were left out", rep.Orphans[path], path)
		out.Report(d)
	}
	return nil
}

// primary says whether a key is that of a primary document, and of which collection.
func primary(key string) (collection string, ok bool) {
	collection, id, _ := strings.Cut(strings.TrimPrefix(key, "!"), "!")
	return collection, id != "" && !strings.Contains(collection, ".") && !strings.ContainsAny(id, ".!")
}

// unreadable says why the pack cannot be read at all, or no further.
func unreadable(p pack, err error) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "foundry.pack_unreadable", Summary: "the pack cannot be read", Cause: err,
		Suggestion: "restore it from a backup, or install its package again; the other packs are read",
		Stream:     p.stream(), Origin: sdk.Origin{URI: p.uri},
	}
	switch {
	case errors.Is(err, leveldb.ErrBusy):
		d.Kind, d.Suggestion = sdk.Unavailable, "close Foundry, or copy the folder and read the copy; the other packs are read"
	case errors.Is(err, leveldb.ErrComparator), errors.Is(err, leveldb.ErrLarge):
		d.Kind = sdk.Unsupported
	case errors.Is(err, fs.ErrPermission):
		d.Kind, d.Suggestion = sdk.Unavailable, "check the rights of its folder; the other packs are read"
	case errors.Is(err, fs.ErrNotExist):
		d.Kind = sdk.NotFound
	}
	return d
}

func (p pack) licence() sdk.License {
	l := sdk.License{Expression: p.pkg.license, Attribution: first(p.pkg.title, p.pkg.id), From: "package"}
	switch {
	case l.Expression == "":
		return sdk.License{}
	case isAddress(l.Expression):
		l.Expression, l.URL = "", l.Expression
	}
	return l
}

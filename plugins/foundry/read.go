package foundry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	"github.com/seed-98789ff7/converter/plugins/foundry/nedb"
	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/sdk"
)

// checkpoint is that of a stream that was read to its end. A stream is read again from its start otherwise: a pack is read in
// less than a second.
type checkpoint struct {
	Done  bool   `json:"done"`
	Files string `json:"files,omitempty"` // what the pack's files were
}

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
		counts, err := l.counted.of(p.dir, p.identity(), func() (map[string]int, error) { return count(p) })
		if err == nil {
			s.Records = l.estimate(p, counts)
		}
		streams = append(streams, s) // one that cannot be opened is reported when it is read
	}
	l.counted.save()
	return streams, nil
}

// estimate is how many of the documents will be sent.
func (l *library) estimate(p pack, counts map[string]int) sdk.Estimate {
	e := sdk.Estimate{Quality: sdk.Exact}
	if l.options.subtypes() {
		e.Quality = sdk.Approximate
	}
	for collection, n := range counts {
		if typ := first(documentTypes[collection], p.typ, "Document"); p.may(collection) && l.options.mayHold(typ) {
			e.Count += int64(n)
		}
	}
	return e
}

// count counts the documents of a pack by collection, those in adventures included.
func count(p pack) (counts map[string]int, err error) {
	opened, err := p.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	counts, err = opened.Counts()
	if err != nil || counts["adventures"] == 0 {
		return counts, err
	}
	inside, err := adventures(opened)
	for collection, n := range inside {
		counts[collection] += n
	}
	return counts, err
}

// Read sends the documents of the asked packs.
func (l *library) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	if l.missing != nil {
		return l.missing
	}
	for _, n := range l.notes {
		out.Report(n)
	}
	if m, ok := out.(sdk.MetricsWriter); ok {
		hits, misses := l.counted.take()
		m.Metrics(sdk.Metrics{Hits: hits, Misses: misses})
	}
	l.indexes = nil // they are of the last reading
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
		if err := l.readStream(ctx, name, request, out); err != nil {
			return err
		}
	}
	l.seals.save()
	return nil
}

func (l *library) readStream(ctx context.Context, name string, request sdk.ReadRequest, out sdk.Writer) error {
	i := slices.IndexFunc(l.packs, func(p pack) bool { return p.stream() == name })
	var past checkpoint
	_ = json.Unmarshal(request.State[name], &past) // one that cannot be read is none
	if past.Done {
		if i >= 0 && past.Files != "" && past.Files != l.packs[i].identity() {
			out.Report(sdk.Diagnostic{
				Severity: sdk.SeverityWarning, Kind: sdk.Unavailable, Code: "foundry.pack_changed", Stream: name,
				Summary:    "the pack has changed since this run read it; what was read is kept",
				Suggestion: "start a new run to read it as it is now",
			})
		}
		return nil
	}
	if i < 0 {
		return out.Skip(name, "", &sdk.Diagnostic{
			Kind: sdk.NotFound, Code: "foundry.pack_gone", Summary: "there is no pack " + name, Stream: name,
			Suggestion: "install its package again, or take the pack out of what is to be read",
		})
	}
	revisions, _ := out.(sdk.RevisionWriter)
	own, unsealed := l.seals.of(l.packs[i].dir)
	sealed := unsealed == nil && revisions != nil && l.env.CacheDir != ""
	if sealed && l.isAt(l.packs[i], request.Known[name], own) {
		return revisions.Unchanged(name)
	}
	l.trail = newTrail()
	defer func() { l.trail = nil }()
	files := l.packs[i].identity() // what is changed while it is read shows as a change
	if whole, err := l.readPack(ctx, l.packs[i], out); err != nil || !whole {
		return err
	}
	if sealed {
		if err := l.sign(l.packs[i], own, l.trail, revisions); err != nil {
			return err
		}
	}
	text, err := json.Marshal(checkpoint{Done: true, Files: files})
	if err != nil {
		return err
	}
	return out.Checkpoint(name, text)
}

// readPack sends one pack and says whether it could be read to its end. Only an error of out or the context is an error;
// what is wrong with the pack is reported.
func (l *library) readPack(ctx context.Context, p pack, out sdk.Writer) (whole bool, err error) {
	opened, err := p.open()
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
func (r *reader) send(ctx context.Context, opened documents, out sdk.Writer) (fault, err error) {
	if fault := r.readFolders(opened); fault != nil {
		return fault, nil
	}
	for doc, fault := range opened.Documents() {
		if fault != nil {
			return fault, ctx.Err()
		}
		if !r.pack.may(doc.Collection) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.document(doc, out); err != nil {
			return nil, err
		}
		if doc.Collection != "adventures" {
			continue
		}
		if err := r.readAdventure(doc, func(d packs.Document) error { return r.document(d, out) }); err != nil {
			return nil, err
		}
	}
	report := opened.Report()
	if err := r.report(report, out); err != nil {
		return nil, err
	}
	return nil, r.account(report, out)
}

// document sends one document, if it is one of those that are wanted.
func (r *reader) document(doc packs.Document, out sdk.Writer) error {
	r.sent[doc.Key] = true
	doc.JSON = withoutPasswords(doc.Collection, doc.JSON)
	rec := r.record(doc)
	if !r.library.options.wantsType(rec.NativeType) {
		return nil
	}
	return out.Record(r.pack.stream(), rec)
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
	if why := rep.Database.Salvaged; why != "" {
		d := d
		d.Severity, d.Code, d.RecordID = sdk.SeverityWarning, "foundry.pack_salvaged", r.pack.uri
		d.Summary, d.Detail = "the pack does not say which of its files are in use; all of them were read", why
		d.Suggestion = "documents that were deleted may have come back; install the package again, or restore the pack from a backup"
		out.Report(d)
	}
	if f := rep.NeDB; f != nil {
		r.reportNeDB(*f, d, out)
	}
	d.Code, d.Suggestion = "foundry.entry_unusable", "open the document in Foundry and save it again, or restore the pack from a backup"
	for _, f := range rep.Faults {
		entry := d
		entry.RecordID, entry.Summary = f.Key, "an entry of the pack cannot be used as it is: "+f.Reason
		switch collection, primary := primary(f.Key); {
		case !primary || r.sent[f.Key]:
			entry.Severity = sdk.SeverityWarning
			out.Report(entry)
		case !r.pack.may(collection):
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

// reportNeDB says what of a NeDB file could not be read.
func (r *reader) reportNeDB(f nedb.Report, d sdk.Diagnostic, out sdk.Writer) {
	d.Code, d.Suggestion = "foundry.pack_damaged", "restore the file from a backup, or install its package again; everything else of it was read"
	for _, damage := range f.Damage {
		d.RecordID = fmt.Sprintf("%s:%d", r.pack.uri, damage.Line)
		d.Summary = fmt.Sprintf("a line of the file is damaged and was left out: %s", damage)
		out.Report(d)
	}
	d.RecordID = r.pack.uri
	if more := f.DamageCount - len(f.Damage); more > 0 {
		d.Summary = fmt.Sprintf("%d more lines of the file are damaged", more)
		out.Report(d)
	}
	if f.Spare {
		d.Severity, d.Code, d.Summary = sdk.SeverityWarning, "foundry.pack_salvaged", "the file is gone; the copy that was left when it was rewritten is read"
		d.Suggestion = "restore the file from a backup if the copy lacks something"
		out.Report(d)
	}
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
	case errors.Is(err, leveldb.ErrBusy), errors.Is(err, nedb.ErrBusy):
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

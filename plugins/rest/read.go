package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// done is the checkpoint of a list that was read to its end. Others are those of a place.
const done = `{"done":true}`

// reading is one call of Read.
type reading struct {
	*Source

	out   sdk.Writer
	meter sdk.MetricsWriter // nil: nobody counts
	known map[string][]byte // revisions that the host has of lists
	state map[string][]byte // checkpoints to read on from
	turn  sync.Mutex        // held while the records of a page are sent

	mu       sync.Mutex // guards what follows
	holdings map[string]*holding
	sent     int
}

// holding is a list that other resources want the records of. It is fetched by whoever wants it first.
type holding struct {
	once   sync.Once
	parts  []*part
	tables map[string]map[string]any // by the key that records are found by
	err    error
}

// refused is an error of the Writer, or of the context, which ends the reading.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

func final(err error) error {
	if err == nil {
		return nil
	}
	return refused{err}
}

// Read sends the records of the asked streams, all streams at the same time.
func (s *Source) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	rd := &reading{Source: s, out: out, known: request.Known, state: request.State, holdings: map[string]*holding{}}
	rd.meter, _ = out.(sdk.MetricsWriter)
	for _, r := range s.resources {
		rd.holdings[r.Name] = &holding{tables: map[string]map[string]any{}}
	}
	var names []string
	for _, r := range s.resources {
		if r.stream() && (len(request.Streams) == 0 || slices.Contains(request.Streams, r.Name)) && string(request.State[r.Name]) != done {
			names = append(names, r.Name)
		}
	}
	for _, name := range request.Streams {
		if r := s.named(name); r == nil || !r.stream() {
			gone := failure("rest.resource_gone", nil, "there is no resource %q any more", name)
			if err := out.Skip(name, "", gone); err != nil {
				return err
			}
		}
	}
	failures := make([]error, len(names))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			failures[i] = rd.stream(ctx, s.named(name))
			if _, over := errors.AsType[refused](failures[i]); over {
				cancel()
			}
		})
	}
	group.Wait()
	rd.tell()
	return rd.end(names, failures)
}

// end says which lists could not be had. When none could and nothing came, the source cannot be read.
func (rd *reading) end(names []string, failures []error) error {
	var lists []error
	for _, err := range failures {
		if over, ok := errors.AsType[refused](err); ok && !errors.Is(over.error, context.Canceled) {
			return over.error
		}
	}
	for _, err := range failures {
		if over, ok := errors.AsType[refused](err); ok {
			return over.error
		}
		if err != nil {
			lists = append(lists, err)
		}
	}
	if len(lists) == len(names) && len(lists) > 0 && rd.sent == 0 {
		return errors.Join(lists...)
	}
	for i, err := range failures {
		if err == nil {
			continue
		}
		if err := rd.out.Skip(names[i], names[i], err); err != nil {
			return err
		}
	}
	return nil
}

// tell reports what the server has said of itself.
func (rd *reading) tell() {
	rd.Source.mu.Lock()
	var fresh []string
	for words, told := range rd.notes {
		if !told {
			fresh = append(fresh, words)
			rd.notes[words] = true
		}
	}
	rd.Source.mu.Unlock()
	slices.Sort(fresh)
	for _, words := range fresh {
		d := sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Unsupported, Code: "rest.server_warns", Summary: rd.base.Host + " says: " + words,
			Suggestion: "look whether there is a newer API to read from",
		}
		if words == staleNote {
			d.Code, d.Kind, d.Summary, d.Suggestion = "rest.stale", sdk.Unavailable, words, "run again later"
		}
		rd.out.Report(d)
	}
}

// flow is one stream on its way.
type flow struct {
	*reading

	r        *resource
	history  *history // of the last reading
	now      *history // of this one
	seen     map[string]bool
	expected int // -1: not known
	dropped  int // by a filter
	doubled  int
	skipped  int
	partial  bool // a page is missing
	same     *unchanged
	since    bool // only changes are asked for: they are put beside what is known before anything is sent

	at     place // how far it is
	partly bool  // an earlier reading was at a place from where this one goes on
	before int   // records that it has met
}

// stream reads one list. What it returns is either refused, or why the list could not be had.
func (rd *reading) stream(ctx context.Context, r *resource) error {
	f := &flow{reading: rd, r: r, history: rd.remember(r), now: &history{known: map[string]entry{}}, seen: map[string]bool{}, expected: -1}
	f.now.path = f.history.path
	f.same = f.compare()
	f.since = r.Incremental != nil && f.now.path != ""
	f.goOn()
	if err := f.gather(ctx); err != nil {
		if over := final(ctx.Err()); over != nil {
			return over
		}
		if err := f.same.release(); err != nil { // that much came
			return final(err)
		}
		return err
	}
	if f.since {
		if err := f.release(ctx); err != nil {
			return err
		}
	}
	return f.close()
}

// goOn takes up the place that an earlier reading has come to.
func (f *flow) goOn() {
	f.at, f.partly = placeOf(f.state[f.r.Name])
	if f.partly = f.partly && !f.since && !f.r.held && f.r.Resolve == nil; !f.partly {
		f.at = place{}
		return
	}
	f.before, f.dropped, f.doubled, f.skipped = f.at.Seen, f.at.Dropped, f.at.Doubled, f.at.Skipped
	f.same.history, f.now.path = nil, ""
}

// gather fetches the list and sends what comes, or keeps it where only changes do.
func (f *flow) gather(ctx context.Context) error {
	r := f.r
	switch {
	case r.Resolve != nil:
		return f.children(ctx)
	case r.held:
		parts, err := f.hold(ctx, r)
		if err != nil {
			return err
		}
		f.expected = parts[0].total // there is one, or an error
		for _, p := range parts {
			if err := f.take(ctx, p, nil); err != nil {
				return err
			}
		}
		return nil
	}
	if f.since && f.options.Cache == "only-if-cached" {
		return nil // what is known is all there is
	}
	if f.partly {
		err := f.onward(ctx)
		if err == nil && !f.partial && f.expected >= 0 && f.met() < f.expected {
			f.moved(f.expected)
		}
		return err
	}
	first := f.takeFirst(r.Name)
	if r = f.asked(); first == nil {
		first = f.first(ctx, r)
	}
	if err := final(ctx.Err()); err != nil {
		return err
	}
	if first.err != nil {
		return explain(first.err, first.url, "the list "+r.Name)
	}
	f.expected = first.total
	err := f.pages(ctx, r, nil, first, func(p *part) error { return f.page(ctx, p) })
	if err == nil {
		err = f.recount(ctx, first)
	}
	return err
}

// met is how many records of the list have been met, those that could not be read too.
func (f *flow) met() int { return f.before + len(f.seen) + f.skipped }

// asked is the resource with what is added to its parameters to get changes only.
func (f *flow) asked() *resource {
	since := f.history.cursor
	if !f.since || since == "" {
		since = ""
		if f.r.Incremental != nil {
			since = f.r.Incremental.InitialValue
		}
	}
	if since == "" {
		return f.r
	}
	one := *f.r
	one.Params = map[string]string{f.r.Incremental.Param: since}
	maps.Copy(one.Params, f.r.Params)
	return &one
}

// recount follows the list from link to link where its pages did not hold as many records as it should.
func (f *flow) recount(ctx context.Context, first *part) error {
	how := f.r.paginator()
	if f.expected < 0 || f.met() >= f.expected || f.partial || f.since {
		return nil
	}
	if how.counted() && how.NextPath != "" {
		before := len(f.seen)
		if err := f.same.release(); err != nil {
			return final(err)
		}
		err := f.chain(ctx, f.r, nil, 1, first, func(p *part) error { return f.take(ctx, p, nil) })
		if err != nil {
			return err
		}
		f.doubled -= min(before, f.doubled) // they were met on purpose
		f.out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Invalid, Code: "rest.count_differs", Stream: f.r.Name,
			Summary: fmt.Sprintf("the pages of %s held %d records of %d: it was read again from link to link", f.r.Name, before, f.expected),
			Detail:  fmt.Sprintf("%d records after that", len(f.seen)), Suggestion: "run again: the list may have changed meanwhile",
		})
	}
	if len(f.seen) < f.expected {
		f.partial = true
	}
	return nil
}

// children reads the lists of all records of the parent, several at a time.
func (f *flow) children(ctx context.Context) error {
	how := f.r.Resolve
	parents, err := f.hold(ctx, f.named(how.Resource))
	if err != nil {
		return err
	}
	var values []string
	for _, p := range parents {
		for _, text := range p.items {
			if v, err := decode(text); err == nil {
				values = append(values, words(v, how.Field)...)
			}
		}
	}
	return ordered(ctx, len(values), 2*f.inFlight(), func(ctx context.Context, i int) []*part {
		var parts []*part
		of := map[string]string{how.Param: values[i]}
		first := f.numbered(ctx, f.r, of, 0, -1)
		_ = f.pages(ctx, f.r, of, first, func(p *part) error { // the error is that of a page, or of the context
			parts = append(parts, p)
			return nil
		})
		return parts
	}, func(i int, parts []*part) error {
		for _, p := range parts {
			if err := f.take(ctx, p, map[string]string{how.Param: values[i]}); err != nil {
				return err
			}
		}
		return final(f.out.Progress(f.r.Name, int64(i+1), int64(len(values)), ""))
	})
}

// hold fetches a list that others want, once.
func (rd *reading) hold(ctx context.Context, r *resource) ([]*part, error) {
	h := rd.holdings[r.Name]
	h.once.Do(func() {
		first := rd.takeFirst(r.Name)
		if first == nil {
			first = rd.first(ctx, r)
		}
		_ = rd.pages(ctx, r, nil, first, func(p *part) error { // the error is that of the context
			h.parts = append(h.parts, p)
			return nil
		})
		if first.err != nil {
			h.err = explain(first.err, first.url, "the list "+r.Name)
		}
	})
	if err := final(ctx.Err()); err != nil {
		return nil, err
	}
	return h.parts, h.err
}

// table is the records of a list by one of their members.
func (rd *reading) table(ctx context.Context, l License) (map[string]any, error) {
	r := rd.named(l.From)
	parts, err := rd.hold(ctx, r)
	if err != nil {
		return nil, err
	}
	rd.mu.Lock()
	defer rd.mu.Unlock()
	key := l.Key
	if key == "" {
		key = r.key()[0]
	}
	by := key + "\n" + fmt.Sprint(l.Aliases)
	tables := rd.holdings[l.From].tables
	if tables[by] != nil {
		return tables[by], nil
	}
	table := map[string]any{}
	for _, p := range parts {
		for _, text := range p.items {
			v, err := decode(text)
			name := first(v, key)
			if err != nil || name == "" {
				continue
			}
			if alias, ok := l.Aliases[name]; ok {
				name = alias
			}
			if _, there := table[name]; !there {
				table[name] = v
			}
		}
	}
	tables[by] = table
	return table, nil
}

// take sends the records of a page, or says that it could not be had.
func (f *flow) take(ctx context.Context, p *part, values map[string]string) error {
	if err := final(ctx.Err()); err != nil {
		return err
	}
	if p.err != nil {
		f.partial = true
		f.skipped++
		if err := f.same.release(); err != nil {
			return final(err)
		}
		return final(f.out.Skip(f.r.Name, p.url.RequestURI(), explain(p.err, p.url, "a page of "+f.r.Name)))
	}
	if err := f.records(ctx, p, values); err != nil {
		return err
	}
	for _, l := range p.lost {
		d := explain(l.err, p.url, fmt.Sprintf("record %d of %s", l.place, f.r.Name))
		d.Code, d.Suggestion = "rest.bad_record", "tell those who run the server; all other records of its page were read"
		if err := f.skip(f.r.Name+"#"+strconv.Itoa(l.place), d); err != nil {
			return err
		}
	}
	f.tell()
	if values != nil {
		return nil
	}
	return final(f.out.Progress(f.r.Name, int64(f.before+len(f.seen)), int64(max(f.expected, 0)), ""))
}

func (f *flow) records(ctx context.Context, p *part, values map[string]string) error {
	if f.r.Detail != nil {
		return ordered(ctx, len(p.items), 2*f.inFlight(), func(ctx context.Context, i int) detail {
			return f.detail(ctx, p.items[i], values)
		}, func(i int, d detail) error {
			if err := f.one(ctx, d.it, d.err); err != nil || i%20 != 19 {
				return err
			}
			if values == nil && i < len(p.items)-1 {
				if err := f.mark(f.at.Within + i + 1); err != nil {
					return err
				}
			}
			return final(f.out.Progress(f.r.Name, int64(f.before+len(f.seen)), int64(max(f.expected, 0)), ""))
		})
	}
	for _, l := range f.r.License {
		if l.From != "" {
			_, _ = f.table(ctx, l) // it is there when the records are made, which nobody waits for then
		}
	}
	f.turn.Lock() // records of one list travel together
	defer f.turn.Unlock()
	for _, text := range p.items {
		it, err := f.r.newItem(text, values)
		if err := f.one(ctx, it, err); err != nil {
			return err
		}
	}
	return nil
}

// detail is a record that was asked for by itself, or why it could not be had.
type detail struct {
	it  item
	err error
}

var errIgnored = errors.New("ignored")

// detail asks for a record by itself. The item has the id of the list's record where it comes to nothing.
func (f *flow) detail(ctx context.Context, text json.RawMessage, values map[string]string) detail {
	listed, err := f.r.newItem(text, values)
	how := f.r.Detail
	path := how.Path
	if how.PathFrom != "" {
		v, _ := decode(text)
		path = first(v, how.PathFrom)
	} else {
		path = strings.ReplaceAll(path, "{id}", url.PathEscape(strings.TrimPrefix(listed.id, f.r.Name+"/")))
	}
	switch {
	case path == "" && err == nil:
		err = failure("rest.no_address", nil, "the list does not say where the record stands")
		return detail{listed, err}
	case path == "":
		return detail{listed, err}
	}
	u, err := f.resolve(path)
	if err != nil {
		return detail{listed, err}
	}
	u = f.with(u, f.r.Params)
	a, err := f.get(ctx, u, f.r.handler)
	if ft, ok := errors.AsType[*fault](err); ok && ft.ignored {
		return detail{listed, errIgnored}
	}
	if err != nil {
		return detail{listed, explain(err, u, "a record of "+f.r.Name)}
	}
	it, err := f.r.newItem(a.body, values)
	if err != nil {
		return detail{listed, explain(err, u, "a record of "+f.r.Name)}
	}
	it.url = u
	return detail{it, nil}
}

// one takes one record, or why there is none.
func (f *flow) one(ctx context.Context, it item, err error) error {
	switch {
	case ctx.Err() != nil:
		return final(ctx.Err())
	case errors.Is(err, errIgnored):
		f.seen[it.id] = true
		return nil
	case err != nil:
		return f.skip(it.id, err)
	case f.seen[it.id]:
		f.doubled++
		return nil
	}
	f.seen[it.id] = true
	if !f.r.kept(it) {
		f.dropped++
		return nil
	}
	if f.since {
		f.now.put(entry{ID: it.id, Raw: it.raw})
		f.history.cursor = later(f.history.cursor, first(it.v, f.r.Incremental.CursorPath))
		return nil
	}
	return f.send(ctx, it)
}

func (f *flow) skip(id string, reason error) error {
	f.skipped++
	if err := f.same.release(); err != nil {
		return final(err)
	}
	return final(f.out.Skip(f.r.Name, id, reason))
}

// send sends a record.
func (f *flow) send(ctx context.Context, it item) error {
	rec := f.record(ctx, f.r, it)
	rec.Revision = hashOf(it.v, f.r.HashIgnore)
	before, known := f.history.known[it.id]
	if f.meter != nil {
		if known && before.Hash == rec.Revision {
			f.meter.Metrics(sdk.Metrics{Unchanged: 1})
		} else {
			f.meter.Metrics(sdk.Metrics{Changed: 1})
		}
	}
	e := entry{ID: it.id, Hash: rec.Revision, Sum: sumOf(rec)}
	if f.since {
		e.Raw = it.raw
	}
	f.now.put(e)
	f.reading.mu.Lock()
	f.sent++
	f.reading.mu.Unlock()
	return final(f.same.send(rec, e))
}

// release sends what was known before with what has changed since, in the order in which it was met first.
func (f *flow) release(ctx context.Context) error {
	changed := f.now
	f.now = &history{path: changed.path, known: map[string]entry{}}
	ids := f.history.ids
	for _, id := range changed.ids {
		if _, known := f.history.known[id]; !known {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		e, isChanged := changed.known[id]
		if !isChanged {
			e = f.history.known[id]
		}
		it, err := f.r.newItem(e.Raw, nil)
		if err != nil {
			return err
		}
		if err := f.send(ctx, it); err != nil {
			return err
		}
	}
	f.now.cursor = f.history.cursor
	return nil
}

// close says what is to be known of the list, and that it was read to its end.
func (f *flow) close() error {
	whole, err := f.settle()
	if err != nil {
		return final(err)
	}
	if whole {
		f.remind()
		return nil // what there is to say of it was said then
	}
	d := sdk.Diagnostic{Severity: sdk.SeverityWarning, Kind: sdk.Invalid, Stream: f.r.Name}
	if f.met() == 0 && !f.since {
		d.Code, d.Summary = "rest.empty", "the list "+f.r.Name+" is empty"
		d.Suggestion = "look whether its path and its parameters are right"
		f.out.Report(d)
	}
	if f.dropped > 0 {
		d.Code, d.Summary = "rest.filtered", fmt.Sprintf("%d records of %s are not among those to keep, and were left out", f.dropped, f.r.Name)
		d.Suggestion = "the server does not filter by itself: each reading fetches them"
		f.out.Report(d)
	}
	if f.doubled > 0 {
		d.Code, d.Summary = "rest.doubled", fmt.Sprintf("%d records of %s came twice; the first was taken", f.doubled, f.r.Name)
		d.Suggestion = "look whether primary_key tells records apart"
		f.out.Report(d)
	}
	kept := !f.partly && f.remind()
	if f.partial {
		return nil
	}
	if kept {
		if err := f.same.name(f.now.revision); err != nil {
			return final(err)
		}
	}
	if facts, ok := f.out.(sdk.FactsWriter); ok && f.expected >= 0 && !f.since {
		err := facts.Facts(f.r.Name,
			sdk.Fact{Name: "expected", Label: "records that the server counts", Number: int64(f.expected)},
			sdk.Fact{Name: "filtered", Label: "records left out by the filter", Number: int64(f.dropped), Notable: f.dropped > 0},
		)
		if err != nil {
			return final(err)
		}
	}
	return final(f.out.Checkpoint(f.r.Name, []byte(done)))
}

// remind keeps what was read for the next time, and says whether it is kept and complete. What an incomplete reading has not met
// is not gone.
func (f *flow) remind() (kept bool) {
	if f.skipped > 0 || f.partial {
		for _, id := range f.history.ids {
			if _, met := f.now.known[id]; !met {
				f.now.put(f.history.known[id])
			}
		}
	}
	gone := 0
	for _, id := range f.history.ids {
		if _, there := f.now.known[id]; !there {
			gone++
		}
	}
	if gone > 0 {
		f.out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityInfo, Code: "rest.gone", Stream: f.r.Name,
			Summary: fmt.Sprintf("%d records of %s are not there any more", gone, f.r.Name),
		})
	}
	if err := f.now.write(); err != nil {
		f.env.Log.Warn("what was read is not kept for the next time", "stream", f.r.Name, "error", err)
		return false
	}
	return f.now.path != "" && f.now.revision != ""
}

package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/seed-98789ff7/converter/sdk"
)

// place is the checkpoint of a list that was read in part: whole pages mostly, and where records are asked for one by one, some of
// the next page too. What the pages in front of it held is known by its numbers alone, so a reading that goes on from there is
// not kept for the next time.
type place struct {
	Page    int    `json:"page"`             // so many pages were sent
	Within  int    `json:"within,omitempty"` // and so many records of the one behind them
	Next    string `json:"next,omitempty"`   // address of that one, where the server says it
	Size    int    `json:"size"`             // records of the first page
	Total   int    `json:"total"`            // of the whole list; -1: not known
	Seen    int    `json:"seen"`
	Dropped int    `json:"dropped,omitempty"`
	Doubled int    `json:"doubled,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
}

// placeOf reads a checkpoint. One that says nothing is the beginning.
func placeOf(state []byte) (p place, partly bool) {
	if len(state) == 0 || json.Unmarshal(state, &p) != nil {
		return place{}, false
	}
	return p, p.Size > 0 && p.Page >= 0 && p.Within >= 0 && p.Page+p.Within > 0
}

// marks returns whether the pages of the list are worth a checkpoint of their own. Those that are fetched as a whole are not, and
// of one with a page missing nothing is settled.
func (f *flow) marks() bool {
	return f.r.Resolve == nil && !f.r.held && !f.since && !f.partial && f.at.Size > 0 && (f.same.settled || f.same.held == 0)
}

// mark says that all records in front of a place have been sent.
func (f *flow) mark(within int) error {
	if !f.marks() {
		return nil
	}
	at := f.at
	at.Within = within
	at.Seen, at.Dropped, at.Doubled, at.Skipped = f.before+len(f.seen), f.dropped, f.doubled, f.skipped
	state, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return final(f.out.Checkpoint(f.r.Name, state))
}

// page takes one page of the list, and marks the place behind it.
func (f *flow) page(ctx context.Context, p *part) error {
	if f.at.Size == 0 {
		f.at.Size, f.at.Total = len(p.items)+len(p.lost), p.total
	}
	if p.err == nil {
		f.at.Next = ""
		if p.next != nil {
			f.at.Next = p.next.String()
		}
	}
	whole := *p
	if f.at.Within > 0 && p.err == nil { // those were sent
		whole.items = p.items[min(f.at.Within, len(p.items)):]
	}
	if err := f.take(ctx, &whole, nil); err != nil {
		return err
	}
	f.at.Page, f.at.Within = f.at.Page+1, 0
	return f.mark(0)
}

// onward reads a list on from its checkpoint.
func (f *flow) onward(ctx context.Context) error {
	r, how := f.r, f.r.paginator()
	f.expected = f.at.Total
	f.takeFirst(r.Name) // it was read, unless it is the place itself, and then it is asked for again
	byNumber := how.counted() && how.TotalPath != "" && f.at.Total >= 0 && (how.Type != "offset" || f.at.Size == how.PageSize)
	var p *part
	switch {
	case f.at.Page == 0:
		p = f.first(ctx, r)
	case byNumber:
		if f.at.Page*f.at.Size >= f.at.Total {
			return nil // all that is missing is the end
		}
		p = f.numbered(ctx, r, nil, f.at.Page, f.at.Total)
	case f.at.Next != "":
		u, err := url.Parse(f.at.Next)
		if err != nil {
			return failure("rest.address", nil, "%q is no address of a next page", clip(f.at.Next))
		}
		p = f.Source.page(ctx, r, u, r.handler)
	case how.counted() && how.NextPath == "":
		p = f.Source.page(ctx, r, r.address(nil, f.at.Page, how.PageSize), r.handler)
	default:
		return nil // that was the last page
	}
	if err := final(ctx.Err()); err != nil {
		return err
	}
	if p.err == nil && p.total >= 0 && p.total != f.at.Total {
		f.moved(p.total)
	}
	take := func(p *part) error { return f.page(ctx, p) }
	if byNumber {
		return f.counted(ctx, r, nil, f.at, p, take)
	}
	from := f.at.Page
	if err := take(p); err != nil || p.err != nil {
		return err
	}
	return f.chain(ctx, r, nil, from+1, p, take)
}

// moved says that a list is another one than when it was begun.
func (f *flow) moved(total int) {
	f.out.Report(sdk.Diagnostic{
		Severity: sdk.SeverityWarning, Kind: sdk.Invalid, Code: "rest.list_moved", Stream: f.r.Name,
		Summary:    fmt.Sprintf("the list %s has %d records now, and had %d when its reading was begun: some of it may be missing", f.r.Name, total, f.at.Total),
		Suggestion: "run again",
	})
	f.expected, f.at.Total, f.partial = total, total, true
}

// state names the list as its first page shows it: another one has another count, or other records on that page.
func (r *resource) state(first *part) []byte {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, Version, first.total, len(first.lost)) // never fails
	for _, text := range first.items {
		v, err := decode(text)
		if err != nil {
			v = string(text)
		}
		_, _ = fmt.Fprintln(sum, hashOf(v, r.HashIgnore)) // never fails
	}
	return []byte(hex.EncodeToString(sum.Sum(nil)[:12]))
}

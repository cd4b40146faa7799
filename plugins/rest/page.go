package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// part is one page of a list, or one that could not be had.
type part struct {
	url   *url.URL
	items []json.RawMessage
	lost  []lost   // records of it that cannot be had
	total int      // records of the whole list; -1: the server does not say
	next  *url.URL // nil: there is none, or pages are counted
	err   error
}

// lost is a record that cannot be had, by its place in the list, from 1.
type lost struct {
	place int
	err   error
}

const mostPages = 10_000

func (r *resource) paginator() Paginator {
	if r.Paginator == nil {
		return Paginator{Type: "single_page"}
	}
	return *r.Paginator
}

// counted returns whether any page of the list can be asked for by its number.
func (p Paginator) counted() bool { return p.Type == "page_number" || p.Type == "offset" }

func (p Paginator) mostPages() int { return cmp.Or(p.MaxPages, mostPages) }

// address is that of a page of the list, from 0, with so many records; size 0: as many as the server likes.
func (r *resource) address(values map[string]string, page, size int) *url.URL {
	u := *r.url
	for name, value := range values {
		u.Path = strings.ReplaceAll(u.Path, "{"+name+"}", value)
		u.RawPath = ""
	}
	params := map[string]string{}
	p := r.paginator()
	switch p.Type {
	case "page_number":
		from := 1
		if p.BasePage != nil {
			from = *p.BasePage
		}
		params[cmp.Or(p.PageParam, "page")] = strconv.Itoa(from + page)
	case "offset":
		params[cmp.Or(p.OffsetParam, "offset")] = strconv.Itoa(page * size)
	}
	if size > 0 && p.Type != "single_page" {
		params[cmp.Or(p.SizeParam, "limit")] = strconv.Itoa(size)
	}
	return r.source.with(&u, r.Params, params)
}

// first fetches the first page of a list that has no parent.
func (s *Source) first(ctx context.Context, r *resource) *part { return s.numbered(ctx, r, nil, 0, -1) }

// numbered fetches a page by its number, in smaller ones where it fails.
func (s *Source) numbered(ctx context.Context, r *resource, values map[string]string, page, total int) *part {
	size := r.paginator().PageSize
	p := s.page(ctx, r, r.address(values, page, size), r.handler)
	if f, ok := errors.AsType[*fault](p.err); ok && f.class[0] == '5' && r.handler.split && r.paginator().counted() && size > 1 {
		return s.split(ctx, r, values, page, total, p)
	}
	return p
}

// page fetches one page.
func (s *Source) page(ctx context.Context, r *resource, u *url.URL, h *handler) *part {
	a, err := s.get(ctx, u, h)
	if f, ok := errors.AsType[*fault](err); ok && f.ignored {
		return &part{url: u, total: -1}
	}
	if err != nil {
		return &part{url: u, total: -1, err: err}
	}
	p := r.parse(a)
	p.url = u
	return p
}

// parse takes an answer apart: an array is the records of a page, an object holds them, or is one itself.
func (r *resource) parse(a *answer) *part {
	p := &part{total: -1}
	body := bytes.TrimSpace(a.body)
	var object map[string]json.RawMessage
	switch {
	case len(body) > 0 && body[0] == '[' && json.Unmarshal(body, &p.items) == nil:
	case len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &object) != nil:
		p.err = failure("rest.shape", a.url, "the answer is neither a list nor a record")
		return p
	default:
		list := bytes.TrimSpace(inside(object, r.DataSelector))
		switch {
		case r.DataSelector != "" && len(list) > 0 && list[0] == '[' && json.Unmarshal(list, &p.items) == nil:
		case r.identified(body):
			p.items, p.total = []json.RawMessage{body}, 1
			return p
		default:
			p.err = failure("rest.shape", a.url, "the answer is neither a list nor a record: it has the members %s",
				clip(strings.Join(slices.Sorted(maps.Keys(object)), ", ")))
			return p
		}
	}
	how := r.paginator()
	if n, err := strconv.Atoi(string(inside(object, how.TotalPath))); how.TotalPath != "" && err == nil && n >= 0 {
		p.total = n
	} else if how.Type == "single_page" {
		p.total = len(p.items)
	}
	p.next, p.err = r.follow(how, a, object)
	return p
}

// identified returns whether a document has the members of the primary key.
func (r *resource) identified(body []byte) bool {
	v, err := decode(body)
	for _, key := range r.key() {
		if placeholder.MatchString(key) {
			continue
		}
		if err != nil || first(v, key) == "" {
			return false
		}
	}
	return true
}

func (r *resource) key() Words {
	if len(r.PrimaryKey) == 0 {
		return Words{"id"}
	}
	return r.PrimaryKey
}

var nextLink = regexp.MustCompile(`<([^>]*)>\s*;[^,]*rel="?next"?`)

// follow is the address of the next page, where the answer says it.
func (r *resource) follow(how Paginator, a *answer, object map[string]json.RawMessage) (*url.URL, error) {
	var path string
	switch how.Type {
	case "json_link", "page_number", "offset":
		_ = json.Unmarshal(inside(object, cmp.Or(how.NextPath, "next")), &path) // what is no text is no address
	case "header_link":
		for _, line := range a.header.Values("Link") {
			if m := nextLink.FindStringSubmatch(line); m != nil {
				path = m[1]
			}
		}
	case "cursor":
		if v, err := decode(inside(object, how.CursorPath)); err == nil {
			if cursor := word(v); cursor != "" {
				return r.source.with(a.url, map[string]string{cmp.Or(how.CursorParam, "cursor"): cursor}), nil
			}
		}
	}
	if path == "" {
		return nil, nil
	}
	u, err := a.url.Parse(path)
	if err != nil {
		return nil, failure("rest.address", a.url, "%q is no address of a next page", clip(path))
	}
	if u.Host == r.source.base.Host {
		u.Scheme = r.source.base.Scheme
	}
	if auth := r.source.options.Client.Auth; auth.Type == "query" { // some servers repeat it
		query := u.Query()
		query.Del(auth.Name)
		u.RawQuery = query.Encode()
	}
	return r.source.with(u), nil
}

// pages fetches the rest of a list and hands on its pages in their order, the first one too. Where the number of records is
// known it fetches several at a time. A page that cannot be had is handed on as well; where the next one is not known then,
// it is the last.
func (s *Source) pages(ctx context.Context, r *resource, values map[string]string, p *part, take func(*part) error) error {
	how := r.paginator()
	if p.err == nil && how.counted() && how.TotalPath != "" && p.total >= 0 {
		return s.counted(ctx, r, values, place{Size: len(p.items) + len(p.lost), Total: p.total}, p, take)
	}
	if err := take(p); err != nil || p.err != nil {
		return err
	}
	return s.chain(ctx, r, values, 1, p, take)
}

// counted fetches the pages from a place on, of which the first is there.
func (s *Source) counted(ctx context.Context, r *resource, values map[string]string, from place, p *part, take func(*part) error) error {
	size, total := from.Size, from.Total
	if size == 0 || size >= total {
		return take(p)
	}
	n := (total + size - 1) / size
	if most := r.paginator().mostPages(); n > most {
		if err := take(p); err != nil {
			return err
		}
		return take(&part{url: p.url, err: failure("rest.too_many_pages", p.url, "the list has %d pages, more than max_pages allows", n)})
	}
	if asked := r.paginator().PageSize; size != asked && r.paginator().Type == "offset" {
		if err := take(p); err != nil {
			return err
		}
		return s.chain(ctx, r, values, 1, p, take) // the server gives less than it was asked for
	}
	return ordered(ctx, max(n-from.Page, 1), 2*s.inFlight(), func(ctx context.Context, i int) *part {
		if i == 0 {
			return p // the others are under way while it is sent
		}
		return s.numbered(ctx, r, values, from.Page+i, total)
	}, func(_ int, p *part) error { return take(p) })
}

// chain follows the pages one after the other, from the one behind p on, whose number is given.
func (s *Source) chain(ctx context.Context, r *resource, values map[string]string, number int, p *part, take func(*part) error) error {
	met := map[string]bool{p.url.String(): true}
	how := r.paginator()
	count := len(p.items)
	for n := number; ; n++ {
		next := p.next
		if next == nil && how.counted() && how.NextPath == "" && len(p.items) > 0 && (how.PageSize == 0 || len(p.items) >= how.PageSize) {
			next = r.address(values, n, how.PageSize)
		}
		if next == nil || how.Type == "single_page" || len(p.items) == 0 && how.Type == "cursor" {
			return nil
		}
		var wrong error
		switch {
		case met[next.String()]:
			wrong = failure("rest.pages_go_round", next, "the pages go round: this one leads to one that was there before")
		case n >= how.mostPages():
			wrong = failure("rest.too_many_pages", next, "the list has more pages than the %d that max_pages allows", how.mostPages())
		}
		if wrong != nil {
			return take(&part{url: next, err: wrong})
		}
		met[next.String()] = true
		p = s.page(ctx, r, next, r.handler)
		if f, ok := errors.AsType[*fault](p.err); ok && f.class == "404" && how.counted() && count > 0 {
			return nil // the page behind the last
		}
		count += len(p.items)
		if err := take(p); err != nil || p.err != nil {
			return err
		}
	}
}

// ordered does n pieces of work, so many at a time, and hands on what comes of them in their order.
func ordered[T any](ctx context.Context, n, width int, do func(ctx context.Context, i int) T, take func(i int, v T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	results := make([]chan T, n)
	begun, taken := 0, 0
	defer func() {
		cancel()
		for ; taken < begun; taken++ {
			<-results[taken]
		}
	}()
	for i := range n {
		for ; begun < n && begun < i+width; begun++ {
			result, at := make(chan T, 1), begun
			results[at] = result
			go func() { result <- do(ctx, at) }()
		}
		v := <-results[i]
		taken++
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(i, v); err != nil {
			return err
		}
	}
	return nil
}

// piece is a stretch of a list, in the places from lo on.
type piece struct {
	lo, size int
	p        *part
}

const (
	// blind is after how many pieces a page is given up that nothing of could be had.
	blind = 6
	// mostPieces bounds what one page may cost.
	mostPieces = 120
)

// smaller is the next smaller size that a size is a multiple of.
func smaller(size int) int {
	for _, by := range []int{2, 5, 3, 7} {
		if size%by == 0 && size > 25 {
			return size / by
		}
	}
	if size > 5 && size%5 == 0 {
		return 5
	}
	return 1
}

// split asks for a page that fails in smaller and smaller ones, until the records are found that it fails for. It costs 16
// requests for one record in 200. When nothing comes of the first six the list is at fault, and the page is given up.
func (s *Source) split(ctx context.Context, r *resource, values map[string]string, page, total int, failed *part) *part {
	size := r.paginator().PageSize
	whole := &part{url: failed.url, total: total}
	bad := []piece{{lo: page * size, size: size}}
	var good []piece
	asked := 0
	for len(bad) > 0 {
		var next []piece
		for _, b := range bad {
			step := smaller(b.size)
			for lo := b.lo; lo < b.lo+b.size && (whole.total < 0 || lo < whole.total); lo += step {
				next = append(next, piece{lo: lo, size: step})
			}
		}
		if asked += len(next); asked > mostPieces {
			return failed
		}
		bad = nil
		err := ordered(ctx, len(next), 2*s.inFlight(), func(ctx context.Context, i int) *part {
			h := r.handler
			if next[i].size > 1 {
				h = h.probe()
			}
			return s.page(ctx, r, r.address(values, next[i].lo/next[i].size, next[i].size), h)
		}, func(i int, p *part) error {
			next[i].p = p
			f, isFault := errors.AsType[*fault](p.err)
			switch {
			case p.err == nil:
				whole.total = max(whole.total, p.total)
				good = append(good, next[i])
			case isFault && f.class == "404":
				// behind the end
			case isFault && next[i].size > 1:
				bad = append(bad, next[i])
			case isFault:
				whole.lost = append(whole.lost, lost{place: next[i].lo + 1, err: p.err})
			default:
				return p.err
			}
			return nil
		})
		if err != nil || len(good) == 0 && (asked >= blind || whole.total < 0 && len(bad) == 0) {
			return failed
		}
	}
	slices.SortFunc(good, func(a, b piece) int { return cmp.Compare(a.lo, b.lo) })
	for _, g := range good {
		whole.items = append(whole.items, g.p.items...)
	}
	slices.SortFunc(whole.lost, func(a, b lost) int { return cmp.Compare(a.place, b.place) })
	return whole
}

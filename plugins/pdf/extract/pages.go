package extract

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/sdk"
)

// Pages reads the pages From to To, numbered from 1, in their order. A page that cannot be read comes with a fault. With an error, which is
// that of the file as a whole, the loop ends.
//
// What one page shows of another's fonts is for [page.Mend], when all have come.
func (p *Pool) Pages(ctx context.Context, f *File, from, to int) iter.Seq2[*page.Page, error] {
	return func(yield func(*page.Page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()

		from, to := max(from, 1), min(to, f.Pages)
		tasks := divide(from, to, f.Pages)
		type result struct {
			pages []*page.Page
			err   error
		}
		// As many tasks as there are processes are read ahead of the one whose pages go out.
		results := make([]chan result, len(tasks))
		begin := func(i int) {
			results[i] = make(chan result, 1)
			group.Go(func() {
				pages, err := p.read(ctx, f, tasks[i])
				results[i] <- result{pages, err}
			})
		}
		started := 0
		var c count
		for i := range tasks {
			for ; started < len(tasks) && started <= i+p.config.Workers; started++ {
				begin(started)
			}
			r := <-results[i]
			for _, got := range r.pages {
				if n := got.Number; n <= len(f.Document.Labels) {
					got.Label = f.Document.Labels[n-1]
				}
				if !yield(got, nil) {
					return
				}
				if err := c.add(p, f, got); err != nil {
					yield(nil, err)
					return
				}
			}
			if r.err != nil {
				yield(nil, p.explain(f.Path, r.err))
				return
			}
		}
	}
}

// span is pages that are read by one process.
type span struct{ from, to int }

// divide makes tasks of the pages of a file. They do not depend on how many processes there are.
func divide(from, to, all int) []span {
	size := taskPages
	if all < wholePages {
		size = wholePages
	}
	var tasks []span
	for ; from <= to; from += size {
		tasks = append(tasks, span{from, min(from+size-1, to)})
	}
	return tasks
}

// count stops the reading of a file that is nothing but damage, or too long.
type count struct {
	failed int // pages in a row
	chars  int
}

func (c *count) add(p *Pool, f *File, got *page.Page) error {
	c.chars += got.Chars
	c.failed++
	if !got.Failed() {
		c.failed = 0
	}
	switch {
	case c.failed >= failures && got.Number < f.Pages:
		fault := got.Faults[len(got.Faults)-1]
		return p.explain(f.Path, &refusedError{refusal{
			Code: CodeDamaged, Detail: fmt.Sprintf("none of the pages %d to %d can be read, the last because %s", got.Number-failures+1, got.Number, fault.Detail),
		}})
	case c.chars > p.config.Limits.FileChars:
		return p.explain(f.Path, &refusedError{refusal{
			Code: CodeTooLarge, Detail: fmt.Sprintf("up to page %d there are more than %d characters", got.Number, p.config.Limits.FileChars),
		}})
	}
	return nil
}

// read reads the pages of a task. Processes that die are replaced; a page of which several die is given up.
func (p *Pool) read(ctx context.Context, f *File, s span) ([]*page.Page, error) {
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.leave()
	var pages []*page.Page
	died := 0 // of the page that is next
	failed := 0
	for next := s.from; next <= s.to && failed < failures; {
		q := request{Path: f.Path, Passwords: []string{f.password}, From: next, To: s.to}
		err := p.ask(ctx, q, func(k kind, content []byte) error {
			if k == kindOpened {
				return nil
			}
			got := &page.Page{}
			if k != kindPage {
				return errNoMessage
			}
			if err := got.UnmarshalBinary(content); err != nil || got.Number != next {
				return errNoMessage
			}
			pages = append(pages, got)
			next, died = next+1, 0
			if failed++; !got.Failed() {
				failed = 0
			}
			return nil
		})
		switch {
		case err == nil && next <= s.to && failed < failures:
			err = errNoMessage
		case err == nil:
			return pages, nil
		case failed >= failures:
			return pages, nil
		}
		if p.final(err) && err != errLate { //nolint:errorlint // it comes as it is
			return pages, err
		}
		died++
		p.config.Log.Info("a reader of PDF files died", "path", f.Path, "page", next, "error", err)
		if err == errLate || died == attempts { //nolint:errorlint // it comes as it is
			pages = append(pages, lost(next, p.fault(err)))
			next, died, failed = next+1, 0, failed+1
		}
	}
	return pages, nil
}

// lost is a page of which there is nothing but why.
func lost(n int, fault page.Fault) *page.Page {
	return &page.Page{Number: n, Origin: "text", Confidence: 1, Faults: []page.Fault{fault}}
}

// fault says of what a process died.
func (p *Pool) fault(err error) page.Fault {
	switch text := err.Error(); {
	case err == errLate: //nolint:errorlint // it comes as it is
		return page.Fault{Code: CodePageTimeout, Detail: fmt.Sprintf("it took longer than %v", p.config.PageTimeout)}
	case strings.Contains(text, "memory"):
		return page.Fault{Code: CodePageMemory, Detail: text}
	default:
		return page.Fault{Code: CodePageTrap, Detail: text}
	}
}

// explain makes of an error what a user can do something about.
func (p *Pool) explain(what string, err error) error {
	if sdk.KindOf(err) == sdk.Cancelled {
		return err
	}
	d := &sdk.Diagnostic{Kind: sdk.Invalid, Cause: nil, Detail: err.Error()}
	var code string
	switch e := err.(type) { //nolint:errorlint // what comes here was not wrapped
	case *refusedError:
		code, d.Detail = e.Code, e.Detail
	case *unreadyError:
		code = CodeWorker
	default:
		code = p.fault(err).Code
	}
	d.Code = code
	s, known := sayings[code]
	if !known {
		s = sayings[CodeDamaged]
	}
	d.Kind, d.Summary, d.Suggestion = s.kind, what+s.summary, s.suggestion
	return d
}

// explainFile is explain for a file that PDFium did not get to open: what happened to a page otherwise has happened to it all.
func (p *Pool) explainFile(path string, err error) error {
	err = p.explain(path, err)
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		if rest, isPage := strings.CutPrefix(d.Code, "page_"); isPage {
			d.Code = "pdf_" + rest
		}
	}
	return err
}

// sayings are what is said for each code.
var sayings = map[string]struct {
	kind                sdk.Kind
	summary, suggestion string
}{
	CodePassword:    {sdk.Invalid, " wants a password, and none of those given is it", "add its password to the list, or save it without one"},
	CodeDamaged:     {sdk.Invalid, " is damaged, and what is left cannot be read", "get it again from where it came; a viewer that opens it can often save a sound copy"},
	CodeSecurity:    {sdk.Unsupported, " is protected in a way that cannot be read", "print or save it without protection from the program that opens it"},
	CodeEmpty:       {sdk.Invalid, " is empty", "get it again from where it came"},
	CodeNotPDF:      {sdk.Invalid, " is no PDF, whatever its name", "see what it is, and leave it out"},
	CodeTooLarge:    {sdk.Unsupported, " is larger than is allowed", "divide it into several files, or raise the limits"},
	CodeGone:        {sdk.NotFound, " cannot be opened", "see that it is there, and may be read"},
	CodeWorker:      {sdk.Unavailable, ": no process can be started to read it", "see that there is memory, and that the program is where it was"},
	CodePageTimeout: {sdk.Unsupported, " took too long", "give pages more time, or leave it out"},
	CodePageMemory:  {sdk.Unsupported, " wants more memory than is allowed", "allow more memory, or leave it out"},
	CodePageTrap:    {sdk.Internal, " made the reader of PDF files stumble", "save it again with another program, and report it"},
	CodePageDamaged: {sdk.Invalid, " is not there, or damaged", "look at the page in a viewer"},
	CodeImageLimit:  {sdk.Unsupported, " has a picture with more pixels than is allowed", "raise the limit, or save the picture smaller"},
}

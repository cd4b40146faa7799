package pdf

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/keep"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/ocr"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/sdk"
)

// reading is one file on its way to records.
type reading struct {
	library *library
	file    file
	sum     [sha256.Size]byte
	title   string
	about   About
	out     sdk.Writer
	broken  error // of out; final

	opened   *extract.File // nil: the file itself was not opened
	document page.Document
	count    int // pages that are read of it: as many as it has, or as are allowed
	pages    []*page.Page
	pictures []kept
	key      keep.Key
	keeps    bool // what was read is kept
	unlucky  bool // a picture could not be taken out
	known    sdk.Metrics
}

// reader is raised when pages are read in another way, or written in another form.
const reader = "1 " + pdfium.Build

// The pieces that are kept of a file, beside its pages.
const documentPiece = "document"

// described is the piece that says what the file says of itself.
type described struct {
	Document page.Document
	Pages    int
}

func pagePiece(number int) string { return "page-" + strconv.Itoa(number) }

// extract reads the pages and pictures of the file, or takes them from what is kept.
func (r *reading) extract(ctx context.Context) error {
	r.keeps = r.library.kept != nil
	r.key = r.library.key(r.sum)
	if err := r.readDocument(ctx); err != nil {
		return err
	}
	if err := r.readPages(ctx); err != nil {
		return err
	}
	if err := r.scanned(); err != nil {
		return err
	}
	if r.library.options.sends(picturesOut) {
		if err := r.readPictures(ctx); err != nil {
			return err
		}
	}
	if m, ok := r.out.(sdk.MetricsWriter); ok {
		m.Metrics(r.known)
	}
	return r.steady()
}

// steady is an error when the file is not what it was when it was hashed: what was kept under that hash is forgotten.
func (r *reading) steady() error {
	if r.opened == nil {
		return nil
	}
	sum, err := sumOf(r.file.path)
	if err == nil && sum == r.sum {
		return nil
	}
	if r.keeps {
		err = errors.Join(err, r.library.kept.Forget(r.key))
	}
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "pdf.file_changing", Summary: "the file has changed while it was read", Cause: err,
		Suggestion: "run again when whoever writes it has finished", Origin: sdk.Origin{URI: r.file.name},
	}
}

// fingerprint is of the options that decide what a page is read as.
func (o *Options) fingerprint() string {
	text, err := json.Marshal(struct {
		OCR    OCR
		Memory int
	}{o.OCR, o.MemoryMB})
	if err != nil {
		return ""
	}
	return string(text)
}

func (r *reading) readDocument(ctx context.Context) error {
	var d described
	if data, ok := r.get(documentPiece); ok && json.Unmarshal(data, &d) == nil && d.Pages > 0 {
		r.document, r.count = d.Document, d.Pages
		return nil
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.keep(documentPiece, func() ([]byte, error) { return json.Marshal(described{r.document, r.count}) })
}

// open opens the file itself.
func (r *reading) open(ctx context.Context) error {
	if r.opened != nil {
		return nil
	}
	f := r.library.counts.take(r.file)
	if f == nil {
		pool, err := r.library.pooled()
		if err != nil {
			return err
		}
		if f, err = pool.Open(ctx, r.file.path, r.library.options.Passwords); err != nil {
			return err
		}
	}
	r.opened, r.document, r.count = f, *f.Document, f.Pages
	return nil
}

func (r *reading) get(piece string) ([]byte, bool) {
	if !r.keeps {
		return nil, false
	}
	return r.library.kept.Get(r.key, piece)
}

// keep keeps a piece. That it cannot is told to developers alone: the next run reads it again.
func (r *reading) keep(piece string, data func() ([]byte, error)) error {
	if !r.keeps {
		return nil
	}
	text, err := data()
	if err != nil {
		return err
	}
	if err := r.library.kept.Put(r.key, piece, text); err != nil {
		r.library.env.Log.Warn("what was read of a file is not kept", "file", r.file.name, "error", err)
		r.keeps = false
	}
	return nil
}

// readPages fills pages, those that are kept first; gaps between them are read from the file.
func (r *reading) readPages(ctx context.Context) error {
	r.pages = make([]*page.Page, r.count)
	for i := range r.pages {
		data, ok := r.get(pagePiece(i + 1))
		if !ok {
			continue
		}
		p := &page.Page{}
		if err := p.UnmarshalBinary(data); err == nil && p.Number == i+1 {
			r.pages[i] = p
			r.known.Hits++
		}
	}
	for from := 0; from < len(r.pages); from++ {
		if r.pages[from] != nil {
			continue
		}
		to := from + 1
		for to < len(r.pages) && r.pages[to] == nil {
			to++
		}
		if err := r.readRange(ctx, from+1, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// readRange reads pages from the file, both ends included.
func (r *reading) readRange(ctx context.Context, from, to int) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	pool, err := r.library.pooled()
	if err != nil {
		return err
	}
	for p, err := range pool.Pages(ctx, r.opened, from, to) {
		if err != nil {
			return err
		}
		if err := r.recognise(ctx, pool, p); err != nil {
			return err
		}
		r.pages[p.Number-1] = p
		r.known.Misses++
		if !passing(p) {
			if err := r.keep(pagePiece(p.Number), func() ([]byte, error) { return p.AppendBinary(nil) }); err != nil {
				return err
			}
		}
		if r.broken = r.out.Progress(r.file.name, int64(p.Number), int64(r.count), "reading page "+strconv.Itoa(p.Number)); r.broken != nil {
			return r.broken
		}
	}
	return nil
}

// passing says whether another reading of the page may be luckier.
func passing(p *page.Page) bool {
	for _, f := range p.Faults {
		switch f.Code {
		case extract.CodePageTimeout, extract.CodePageMemory, extract.CodePageTrap, ocrFault:
			return true
		}
	}
	return false
}

// ocrFault is the fault of a page whose text could not be recognised.
const ocrFault = "ocr_failed"

// scannedChars is how many characters a page that is a picture of text has at most, and scannedShare how much of it the picture
// covers at least.
const (
	scannedChars = 25
	coverShare   = 0.5
	scannedShare = 0.8 // of the pages, from which on the file is taken for scanned
)

func isScanned(p *page.Page) bool {
	if p.Chars >= scannedChars {
		return false
	}
	for _, i := range p.Images {
		if area(i.Box) >= coverShare*p.Width*p.Height {
			return true
		}
	}
	return false
}

// recognise has the text of a page recognised where it has none and the options want that.
func (r *reading) recognise(ctx context.Context, pool *extract.Pool, p *page.Page) error {
	o := r.library.options.OCR
	if !o.Enabled || !isScanned(p) {
		return nil
	}
	side := min(maxSide, int(max(p.Width, p.Height)/72*float32(o.dpi())))
	drawn, err := pool.Render(ctx, r.opened, p.Number, side, "image/png")
	if err == nil {
		err = ocr.Recognise(ctx, o.config(), drawn.Data, drawn.Width, drawn.Height, p)
	}
	if err != nil && ctx.Err() == nil {
		p.Faults = append(p.Faults, page.Fault{Code: ocrFault, Detail: err.Error()})
		err = nil
	}
	return err
}

func (o OCR) dpi() int {
	if o.DPI == 0 {
		return 300
	}
	return o.DPI
}

func (o OCR) config() ocr.Config {
	return ocr.Config{Command: o.Command, Languages: o.Languages, DPI: o.dpi(), Timeout: length(o.Timeout, 0)}
}

// scanned is an error when nearly all pages are pictures of text.
func (r *reading) scanned() error {
	n := 0
	for _, p := range r.pages {
		if isScanned(p) {
			n++
		}
	}
	if n == 0 || float64(n) < scannedShare*float64(len(r.pages)) {
		return nil
	}
	d := &sdk.Diagnostic{
		Kind: sdk.Unsupported, Code: "pdf_scanned", Origin: sdk.Origin{URI: r.file.name},
		Summary:    fmt.Sprintf("the file is scanned: %d of its %d pages are pictures without text", n, len(r.pages)),
		Suggestion: "set ocr.enabled to true to have the text recognised by tesseract, or get a copy with text",
	}
	if r.library.options.OCR.Enabled {
		d.Suggestion = "tesseract recognised nothing on them; a higher ocr.dpi or another language may help"
	}
	return d
}

// readPictures takes the pictures that are worth having out of the file, unless that was done before.
func (r *reading) readPictures(ctx context.Context) error {
	for _, p := range choose(r.pages, r.library.options.Renders) {
		k, err := r.readPicture(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.unlucky = true
			r.out.Report(sdk.Diagnostic{
				Severity: sdk.SeverityWarning, Kind: sdk.KindOf(err), Code: "pdf.picture", Stream: r.file.name, Cause: err,
				Summary: "a picture could not be taken out of the file", Detail: fmt.Sprintf("page %d: %v", p.Page, err),
				Suggestion: "set page_renders to all to have the page as a picture", Origin: sdk.Origin{URI: r.file.name, Page: p.Page},
			})
			continue
		}
		r.pictures = append(r.pictures, k)
	}
	return nil
}

func (r *reading) readPicture(ctx context.Context, p picture) (kept, error) {
	k := kept{picture: p, Name: r.file.name + "#" + p.name()}
	piece := "picture-" + p.name()
	var known kept
	if data, ok := r.get(piece); ok && json.Unmarshal(data, &known) == nil {
		k.Media, k.Bytes, k.SHA = known.Media, known.Bytes, known.SHA
		if k.path, ok = r.library.pictures.Use(k.SHA, k.Bytes); ok {
			return k, nil
		}
	}
	if err := r.open(ctx); err != nil {
		return k, err
	}
	data, media, err := r.bytesOf(ctx, p)
	if err != nil {
		return k, err
	}
	k.Media, k.Bytes = media, int64(len(data))
	if k.SHA, k.path, err = r.library.pictures.Put(data); err != nil {
		return k, err
	}
	return k, r.keep(piece, func() ([]byte, error) { return json.Marshal(k) })
}

func (r *reading) bytesOf(ctx context.Context, p picture) (data []byte, media string, err error) {
	pool, err := r.library.pooled()
	if err != nil {
		return nil, "", err
	}
	var got *pdfium.Picture
	if p.image >= 0 {
		got, err = pool.Picture(ctx, r.opened, p.Page, p.image)
	} else {
		got, err = pool.Render(ctx, r.opened, p.Page, p.side, "image/png")
	}
	if err != nil {
		return nil, "", err
	}
	if data = got.Data; p.part {
		about := r.pages[p.Page-1]
		data, err = crop(data, p.Box, about.Width, about.Height)
	}
	return data, got.Type, err
}

// send makes records of what was read, and sends them: the book first, then its content, tables and chunks.
func (r *reading) send(ctx context.Context) error {
	for _, p := range r.pages {
		for _, f := range p.Faults {
			if err := r.tell(p, f); err != nil {
				return err
			}
		}
	}
	if r.count < r.document.Pages {
		r.out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Unsupported, Code: "pdf.too_many_pages", Stream: r.file.name, Origin: sdk.Origin{URI: r.file.name},
			Summary:    fmt.Sprintf("the file says it has %d pages; the first %d were read", r.document.Pages, r.count),
			Suggestion: "divide the file, if it really has so many",
		})
	}
	page.Mend(r.pages)
	s := &sender{reading: r, author: author{file: r.file, ids: map[string]int{}, about: r.about}}
	s.author.title = r.bookTitle()
	s.found = grammar.Find(*layout.Lay(r.document, slices.Values(r.pages)), r.library.grammars)
	found := &s.found
	wholes := make([]chunk.Whole, len(found.Entities))
	for i, e := range found.Entities {
		wholes[i] = chunk.Whole{From: e.From, To: e.To, Cuts: e.Cuts, Content: chunk.Content(e.Content)}
	}
	var err error
	s.chunks, err = chunk.Book(found.Book, wholes, r.library.options.chunks(s.author.title))
	if err != nil {
		return err
	}
	s.near = beside(r.pictures, s.chunks)
	s.author.license = r.about.license()
	if s.author.license.Expression == "" {
		said := stated(&found.Book, len(r.pages))
		if s.author.license == (sdk.License{}) {
			s.author.license = said
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.all(ctx); err != nil {
		return err
	}
	records := s.sent
	if r.unlucky || slices.ContainsFunc(r.pages, passing) { // another reading may find more
		records = 0
	}
	r.library.counts.note(r.file, r.count, records)
	return r.sign()
}

// bookTitle is what the book is called: by the options, by itself, by its file.
func (r *reading) bookTitle() string {
	base := filepath.Base(r.file.path)
	for _, title := range []string{r.title, r.document.Title} {
		if title != "" {
			return title
		}
	}
	return base[:len(base)-len(filepath.Ext(base))]
}

// tell reports what could not be read of a page. A page that is missing is an item that was skipped; one that is not whole is
// a warning.
func (r *reading) tell(p *page.Page, f page.Fault) error {
	d := sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: f.Code, Stream: r.file.name, Detail: f.Detail, Origin: sdk.Origin{URI: r.file.name, Page: p.Number},
		Summary: summaries[f.Code], Suggestion: suggestions[f.Code],
	}
	if d.Summary == "" {
		d.Summary, d.Suggestion = "a page is not whole", "look at the page in a reader; it may be damaged"
	}
	if len(p.Fragments) == 0 && len(p.Images) == 0 && f.Code != extract.CodeImageLimit {
		d.RecordID = r.file.name + "#page/" + strconv.Itoa(p.Number)
		return r.out.Skip(r.file.name, d.RecordID, &d)
	}
	d.Severity = sdk.SeverityWarning
	r.out.Report(d)
	return nil
}

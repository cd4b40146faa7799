package asset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rendition is one file made from an asset, or the asset itself.
type Rendition struct {
	Name      string // Original or the name of a resolution.
	Width     int    // In pixels; 0 if the format has none or does not say.
	Height    int    // In pixels; 0 if the format has none or does not say.
	Data      []byte // Not to be written to: kept originals are the input, renditions of one size share bytes.
	MediaType string
	Ext       string // Without a dot.
	Kept      bool   // The bytes are the asset's own.
}

// FileName returns the name under which the rendition of the asset with the given hash is stored.
func (r Rendition) FileName(sha256 string) string {
	return sha256 + "_" + r.Name + "." + r.Ext
}

// Result is what Render made of an asset.
type Result struct {
	Format     Format
	Width      int // As shown; 0 if the format has none or does not say.
	Height     int // As shown; 0 if the format has none or does not say.
	Animated   bool
	Unsafe     bool        // SVG: must not be shown inline or as a page of its own; Note says why.
	Suspect    bool        // Decoded, but its data does not add up: the picture may be garbled. Note says more.
	Renditions []Rendition // The original first, then the resolutions in the order of the config.
	Encoder    string      // What encoded them; "" if nothing was encoded.
	Frames     int         // Pictures in the file; 0 if it is not one that can be decoded.
	Traits     *Traits     // How it looks; nil if it was not decoded.
	Times      Times       // How long it took.
	Note       string      // What a reader should know about the result; "" if nothing.
}

// Times are how long the steps of one Render took. Encoding the original goes on beside the resolutions.
type Times struct {
	Decode      time.Duration
	Original    time.Duration
	Resolutions time.Duration
}

// Render makes the renditions of one asset. It refuses by the header what is over budget, and returns with *DamagedError,
// *UnsupportedError and *CodecError a result that holds the kept original alone.
//
// ctx is looked at between steps and while decoding; resampling and encoding run to their end once begun.
func Render(ctx context.Context, data []byte, c Config) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	c = c.withDefaults()
	if err := c.Budget.checkBytes(int64(len(data))); err != nil {
		return Result{Format: Sniff(data)}, err
	}
	h, headerErr := Inspect(data)
	res := Result{Format: h.Format, Width: h.Width, Height: h.Height, Animated: h.Animated, Frames: h.Frames, Unsafe: h.Unsafe != ""}
	if err := c.Budget.Check(h); err != nil {
		return res, err
	}
	if _, refused := errors.AsType[*RefusedError](headerErr); refused {
		return res, headerErr
	}
	original := keep(h, data)
	if headerErr != nil {
		res.Renditions = []Rendition{original}
		return res, headerErr
	}
	w := work{config: c, header: h, original: original}
	again, note := encodesOriginal(h, c)
	w.note(note)
	err := w.run(ctx, data, again)
	res.Times = w.times
	if interrupted(err) {
		return res, fmt.Errorf("render %s: %w", h.Format, err)
	}
	if err != nil {
		res.Renditions = []Rendition{original}
		return res, err
	}
	res.Renditions = append([]Rendition{w.original}, w.sizes...)
	res.Encoder = w.encoder
	res.Suspect = w.suspect
	res.Traits = w.traits
	res.Note = strings.Join(w.notes, "; ")
	return res, nil
}

// NeedsPixels reports whether Render would decode the file: it is a picture, and nothing is known against it.
func NeedsPixels(data []byte, c Config) bool {
	h, err := Inspect(data)
	return err == nil && h.Format.decodable() && c.Budget.Check(h) == nil
}

// Kept is the result for a picture that is not to be decoded: its original alone.
func Kept(data []byte) Result {
	h, _ := Inspect(data) // what it says, it says
	return Result{
		Format: h.Format, Width: h.Width, Height: h.Height, Animated: h.Animated, Frames: h.Frames, Unsafe: h.Unsafe != "",
		Renditions: []Rendition{keep(h, data)},
	}
}

// keep returns the asset itself as a rendition.
func keep(h Header, data []byte) Rendition {
	return Rendition{
		Name: Original, Width: h.Width, Height: h.Height, Data: data,
		MediaType: h.Format.MediaType(), Ext: h.Format.Ext(), Kept: true,
	}
}

// encodesOriginal reports whether the original is encoded again; if not, note says why where the reader may wonder.
func encodesOriginal(h Header, c Config) (again bool, note string) {
	switch {
	case h.Unsafe != "":
		return false, "the SVG is kept as it came and must not be shown inline: " + h.Unsafe
	case !h.Format.decodable():
		return false, ""
	case h.Animated:
		return false, "the animation is kept as it came; its renditions show the first frame"
	case h.Format == WebP && h.Lossy && h.Orientation != 1:
		return false, "lossy WebP is kept as it came; some viewers ignore the rotation it asks for"
	case h.Format == WebP && h.Lossy:
		return false, "" // Encoding it again would only lose.
	case h.Format == AVIF:
		return false, "" // The same, and it would grow.
	default:
		return c.Original != OriginalKeep, ""
	}
}

// work is the state of one Render behind the header checks.
type work struct {
	config   Config
	header   Header
	original Rendition
	sizes    []Rendition
	encoder  string
	suspect  bool
	notes    []string
	traits   *Traits
	times    Times
}

func (w *work) note(s string) {
	if s != "" {
		w.notes = append(w.notes, s)
	}
}

// run makes the renditions, and the original among them if it is to be encoded again.
func (w *work) run(ctx context.Context, data []byte, again bool) error {
	if !w.header.Format.decodable() {
		return ctx.Err()
	}
	began := time.Now()
	p, err := decode(ctx, data, w.header)
	w.times.Decode = time.Since(began)
	if err != nil {
		return err
	}
	if p.suspect {
		w.suspect = true
		w.note("the JPEG's data does not add up, parts of the picture may be garbled; compare it with another copy")
	}
	w.note(p.note)
	began = time.Now()
	if again && w.header.Width*w.header.Height > bothForms {
		p.video()
	}
	var first, rest made
	var firstErr, restErr error
	var beside sync.WaitGroup
	if again {
		beside.Go(func() {
			first, firstErr = w.makeOriginal(ctx, p)
			w.times.Original = time.Since(began)
		})
	}
	rest, restErr = w.makeSizes(ctx, p)
	w.times.Resolutions = time.Since(began)
	beside.Wait()
	w.keep(first)
	w.keep(rest)
	if firstErr != nil {
		return firstErr
	}
	return restErr
}

// bothForms is the most pixels of which planes are held in two forms while the original is encoded: with video levels, which the
// encoder reads in place, and with all, of which sizes are made with one rounding. That is a map of 4096 x 2160, and 13 MB more. A
// larger one has no room for it, and the more samples are mixed into one, the less does it matter that they were rounded before: where
// it is 4.5, 0.3 to 0.5 dB of 54, of which coding leaves 0.01 at most.
const bothForms = 9e6

// made is what one of the steps beside each other came to.
type made struct {
	original *Rendition
	sizes    []Rendition
	notes    []string
	encoded  bool
	traits   *Traits
}

func (w *work) keep(m made) {
	if m.original != nil {
		w.original = *m.original
	}
	w.sizes = append(w.sizes, m.sizes...)
	w.notes = append(w.notes, m.notes...)
	if m.traits != nil {
		w.traits = m.traits
	}
	if m.encoded {
		w.encoder = w.config.Encoder.Name()
	}
}

func (w *work) makeOriginal(ctx context.Context, p picture) (made, error) {
	r, err := w.encode(ctx, p, w.config.QualityOriginal, w.config.EffortOriginal)
	switch {
	case errors.Is(err, ErrTooLarge):
		return made{notes: []string{"the original is kept as it came: " + err.Error()}}, nil
	case err != nil:
		return made{}, err
	case w.config.Original == OriginalSmaller && len(r.Data) >= len(w.original.Data):
		return made{}, nil
	}
	r.Name = Original
	return made{original: &r, encoded: true}, nil
}

// makeSizes goes from the largest box to the smallest and scales each size from the one before, which costs a fraction of
// scaling all from the original and differs invisibly. Boxes that come out at one size share one encoding.
func (w *work) makeSizes(ctx context.Context, p picture) (made, error) {
	order := slices.Clone(w.config.Resolutions)
	slices.SortStableFunc(order, func(a, b Resolution) int { return b.Box - a.Box })
	done := make(map[string]Rendition, len(order))
	var m made
	var last Rendition
	for _, r := range order {
		size := fit(w.header.Width, w.header.Height, r.Box)
		if last.Data == nil || image.Pt(last.Width, last.Height) != size {
			if err := ctx.Err(); err != nil {
				return m, err
			}
			err := guard("scaling", func() (err error) {
				p, err = p.scale(size)
				return err
			})
			if err != nil {
				return m, err
			}
			next, err := w.encode(ctx, p, w.config.QualityResolution, w.config.EffortResolution)
			if errors.Is(err, ErrTooLarge) {
				m.notes = append(m.notes, fmt.Sprintf("resolution %q was left out: %v", r.Name, err))
				continue
			}
			if err != nil {
				return m, err
			}
			last, m.encoded = next, true
		}
		last.Name = r.Name
		done[r.Name] = last
	}
	err := guard("looking", func() error {
		t, err := p.traits()
		m.traits = &t
		return err
	})
	if err != nil {
		return m, err
	}
	for _, r := range w.config.Resolutions {
		if rendition, ok := done[r.Name]; ok {
			m.sizes = append(m.sizes, rendition)
		}
	}
	return m, nil
}

func (w *work) encode(ctx context.Context, p picture, quality, method int) (Rendition, error) {
	size := p.size()
	var out []byte
	err := guard("encoding", func() error {
		m, err := p.image()
		if err == nil {
			out, err = w.config.Encoder.Encode(ctx, m, quality, method)
		}
		return err
	})
	if err != nil && !interrupted(err) && !errors.Is(err, ErrTooLarge) && CodeOf(err) == "" {
		err = &CodecError{
			Code:   CodeFailed,
			Reason: fmt.Sprintf("the WebP encoder gave up on %d x %d pixels: %v; report it", size.X, size.Y, err),
			Err:    err,
		}
	}
	if err != nil {
		return Rendition{}, err
	}
	return Rendition{Width: size.X, Height: size.Y, Data: out, MediaType: WebP.MediaType(), Ext: WebP.Ext()}, nil
}

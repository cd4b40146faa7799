package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"github.com/seed-98789ff7/converter/dashboard/page"
)

// frame is what a page shows at one moment: all of its regions as bytes. It never changes once it is made, and all
// subscribers share it.
type frame struct {
	seq   uint64 // of the newest part
	id    string // of the content: frames that show the same have the same id
	parts []part
	last  bool // nothing will change after it
}

// part is one region, wrapped so that htmx puts it where it belongs.
type part struct {
	id   string
	seq  uint64 // when it last changed
	html []byte
}

// newFrame renders regions. Those that look as they did in the frame before keep their sequence number, so that a
// subscriber who has seen that is not sent them again. It returns the frame before when nothing changed at all.
func newFrame(ctx context.Context, before *frame, regions []page.Region, last bool) (*frame, error) {
	next := &frame{last: last, parts: make([]part, len(regions))}
	if before != nil {
		next.seq = before.seq
	}
	fresh := next.seq + 1
	sum := sha256.New()
	changed := before == nil || before.last != last
	for i, region := range regions {
		html, err := wrap(ctx, region)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", region.ID, err)
		}
		sum.Write(html)
		next.parts[i] = part{id: region.ID, seq: fresh, html: html}
		if old := before.part(region.ID); old != nil && bytes.Equal(old.html, html) {
			next.parts[i].seq = old.seq
			continue
		}
		changed = true
	}
	if !changed {
		return before, nil
	}
	next.seq = fresh
	next.id = hex.EncodeToString(sum.Sum(nil)[:8])
	return next, nil
}

func (f *frame) part(id string) *part {
	if f == nil {
		return nil
	}
	for i := range f.parts {
		if f.parts[i].id == id {
			return &f.parts[i]
		}
	}
	return nil
}

// wrap renders a region into the envelope that says where it goes. Carriage returns are taken out: in an event stream
// they end a line, and a text with one could write lines of its own into the stream. HTML reads them as line feeds.
func wrap(ctx context.Context, region page.Region) ([]byte, error) {
	swap := "innerMorph"
	if region.Text {
		swap = "textContent"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<hx-partial hx-target="#%s" hx-swap="%s">`, region.ID, swap)
	if err := region.Body.Render(templ.InitializeContext(ctx), &b); err != nil {
		return nil, err
	}
	b.WriteString(`</hx-partial>`)
	html := bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(html, []byte("\r"), []byte("\n")), nil
}

// html returns all regions.
func (f *frame) html() []byte {
	var b bytes.Buffer
	for _, p := range f.parts {
		b.Write(p.html)
	}
	return b.Bytes()
}

// event returns the message of the regions that changed after a sequence number, nil when none did.
func (f *frame) event(since uint64) []byte {
	if f.seq <= since {
		return nil
	}
	var b bytes.Buffer
	b.WriteString("id: " + f.id + "\ndata: ")
	for _, p := range f.parts {
		if p.seq > since {
			b.Write(bytes.ReplaceAll(p.html, []byte("\n"), []byte("\ndata: ")))
		}
	}
	b.WriteString("\n\n")
	return b.Bytes()
}

// named returns a message that page scripts listen for.
func named(event, text string) []byte {
	return []byte("event: " + event + "\ndata: " + strings.Join(strings.Fields(text), " ") + "\n\n")
}

package asset

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The bounds within which an SVG counts as harmless. Icons and even whole maps stay far below.
const (
	svgMaxBytes    = 1 << 20
	svgMaxElements = 20000
	svgMaxDepth    = 256
	svgMaxUses     = 1000 // Copies that "use" elements make, all nesting multiplied out.
	svgMaxNesting  = 4    // "use" within what is used.
	svgMaxSide     = 1e6
)

// errUnsafe ends the reading of an SVG at its first finding.
var errUnsafe = errors.New("unsafe")

// readSVG takes the size from the root element and looks for whatever could run, load or blow up where the picture is
// shown. It never draws. A finding is no error: the file is what it is and goes to who asked for it, flagged.
func (h *Header) readSVG(data []byte) error {
	if len(data) > svgMaxBytes {
		h.Unsafe = fmt.Sprintf("it has %d bytes, more than the %d that are looked through", len(data), svgMaxBytes)
		return nil
	}
	r := svgReader{header: h, copies: map[string][]string{}}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = r.charset
	for {
		token, err := d.Token()
		if err == nil {
			err = r.token(token)
		}
		switch {
		case errors.Is(err, errUnsafe) || h.Unsafe != "":
			return nil
		case errors.Is(err, io.EOF):
			if !r.root {
				return damaged(SVG, "it has no root element", nil)
			}
			r.countCopies()
			return nil
		case err != nil:
			return damaged(SVG, err.Error(), err)
		}
	}
}

// svgReader looks through an SVG token by token.
type svgReader struct {
	header   *Header
	root     bool
	elements int
	open     []string            // Ids of the open elements, "" for those without.
	inStyle  bool                // Inside a style element.
	uses     []string            // Ids that "use" elements anywhere refer to.
	copies   map[string][]string // The same, by the id of each element they stand in.
}

func (r *svgReader) unsafe(format string, args ...any) error {
	r.header.Unsafe = fmt.Sprintf(format, args...)
	return errUnsafe
}

func (r *svgReader) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.Directive:
		return r.unsafe("it declares a document type or entities")
	case xml.ProcInst:
		if t.Target != "xml" {
			return r.unsafe("it carries the processing instruction %q", t.Target)
		}
	case xml.CharData:
		if r.inStyle {
			return r.style(string(t), true)
		}
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		r.inStyle = false
		if len(r.open) > 0 {
			r.open = r.open[:len(r.open)-1]
		}
	}
	return nil
}

func (r *svgReader) start(e xml.StartElement) error {
	if !r.root {
		r.root = true
		r.size(e.Attr)
	}
	r.elements++
	switch name := strings.ToLower(e.Name.Local); {
	case r.elements > svgMaxElements:
		return r.unsafe("it has more than %d elements", svgMaxElements)
	case len(r.open) >= svgMaxDepth:
		return r.unsafe("its elements are nested more than %d deep", svgMaxDepth)
	case name == "script" || name == "handler" || name == "listener":
		return r.unsafe("it carries a script")
	case name == "foreignobject" || name == "iframe" || name == "object" || name == "embed":
		return r.unsafe("it embeds foreign content (%s)", name)
	default:
		r.inStyle = name == "style"
	}
	id := ""
	for _, a := range e.Attr {
		if err := r.attribute(e.Name.Local, a); err != nil {
			return err
		}
		if a.Name.Local == "id" {
			id = a.Value
		}
	}
	r.open = append(r.open, id)
	return nil
}

func (r *svgReader) attribute(element string, a xml.Attr) error {
	name := strings.ToLower(a.Name.Local)
	value := strings.TrimSpace(a.Value)
	switch {
	case a.Name.Space == "xmlns" || name == "xmlns":
		return nil
	case strings.HasPrefix(name, "on"):
		return r.unsafe("it carries the event handler %q", name)
	case strings.Contains(strings.ToLower(strings.Join(strings.Fields(value), "")), "javascript:"):
		return r.unsafe("it carries a script address")
	case name == "href" && !strings.HasPrefix(value, "#"):
		return r.unsafe("it refers to something outside itself (%.40q)", value)
	case name == "href" && element == "use":
		return r.use(value[1:])
	case name == "attributename" && isActive(value):
		return r.unsafe("it animates %q", value)
	default:
		return r.style(value, a.Name.Space == "")
	}
}

// isActive reports whether an animation of the named attribute could bring in what the attribute itself must not hold.
func isActive(attribute string) bool {
	name := strings.ToLower(attribute)
	return strings.HasPrefix(name, "on") || name == "href" || strings.HasSuffix(name, ":href")
}

// style looks at CSS, which presentation attributes hold as well. Escapes are never needed there and hide words; editors
// write paths with backslashes, but only into attributes of their own namespace.
func (r *svgReader) style(css string, escapes bool) error {
	css = strings.ToLower(css)
	if strings.Contains(css, "@import") || escapes && strings.Contains(css, `\`) {
		return r.unsafe("its style sheet imports or hides something")
	}
	for {
		_, rest, found := strings.Cut(css, "url(")
		if !found {
			return nil
		}
		if !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n'\""), "#") {
			return r.unsafe("its style refers to something outside itself")
		}
		css = rest
	}
}

// use records that a copy of the element with the id is asked for, here and in every element around.
func (r *svgReader) use(id string) error {
	if len(r.uses) >= svgMaxUses {
		return r.unsafe("it makes more than %d copies of its parts", svgMaxUses)
	}
	r.uses = append(r.uses, id)
	for _, around := range r.open {
		if around != "" {
			r.copies[around] = append(r.copies[around], id)
		}
	}
	return nil
}

// countCopies multiplies out the nesting of "use" elements, which is how a small file asks for a million shapes.
func (r *svgReader) countCopies() {
	total := 0
	var expand func(ids []string, depth int) bool
	expand = func(ids []string, depth int) bool {
		for _, id := range ids {
			if total++; total > svgMaxUses || depth > svgMaxNesting || !expand(r.copies[id], depth+1) {
				return false
			}
		}
		return true
	}
	if !expand(r.uses, 1) {
		r.header.Unsafe = fmt.Sprintf("its parts copy each other more than %d times or %d deep", svgMaxUses, svgMaxNesting)
	}
}

// size reads the picture's extent from width and height, or from the view box where they are missing or absurd.
func (r *svgReader) size(attrs []xml.Attr) {
	var width, height, boxWidth, boxHeight int
	for _, a := range attrs {
		switch a.Name.Local {
		case "width":
			width = svgLength(a.Value)
		case "height":
			height = svgLength(a.Value)
		case "viewBox":
			if parts := strings.Fields(strings.ReplaceAll(a.Value, ",", " ")); len(parts) == 4 {
				boxWidth, boxHeight = svgLength(parts[2]), svgLength(parts[3])
			}
		}
	}
	if width == 0 || height == 0 {
		width, height = boxWidth, boxHeight
	}
	if width > 0 && height > 0 {
		r.header.Width, r.header.Height = width, height
	}
}

// svgLength reads a length in pixels, rounded up; 0 stands for every other unit and for what no screen could show.
func svgLength(s string) int {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "px"), 64)
	if err != nil || !(v > 0 && v <= svgMaxSide) {
		return 0
	}
	return int(math.Ceil(v))
}

// charset admits the encodings whose lower half is ASCII: all that is looked for is written in it.
func (r *svgReader) charset(label string, input io.Reader) (io.Reader, error) {
	switch l := strings.ToLower(label); {
	case l == "us-ascii", l == "ascii", strings.HasPrefix(l, "iso-8859-"), strings.HasPrefix(l, "windows-125"):
		return latin1{input}, nil
	default:
		return nil, r.unsafe("it is written in the encoding %q", label)
	}
}

// latin1 rewrites bytes beyond ASCII as UTF-8, reading them as Latin-1.
type latin1 struct{ io.Reader }

// Read fills p with at most as many characters as fit when each takes two bytes.
func (l latin1) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	raw := make([]byte, len(p)/2)
	n, err := l.Reader.Read(raw)
	out := p[:0]
	for _, b := range raw[:n] {
		out = append(out, string(rune(b))...)
	}
	return len(out), err
}

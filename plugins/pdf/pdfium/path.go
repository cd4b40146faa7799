package pdfium

import (
	"context"
	"encoding/binary"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// The bounds of what is a line or a rectangle.
const (
	thickest   = 2.5 // points; what is thicker is an area
	shortest   = 1.0 // points; what is shorter is a dot
	askew      = 0.5 // points by which a level line may rise
	mostPoints = 512 // of a path; one with more is a drawing
)

// The kinds of a path's segments.
const (
	segmentBezier = 1
	segmentMove   = 2
)

// stroke is a part of a path without a gap.
type stroke struct {
	points []point
	curved bool
	closed bool
}

type point struct{ x, y float32 }

// paint is how a path is drawn.
type paint struct {
	filled, framed bool
	fill, tint     uint32
	thick          float32
}

// path reads the lines and rectangles of a path.
func (s *sheet) path(ctx context.Context, object uint64, view matrix) error {
	s.page.Paths++
	box, shown, err := s.bounds(ctx, object, view)
	if err != nil || !shown || box.X1-box.X0 < shortest && box.Y1-box.Y0 < shortest {
		return err
	}
	count, err := s.call(ctx, "FPDFPath_CountSegments", object)
	if err != nil || int32(count) < 2 || int32(count) > mostPoints {
		return err
	}
	p, err := s.paint(ctx, object)
	if err != nil || !p.filled && !p.framed {
		return err
	}
	own, err := s.matrix(ctx, object)
	if err != nil {
		return err
	}
	own = own.then(view)
	p.thick *= own.scale()
	strokes, err := s.strokes(ctx, object, int(int32(count)), own)
	if err != nil {
		return err
	}
	for _, t := range strokes {
		s.draw(t, p)
	}
	return nil
}

// paint asks how a path is drawn.
func (s *sheet) paint(ctx context.Context, object uint64) (p paint, err error) {
	room := uint64(s.room)
	ok, err := s.call(ctx, "FPDFPath_GetDrawMode", object, room, room+4)
	if err != nil || ok == 0 {
		return p, err
	}
	memory, err := s.File.view(s.room, 8)
	if err != nil {
		return p, err
	}
	p.filled, p.framed = binary.LittleEndian.Uint32(memory) != 0, binary.LittleEndian.Uint32(memory[4:]) != 0
	var alpha byte
	if p.filled {
		if p.fill, alpha, err = s.colorBy(ctx, "FPDFPageObj_GetFillColor", object); err != nil {
			return p, err
		}
		p.filled = alpha > 0
	}
	if p.framed {
		if p.tint, alpha, err = s.colorBy(ctx, "FPDFPageObj_GetStrokeColor", object); err != nil {
			return p, err
		}
		p.framed = alpha > 0
		ok, err := s.call(ctx, "FPDFPageObj_GetStrokeWidth", object, room)
		if err != nil {
			return p, err
		}
		if ok != 0 {
			v, err := s.floats(1)
			if err != nil {
				return p, err
			}
			p.thick = v[0]
		}
	}
	return p, nil
}

func (s *sheet) colorBy(ctx context.Context, name string, object uint64) (rgb uint32, alpha byte, err error) {
	which, err := s.instance.function(name)
	if err != nil {
		return 0, 0, err
	}
	return s.color(ctx, which, object)
}

// strokes are the parts of a path.
func (s *sheet) strokes(ctx context.Context, object uint64, count int, view matrix) ([]stroke, error) {
	var all []stroke
	for i := range count {
		segment, err := s.call(ctx, "FPDFPath_GetPathSegment", object, uint64(i))
		if err != nil {
			return nil, err
		}
		kind, err := s.call(ctx, "FPDFPathSegment_GetType", segment)
		if err != nil {
			return nil, err
		}
		room := uint64(s.room)
		if _, err := s.call(ctx, "FPDFPathSegment_GetPoint", segment, room, room+4); err != nil {
			return nil, err
		}
		v, err := s.floats(2)
		if err != nil {
			return nil, err
		}
		closed, err := s.call(ctx, "FPDFPathSegment_GetClose", segment)
		if err != nil {
			return nil, err
		}
		if kind == segmentMove || len(all) == 0 {
			all = append(all, stroke{})
		}
		t := &all[len(all)-1]
		x, y := view.point(v[0], v[1])
		t.points = append(t.points, point{x, y})
		t.curved = t.curved || kind == segmentBezier
		t.closed = t.closed || closed != 0
	}
	return all, nil
}

// draw makes a line or an area of a part of a path.
func (s *sheet) draw(t stroke, p paint) {
	if len(t.points) < 2 {
		return
	}
	box := t.box()
	switch {
	case t.line() && p.framed:
		s.rules(t, p)
	case t.thin(box):
		color := p.fill
		if !p.filled {
			color = p.tint
		}
		s.rule(box, color)
	case t.rectangle(box):
		if box, shown := s.clip(box); shown {
			s.page.Areas = append(s.page.Areas, page.Area{
				Box: box, Filled: p.filled, Framed: p.framed, FillColor: p.fill, LineTint: p.tint,
			})
		}
	}
}

// rules are the lines of a part of a path that encloses nothing.
func (s *sheet) rules(t stroke, p paint) {
	half := p.thick / 2
	for i, a := range t.points[1:] {
		b := t.points[i]
		box := page.Box{X0: min(a.x, b.x), Y0: min(a.y, b.y), X1: max(a.x, b.x), Y1: max(a.y, b.y)}
		switch width, height := box.X1-box.X0, box.Y1-box.Y0; {
		case height <= askew && width > height:
			box.Y0, box.Y1 = box.Y0-half, box.Y1+half
		case width <= askew && height > width:
			box.X0, box.X1 = box.X0-half, box.X1+half
		default:
			continue
		}
		if p.thick <= thickest {
			s.rule(box, p.tint)
		} else if box, shown := s.clip(box); shown {
			s.page.Areas = append(s.page.Areas, page.Area{Box: box, Filled: true, FillColor: p.tint})
		}
	}
}

func (s *sheet) rule(box page.Box, color uint32) {
	box, shown := s.clip(box)
	width, height := box.X1-box.X0, box.Y1-box.Y0
	if shown && max(width, height) >= shortest && max(width, height) > min(width, height) {
		s.page.Rules = append(s.page.Rules, page.Rule{Box: box, Color: color, Vertical: height > width})
	}
}

func (t stroke) box() page.Box {
	b := page.Box{X0: t.points[0].x, Y0: t.points[0].y, X1: t.points[0].x, Y1: t.points[0].y}
	for _, p := range t.points[1:] {
		b = b.Union(page.Box{X0: p.x, Y0: p.y, X1: p.x, Y1: p.y})
	}
	return b
}

// line says whether it is drawn along and encloses nothing: a line, or a corner.
func (t stroke) line() bool {
	return !t.curved && !t.closed && (len(t.points) <= 3 || len(t.points) == 4 && t.points[0] != t.points[3])
}

// thin says whether it is a line that was drawn as a rectangle.
func (t stroke) thin(b page.Box) bool {
	return !t.curved && len(t.points) <= 6 && min(b.X1-b.X0, b.Y1-b.Y0) <= thickest
}

// rectangle says whether it is one, with round corners perhaps.
func (t stroke) rectangle(b page.Box) bool {
	if len(t.points) < 4 || len(t.points) > 24 {
		return false
	}
	const near = 0.6
	sides := 0
	reach := min(b.X1-b.X0, b.Y1-b.Y0) / 3
	for i, p := range t.points {
		edgeX := min(abs(p.x-b.X0), abs(p.x-b.X1))
		edgeY := min(abs(p.y-b.Y0), abs(p.y-b.Y1))
		if !t.curved && (edgeX > near || edgeY > near) {
			return false
		}
		if t.curved && (edgeX > reach || edgeY > reach || edgeX > near && edgeY > near && edgeX+edgeY > reach) {
			return false
		}
		if i > 0 {
			q := t.points[i-1]
			if (abs(p.x-q.x) <= askew) != (abs(p.y-q.y) <= askew) {
				sides++
			} else if !t.curved && abs(p.x-q.x) > askew {
				return false
			}
		}
	}
	return sides >= 3
}

func abs(x float32) float32 { return max(x, -x) }

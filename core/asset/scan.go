package asset

import "encoding/binary"

// jpegAddsUp decodes the Huffman codes of a baseline JPEG without making a picture of them, and reports whether every scan
// ends where its last block does. Flipped bits seldom make an invalid code; they shift the codes behind them, so that blocks
// are left over or missing at the end. JPEG has no checksum: this is the only evidence there is, and decoders drop it.
//
// Progressive files are taken on trust, since reading their codes takes the picture itself.
func jpegAddsUp(data []byte) bool {
	var s scanner
	for rest := data[2:]; ; {
		var mark byte
		mark, rest = nextMarker(rest)
		switch {
		case mark == markEOI:
			return true
		case mark == markSOI || mark == markTEM:
			continue
		case mark == 0 || len(rest) < 2:
			return false
		}
		size := int(binary.BigEndian.Uint16(rest))
		if size < 2 || size > len(rest) {
			return false
		}
		body := rest[2:size]
		rest = rest[size:]
		switch {
		case mark == 0xc4:
			s.tables(body)
		case mark == 0xdd && len(body) >= 2:
			s.interval = int(binary.BigEndian.Uint16(body))
		case mark == 0xc2:
			return true
		case isFrameMarker(mark):
			s.frame(body)
		case mark == markSOS:
			if !s.scan(body, rest) {
				return false
			}
		}
	}
}

// component is a colour channel of a JPEG as its frame header describes it.
type component struct {
	id   byte
	h, v int
}

// scanner holds what the segments before a scan say about it.
type scanner struct {
	width, height int
	maxH, maxV    int
	components    []component
	interval      int           // Units between restart markers; 0 for none.
	codes         [8]*huffTable // DC tables 0 to 3, then AC tables 0 to 3.
}

// huffTable gives for the next 16 bits the length of the code they begin with and its symbol; length 0 is no code.
type huffTable [1 << 16]struct{ length, symbol byte }

func (s *scanner) tables(b []byte) {
	for len(b) >= 17 {
		class, id, counts := b[0]>>4, b[0]&15, b[1:17]
		b = b[17:]
		if class > 1 || id > 3 {
			return
		}
		table, next := new(huffTable), 0
		for i, n := range counts {
			span := 1 << (15 - i)
			for range n {
				if len(b) == 0 || next+span > len(table) {
					return
				}
				for j := range span {
					table[next+j].length, table[next+j].symbol = byte(i+1), b[0]
				}
				next += span
				b = b[1:]
			}
		}
		s.codes[class*4+id] = table
	}
}

func (s *scanner) frame(b []byte) {
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return
	}
	s.height, s.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	s.components, s.maxH, s.maxV = nil, 1, 1
	for i := range int(b[5]) {
		c := component{id: b[6+3*i], h: max(1, int(b[7+3*i]>>4)), v: max(1, int(b[7+3*i]&15))}
		s.components = append(s.components, c)
		s.maxH, s.maxV = max(s.maxH, c.h), max(s.maxV, c.v)
	}
}

// block names the two code tables of one block.
type block struct{ dc, ac *huffTable }

// scan walks over the codes of one scan; b is its header, coded what follows.
func (s *scanner) scan(b, coded []byte) bool {
	if len(b) < 1 || len(b) < 1+2*int(b[0]) {
		return false
	}
	var unit []block // The blocks that are coded together, in order.
	units := 0
	for i := range int(b[0]) {
		c, ok := s.component(b[1+2*i])
		tables := b[2+2*i]
		use := block{s.codes[tables>>4&3], s.codes[4+tables&3]}
		if !ok || use.dc == nil || use.ac == nil {
			return false
		}
		if b[0] == 1 {
			// A scan of one channel has no padding to whole units.
			unit = []block{use}
			units = ceil(ceil(s.width*c.h, s.maxH), 8) * ceil(ceil(s.height*c.v, s.maxV), 8)
			break
		}
		for range c.h * c.v {
			unit = append(unit, use)
		}
		units = ceil(s.width, 8*s.maxH) * ceil(s.height, 8*s.maxV)
	}
	r := bits{data: coded}
	for n := range units {
		if s.interval > 0 && n > 0 && n%s.interval == 0 && !r.restart() {
			return false
		}
		for _, u := range unit {
			if !r.block(u) {
				return false
			}
		}
	}
	return r.ended()
}

func (s *scanner) component(id byte) (component, bool) {
	for _, c := range s.components {
		if c.id == id {
			return c, true
		}
	}
	return component{}, false
}

func ceil(a, b int) int { return (a + b - 1) / b }

// bits reads the coded data of a scan bit by bit. Behind a marker it hands out ones, and counts how many.
type bits struct {
	data    []byte
	buffer  uint64
	have    int // Bits in buffer.
	invents int // Of those, how many do not stand in the file; they are the last.
}

func (r *bits) fill() {
	for r.have <= 48 {
		b := byte(0xff)
		switch {
		case len(r.data) == 0, r.data[0] == 0xff && (len(r.data) < 2 || r.data[1] != 0):
			r.invents += 8
		case r.data[0] == 0xff:
			r.data = r.data[2:]
		default:
			b = r.data[0]
			r.data = r.data[1:]
		}
		r.buffer = r.buffer<<8 | uint64(b)
		r.have += 8
	}
}

// symbol reads one code and skips the extra bits that its low half announces.
func (r *bits) symbol(t *huffTable) (symbol byte, ok bool) {
	if r.have < 32 {
		r.fill()
	}
	e := t[uint16(r.buffer>>(r.have-16))]
	r.have -= int(e.length) + int(e.symbol&15)
	return e.symbol, e.length > 0 && r.have >= r.invents
}

func (r *bits) block(b block) bool {
	if _, ok := r.symbol(b.dc); !ok {
		return false
	}
	for k := 1; k < 64; k++ {
		symbol, ok := r.symbol(b.ac)
		if !ok {
			return false
		}
		run := int(symbol >> 4)
		if symbol&15 == 0 && run < 15 {
			return true
		}
		if k += run; k > 63 {
			return false
		}
	}
	return true
}

// ended reports whether no more than the padding of the last byte is left before the next marker.
func (r *bits) ended() bool {
	r.fill()
	return r.have-r.invents < 8
}

// restart steps over a restart marker, which must stand right behind the codes.
func (r *bits) restart() bool {
	if !r.ended() || len(r.data) < 2 || r.data[1] < 0xd0 || r.data[1] > 0xd7 {
		return false
	}
	*r = bits{data: r.data[2:]}
	return true
}

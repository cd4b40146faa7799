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

// step is what a code says: in its lower six bits how many bits it has, with those it announces, above them how many coefficients it
// is for, its own among them. 0 coefficients end a block, and a step of no bits is none.
type step uint16

func newStep(length int, symbol byte) step {
	run, extra := int(symbol>>4), int(symbol&15)
	if extra == 0 && run < 15 {
		return step(length)
	}
	return step(length + extra + (run+1)<<6)
}

func (s step) bits() int         { return int(s & 63) }
func (s step) coefficients() int { return int(s >> 6) }

// shortBits is the length of codes up to which one look into a table is enough. Longer ones are rare.
const shortBits = 10

// huffTable reads codes.
type huffTable struct {
	short [1 << shortBits]step // by the bits that come next
	long  [17]struct {         // by length
		first, count int // the codes of that length follow each other
		steps        []step
	}
}

// find looks for a code among the long ones. Bits are the next sixteen.
func (t *huffTable) find(bits int) step {
	for length := shortBits + 1; length <= 16; length++ {
		l := &t.long[length]
		if i := bits>>(16-length) - l.first; i >= 0 && i < l.count {
			return l.steps[i]
		}
	}
	return 0
}

func (s *scanner) tables(b []byte) {
	for len(b) >= 17 {
		class, id, counts := b[0]>>4, b[0]&15, b[1:17]
		b = b[17:]
		if class > 1 || id > 3 {
			return
		}
		table, code := new(huffTable), 0
		for i, n := range counts {
			length := i + 1
			code <<= 1
			if len(b) < int(n) || code+int(n) > 1<<length {
				return
			}
			steps := make([]step, n)
			for j, symbol := range b[:n] {
				steps[j] = newStep(length, symbol)
			}
			if length > shortBits {
				table.long[length].first, table.long[length].count, table.long[length].steps = code, int(n), steps
			} else {
				span := 1 << (shortBits - length)
				for j, step := range steps {
					for k := range span {
						table.short[(code+j)*span+k] = step
					}
				}
			}
			code += int(n)
			b = b[n:]
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

// fill takes as many bytes as there is room for, in one go where none of the next eight is one that means something else.
func (r *bits) fill() {
	if len(r.data) >= 8 {
		next := binary.BigEndian.Uint64(r.data)
		if (^next-0x0101010101010101)&next&0x8080808080808080 == 0 {
			n := (64 - r.have) / 8
			r.buffer = r.buffer<<(8*n) | next>>(64-8*n)
			r.have += 8 * n
			r.data = r.data[n:]
			return
		}
	}
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

// next reads one code and skips the bits that it announces.
func (r *bits) next(t *huffTable) (s step, ok bool) {
	if r.have < 32 {
		r.fill()
	}
	s = t.short[r.buffer>>(r.have-shortBits)&(1<<shortBits-1)]
	if s == 0 {
		s = t.find(int(uint16(r.buffer >> (r.have - 16))))
	}
	r.have -= s.bits()
	return s, s != 0 && r.have >= r.invents
}

func (r *bits) block(b block) bool {
	if _, ok := r.next(b.dc); !ok {
		return false
	}
	k := 1
	for k < 64 {
		s, ok := r.next(b.ac)
		if !ok {
			return false
		}
		n := s.coefficients()
		if n == 0 {
			return true
		}
		k += n
	}
	return k == 64
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

package pdfium

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/seed-98789ff7/converter/plugins/pdf/wasm"
)

// The functions of this build that are replaced, by their numbers. They do what they did, sooner.
const (
	mallocFunction = 76   // takes memory
	freeFunction   = 77   // gives it back
	newFunction    = 125  // takes memory for C++, and ends PDFium if there is none
	searchFunction = 2361 // says which code of a font is that of a code point
)

// replacedSum is the SHA-256 of what they are, one behind the other.
const replacedSum = "1cc81b39e5a408e1ed2e063be00a44c0a1997f7d1b9d610975adadafaa1f571f"

// quicken returns the program with these functions replaced. A program that has others there is another build, and stays as it is.
func quicken(program []byte) []byte {
	m, err := wasm.Parse(program)
	if err != nil {
		return program // whoever compiles it says what is wrong
	}
	sum := sha256.New()
	for _, f := range []int{mallocFunction, freeFunction, newFunction, searchFunction} {
		sum.Write(m.Body(f))
	}
	if hex.EncodeToString(sum.Sum(nil)) != replacedSum {
		return program
	}
	m.Replace(newFunction, reuse(m.Copy(newFunction)))
	m.Replace(mallocFunction, reuse(m.Copy(mallocFunction)))
	m.Replace(freeFunction, putAside(m.Copy(freeFunction)))
	m.Replace(searchFunction, search())
	return m.Bytes()
}

// PDFium takes and gives back memory for every number and name of a page, and each time looks for where it fits and what it can be united
// with: a tenth of all that it does. Here a small piece that is given back is put aside as it is, and handed out again to who wants one of
// its size. A piece is in use as long as it lies there, as far as the old functions know, so that they and the new ones get along.
//
//	func malloc(size) {
//		if size <= asideMost {
//			list := aside[whole(size)]
//			if piece := list.first; piece != 0 {
//				list.first = piece.next
//				list.count--
//				return piece
//			}
//		}
//		return old.malloc(size)
//	}
//
//	func free(piece) {
//		if piece == 0 { return }
//		if piece.whole <= asideMost+4 {
//			list := aside[piece.whole]
//			if list.count < asideCount {
//				list.count++
//				piece.next = list.first
//				list.first = piece
//				return
//			}
//		}
//		old.free(piece)
//	}
//
// The whole size of a piece is a multiple of 8, four bytes more than is wanted, and at least 16; it stands before the piece, with three flags.
const (
	asideMost  = 500 // bytes
	asideCount = 512 // pieces of a size: 8 MB of all sizes
	aside      = 256 // where the first of them and their count stand for each size: in the kilobyte before all data, which the linker leaves empty
	pieceHead  = 4
	pieceFlags = 7
	pieceLeast = 16
)

// reuse is malloc. If nothing is put aside, another function takes the memory.
func reuse(old int) []byte {
	const size, whole, piece = 0, 1, 2
	return wasm.Body(2, 0,
		wasm.Get(size), wasm.Number(asideMost), wasm.AtMost, wasm.If,
		wasm.Get(size), wasm.Number(pieceHead+pieceFlags), wasm.Add, wasm.Number(^pieceFlags), wasm.And,
		wasm.Number(pieceLeast),
		wasm.Get(size), wasm.Number(pieceLeast-pieceHead-1), wasm.AtLeast, wasm.Select, wasm.Keep(whole),
		wasm.Load(aside), wasm.Keep(piece), wasm.If,
		wasm.Get(whole), wasm.Get(piece), wasm.Load(0), wasm.Store(aside),
		wasm.Get(whole), wasm.Get(whole), wasm.Load(aside+4), wasm.Number(1), wasm.Subtract, wasm.Store(aside+4),
		wasm.Get(piece), wasm.Return,
		wasm.End,
		wasm.End,
		wasm.Get(size), wasm.Call(old),
	)
}

// putAside is free. What is large, or one too many, goes to another function.
func putAside(old int) []byte {
	const piece, whole, count = 0, 1, 2
	return wasm.Body(2, 0,
		wasm.Get(piece), wasm.IsZero, wasm.If, wasm.Return, wasm.End,
		wasm.Get(piece), wasm.Number(pieceHead), wasm.Subtract, wasm.Load(0), wasm.Number(^pieceFlags), wasm.And, wasm.Keep(whole),
		wasm.Number(asideMost+pieceHead), wasm.AtMost, wasm.If,
		wasm.Get(whole), wasm.Load(aside+4), wasm.Keep(count), wasm.Number(asideCount), wasm.Less, wasm.If,
		wasm.Get(whole), wasm.Get(count), wasm.Number(1), wasm.Add, wasm.Store(aside+4),
		wasm.Get(piece), wasm.Get(whole), wasm.Load(aside), wasm.Store(0),
		wasm.Get(whole), wasm.Get(piece), wasm.Store(aside),
		wasm.Return,
		wasm.End,
		wasm.End,
		wasm.Get(piece), wasm.Call(old),
	)
}

// A font of a PDF says which code point each of its 256 codes is. For every gap that a text sets in front of a character, PDFium asks the
// font which code is the blank's, and fonts without one are asked to the end of the list, one code after the other: another tenth. Here 32
// codes are looked at at a time.
//
//	func charCode(font, point) {
//		if code := font.ownCharCode(point); code != 0 { return code }
//		for code := 0; code < 256; code += 32 {
//			if any(font.points[code:code+32] == point) { return the first of them }
//		}
//		return -1
//	}
const (
	ownCharCode = 2392 // the function by which a font answers itself
	fontPoints  = 156  // where the list is in a font
	fontCodes   = 256
	codesAtOnce = 32
)

// search is charCode.
func search() []byte {
	const font, point, list, four = 0, 1, 2, 3
	const code = font // of which nothing is wanted any more
	look := wasm.Code{}
	for at := uint64(4 * codesAtOnce); at > 0; { // the last first: where that can be read, so can the others
		at -= 16
		look = append(append(append(append(look, wasm.Get(list)...), wasm.VectorLoad(at)...), wasm.Get(four)...), wasm.VectorEqual...)
		if at < 4*codesAtOnce-16 {
			look = append(look, wasm.VectorOr...)
		}
	}
	return wasm.Body(1, 1,
		wasm.Get(font), wasm.Get(point), wasm.Call(ownCharCode), wasm.Keep(list), wasm.If, wasm.Get(list), wasm.Return, wasm.End,
		wasm.Get(font), wasm.Number(fontPoints), wasm.Add, wasm.Set(list),
		wasm.Get(point), wasm.Splat, wasm.Set(four),
		wasm.Number(0), wasm.Set(code),
		wasm.Block,
		wasm.Loop,
		look, wasm.VectorAny, wasm.LeaveIf(1),
		wasm.Get(list), wasm.Number(4*codesAtOnce), wasm.Add, wasm.Set(list),
		wasm.Get(code), wasm.Number(codesAtOnce), wasm.Add, wasm.Keep(code), wasm.Number(fontCodes), wasm.Differ, wasm.LeaveIf(0),
		wasm.End,
		wasm.Number(-1), wasm.Return,
		wasm.End,
		wasm.Loop,
		wasm.Get(list), wasm.Load(0), wasm.Get(point), wasm.Differ, wasm.If,
		wasm.Get(list), wasm.Number(4), wasm.Add, wasm.Set(list),
		wasm.Get(code), wasm.Number(1), wasm.Add, wasm.Set(code),
		wasm.Leave(1),
		wasm.End,
		wasm.End,
		wasm.Get(code),
	)
}

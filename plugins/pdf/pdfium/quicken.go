package pdfium

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// A font of a PDF says which code point each of its 256 codes is. For every gap that a text sets in front of a character, PDFium asks the
// font which code is the blank's, and fonts without one are asked to the end of the list, one code after the other: a tenth of all that
// reading a rulebook takes. Here that one function looks at eight codes at a time. It finds what it would have found.
//
//	func charCode(font, point) {
//		if code := ownCharCode(font, point); code != 0 { return code }
//		for i := 0; i < 256; i += 8 {
//			if any(points[i:i+8] == point) { return the first of them }
//		}
//		return -1
//	}
const (
	searchAt    = 0x0ff675                                                           // in the program of this build
	searchSum   = "9defb652bc20f7bf5a3082e96363a297895fd479dcdec9a9acd8986cca7892c3" // SHA-256 of what is replaced
	quickSearch = "02027f017b" +                                                     // two whole numbers and four at once
		"2000200110d8122202" + "047f2002" + "05" + "027f" + // the font's own answer, if it has one
		"2000419c016a2103" + "2001fd112104" + "41002100" + // where the points are, and the one that is looked for, four times
		"0240" + "0340" + "2003fd0002002004fd37" + "2003fd0002102004fd37" + "fd50fd53" + "0d01" +
		"200341206a2103" + "200041086a2200" + "418002470d00" + "0b" + "417f0c01" + "0b" +
		"0340" + "2001200328020047" + "0440" + "200341046a2103" + "200041016a2100" + "0c01" + "0b" + "0b" + "2000" +
		"0b" + "0b" + "01010101010101010101" + "01" + "0b" // as long as the other
)

// quicken returns the program with its search replaced. A program that does not have it there is another build, and stays as it is.
func quicken(program []byte) []byte {
	quick := search()
	if len(program) < searchAt+len(quick) {
		return program
	}
	sum := sha256.Sum256(program[searchAt:][:len(quick)])
	if hex.EncodeToString(sum[:]) != searchSum {
		return program
	}
	program = bytes.Clone(program) // it is another module's
	copy(program[searchAt:], quick)
	return program
}

// search is the body of the function that is put in.
func search() []byte {
	quick, err := hex.DecodeString(quickSearch)
	if err != nil {
		panic(err)
	}
	return quick
}

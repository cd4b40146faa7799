package pdfium

import (
	"bytes"
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
	searchAt    = 0x0ff675 // in the program of this build
	plainSearch = "01027f2000200110d8122202047f200205027f2000419c016a2103410021000240034020002001200320004102746a280200" +
		"460d021a2003200041017222024102746a2802002001460d012003200041027222024102746a2802002001460d01200320004103" +
		"7222024102746a2802002001460d01200041046a2200418002470d000b417f21020b20020b0b0b"
	quickSearch = "02027f017b" + // two whole numbers and four at once
		"2000200110d8122202" + "047f2002" + "05" + "027f" + // the font's own answer, if it has one
		"2000419c016a2103" + "2001fd112104" + "41002100" + // where the points are, and the one that is looked for, four times
		"0240" + "0340" + "2003fd0002002004fd37" + "2003fd0002102004fd37" + "fd50fd53" + "0d01" +
		"200341206a2103" + "200041086a2200" + "418002470d00" + "0b" + "417f0c01" + "0b" +
		"0340" + "2001200328020047" + "0440" + "200341046a2103" + "200041016a2100" + "0c01" + "0b" + "0b" + "2000" +
		"0b" + "0b" + "01010101010101010101" + "01" + "0b" // as long as the other
)

// quicken returns the program with its search replaced. A program that does not have it there is another build, and stays as it is.
func quicken(program []byte) []byte {
	plain, quick := searches()
	if len(program) < searchAt || !bytes.HasPrefix(program[searchAt:], plain) {
		return program
	}
	program = bytes.Clone(program) // it is another module's
	copy(program[searchAt:], quick)
	return program
}

// searches are the bodies of the function.
func searches() (plain, quick []byte) {
	plain, err := hex.DecodeString(plainSearch)
	if err != nil {
		panic(err)
	}
	quick, err = hex.DecodeString(quickSearch)
	if err != nil {
		panic(err)
	}
	return plain, quick
}

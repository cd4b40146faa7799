package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
)

// file is a PDF file in the making: numbered objects, written in order.
type file struct {
	objects [][]byte
}

// reserve returns the number of an object that is written later.
func (f *file) reserve() int {
	f.objects = append(f.objects, nil)
	return len(f.objects)
}

func (f *file) put(number int, text string) { f.objects[number-1] = []byte(text) }

func (f *file) add(text string) int {
	number := f.reserve()
	f.put(number, text)
	return number
}

// stream adds an object with bytes; dictionary is what it says of them.
func (f *file) stream(dictionary string, data []byte) int {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<<%s/Length %d>>\nstream\n", dictionary, len(data))
	b.Write(data)
	b.WriteString("\nendstream")
	f.objects = append(f.objects, b.Bytes())
	return len(f.objects)
}

// bytes is the whole file; root and info are numbers of objects.
func (f *file) bytes(root, info int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	places := make([]int, len(f.objects))
	for i, o := range f.objects {
		places[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(places)+1)
	for _, at := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(places)+1, root, info, table)
	return b.Bytes()
}

// title is a text as a string of PDF outside of pages.
func title(text string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	return b.String() + ">"
}

// literal is a text on a page as a string of PDF, in the encoding of Windows.
func literal(text string) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, r := range text {
		switch {
		case strings.ContainsRune(`()\`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\u2019':
			b.WriteString(`\222`)
		case r == '\u2013':
			b.WriteString(`\226`)
		case r < 127:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\%03o`, r&0xFF)
		}
	}
	b.WriteByte(')')
	return b.String()
}

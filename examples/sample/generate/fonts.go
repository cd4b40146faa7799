package main

import (
	"errors"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gosmallcaps"
)

// fonts are the Go fonts, which come as Go packages: the pictures look the same on a machine without any fonts.
type fonts struct{ capitals, italic, bold *face }

func newFonts() (*fonts, error) {
	capitals, err1 := newFace(gosmallcaps.TTF)
	italic, err2 := newFace(goitalic.TTF)
	bold, err3 := newFace(gobold.TTF)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return &fonts{capitals: capitals, italic: italic, bold: bold}, nil
}

package pdfium

// Limits bound what is read of a file. What exceeds them is left out, and said to be.
type Limits struct {
	Pages     int // Whose labels are read. Default: 5,000.
	Chars     int // Characters of a page. Default: 200,000.
	Objects   int // Texts, paths and pictures of a page. Default: 500,000.
	Pixels    int // Of a picture that is decoded, in millions. Default: 100.
	Side      int // Pixels of the longer side of a page that is drawn. Default: 4096.
	Bookmarks int // Default: 100,000.
	Depth     int // Of bookmarks in bookmarks, and of forms in forms. Default: 32.
}

func (l Limits) orDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.Pages, 5000}, {&l.Chars, 200_000}, {&l.Objects, 500_000}, {&l.Pixels, 100}, {&l.Side, 4096}, {&l.Bookmarks, 100_000}, {&l.Depth, 32},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

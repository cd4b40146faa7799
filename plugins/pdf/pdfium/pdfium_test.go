//go:build integration

package pdfium_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

// open opens a file that a test made.
func open(t *testing.T, data []byte, limits pdfium.Limits) *pdfium.File {
	t.Helper()
	library, err := pdfium.Load(t.Context(), pdfium.Config{CacheDir: pdfium.CacheDir(), Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	f, err := library.Open(t.Context(), bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close(t.Context())
		library.Close(t.Context())
	})
	return f
}

// read reads the first page.
func read(t *testing.T, f *pdfium.File) *page.Page {
	t.Helper()
	p, err := f.Page(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(a, b page.Box) bool {
	const most = 0.6
	return math.Abs(float64(a.X0-b.X0)) < most && math.Abs(float64(a.Y0-b.Y0)) < most &&
		math.Abs(float64(a.X1-b.X1)) < most && math.Abs(float64(a.Y1-b.Y1)) < most
}

// TestViews: what is painted stands where a reader sees it, however the page is cut and turned.
func TestViews(t *testing.T) {
	const content = `BT /F1 20 Tf 100 700 Td (Goblin) Tj ET  0 0 1 rg 100 600 200 50 re f  BT /F1 9 Tf 1 0 0 1 5 5 Tm (printer) Tj ET`
	for _, tt := range []struct {
		name, entries string
		width, height float32
		area          page.Box
		turned        bool
	}{
		{"plain", "", 612, 792, page.Box{X0: 100, Y0: 142, X1: 300, Y1: 192}, false},
		{"cut", "/CropBox [50 100 550 750]", 500, 650, page.Box{X0: 50, Y0: 100, X1: 250, Y1: 150}, false},
		{"cut beyond the paper", "/CropBox [50 100 5500 7500]", 562, 692, page.Box{X0: 50, Y0: 142, X1: 250, Y1: 192}, false},
		{"turned", "/Rotate 90", 792, 612, page.Box{X0: 600, Y0: 100, X1: 650, Y1: 300}, true},
		{"upside down", "/Rotate 180", 612, 792, page.Box{X0: 312, Y0: 600, X1: 512, Y1: 650}, true},
		{"turned back", "/Rotate -90", 792, 612, page.Box{X0: 142, Y0: 312, X1: 192, Y1: 512}, true},
		{"cut and turned", "/Rotate 90 /CropBox [50 100 550 750]", 650, 500, page.Box{X0: 500, Y0: 50, X1: 550, Y1: 250}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file pdftest.File
			file.Page(tt.entries, "", content)
			p := read(t, open(t, file.Bytes(), pdfium.Limits{}))
			if p.Width != tt.width || p.Height != tt.height {
				t.Errorf("the page is %v by %v", p.Width, p.Height)
			}
			if len(p.Areas) != 1 || !near(p.Areas[0].Box, tt.area) || p.Areas[0].FillColor != 0x0000ff || !p.Areas[0].Filled || p.Areas[0].Framed {
				t.Errorf("areas %+v, want %+v", p.Areas, tt.area)
			}
			if len(p.Fragments) == 0 || p.Fragments[0].Text != "Goblin" || p.Fragments[0].Turned != tt.turned || p.Fragments[0].Runs[0].Size != 20 {
				t.Errorf("fragments %+v", p.Fragments)
			}
			if outside := strings.Contains(tt.entries, "Crop"); outside != (len(p.Fragments) == 1) {
				t.Errorf("what is cut off: %+v", p.Fragments)
			}
		})
	}
}

// TestUprightOnTurnedPage: text painted sideways on a page turned sideways is upright.
func TestUprightOnTurnedPage(t *testing.T) {
	var file pdftest.File
	file.Page("/Rotate 90", "", "BT /F1 20 Tf 0 1 -1 0 200 100 Tm (Map of the keep) Tj ET")
	p := read(t, open(t, file.Bytes(), pdfium.Limits{}))
	if len(p.Fragments) != 1 {
		t.Fatalf("fragments %+v", p.Fragments)
	}
	f := p.Fragments[0]
	if f.Text != "Map of the keep" || f.Turned || f.Baseline != 200 || f.Box.X0 != 100 || len(f.Words) != 4 || f.Words[1].From != 4 {
		t.Errorf("got %+v", f)
	}
}

// TestDrawn: lines and rectangles, however they are drawn.
func TestDrawn(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		rules         []page.Rule
		areas         []page.Area
		paths         int
	}{
		{"line", "1 0 0 RG 2 w 100 100 m 300 100 l S", []page.Rule{{Box: page.Box{X0: 100, Y0: 691, X1: 300, Y1: 693}, Color: 0xff0000}}, nil, 1},
		{"upright line", "0.5 w 100 100 m 100 300 l S", []page.Rule{{Box: page.Box{X0: 100, Y0: 492, X1: 100, Y1: 692}, Vertical: true}}, nil, 1},
		{"thin rectangle", "0 1 0 rg 100 100 200 1 re f", []page.Rule{{Box: page.Box{X0: 100, Y0: 691, X1: 300, Y1: 692}, Color: 0x00ff00}}, nil, 1},
		{"thick line", "10 w 100 100 m 300 100 l S", nil, []page.Area{{Box: page.Box{X0: 100, Y0: 687, X1: 300, Y1: 697}, Filled: true}}, 1},
		{"slanted line", "1 w 100 100 m 300 200 l S", nil, nil, 1},
		{"grid in one path", "1 w 100 100 m 300 100 l 100 120 m 300 120 l 100 100 m 100 120 l S", []page.Rule{
			{Box: page.Box{X0: 100, Y0: 691.5, X1: 300, Y1: 692.5}},
			{Box: page.Box{X0: 100, Y0: 671.5, X1: 300, Y1: 672.5}},
			{Box: page.Box{X0: 99.5, Y0: 672, X1: 100.5, Y1: 692}, Vertical: true},
		}, nil, 1},
		{"framed", "1 0 0 RG 100 100 200 50 re S", nil, []page.Area{{Box: page.Box{X0: 100, Y0: 642, X1: 300, Y1: 692}, Framed: true, LineTint: 0xff0000}}, 1},
		{"filled and framed", "1 0 0 RG 0 0 1 rg 100 100 200 50 re B", nil, []page.Area{
			{Box: page.Box{X0: 100, Y0: 642, X1: 300, Y1: 692}, Filled: true, Framed: true, FillColor: 0x0000ff, LineTint: 0xff0000},
		}, 1},
		{
			"round corners", "100 110 m 100 140 l 100 145 105 150 110 150 c 290 150 l 295 150 300 145 300 140 c 300 110 l 300 105 295 100 290 100 c 110 100 l 105 100 100 105 100 110 c f",
			nil,
			[]page.Area{{Box: page.Box{X0: 100, Y0: 642, X1: 300, Y1: 692}, Filled: true}},
			1,
		},
		{"circle", "150 100 m 177 100 200 122 200 150 c 200 177 177 200 150 200 c 122 200 100 177 100 150 c 100 122 122 100 150 100 c f", nil, nil, 1},
		{"triangle", "100 100 m 200 100 l 150 200 l h f", nil, nil, 1},
		{"dot", "100 100 0.4 0.4 re f", nil, nil, 1},
		{"clip only", "100 100 200 50 re W n", nil, nil, 0},
		{"scaled", "q 2 0 0 2 0 0 cm 1 w 50 50 m 150 50 l S Q", []page.Rule{{Box: page.Box{X0: 100, Y0: 691, X1: 300, Y1: 693}}}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var file pdftest.File
			file.Page("", "", tt.content)
			p := read(t, open(t, file.Bytes(), pdfium.Limits{}))
			if p.Paths != tt.paths || len(p.Rules) != len(tt.rules) || len(p.Areas) != len(tt.areas) {
				t.Fatalf("%d paths, rules %+v, areas %+v", p.Paths, p.Rules, p.Areas)
			}
			for i, want := range tt.rules {
				got := p.Rules[i]
				if !near(got.Box, want.Box) || got.Color != want.Color || got.Vertical != want.Vertical {
					t.Errorf("rule %+v, want %+v", got, want)
				}
			}
			for i, want := range tt.areas {
				got := p.Areas[i]
				box := got.Box
				got.Box = want.Box
				if !near(box, want.Box) || !reflect.DeepEqual(got, want) {
					t.Errorf("area %+v of %+v, want %+v", got, box, want)
				}
			}
		})
	}
}

// TestForms: what is in a form stands where the form is, text and pictures too.
func TestForms(t *testing.T) {
	var file pdftest.File
	picture := file.Stream("/Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8", []byte("abcd"))
	form := file.Stream(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 100 100] /Matrix [1 0 0 1 10 0] /Resources <</Font <</F1 4 0 R>> /XObject <</P %d 0 R>>>>", picture),
		[]byte("BT /F1 10 Tf 0 0 Td (Trap) Tj ET q 20 0 0 20 50 50 cm /P Do Q 0 0 50 1 re f"))
	file.Page("", fmt.Sprintf("/XObject <</X %d 0 R>>", form), "q 2 0 0 2 100 100 cm /X Do Q q 1 0 0 1 300 300 cm /X Do Q")
	p := read(t, open(t, file.Bytes(), pdfium.Limits{}))
	if len(p.Fragments) != 2 || p.Fragments[0].Runs[0].Size != 20 || p.Fragments[0].Box.X0 != 120 || p.Fragments[0].Baseline != 692 || p.Fragments[1].Box.X0 != 310 {
		t.Errorf("fragments %+v", p.Fragments)
	}
	if len(p.Images) != 2 || !near(p.Images[0].Box, page.Box{X0: 220, Y0: 552, X1: 260, Y1: 592}) || p.Images[0].Digest != p.Images[1].Digest || p.Images[1].Index != 1 {
		t.Errorf("images %+v", p.Images)
	}
	if len(p.Rules) != 2 || !near(p.Rules[1].Box, page.Box{X0: 310, Y0: 491, X1: 360, Y1: 492}) {
		t.Errorf("rules %+v", p.Rules)
	}
}

// TestRuns: fonts, sizes and colours within a line.
func TestRuns(t *testing.T) {
	var file pdftest.File
	bold := file.Add("<</Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Times-BoldItalic>>")
	mono := file.Add("<</Type /Font /Subtype /Type1 /BaseFont /Courier>>")
	file.Page("", fmt.Sprintf("/Font <</F1 4 0 R /F2 %d 0 R /F3 %d 0 R>>", bold, mono),
		"BT 72 700 Td /F2 12 Tf 0.5 0 0 rg (Bite. ) Tj 0 g /F1 12 Tf (Melee ) Tj /F3 12 Tf (d6) Tj ET")
	p := read(t, open(t, file.Bytes(), pdfium.Limits{}))
	want := []page.Font{{Name: "Times-BoldItalic", Bold: true, Italic: true}, {Name: "Helvetica"}, {Name: "Courier", Fixed: true}}
	if !reflect.DeepEqual(p.Fonts, want) || len(p.Fragments) != 1 {
		t.Fatalf("fonts %+v, fragments %+v", p.Fonts, p.Fragments)
	}
	f := p.Fragments[0]
	if f.Text != "Bite. Melee d6" || len(f.Runs) != 3 || f.Runs[0].End < 5 || f.Runs[2].End != 14 || f.Runs[0].Color != 0x800000 || f.Runs[1].Font != 1 {
		t.Errorf("%q, runs %+v", f.Text, f.Runs)
	}
}

// TestDocument: properties, labels, bookmarks.
func TestDocument(t *testing.T) {
	var file pdftest.File
	first := file.Page("", "", "")
	second := file.Page("", "", "")
	outline, a, b, c := file.Add(""), file.Add(""), file.Add(""), file.Add("")
	file.Set(outline, fmt.Sprintf("<</Type /Outlines /First %d 0 R /Last %d 0 R>>", a, c))
	file.Set(a, fmt.Sprintf("<</Title (Monsters) /Parent %d 0 R /First %d 0 R /Last %d 0 R /Next %d 0 R /Dest [%d 0 R /XYZ 0 700 0]>>", outline, b, b, c, first))
	file.Set(b, fmt.Sprintf("<</Title <FEFF00C4006C0062> /Parent %d 0 R /Dest [%d 0 R /FitH 500]>>", a, second))
	file.Set(c, fmt.Sprintf("<</Title (Nowhere\\nto go) /Parent %d 0 R /Dest [%d 0 R /Fit]>>", outline, second))
	file.Info = "/Title (A Book) /Author <FEFF00C9> /Subject (S) /Producer (P) /Creator (C)"
	file.Catalog = fmt.Sprintf("/Outlines %d 0 R /Lang (en-GB) /MarkInfo <</Marked true>> /PageLabels <</Nums [0 <</S /r>> 1 <</S /D /St 7>>]>>", outline)
	d, err := open(t, file.Bytes(), pdfium.Limits{}).Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &page.Document{
		Pages: 2, Title: "A Book", Author: "É", Subject: "S", Producer: "P", Creator: "C", Language: "en-GB", Tagged: true, Labels: []string{"i", "7"},
		Outline: []page.Bookmark{
			{Title: "Monsters", Page: 1, Y: 92}, {Title: "Älb", Level: 1, Page: 2, Y: 292}, {Title: "Nowhere to go", Page: 2, Y: -1},
		},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

// TestOutlineBounds: a tree of bookmarks that bites its tail, is too deep, or too long.
func TestOutlineBounds(t *testing.T) {
	var file pdftest.File
	file.Page("", "", "")
	outline, a, b := file.Add(""), file.Add(""), file.Add("")
	file.Set(outline, fmt.Sprintf("<</First %d 0 R>>", a))
	file.Set(a, fmt.Sprintf("<</Title (a) /First %d 0 R /Next %d 0 R>>", a, b))
	file.Set(b, fmt.Sprintf("<</Title (b) /First %d 0 R /Next %d 0 R>>", outline, a))
	file.Catalog = fmt.Sprintf("/Outlines %d 0 R", outline)
	marks := func(file *pdftest.File, limits pdfium.Limits) []page.Bookmark {
		d, err := open(t, file.Bytes(), limits).Document(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d.Outline
	}
	if got := marks(&file, pdfium.Limits{}); len(got) < 2 || len(got) > 3 {
		t.Errorf("a cycle: %+v", got)
	}
	var deep pdftest.File
	deep.Page("", "", "")
	top := deep.Add("")
	deep.Set(top, fmt.Sprintf("<</First %d 0 R>>", top+1))
	for i := range 60 {
		deep.Add(fmt.Sprintf("<</Title (%d) /First %d 0 R>>", i, top+2+i))
	}
	deep.Catalog = fmt.Sprintf("/Outlines %d 0 R", top)
	if got := marks(&deep, pdfium.Limits{}); len(got) != 32 || got[31].Level != 31 {
		t.Errorf("%d bookmarks in one another", len(got))
	}
	if got := marks(&deep, pdfium.Limits{Bookmarks: 5}); len(got) != 5 {
		t.Errorf("%d bookmarks of 5", len(got))
	}
}

// TestLimits: what is too much is left out, and said.
func TestLimits(t *testing.T) {
	var file pdftest.File
	file.Page("", "", "BT /F1 5 Tf 10 700 Td "+strings.Repeat("(goblin ) Tj ", 20)+"ET "+strings.Repeat("10 10 20 20 re f ", 30))
	p := read(t, open(t, file.Bytes(), pdfium.Limits{Chars: 50, Objects: 40}))
	if len(p.Faults) != 2 || p.Faults[0].Code != "page_limit" || p.Faults[1].Code != "page_limit" || p.Chars > 50 || p.Chars < 40 || len(p.Areas) > 20 {
		t.Errorf("faults %+v, %d characters, %d areas", p.Faults, p.Chars, len(p.Areas))
	}
}

// TestRefused: each kind of refusal has its code.
func TestRefused(t *testing.T) {
	library, err := pdfium.Load(t.Context(), pdfium.Config{CacheDir: pdfium.CacheDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close(t.Context())
	var file pdftest.File
	file.Page("", "", "")
	whole := file.Bytes()
	for name, tt := range map[string]struct {
		data []byte
		code pdfium.Code
	}{
		"empty": {nil, pdfium.Damaged}, "text": {[]byte("a plain text"), pdfium.Damaged}, "header": {[]byte("%PDF-1.4\n"), pdfium.Damaged},
		"cut":                         {whole[:100], pdfium.Damaged},
		"encrypted in an unknown way": {bytes.Replace(whole, []byte("/Root 1 0 R"), []byte("/Root 1 0 R /Encrypt <</Filter /Magic /V 4>> /ID [(a) (b)]"), 1), pdfium.Security},
	} {
		_, err := library.Open(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data)), "")
		if refused, ok := errors.AsType[*pdfium.Error](err); !ok || refused.Code != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := open(t, whole, pdfium.Limits{})
	for _, n := range []int{0, 2, -1} {
		if _, err := f.Page(t.Context(), n); err == nil {
			t.Errorf("there is a page %d", n)
		}
	}
}

// TestMemory: a file that wants more than it may have comes to an end, and says why.
func TestMemory(t *testing.T) {
	library, err := pdfium.Load(t.Context(), pdfium.Config{CacheDir: pdfium.CacheDir(), MemoryMB: 32})
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close(t.Context())
	var file pdftest.File
	content := file.Stream("/Filter /FlateDecode", pdftest.Repeat(bytes.Repeat([]byte("1 2 m 3 4 l S "), 1<<12), 1<<10))
	file.PageOf("", "", content)
	data := file.Bytes()
	f, err := library.Open(t.Context(), bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(t.Context())
	p, err := f.Page(t.Context(), 1)
	if trap, ok := errors.AsType[*pdfium.TrapError](err); !ok || !trap.Memory || p == nil || p.Number != 1 {
		t.Errorf("got %v, page %+v", err, p)
	}
}

// colours is a picture of which every pixel is known.
func colours(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.SetNRGBA(i%w, i/w, color.NRGBA{byte(i * 7), byte(i * 3), byte(255 - i), 255})
	}
	return m
}

func rgb(m *image.NRGBA) []byte {
	var b []byte
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i:i+3]...)
	}
	return b
}

// TestPictures: each kind of picture comes as what it is.
func TestPictures(t *testing.T) {
	m := colours(12, 8)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, m, nil); err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer // with a mask; that one picture has one in one place and none in another is not told apart
	if err := jpeg.Encode(&other, m, &jpeg.Options{Quality: 50}); err != nil {
		t.Fatal(err)
	}
	var file pdftest.File
	const head = "/Type /XObject /Subtype /Image /Width 12 /Height 8 "
	soft := bytes.Repeat([]byte{255, 0}, 48)
	mask := file.Stream(head+"/ColorSpace /DeviceGray /BitsPerComponent 8", soft)
	var names, content strings.Builder
	for i, n := range []int{
		file.Stream(head+"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", photo.Bytes()),
		file.Stream(head+"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter [/FlateDecode /DCTDecode]", pdftest.Deflate(photo.Bytes())),
		file.Stream(head+"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode", pdftest.Deflate(rgb(m))),
		file.Stream(head+"/ColorSpace /DeviceGray /BitsPerComponent 8", bytes.Repeat([]byte{9, 200}, 48)),
		file.Stream(fmt.Sprintf(head+"/ColorSpace /DeviceRGB /BitsPerComponent 8 /SMask %d 0 R", mask), rgb(m)),
		file.Stream(fmt.Sprintf(head+"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /SMask %d 0 R", mask), other.Bytes()),
		file.Stream("/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray /BitsPerComponent 8", []byte("x")),
	} {
		fmt.Fprintf(&names, "/P%d %d 0 R ", i, n)
		fmt.Fprintf(&content, "q 100 0 0 80 %d 300 cm /P%d Do Q ", 60*i, i)
	}
	file.Page("", "/XObject <<"+names.String()+">>", content.String())
	f := open(t, file.Bytes(), pdfium.Limits{})
	p := read(t, f)
	if len(p.Images) != 7 {
		t.Fatalf("images %+v", p.Images)
	}
	for i, want := range []struct {
		filter         string
		masked, stored bool
		kind           string
	}{
		{"jpeg", false, true, "image/jpeg"},
		{"jpeg", false, true, "image/jpeg"},
		{"other", false, false, "image/png"},
		{"other", false, false, "image/png"},
		{"other", true, false, "image/png"},
		{"jpeg", true, false, "image/png"},
	} {
		got := p.Images[i]
		if got.Filter != want.filter || got.Masked != want.masked || got.Width != 12 || got.Height != 8 || got.Index != i {
			t.Errorf("image %d: %+v", i, got)
		}
		picture, err := f.Picture(t.Context(), 1, i)
		if err != nil {
			t.Errorf("picture %d: %v", i, err)
			continue
		}
		if picture.Type != want.kind || picture.Stored != want.stored || picture.Width != 12 || picture.Height != 8 {
			t.Errorf("picture %d: %s, stored %v, %d by %d", i, picture.Type, picture.Stored, picture.Width, picture.Height)
			continue
		}
		if want.stored {
			if !bytes.Equal(picture.Data, photo.Bytes()) {
				t.Errorf("picture %d is not what is stored", i)
			}
			continue
		}
		back, err := png.Decode(bytes.NewReader(picture.Data))
		if err != nil {
			t.Errorf("picture %d: %v", i, err)
			continue
		}
		for at := range 96 {
			got := color.NRGBAModel.Convert(back.At(at%12, at/12)).(color.NRGBA)
			wantColour := m.NRGBAAt(at%12, at/12)
			switch i {
			case 3:
				v := []byte{9, 200}[at%2]
				wantColour = color.NRGBA{v, v, v, 255}
			case 4:
				wantColour.A = soft[at]
			case 5:
				if got.A != soft[at] {
					t.Errorf("picture %d at %d: %v", i, at, got)
				}
				continue
			}
			if got.A != wantColour.A || got.A != 0 && got != wantColour {
				t.Errorf("picture %d at %d: %v, want %v", i, at, got, wantColour)
				break
			}
		}
	}
	_, err := f.Picture(t.Context(), 1, 6)
	if large, ok := errors.AsType[*pdfium.TooLargeError](err); !ok || large.Width != 60000 {
		t.Errorf("60,000 pixels: %v", err)
	}
	if _, err := f.Picture(t.Context(), 1, 7); err == nil {
		t.Error("there is a picture more")
	}
}

// TestRender: a page as it looks, in the size asked for and allowed.
func TestRender(t *testing.T) {
	var file pdftest.File
	file.Page("/MediaBox [0 0 200 100]", "", "1 0 0 rg 0 0 100 100 re f")
	f := open(t, file.Bytes(), pdfium.Limits{Side: 400})
	for _, tt := range []struct {
		side int
		as   string
		w, h int
	}{{100, "image/png", 100, 50}, {300, "image/jpeg", 300, 150}, {5000, "image/png", 400, 200}, {0, "image/png", 1, 1}} {
		got, err := f.Render(t.Context(), 1, tt.side, tt.as)
		if err != nil {
			t.Fatal(err)
		}
		decode := png.Decode
		if tt.as == "image/jpeg" {
			decode = jpeg.Decode
		}
		m, err := decode(bytes.NewReader(got.Data))
		if err != nil {
			t.Fatal(err)
		}
		if m.Bounds().Dx() != tt.w || m.Bounds().Dy() != tt.h || got.Width != tt.w || got.Height != tt.h || got.Type != tt.as {
			t.Errorf("side %d: %v, %+v", tt.side, m.Bounds(), got)
		}
		if tt.w == 1 {
			continue
		}
		left, _, _, _ := m.At(tt.w/4, tt.h/2).RGBA()
		_, green, _, _ := m.At(tt.w/4, tt.h/2).RGBA()
		_, right, _, _ := m.At(tt.w*3/4, tt.h/2).RGBA()
		if left>>8 < 250 || green>>8 > 5 || right>>8 < 250 {
			t.Errorf("side %d: colours %x %x %x", tt.side, left, green, right)
		}
	}
	if _, err := f.Render(t.Context(), 1, 100, "image/gif"); err == nil {
		t.Error("a page was drawn as GIF")
	}
}

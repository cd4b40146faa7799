package page

import (
	"bytes"
	"reflect"
	"runtime"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

func full() *Page {
	return &Page{
		Number: 7, Label: "iv", Width: 612, Height: 792.25,
		Fonts: []Font{{Name: "Kelmscott"}, {Name: "Čapek-Bold", Bold: true, Italic: true, Fixed: true, Recoded: true}},
		Fragments: []Fragment{
			{Text: "Iä! Gob-", Box: Box{1, 2, 3, 4}, Baseline: 3.5, Hyphen: true, Runs: []Run{{4, 0, 12, 0xffffff}, {9, 1, 9.5, 1}}, Words: []Word{{0, 4, 1, 2}, {5, 9, 2.5, 3}}},
			{Text: "up", Turned: true, Runs: []Run{{2, 1, 1, 0}}},
		},
		Rules:  []Rule{{Box{1, 2, 3, 2}, 0xff0000, false}, {Box{1, 2, 1, 9}, 0, true}},
		Areas:  []Area{{Box{0, 0, 612, 792}, true, true, 1, 0xabcdef}},
		Images: []Image{{3, Box{1, 1, 9, 9}, 2550, 3300, "jpeg", true, 1 << 40, 1<<64 - 1}},
		Chars:  12, Paths: 99, Origin: "ocr", Confidence: 0.75,
		Faults: []Fault{{"page_limit", "too much"}},
	}
}

func TestCodec(t *testing.T) {
	for _, p := range []*Page{full(), {}, {Number: 1, Origin: "text", Confidence: 1}} {
		b, err := p.AppendBinary([]byte("in front"))
		if err != nil {
			t.Fatal(err)
		}
		var q Page
		if err := q.UnmarshalBinary(b[8:]); err != nil || !reflect.DeepEqual(p, &q) {
			t.Errorf("%v\ngot  %+v\nwant %+v", err, q, *p)
		}
	}
}

// TestCodecCutOff: no beginning of a page is one, and nothing comes of it.
func TestCodecCutOff(t *testing.T) {
	b, err := full().AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		q := Page{Number: 4}
		if err := q.UnmarshalBinary(b[:n]); sdk.KindOf(err) != sdk.Internal || q.Number != 4 || q.Fragments != nil {
			t.Errorf("%d bytes of %d: %v, %+v", n, len(b), err, q)
		}
	}
	var q Page
	if err := q.UnmarshalBinary(append(b, 0)); err == nil {
		t.Error("a byte too many is none")
	}
}

// TestCodecHostile: what relies on the text of a fragment is not let down.
func TestCodecHostile(t *testing.T) {
	for name, spoil := range map[string]func(p *Page){
		"run too long":  func(p *Page) { p.Fragments[0].Runs[1].End = 10 },
		"run backwards": func(p *Page) { p.Fragments[0].Runs[0].End = 10 },
		"no run":        func(p *Page) { p.Fragments[0].Runs = nil },
		"no font":       func(p *Page) { p.Fragments[0].Runs[0].Font = 2 },
		"word too long": func(p *Page) { p.Fragments[0].Words[1].To = 10 },
		"word inside":   func(p *Page) { p.Fragments[0].Words[1].From = 3 },
		"negative":      func(p *Page) { p.Chars = -1 },
	} {
		p := full()
		spoil(p)
		b, err := p.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Page).UnmarshalBinary(b); err == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}

func FuzzCodec(f *testing.F) {
	for _, p := range []*Page{full(), {}} {
		b, _ := p.AppendBinary(nil)
		f.Add(b)
	}
	f.Add([]byte{codecVersion, 1, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var p Page
		err := p.UnmarshalBinary(data)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(1<<20+64*len(data)) {
			t.Errorf("%d bytes took %d", len(data), grown)
		}
		if err != nil {
			return
		}
		b, err := p.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var q Page
		if err := q.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if again, _ := q.AppendBinary(nil); !bytes.Equal(b, again) {
			t.Errorf("%x is read as another page", b)
		}
	})
}

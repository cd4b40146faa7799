package pdf

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/sdk"
)

// What of the pictures on pages is worth having.
const (
	leastSide       = 256  // pixels of the longer side
	leastShare      = 0.05 // of the page's area
	backgroundShare = 0.3  // of the pages that a picture is on, from leastPages pages on
	leastPages      = 4
	mapShare        = 0.33 // of the page's area that a map covers
	mapChars        = 400  // characters that its page has at most
	drawnPaths      = 2000
	drawnChars      = 200
	renderSide      = 1920 // pixels of the longer side of a page that is drawn
	touching        = 1    // points between strips of one picture
)

// The kinds of pictures.
const (
	embedded   = "image"
	background = "background"
	render     = "page_render"
)

// picture is a picture of a file that is worth having.
type picture struct {
	Page          int      `json:"page"`
	Kind          string   `json:"kind"`
	Box           page.Box `json:"-"`
	Width, Height int      `json:"-"`
	Map           bool     `json:"map,omitempty"`
	pages         []int    // that it is on
	image         int      // its number on the page; -1: the page is drawn
	part          bool     // only Box of the drawn page
	side          int      // pixels of the longer side of the drawn page
}

// choose returns the pictures of a file that are worth having, by page. Each is listed once, whatever number of pages has it;
// strips that make one picture together are taken from the drawn page.
func choose(pages []*page.Page, renders string) []picture {
	on := map[uint64][]int{} // pages of each picture
	for _, p := range pages {
		for _, i := range p.Images {
			if all := on[i.Digest]; len(all) == 0 || all[len(all)-1] != p.Number {
				on[i.Digest] = append(all, p.Number)
			}
		}
	}
	taken := map[uint64]bool{}
	var chosen []picture
	for _, p := range pages {
		chosen = append(chosen, ofPage(p, on, taken, len(pages))...)
		drawn := p.Paths > drawnPaths && p.Chars < drawnChars
		if renders == "all" || renders != "none" && drawn {
			chosen = append(chosen, picture{
				Page: p.Number, Kind: render, Box: page.Box{X1: p.Width, Y1: p.Height}, Map: drawn,
				pages: []int{p.Number}, image: -1, side: renderSide,
			})
		}
	}
	return chosen
}

func ofPage(p *page.Page, on map[uint64][]int, taken map[uint64]bool, pages int) (chosen []picture) {
	joined := strips(p.Images)
	for _, s := range joined {
		if len(s) > 1 {
			if c, ok := whole(p, s); ok {
				chosen = append(chosen, c)
			}
			continue
		}
		i := s[0]
		if taken[i.Digest] || max(i.Width, i.Height) < leastSide || area(i.Box) < leastShare*p.Width*p.Height {
			continue
		}
		taken[i.Digest] = true
		c := picture{
			Page: p.Number, Kind: embedded, Box: i.Box, Width: i.Width, Height: i.Height, pages: on[i.Digest], image: i.Index,
			Map: looksLikeMap(p, i.Box),
		}
		if pages >= leastPages && float64(len(c.pages)) >= backgroundShare*float64(pages) {
			c.Kind, c.Map = background, false
		}
		chosen = append(chosen, c)
	}
	return chosen
}

// looksLikeMap says whether a picture fills most of a page that says little. It is a guess.
func looksLikeMap(p *page.Page, b page.Box) bool {
	return area(b) >= mapShare*p.Width*p.Height && p.Chars <= mapChars && p.Chars > 0
}

func area(b page.Box) float32 { return (b.X1 - b.X0) * (b.Y1 - b.Y0) }

// strips puts pictures together that are one below the other, equally wide and touching. Others come alone.
func strips(images []page.Image) [][]page.Image {
	sorted := slices.Clone(images)
	slices.SortStableFunc(sorted, func(a, b page.Image) int {
		return cmp.Or(cmp.Compare(a.Box.X0, b.Box.X0), cmp.Compare(a.Box.Y0, b.Box.Y0))
	})
	var all [][]page.Image
	for _, i := range sorted {
		if n := len(all); n > 0 {
			last := all[n-1][len(all[n-1])-1]
			if near(last.Box.X0, i.Box.X0) && near(last.Box.X1, i.Box.X1) && near(last.Box.Y1, i.Box.Y0) && last.Width == i.Width && !last.Masked && !i.Masked {
				all[n-1] = append(all[n-1], i)
				continue
			}
		}
		all = append(all, []page.Image{i})
	}
	slices.SortStableFunc(all, func(a, b []page.Image) int { return cmp.Compare(a[0].Index, b[0].Index) })
	return all
}

func near(a, b float32) bool { return a-b <= touching && b-a <= touching }

// whole is the picture that strips make: that part of the page, drawn as large as the strips are stored.
func whole(p *page.Page, s []page.Image) (picture, bool) {
	box, height := s[0].Box, 0
	for _, i := range s {
		box.Y0, box.Y1 = min(box.Y0, i.Box.Y0), max(box.Y1, i.Box.Y1)
		height += i.Height
	}
	wide := box.X1 - box.X0
	if max(s[0].Width, height) < leastSide || area(box) < leastShare*p.Width*p.Height || wide <= 0 {
		return picture{}, false
	}
	scale := float32(s[0].Width) / wide // pixels a point
	return picture{
		Page: p.Number, Kind: embedded, Box: box, Width: s[0].Width, Height: height, Map: looksLikeMap(p, box),
		pages: []int{p.Number}, image: -1, part: true, side: min(maxSide, int(scale*max(p.Width, p.Height))),
	}, true
}

// maxSide is the longer side of a drawn page in pixels, at most.
const maxSide = 4096

// kept is a picture whose bytes are in a file.
type kept struct {
	picture

	Name  string `json:"uri"` // what documents call it
	Media string `json:"media_type"`
	Bytes int64  `json:"bytes"`
	SHA   string `json:"sha256"`
	path  string
}

// reference is how a document refers to it, at a place of the document.
func (k kept) reference(pointer string) sdk.AssetRef {
	role := "other"
	switch {
	case k.Map:
		role = "map"
	case k.Kind == render:
		role = "page"
	}
	return sdk.AssetRef{
		URI: k.Name, Pointer: pointer, Role: role, Status: sdk.Present, MediaType: k.Media, Size: k.Bytes, Revision: k.SHA, Path: k.path,
	}
}

// beside says which chunk of its page each picture stands beside, by the number of the chunk: that whose text is nearest.
// Maps, backgrounds and drawn pages stand beside none.
func beside(pictures []kept, chunks []chunk.Chunk) map[int][]kept {
	byPage := map[int][]int{}
	for i, c := range chunks {
		for _, p := range c.Places {
			if list := byPage[p.Page]; len(list) == 0 || list[len(list)-1] != i {
				byPage[p.Page] = append(list, i)
			}
		}
	}
	of := map[int][]kept{}
	for _, k := range pictures {
		if k.Kind != embedded || k.Map {
			continue
		}
		best, least := -1, float32(0)
		for _, i := range byPage[k.Page] {
			for _, p := range chunks[i].Places {
				if d := distance(k.Box, p.Box); p.Page == k.Page && (best < 0 || d < least) {
					best, least = i, d
				}
			}
		}
		if best >= 0 {
			of[best] = append(of[best], k)
		}
	}
	return of
}

// distance is how far two boxes are apart, across plus down; 0: they touch.
func distance(a, b page.Box) float32 {
	return max(0, a.X0-b.X1, b.X0-a.X1) + max(0, a.Y0-b.Y1, b.Y0-a.Y1)
}

// name tells a picture from the others of its file.
func (p picture) name() string {
	switch {
	case p.image >= 0:
		return fmt.Sprintf("page-%d-image-%d", p.Page, p.image)
	case p.part:
		return fmt.Sprintf("page-%d-part-%.0f-%.0f", p.Page, p.Box.X0, p.Box.Y0)
	default:
		return fmt.Sprintf("page-%d", p.Page)
	}
}

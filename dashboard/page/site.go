package page

import (
	"net/url"
	"path"
	"regexp"

	"github.com/a-h/templ"
)

// Site is what every page needs to know of the server around it.
type Site struct {
	Version string
	Theme   string // light, dark, or empty: as the system says
	Style   string // addresses of the files
	Script  string
	Icon    string
	Back    string // path of this page, where changing the theme leads back to
}

// Region is a part of a page that the live stream replaces by its id.
type Region struct {
	ID   string
	Text bool // holds text alone
	Body templ.Component
}

// Stream is where a page gets its frames from; the zero value is a page that stands still.
type Stream struct {
	Events string // server-sent events
	Frame  string // the same, once
}

// RunPath is the address of a run, or of something below it.
func RunPath(id string, below ...string) string {
	return path.Join(append([]string{"/runs", url.PathEscape(id)}, below...)...)
}

// assetID is what an asset's id looks like; anything else gets no address.
var assetID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// PicturePath is the address of a rendition of an asset, empty when the id is none.
func PicturePath(id, resolution string) string {
	if !assetID.MatchString(id) {
		return ""
	}
	return "/assets/" + id + "/" + resolution
}

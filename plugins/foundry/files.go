package foundry

import (
	"cmp"
	"html"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// extensions are the kinds of files that documents refer to, by what they are.
var extensions = map[string]string{
	".webp": "image", ".png": "image", ".jpg": "image", ".jpeg": "image", ".gif": "image", ".svg": "image", ".avif": "image",
	".bmp": "image", ".tif": "image", ".tiff": "image", ".apng": "image",
	".webm": "video", ".mp4": "video", ".m4v": "video", ".ogv": "video",
	".ogg": "audio", ".oga": "audio", ".mp3": "audio", ".wav": "audio", ".flac": "audio", ".opus": "audio", ".m4a": "audio",
	".aac": "audio", ".mid": "audio", ".pdf": "pdf",
}

// coreFolders are the folders of an installation that references lead into without a package in between.
var coreFolders = []string{"icons/", "ui/", "cards/", "sounds/", "fonts/", "css/", "nue/", "tours/"}

// maxReference is longer than any path; longer texts are no references.
const maxReference = 1024

// files finds what a reference means, once for each root whose documents have it.
type files struct {
	mu       sync.Mutex // guards what follows
	known    map[reference]sdk.AssetRef
	stated   map[string]statement // by folder
	pictures pictures
}

type reference struct {
	Root string `json:"root"`
	Ref  string `json:"ref"`
}

func (r reference) compare(o reference) int {
	return cmp.Or(strings.Compare(r.Root, o.Root), strings.Compare(r.Ref, o.Ref))
}

func newFiles(pictureFolder string) *files {
	return &files{
		known: map[reference]sdk.AssetRef{}, stated: map[string]statement{}, pictures: pictures{dir: pictureFolder, left: maxPictures},
	}
}

// classify returns the kind of file a reference leads to, by its extension; empty when it is none.
func classify(ref string) string {
	if inline, ok := strings.CutPrefix(ref, "data:"); ok {
		kind, _, _ := strings.Cut(inline, "/")
		if kind == "image" || kind == "audio" || kind == "video" {
			return kind
		}
		return ""
	}
	if len(ref) > maxReference || strings.ContainsAny(ref, "<>\n\t\"|") {
		return ""
	}
	bare := ref
	if i := strings.IndexAny(bare, "?#"); i >= 0 {
		bare = bare[:i]
	}
	ext := path.Ext(bare)
	if ext == path.Base(bare) {
		return "" // an extension by itself
	}
	return extensions[strings.ToLower(ext)]
}

// resolve says what a reference in a document of the root means and how its bytes can be had. References are relative to
// Data, URL-encoded, lead into the installation, or are whole URLs. Nothing outside of the roots is ever looked at.
func (f *files) resolve(r root, ref string) sdk.AssetRef {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasPrefix(ref, "data:") {
		return f.pictures.embedded(ref)
	}
	key := reference{r.dir, ref}
	a, ok := f.known[key]
	if !ok {
		a = f.lookUp(r, ref)
		f.known[key] = a
	}
	return a
}

func (f *files) lookUp(r root, ref string) sdk.AssetRef {
	a := sdk.AssetRef{URI: ref, Status: sdk.Missing}
	if remote := address(ref); remote != "" {
		a.Status, a.URL = sdk.Remote, remote
		return a
	}
	if strings.Contains(ref, "*") {
		a.Status = sdk.Wildcard
		return a
	}
	for _, name := range spellings(ref) {
		if place := r.find(name, &a); place != "" {
			a.License = f.licence(r, place)
			return a
		}
	}
	inside := clean(ref)
	for _, folder := range coreFolders {
		if strings.HasPrefix(inside, folder) {
			a.Status = sdk.Core
		}
	}
	if a.Status == sdk.Missing && !r.installed(inside) {
		a.Status = sdk.Uninstalled
	}
	return a
}

// installed says whether the package that a path leads into is there. A path that leads into none is always said to be.
func (r root) installed(inside string) bool {
	parts := strings.SplitN(inside, "/", 3)
	if len(parts) < 3 || !slices.ContainsFunc(packageKinds[:], func(k packageKind) bool { return k.folder == parts[0] }) {
		return true
	}
	dirs := []string{parts[1]}
	if decoded, err := url.PathUnescape(parts[1]); err == nil {
		dirs = append(dirs, decoded)
	}
	for _, place := range r.search {
		for _, dir := range dirs {
			if info, err := place.stat(path.Join(parts[0], clean(dir))); err == nil && info.IsDir() {
				return true
			}
		}
	}
	return false
}

// address is the URL of a reference that is a whole one, fit to be fetched.
func address(ref string) string {
	u, err := url.Parse(strings.ReplaceAll(ref, "&amp;", "&")) // as HTML has it
	if err != nil || u.Host == "" {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
	case "": // as the page was fetched
		u.Scheme = "https"
	default:
		return ""
	}
	return u.String()
}

// spellings are the paths a reference may mean: as written, and with what HTML and URLs escape undone.
func spellings(ref string) []string {
	bare := html.UnescapeString(ref)
	names := []string{ref, bare}
	if i := strings.IndexAny(bare, "?#"); i >= 0 {
		bare = bare[:i]
		names = append(names, bare)
	}
	if decoded, err := url.PathUnescape(bare); err == nil {
		names = append(names, decoded)
	}
	return slices.Compact(names)
}

// clean is a path that leads nowhere but into the folder it is relative to.
func clean(name string) string { return path.Clean("/" + name)[1:] }

// find returns the path inside Data of the file that a name means; empty: it is in none of them.
func (r root) find(name string, a *sdk.AssetRef) string {
	for _, place := range r.search {
		inner, ok := place.local(clean(name))
		local := filepath.FromSlash(inner)
		if !ok {
			continue
		}
		if info, err := place.fs.Stat(local); err == nil && info.Mode().IsRegular() {
			a.Status, a.Path, a.Size = sdk.Present, filepath.Join(place.dir, local), info.Size()
			return clean(name)
		}
	}
	return ""
}

// role says what an asset is to its document. Documents inside an adventure count as if they stood alone.
func role(typ, pointer, kind string) string {
	if kind != "image" {
		return kind
	}
	if parts := strings.SplitN(pointer, "/", 4); typ == "Adventure" && len(parts) == 4 && documentTypes[parts[1]] != "" {
		typ, pointer = documentTypes[parts[1]], "/"+parts[3]
	}
	last := pointer[strings.LastIndexByte(pointer, '/')+1:]
	switch {
	case strings.Contains(pointer, "prototypeToken"), strings.HasPrefix(pointer, "/token/"),
		strings.Contains(pointer, "/tokens/") && !strings.Contains(pointer, "/items/"):
		return "token"
	case strings.Contains(pointer, "/tiles/"):
		return "tile"
	case last == "thumb":
		return "thumb"
	case strings.Contains(pointer, "foreground"):
		return "foreground"
	case typ == "Scene" && (strings.Contains(pointer, "/background/") || pointer == "/img"):
		return "map"
	case strings.Contains(pointer, "/pages/"), typ == "JournalEntry" && last != "icon":
		return "page"
	case typ == "Actor" && pointer == "/img":
		return "portrait"
	case last == "img", last == "icon":
		return "icon"
	default:
		return "other"
	}
}

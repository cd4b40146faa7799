package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
)

func TestStatic(t *testing.T) {
	h := newHouse(t)
	for name, mediaType := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "app.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		plain := h.ask(t, http.MethodGet, h.files.address(name))
		if plain.status != http.StatusOK || plain.head.Get("Content-Type") != mediaType ||
			plain.head.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.head.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", name, plain.status, plain.head)
		}
		content := plain.text
		packed := h.ask(t, http.MethodGet, h.files.address(name), header("Accept-Encoding", "br, gzip"))
		if len(content) < twinSize {
			continue
		}
		if packed.head.Get("Content-Encoding") != "gzip" || packed.head.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s is not compressed: %v", name, packed.head)
		}
		z, err := gzip.NewReader(strings.NewReader(packed.text))
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != content {
			t.Errorf("%s: the twin is another file (%v)", name, err)
		}
		refused := h.ask(t, http.MethodGet, h.files.address(name), header("Accept-Encoding", "gzip;q=0, identity"))
		if refused.head.Get("Content-Encoding") != "" {
			t.Errorf("%s is compressed for a browser that refuses it", name)
		}
	}
	for _, path := range []string{"/static/0000/app.js", "/static/" + h.files.hash + "/VENDOR.json", "/static/" + h.files.hash + "/..%2Fserver.go"} {
		if r := h.ask(t, http.MethodGet, path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	head := h.ask(t, http.MethodHead, h.files.address("app.js"))
	if text := head.text; text != "" || head.head.Get("Content-Length") == "" {
		t.Errorf("HEAD: %d bytes, %v", len(text), head.head)
	}
}

// TestBundle: htmx comes first, its extension and ours behind it, in one file.
func TestBundle(t *testing.T) {
	f, err := newFiles()
	if err != nil {
		t.Fatal(err)
	}
	script := string(f.named["app.js"].content)
	last := -1
	for _, mark := range []string{"var htmx=", `htmx.registerExtension("sse"`, `htmx.registerExtension("keep"`} {
		at := strings.Index(script, mark)
		if at <= last {
			t.Errorf("%q is at %d, behind something that needs it", mark, at)
		}
		last = at
	}
	if size := len(f.named["app.js"].twin); size > 20<<10 {
		t.Errorf("the script is %d bytes packed; it is meant to stay below 20 KB", size)
	}
}

// TestVendor recomputes the sums of what was taken over, and finds files that nobody vouches for.
func TestVendor(t *testing.T) {
	const root = "static/vendor"
	manifest, err := embedded.ReadFile(root + "/VENDOR.json")
	if err != nil {
		t.Fatal(err)
	}
	var packages []struct {
		Package, Version, License, Integrity string

		Files map[string]struct{ From, SHA256 string }
	}
	decoder := json.NewDecoder(bytes.NewReader(manifest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&packages); err != nil {
		t.Fatal(err)
	}
	vouched := map[string]bool{"VENDOR.json": true}
	for _, p := range packages {
		if p.Version == "" || p.License == "" || !strings.HasPrefix(p.Integrity, "sha512-") {
			t.Errorf("%s: version %q, licence %q, integrity %q", p.Package, p.Version, p.License, p.Integrity)
		}
		for name, file := range p.Files {
			vouched[name] = true
			content, err := embedded.ReadFile(root + "/" + name)
			if err != nil {
				t.Error(err)
				continue
			}
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != file.SHA256 {
				t.Errorf("%s is not %s of %s %s", name, file.From, p.Package, p.Version)
			}
		}
	}
	err = fs.WalkDir(embedded, root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !vouched[strings.TrimPrefix(path, root+"/")] {
			t.Errorf("%s is in no package of VENDOR.json", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var embedded embed.FS

// twinSize is from which size on a file gets a compressed twin.
const twinSize = 1 << 10

// file is one served file with its compressed twin, nil when that is not worth it.
type file struct {
	mediaType string
	content   []byte
	twin      []byte
}

// files are the static files. Their addresses carry a hash over all of them, so that they can be kept for ever.
type files struct {
	hash  string
	named map[string]file
}

// bundle are the parts of the one script. They are joined because extensions must be there before htmx begins: two
// deferred scripts would race.
var bundle = [...]string{"static/vendor/htmx/htmx.min.js", "static/vendor/htmx/hx-sse.min.js", "static/app.js"}

func newFiles() (*files, error) {
	script := []byte("/* htmx and hx-sse: htmx.org 4.0.1, 0BSD */\n")
	for _, name := range bundle {
		content, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("dashboard: bundle: %w", err)
		}
		script = append(append(script, content...), "\n;\n"...)
	}
	named := map[string]file{"app.js": {mediaType: "text/javascript; charset=utf-8", content: script}}
	for name, mediaType := range map[string]string{"app.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		content, err := embedded.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("dashboard: bundle: %w", err)
		}
		named[name] = file{mediaType: mediaType, content: content}
	}
	sum := sha256.New()
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		f := named[name]
		sum.Write(f.content)
		twin, err := compress(f.content)
		if err != nil {
			return nil, fmt.Errorf("dashboard: compress %s: %w", name, err)
		}
		f.twin = twin
		named[name] = f
	}
	return &files{hash: hex.EncodeToString(sum.Sum(nil)[:8]), named: named}, nil
}

func compress(content []byte) ([]byte, error) {
	if len(content) < twinSize {
		return nil, nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(content); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// address is where a file is served.
func (f *files) address(name string) string { return path.Join("/static", f.hash, name) }

func (f *files) serve(w http.ResponseWriter, r *http.Request) {
	found, ok := f.named[r.PathValue("file")]
	if !ok || r.PathValue("hash") != f.hash {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", found.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	content := found.content
	if found.twin != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		content = found.twin
	}
	h.Set("Content-Length", fmt.Sprint(len(content)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(content) // the browser has gone: nobody is left to tell
}

func acceptsGzip(header string) bool {
	for encoding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(encoding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.ReplaceAll(weight, " ", "") != "q=0"
		}
	}
	return false
}

package dashboard

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"time"
)

var (
	assetID    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	resolution = regexp.MustCompile(`^(original|thumbnail|preview|display)$`)
)

// picture serves a rendition. Its bytes come from a source and may be anything, so the browser is told not to guess what
// they are and not to let them do anything.
func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	id, word := r.PathValue("sha"), r.PathValue("resolution")
	if s.config.Pictures == nil || !assetID.MatchString(id) || !resolution.MatchString(word) {
		http.Error(w, "There is no such picture.", http.StatusNotFound)
		return
	}
	content, mediaType, err := s.config.Pictures.Open(r.Context(), id, word)
	if err != nil {
		s.noPicture(r.Context(), w, id, err)
		return
	}
	defer content.Close() //nolint:errcheck // it was only read
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `"`+id+"-"+word+`"`)
	if strings.HasPrefix(mediaType, "image/") {
		h.Set("Content-Type", mediaType)
	} else {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment")
	}
	if seeker, ok := content.(io.ReadSeeker); ok {
		http.ServeContent(w, r, "", time.Time{}, seeker)
		return
	}
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, content) // a broken connection or a broken blob: the header is out, the length tells
	}
}

func (s *Server) noPicture(ctx context.Context, w http.ResponseWriter, id string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "There is no such picture.", http.StatusNotFound)
		return
	}
	if ctx.Err() == nil {
		s.config.Log.Warn("picture not opened", "asset", id, "error", err)
	}
	http.Error(w, "The picture cannot be read now.", http.StatusServiceUnavailable)
}

package foundry

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// Bounds of what is taken out of documents: bytes of one picture, and of all that were not taken out before.
const (
	maxPicture  = 16 << 20
	maxPictures = 1 << 30
)

// pictures takes pictures out of the documents that they stand in, into files that are called by the hash of their bytes.
type pictures struct {
	dir  string // empty: they stay where they are
	left int64  // bytes that may still be written
}

// pictureFolder is where pictures are put: where they are still found when the run is resumed, if there is such a place.
func pictureFolder(env sdk.Environment) string {
	for _, dir := range []string{env.CacheDir, env.WorkDir} {
		if dir != "" {
			return filepath.Join(dir, "foundry-data-uri")
		}
	}
	return ""
}

// embedded names a picture that stands in the document itself by the hash of the reference, which as written can be megabytes
// long, and puts its bytes into a file. One that is damaged, or too large, is named and no more.
func (p *pictures) embedded(ref string) sdk.AssetRef {
	sum := sha256.Sum256([]byte(ref))
	head, body, _ := strings.Cut(strings.TrimPrefix(ref, "data:"), ",")
	media, parameters, _ := strings.Cut(head, ";")
	if len(media) > 64 {
		media = classify(ref)
	}
	a := sdk.AssetRef{URI: "data:" + media + "#" + hex.EncodeToString(sum[:16]), Status: sdk.DataURI, MediaType: media}
	if data := decode(body, strings.HasSuffix(strings.ToLower(strings.TrimSpace(parameters)), "base64")); data != nil {
		if name, ok := p.keep(data); ok {
			a.Path, a.Size = name, int64(len(data))
		}
	}
	return a
}

// decode is the bytes of the body of a data: URI; nil when there are none.
func decode(body string, coded bool) []byte {
	if len(body) > 2*maxPicture {
		return nil
	}
	if plain, err := url.PathUnescape(body); err == nil {
		body = plain
	}
	data := []byte(body)
	if coded {
		body = strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", " ", "", "-", "+", "_", "/").Replace(body), "=")
		var err error
		if data, err = base64.RawStdEncoding.DecodeString(body); err != nil {
			return nil
		}
	}
	if len(data) == 0 || len(data) > maxPicture {
		return nil
	}
	return data
}

// keep writes a file, unless it is there already, and returns its name.
func (p *pictures) keep(data []byte) (name string, ok bool) {
	if p.dir == "" {
		return "", false
	}
	sum := sha256.Sum256(data)
	name = filepath.Join(p.dir, hex.EncodeToString(sum[:]))
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(data)) {
		return name, true
	}
	if p.left -= int64(len(data)); p.left < 0 || os.MkdirAll(p.dir, 0o700) != nil {
		return "", false
	}
	f, err := os.CreateTemp(p.dir, ".new-*")
	if err != nil {
		return "", false
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			p.left = 0 // nothing can be done here: no more is tried
		}
		return "", false
	}
	return name, true
}

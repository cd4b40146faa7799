package pdf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/keep"
	"github.com/seed-98789ff7/converter/sdk"
)

// picturesPiece is the piece that lists the pictures of a file, once all of it was sent.
const picturesPiece = "pictures"

// inFile is a picture in that list.
type inFile struct {
	SHA256 string
	Bytes  int64
}

// revision names the state that a file is read in. What else its records hang on are the options, which the host looks after.
func (l *library) revision(sum [sha256.Size]byte) []byte {
	h := sha256.New()
	_, _ = h.Write(sum[:])            // never fails
	_, _ = h.Write([]byte(l.written)) // never fails
	return []byte(hex.EncodeToString(h.Sum(nil)))
}

// isAt says whether a file is in the state that a revision names, and its pictures are still there. What is kept for so long
// only is read again after that.
func (l *library) isAt(known []byte, sum [sha256.Size]byte) bool {
	if len(known) == 0 || string(known) != string(l.revision(sum)) || l.kept == nil {
		return false
	}
	data, ok := l.kept.Get(l.key(sum), picturesPiece)
	var list []inFile
	if !ok || json.Unmarshal(data, &list) != nil {
		return false
	}
	for _, p := range list {
		if _, there := l.pictures.Use(p.SHA256, p.Bytes); !there {
			return false
		}
	}
	return true
}

// sign tells the host in which state a file was read, unless another reading may be luckier.
func (r *reading) sign() error {
	w, ok := r.out.(sdk.RevisionWriter)
	if !ok || !r.keeps || r.unlucky {
		return nil
	}
	if slices.ContainsFunc(r.pages, passing) {
		return nil
	}
	list := make([]inFile, len(r.pictures))
	for i, k := range r.pictures {
		list[i] = inFile{k.SHA, k.Bytes}
	}
	if err := r.keep(picturesPiece, func() ([]byte, error) { return json.Marshal(list) }); err != nil || !r.keeps {
		return err
	}
	return w.Revision(r.file.name, r.library.revision(r.sum))
}

// key is that of what is kept of a file.
func (l *library) key(sum [sha256.Size]byte) keep.Key {
	return keep.Key{File: sum, Extractor: reader, Options: l.options.fingerprint()}
}

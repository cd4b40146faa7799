package sdk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
)

// maxAbout is how much may be known of an answer beside its body, in bytes.
const maxAbout = 256 << 10

// store keeps answers in files, one each: a line of JSON that says what is known of it, and the body. A file is put in its
// place whole, so that several processes may share a folder; one that is damaged counts as missing.
type store struct{ dir string }

func (s *store) path(key string) string { return filepath.Join(s.dir, key[:2], key) }

// load returns an answer, or nil when there is none that can be used.
func (s *store) load(key string) *answer {
	path := s.path(key)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBody+maxAbout {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	about, body, whole := bytes.Cut(content, []byte("\n"))
	a := &answer{body: body}
	if !whole || json.Unmarshal(about, a) != nil || a.Status != http.StatusOK || a.SHA256 != sumOf(body) {
		return nil
	}
	return a
}

// save keeps an answer in place of the one before it.
func (s *store) save(key string, a *answer) error {
	kept := *a
	kept.SHA256 = sumOf(a.body)
	kept.Header = a.Header.Clone()
	for _, name := range []string{"Set-Cookie", "Connection", "Transfer-Encoding", "Content-Length", "Cache-Status"} {
		kept.Header.Del(name)
	}
	about, err := json.Marshal(&kept)
	if err != nil {
		return err
	}
	folder := filepath.Dir(s.path(key))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(about, '\n'))
	if err == nil {
		_, err = file.Write(a.body)
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path(key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// drop forgets an answer that another one has taken the place of.
func (s *store) drop(key string) { _ = os.Remove(s.path(key)) } // mostly there is none

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

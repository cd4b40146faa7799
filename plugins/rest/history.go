package rest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// history is what a list held when it was read last: the hash of each record, and the records themselves where only changes
// are asked for. A file that is damaged counts as missing.
type history struct {
	path   string // empty: nothing is kept
	cursor string // highest one seen
	// revision names what was sent of the list, when all of it was; empty: something is missing.
	revision string
	ids      []string
	known    map[string]entry
}

type entry struct {
	ID   string          `json:"id"`
	Hash string          `json:"hash"`
	Sum  string          `json:"sum,omitempty"` // of the record as it was sent, whatever is to be ignored
	Raw  json.RawMessage `json:"raw,omitempty"`
}

type heading struct {
	Cursor   string `json:"cursor"`
	Count    int    `json:"count"`
	Revision string `json:"revision,omitempty"`
}

// remember reads the history of a list.
func (s *Source) remember(r *resource) *history {
	h := &history{known: map[string]entry{}}
	if s.env.CacheDir == "" {
		return h
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{s.env.Source, r.url.String(), r.Name}, "\n")))
	h.path = filepath.Join(s.env.CacheDir, "records", hex.EncodeToString(sum[:12])+".jsonl")
	if err := h.read(); err != nil {
		h.ids, h.known, h.cursor, h.revision = nil, map[string]entry{}, "", ""
	}
	return h
}

func (h *history) read() error {
	file, err := os.Open(h.path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bufio.NewReader(file))
	var head heading
	err = d.Decode(&head)
	for err == nil {
		var e entry
		if err = d.Decode(&e); err == nil {
			h.put(e)
		}
	}
	h.cursor, h.revision = head.Cursor, head.Revision
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && len(h.ids) != head.Count {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, file.Close())
}

func (h *history) put(e entry) {
	if _, there := h.known[e.ID]; !there {
		h.ids = append(h.ids, e.ID)
	}
	h.known[e.ID] = e
}

// write puts the history in the place of the one before.
func (h *history) write() error {
	if h.path == "" {
		return nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(heading{Cursor: h.cursor, Count: len(h.ids), Revision: h.revision})
	for _, id := range h.ids {
		err = errors.Join(err, enc.Encode(h.known[id]))
	}
	folder := filepath.Dir(h.path)
	if err = errors.Join(err, os.MkdirAll(folder, 0o700)); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text.Bytes())
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), h.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// hashOf is the same for two documents that differ in nothing but the order of their members, and in what is to be ignored,
// which is removed from v.
func hashOf(v any, ignored Words) string {
	for _, path := range ignored {
		without(v, path)
	}
	text, err := json.Marshal(v) // members in order, numbers as they were written
	if err != nil {
		return "" // it was decoded from JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// later returns the higher of two cursors, as numbers where both are.
func later(a, b string) string {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	higher := b > a
	if errA == nil && errB == nil {
		higher = y > x
	}
	if higher {
		return b
	}
	return a
}

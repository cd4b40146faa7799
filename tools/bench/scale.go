package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	reader "github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
)

// scales are how many times the documents of the largest pack a pack has, to see what grows with it.
var scales = []int{4, 16}

func scaled(name string, n int) string { return fmt.Sprintf("%s-%dx", name, n) }

// The variants of a scaled pack.
func peerScaled(n int) string {
	return fmt.Sprintf("(a) official CLI: unpack %s, %d times as large", largest, n)
}
func oursScaled(n int) string { return fmt.Sprintf("(b) ours: %s, %d times as large", largest, n) }

// multiply writes a pack that has every document of another one n times. Ids are made distinct by their first two characters.
func multiply(to, from string, n int) error {
	in, err := reader.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	out, err := leveldb.OpenFile(to, &opt.Options{NoSync: true, ErrorIfExist: true})
	if err != nil {
		return err
	}
	entries := 0
	for i := range n {
		mark := fmt.Sprintf("%02d", i)
		for c := in.Cursor(nil); c.Next(); entries++ {
			collection, ids, _ := strings.Cut(strings.TrimPrefix(string(c.Key()), "!"), "!")
			id, _, embedded := strings.Cut(ids, ".")
			value := c.Value()
			if !embedded { // it says its own id once more
				value = bytes.Replace(value, []byte(`"_id":"`+id+`"`), []byte(`"_id":"`+mark+id[2:]+`"`), 1)
			}
			if err := out.Put([]byte("!"+collection+"!"+mark+ids[2:]), value, nil); err != nil {
				return errors.Join(err, out.Close())
			}
		}
	}
	if err := errors.Join(out.CompactRange(util.Range{}), out.Close()); err != nil {
		return err
	}
	return counted(to, entries)
}

// counted says whether a pack has so many entries: two ids that became one would spoil the comparison.
func counted(dir string, want int) error {
	db, err := reader.Open(dir)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // only read
	n := 0
	for c := db.Cursor(nil); c.Next(); n++ {
		continue
	}
	if n != want {
		return fmt.Errorf("%s has %d entries instead of %d", dir, n, want)
	}
	return nil
}

// scale measures both readers on the scaled packs.
func (r *round) scale(ctx context.Context) error {
	for _, n := range scales {
		name := scaled(largest, n)
		packs, out := filepath.Join(r.dir, "scaled"), filepath.Join(r.dir, "scaled-unpacked", name)
		if err := copyTree(filepath.Join(packs, name), filepath.Join(r.work, "scaled", name)); err != nil {
			return err
		}
		settle()
		took, err := r.peer.unpack(ctx, packs, name, filepath.Dir(out))
		if err != nil {
			return err
		}
		r.costs[peerScaled(n)] = took
		want, err := countFiles(out)
		if err != nil {
			return err
		}
		got, err := r.worker(ctx, oursScaled(n), "hash", filepath.Join(r.work, "scaled", name))
		if err != nil {
			return err
		}
		if got.Documents != want.Documents {
			return fmt.Errorf("%s: the official tool wrote %d documents, ours read %d: it cannot be compared", name, want.Documents, got.Documents)
		}
	}
	return nil
}

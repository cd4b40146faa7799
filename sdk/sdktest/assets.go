package sdktest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// checkAssets fetches a few assets, each twice.
func checkAssets(ctx context.Context, b *bench) Result {
	switch {
	case b.first == nil:
		return skipped(notRead)
	case len(b.first.keys) == 0:
		return skipped("no record refers to an asset by key")
	}
	var bytes int64
	for _, ref := range b.first.keys {
		first, sum, err := b.fetch(ctx, ref)
		if err != nil {
			return failed("fetch what records refer to by key, or call it missing", "asset %q: %v", ref.Key, err)
		}
		again, other, err := b.fetch(ctx, ref)
		switch {
		case err != nil:
			return failed("an asset can be fetched any number of times", "asset %q, fetched again: %v", ref.Key, err)
		case first != again || sum != other:
			return failed("the same key means the same bytes", "asset %q had %d bytes, and then %d others", ref.Key, first, again)
		case ref.Size > 0 && ref.Size != first:
			return failed("leave the size 0 where it is not known", "asset %q has %d bytes, and the record says %d", ref.Key, first, ref.Size)
		}
		bytes += first
	}
	return ok("%s of %d bytes in all, twice the same", count(len(b.first.keys), "asset"), bytes)
}

func (b *bench) fetch(ctx context.Context, ref sdk.AssetRef) (int64, [sha256.Size]byte, error) {
	var size int64
	var sum [sha256.Size]byte
	err := b.call(ctx, func(ctx context.Context) error {
		asset, err := b.source.FetchAsset(ctx, ref)
		if err != nil {
			return err
		}
		if asset.Body == nil {
			return errors.New("it has no body")
		}
		h := sha256.New()
		n, err := io.Copy(h, asset.Body)
		if err := errors.Join(err, asset.Body.Close()); err != nil {
			return err
		}
		if asset.Size >= 0 && asset.Size != n {
			return fmt.Errorf("it has %d bytes, not %d as announced", n, asset.Size)
		}
		size, sum = n, [sha256.Size]byte(h.Sum(nil))
		return nil
	})
	if err != nil { // the call may not have ended
		return 0, [sha256.Size]byte{}, err
	}
	return size, sum, nil
}

// checkFiles looks at the files that records refer to by path.
func checkFiles(_ context.Context, b *bench) Result {
	switch {
	case b.first == nil:
		return skipped(notRead)
	case len(b.first.paths) == 0:
		return skipped("no record refers to a file")
	}
	folders := b.Configuration.Folders()
	for _, path := range slices.Sorted(maps.Keys(b.first.paths)) {
		wrong := ""
		info, err := os.Stat(path)
		switch {
		case !filepath.IsAbs(path):
			wrong = "it is not absolute"
		case err != nil:
			wrong = err.Error()
		case !info.Mode().IsRegular():
			wrong = "it is not a regular file"
		default:
			if out := leadsOut(folders, path); out != "" {
				return failed("the converter opens what lies in a folder that the options name, in WorkDir or in CacheDir, and follows no link "+
					"out of them; put other files into WorkDir, or serve them by Key", "record %q refers to %s: %s", b.first.paths[path], path, out)
			}
		}
		if wrong != "" {
			return failed("a path is that of a file the converter can open; where there is none, the asset is missing",
				"record %q refers to %s: %s", b.first.paths[path], path, wrong)
		}
	}
	return ok("%s, all there, in the folders that the options name", count(len(b.first.paths), "file"))
}

// leadsOut says in which way a file lies outside of the folders; empty: it does not.
func leadsOut(folders []string, path string) string {
	byLink := false
	for _, folder := range folders {
		name, err := filepath.Rel(folder, path)
		if err != nil || !filepath.IsLocal(name) {
			continue
		}
		if name == "." { // the options name this very file
			folder, name = filepath.Split(path)
		}
		if below(folder, name) {
			return ""
		}
		byLink = true
	}
	if byLink {
		return "a link on its way leads out of the folders that the source may use: " + strings.Join(folders, ", ")
	}
	return "it lies outside of the folders that the source may use: " + strings.Join(folders, ", ")
}

// below returns whether a name leads to something in a folder, all links followed.
func below(folder, name string) bool {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return false
	}
	defer func() { _ = root.Close() }() // nothing was written
	_, err = root.Stat(name)
	return err == nil
}

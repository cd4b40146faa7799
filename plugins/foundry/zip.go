package foundry

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// What a zip file may become. Foundry's largest modules have some GB of maps.
const (
	maxZipFiles = 200_000
	maxZipBytes = 16 << 30
)

// unzip unpacks the package in a zip file into a folder of the plugin's own, which is used again as long as the file stays what
// it is. The zip file itself is only read.
func (l *library) unzip(name string, info fs.FileInfo, configPath string) (string, error) {
	base, err := l.ownFolder()
	if err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", name, err)
	}
	place := filepath.Join(base, "zip-"+shortSum(name))
	dir := filepath.Join(place, shortSum(fmt.Sprint(info.Size(), info.ModTime().UnixNano())))
	if _, err := os.Stat(dir); err != nil {
		_ = os.RemoveAll(place) // what an older file became, or a killed run left
		if err := os.MkdirAll(place, 0o755); err != nil {
			return "", err
		}
		part := dir + ".part"
		if err := unpack(name, part); err != nil {
			_ = os.RemoveAll(part) // the reason matters
			return "", zipFault(name, configPath, err)
		}
		if err := os.Rename(part, dir); err != nil {
			return "", err
		}
	}
	return innermost(dir), nil
}

// ownFolder is where the plugin may write: kept across runs, or for this one.
func (l *library) ownFolder() (string, error) {
	if folder := first(l.env.CacheDir, l.env.WorkDir); folder != "" {
		return folder, nil
	}
	if l.temporary == "" {
		dir, err := os.MkdirTemp("", "converter-foundry-")
		if err != nil {
			return "", err
		}
		l.temporary = dir
	}
	return l.temporary, nil
}

func shortSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x", sum[:8])
}

// innermost goes into folders that hold one folder and nothing else, in which many zip files wrap their package.
func innermost(dir string) string {
	for range 4 {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 || !entries[0].IsDir() || dataFolder.in(dir) {
			break
		}
		dir = filepath.Join(dir, entries[0].Name())
	}
	return dir
}

var errZipLarge = errors.New("it holds more than can be unpacked")

// unpack writes the plain files of a zip file into a new folder. Names that lead out of it, links and devices are left out.
func unpack(name, dir string) (err error) {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // only read
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if len(archive.File) > maxZipFiles {
		return fmt.Errorf("%w: %d files", errZipLarge, len(archive.File))
	}
	budget := int64(maxZipBytes)
	for _, f := range archive.File {
		inner := strings.ReplaceAll(f.Name, "\\", "/")
		if !fs.ValidPath(inner) || !f.Mode().IsRegular() || strings.HasSuffix(inner, "/") {
			continue
		}
		n, err := unpackFile(to, f, inner, budget)
		if err != nil {
			return fmt.Errorf("%s: %w", inner, err)
		}
		budget -= n
	}
	return nil
}

func unpackFile(to *os.Root, f *zip.File, name string, budget int64) (n int64, err error) {
	from, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = from.Close() }() // only read
	if err := to.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o755); err != nil {
		return 0, err
	}
	file, err := to.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(file, io.LimitReader(from, budget+1))
	if err == nil && n > budget {
		err = fmt.Errorf("%w: %d GB", errZipLarge, maxZipBytes>>30)
	}
	return n, errors.Join(err, file.Close())
}

func zipFault(name, configPath string, err error) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "foundry.zip_unreadable", Summary: "the zip file " + name + " cannot be read", Cause: err,
		Suggestion: "download it again, or unpack it and name the folder", ConfigPath: configPath,
	}
	if errors.Is(err, errZipLarge) {
		d.Kind, d.Suggestion = sdk.Unsupported, "unpack it yourself and name the folder"
	}
	return d
}

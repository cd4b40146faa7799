package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// places finds the root of the repository and the folder of real content: the one CONVERTER_TESTDATA names, else
// shared/data beside the repository, as for the tests.
func places() (repo, data string, err error) {
	if repo, err = os.Getwd(); err != nil {
		return "", "", fmt.Errorf("working folder: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(repo, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(repo)
		if parent == repo {
			return "", "", errors.New("no go.mod above the working folder: run it inside the repository")
		}
		repo = parent
	}
	data = os.Getenv(testdata.Variable)
	if data == "" {
		data = filepath.Join(filepath.Dir(repo), "shared", "data")
	}
	return repo, data, nil
}

// need says what to do when something that is to be measured is not there.
func need(path, advice string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s is not there: %s", path, advice)
	}
	return nil
}

// copyTree copies a folder, so that what works on the copy can write to it whatever the original's rights are.
func copyTree(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.Chmod(path, info.Mode().Perm()|0o200)
	})
}

// hollow empties all files below a folder, and leaves them there. What is removed makes the next files cost more: ext4
// takes no inode for a new file that was let go in the last minutes, and looks through all of those first.
func hollow(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return os.Truncate(path, 0)
	})
}

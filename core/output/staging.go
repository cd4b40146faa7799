package output

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

const (
	lockSuffix = ".lock"
	oldSuffix  = ".old"
	infix      = ".converter-" // between the output's name and a random part, in the names of folders beside it
)

// staging is a folder beside an output's folder that takes its place at the end. A locked file beside both says that its
// writer lives; a folder without one was left by a killed run and is removed by the next.
//
//	out                        the output
//	.out.converter-RANDOM.lock the lock, there before the folder and gone after it
//	.out.converter-RANDOM      what is written; after the exchange, what stood at out before, until it is removed
//	.out.converter-RANDOM.old  the same where folders cannot be exchanged in one step
type staging struct {
	path string // of the output
	dir  string // beside it
	lock *os.File
	done bool
}

// begin checks that path may be replaced, clears what killed runs left beside it, and makes the folder.
func begin(path string) (*staging, error) {
	path, err := place(path)
	if err != nil {
		return nil, err
	}
	s := &staging{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, s.fail("make the folder it is to stand in", err)
	}
	if err := sweep(path); err != nil {
		return nil, err
	}
	if err := s.reserve(); err != nil {
		return nil, s.fail("make a lock file beside it", err)
	}
	if err := os.Mkdir(s.dir, 0o777); err != nil {
		return nil, errors.Join(s.fail("make a folder beside it", err), unlock(s.lock))
	}
	return s, nil
}

// reserve makes and locks the lock file of a folder that is not there yet. The name of a file that another run's sweep
// was quick enough to take for a killed run's is given up.
func (s *staging) reserve() error {
	for {
		s.dir = beside(s.path) + rand.Text()[:randomLength]
		f, err := lock(s.dir + lockSuffix)
		if !errors.Is(err, errHeld) {
			s.lock = f
			return err
		}
	}
}

const randomLength = 10

// beside is what the names of all folders beside path begin with.
func beside(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+infix)
}

// errHeld says that another process has a lock, or has removed the file that was to be locked.
var errHeld = errors.New("held by another process")

// lock opens and locks a file, which is made if it is not there.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	mine, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if there, err := os.Stat(path); err != nil || !os.SameFile(mine, there) {
		return nil, errors.Join(errHeld, f.Close())
	}
	return f, nil
}

// unlock gives up a lock and removes its file, unless a sweep has done so.
func unlock(f *os.File) error {
	err := errors.Join(f.Close(), os.Remove(f.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes the folders that killed runs left beside path.
func sweep(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil //nolint:nilerr // where nothing can be listed, nothing can be swept; writing may be possible all the same
	}
	last := ""
	for _, e := range entries { // in the order of their names, so that what belongs together comes together
		name, ok := strings.CutPrefix(e.Name(), filepath.Base(beside(path)))
		if name = strings.TrimSuffix(strings.TrimSuffix(name, lockSuffix), oldSuffix); !ok || !isRandom(name) || name == last {
			continue
		}
		last = name
		if err := sweepOne(path, beside(path)+name); err != nil {
			return err
		}
	}
	return nil
}

func isRandom(name string) bool {
	return len(name) == randomLength && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// sweepOne removes what belongs to one killed run. The previous output is put back if the run was killed between taking
// it away and putting the new one in its place.
func sweepOne(path, dir string) error {
	held, err := lock(dir + lockSuffix)
	if err != nil {
		return nil //nolint:nilerr // held: its writer lives, and it is not ours to touch
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(dir+oldSuffix, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			err = errors.Join(err, held.Close())
			return unreachable(path, "the previous output cannot be put back from "+dir+oldSuffix, "rename it by hand", err)
		}
	}
	if err := errors.Join(os.RemoveAll(dir+oldSuffix), os.RemoveAll(dir), unlock(held)); err != nil {
		return unreachable(path, "what a killed run left cannot be removed: "+dir, "remove it by hand", err)
	}
	return nil
}

// commit swaps the folder with the output and removes the previous one.
func (s *staging) commit() error {
	if s.done {
		return nil
	}
	if err := Replaceable(s.path); err != nil {
		return errors.Join(err, s.abort())
	}
	if err := s.swap(); err != nil {
		return errors.Join(s.fail("put it in place", err), s.abort())
	}
	s.done = true
	// The output is in place. What cannot be removed of the previous one is swept by the next run, or named by it.
	_ = errors.Join(os.RemoveAll(s.dir), os.RemoveAll(s.dir+oldSuffix), unlock(s.lock))
	return nil
}

func (s *staging) swap() error {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(s.dir, s.path); !errors.Is(err, fs.ErrExist) {
			return err
		}
		// Another run was quicker.
	}
	return exchange(s.dir, s.path)
}

// swapByTwo takes the old folder away and puts the new one in its place. A run killed in between is mended by sweep.
func swapByTwo(fresh, path string) error {
	old := fresh + oldSuffix
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return nil
}

func (s *staging) abort() error {
	if s.done {
		return nil
	}
	s.done = true
	if err := errors.Join(os.RemoveAll(s.dir), unlock(s.lock)); err != nil {
		return s.fail("remove what was written beside it", err)
	}
	return nil
}

// fail makes a user's error of what the system said.
func (s *staging) fail(doing string, err error) error {
	suggestion := "check the folder's rights and its disk"
	kind := "output.unwritable"
	switch {
	case isFull(err):
		kind, suggestion = "output.disk_full", "make room on the disk, or write to another one; the previous output is untouched"
	case errors.Is(err, fs.ErrPermission), isReadOnly(err):
		kind, suggestion = "output.read_only", "give the user who runs this the right to write there, or name another folder"
	}
	return diagnose(sdk.Unavailable, s.path, kind, "the output cannot be written: "+doing, suggestion, err)
}

func refused(path, code, summary, suggestion string) error {
	return diagnose(sdk.Invalid, path, code, summary, suggestion, nil)
}

func unreachable(path, summary, suggestion string, cause error) error {
	return diagnose(sdk.Unavailable, path, "output.unreachable", summary, suggestion, cause)
}

func diagnose(kind sdk.Kind, path, code, summary, suggestion string, cause error) error {
	return &sdk.Diagnostic{
		Kind: kind, Code: code, Summary: summary + " (" + path + ")", Suggestion: suggestion, Cause: cause,
		Origin: sdk.Origin{URI: path},
	}
}

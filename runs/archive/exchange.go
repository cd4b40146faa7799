package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Folders and files of an exchange within the root.
const (
	exchangeDir = "restore"
	newDir      = "new"
	oldDir      = "old"
	markName    = "commit"
)

// mark is what a decided exchange has to do.
type mark struct {
	Parts []string `json:"parts"`
	Keep  string   `json:"keep,omitempty"` // folder that gets what was there; empty: it is removed
}

// Staging is where the new parts of root are put together. What lies there counts for nothing until [Exchange].
func Staging(root string) string { return filepath.Join(root, exchangeDir, newDir) }

// Exchange puts parts of root, which are folders by relative path and are ready in [Staging], in the place of those that
// are there. What was there goes to the folder keep, or away when keep is empty.
//
//	parts made ready ─► mark written ─► old part out, new part in, part after part ─► mark removed ─► old ones removed
//	  killed: undone        └──────────────── killed: [Finish] goes on from there ──────────┘
//
// It is decided when the mark is written: killed before, nothing has happened; killed after, Finish does the rest.
func Exchange(root string, parts []string, keep string) error {
	text, err := json.Marshal(mark{Parts: parts, Keep: keep})
	if err != nil {
		return err
	}
	dir := filepath.Join(root, exchangeDir)
	draft := filepath.Join(dir, markName+".part")
	if err := writeSynced(draft, text); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(draft, filepath.Join(dir, markName)), syncDir(dir)); err != nil {
		return err
	}
	return Finish(root)
}

// Finish ends what an [Exchange] that was killed began in root, or removes what one left that had decided nothing yet.
// Whoever opens root calls it before anything else, when nobody else is at work there.
func Finish(root string) error {
	dir := filepath.Join(root, exchangeDir)
	text, err := os.ReadFile(filepath.Join(dir, markName))
	if errors.Is(err, os.ErrNotExist) {
		return os.RemoveAll(dir)
	}
	var m mark
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return fmt.Errorf("finish what a restore began: %w", err)
	}
	for _, part := range m.Parts {
		if err := exchange(root, filepath.FromSlash(part)); err != nil {
			return fmt.Errorf("finish what a restore began: %w", err)
		}
	}
	if m.Keep != "" {
		err := os.Rename(filepath.Join(dir, oldDir), filepath.Join(root, m.Keep))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("finish what a restore began: %w", err)
		}
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, markName)), syncDir(dir)); err != nil {
		return fmt.Errorf("finish what a restore began: %w", err)
	}
	return os.RemoveAll(dir)
}

// exchange does what is left to do for one part.
func exchange(root, part string) error {
	fresh := filepath.Join(Staging(root), part)
	if _, err := os.Lstat(fresh); errors.Is(err, os.ErrNotExist) {
		return nil // it is in its place
	} else if err != nil {
		return err
	}
	live := filepath.Join(root, part)
	if err := os.MkdirAll(filepath.Dir(live), 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(live); err == nil {
		old, err := freeName(filepath.Join(root, exchangeDir, oldDir, part))
		if err != nil {
			return err
		}
		if err := os.Rename(live, old); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(fresh, live), syncDir(filepath.Dir(live)))
}

// freeName returns path, or a name like it that is not taken: something may have been made anew in the place of what had
// gone there before.
func freeName(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	name := path
	for n := 2; ; n++ {
		_, err := os.Lstat(name)
		if errors.Is(err, os.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncDir makes renames in a folder last, where the system can.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	_ = dir.Sync() // Windows cannot
	return dir.Close()
}

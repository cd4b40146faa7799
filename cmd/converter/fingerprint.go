package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// own names this very program by its bytes. What it makes of a record may be another thing in another build, and so may be what
// its plugins send.
var own = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return fileSum(self)
})

func fileSum(path string) (sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fingerprint names all that decides what a source sends of what it reads: this program, the plugin's, the options as they were
// given, where paths in them begin, and what it sees of the environment. Secrets are in none but as a part of a hash. Empty: it
// cannot be told.
func fingerprint(command string, s Source, c sdk.Configuration) string {
	self, err := own()
	if err != nil {
		return ""
	}
	plugin := self
	if _, ok := builtIn()[s.Plugin]; !ok || s.Path != "" {
		if plugin, err = fileSum(command); err != nil {
			return ""
		}
	}
	text, err := json.Marshal([]any{self, plugin, c.Source, c.Options, c.BaseDir, c.CacheDir, s.Env})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

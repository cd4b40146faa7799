package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// Sum returns the SHA-256 sum of a file, in hexadecimal digits.
func Sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// pinned holds that a program is the one that was meant. It looks before every start, and at the program alone: what a
// script loads besides is not looked at, nor is a file that is replaced between the look and the start.
func pinned(name, program, want string) error {
	if want == "" {
		return nil
	}
	got, err := Sum(program)
	if err != nil {
		return notExecutable(name, program, err.Error())
	}
	if strings.EqualFold(got, want) {
		return nil
	}
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeChecksum,
		Summary:    fmt.Sprintf("plugin %q: %s is not the program that the config pins; it was not started", name, program),
		Detail:     fmt.Sprintf("sha256 in the config:  %s\nsha256 of the program: %s", strings.ToLower(want), got),
		Suggestion: "if you updated the plugin yourself, run `converter plugin lock --write`; if not, find out who changed the file",
	}
}

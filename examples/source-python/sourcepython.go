// Package sourcepython holds what plugins in Python are written with, the Python package converter_source beside it, so that
// a program in Go can put a copy of it into a new plugin. What the package does is said in its own words, in
// converter_source/__init__.py; the example that is written with it is described in README.md.
//
// It starts no goroutine and returns no errors.
package sourcepython

import "embed"

// Package is the name of the Python package, and of its folder in [Files].
const Package = "converter_source"

// Files holds the folder of the Python package, with all of its modules.
//
//go:embed converter_source/*.py
var Files embed.FS

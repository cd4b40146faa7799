// Package jcs writes JSON in the one canonical form of RFC 8785: members ordered by the UTF-16 units of their names,
// numbers and strings as ECMAScript writes them, no white space. Two documents mean the same exactly when their
// canonical forms are the same bytes, which is what tests and benchmarks compare by.
//
// It leaves reading to encoding/json, whose last member counts where a name stands twice. It starts no goroutine. Its
// errors are plain ones: a value that JSON does not have.
package jcs

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Transform returns the canonical form of a JSON text.
func Transform(text []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return Append(nil, v)
}

// Append adds the canonical form of v to out. V is made of what encoding/json puts into an empty interface: nil, bool,
// float64, string, []any and map[string]any.
func Append(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case float64:
		return appendNumber(out, v)
	case string:
		return appendString(out, v), nil
	case []any:
		return appendArray(out, v)
	case map[string]any:
		return appendObject(out, v)
	}
	return nil, fmt.Errorf("canonical JSON: a %T is not a JSON value", v)
}

func appendArray(out []byte, array []any) ([]byte, error) {
	out = append(out, '[')
	for i, v := range array {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = Append(out, v); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendObject(out []byte, object map[string]any) ([]byte, error) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, compare)
	out = append(out, '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		var err error
		if out, err = Append(out, object[name]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendNumber writes the shortest digits that read back as f: plain from 1e-6 up to 1e21, else with an exponent.
func appendNumber(out []byte, f float64) ([]byte, error) {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, fmt.Errorf("canonical JSON: %v is not a JSON number", f)
	case f == 0:
		return append(out, '0'), nil // -0 too
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(out, f, 'f', -1, 64), nil
	}
	digits := strconv.FormatFloat(f, 'e', -1, 64)
	digits = strings.Replace(digits, "e-0", "e-", 1) // Go writes two digits of exponent at least
	return append(out, digits...), nil
}

func appendString(out []byte, s string) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, '\\', 'b')
		case '\t':
			out = append(out, '\\', 't')
		case '\n':
			out = append(out, '\\', 'n')
		case '\f':
			out = append(out, '\\', 'f')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			if c < ' ' {
				out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			} else {
				out = append(out, c)
			}
		}
	}
	return append(out, '"')
}

// compare orders names by UTF-16 units. UTF-8 bytes order the same way except that the pairs of units above U+FFFF
// come before U+E000 to U+FFFF, whose first bytes are 0xEE and 0xEF.
func compare(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i < len(a) && i < len(b) && a[i] >= 0xee && b[i] >= 0xee && (a[i] >= 0xf0) != (b[i] >= 0xf0) {
		return strings.Compare(b[i:], a[i:])
	}
	return strings.Compare(a[i:], b[i:])
}

package rqlite

import (
	"errors"
	"strings"
	"testing"
)

// TestFileHead: what is not a whole SQLite file is told from one by its head and its size.
func TestFileHead(t *testing.T) {
	head := func(page, pages byte) string {
		h := []byte(sqliteMark + strings.Repeat("\x00", 100-len(sqliteMark)))
		h[16], h[31] = page, pages
		if page == 0 {
			h[17] = 1 // stands for 65,536
		}
		return string(h)
	}
	for name, tt := range map[string]struct {
		text string
		size int64
		want bool
	}{
		"whole":      {head(0x10, 2), 8192, true},
		"large page": {head(0, 1), 65536, true},
		"cut off":    {head(0x10, 2), 8191, false},
		"too much":   {head(0x10, 2), 8193, false},
		"no head":    {sqliteMark, 16, false},
		"no mark":    {strings.Repeat("x", 100), 100, false},
		"empty":      {"", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var h fileHead
			for _, part := range []string{tt.text[:len(tt.text)/2], tt.text[len(tt.text)/2:]} {
				if n, err := h.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := h.check(tt.size); (err == nil) != tt.want || err != nil && !errors.Is(err, ErrNoDatabase) {
				t.Errorf("%v", err)
			}
		})
	}
}

package asset

import (
	"fmt"
	"strings"
)

// Original is the name of the rendition that has the asset's own size. No resolution may take it.
const Original = "original"

// Resolution is one size that pictures are made in.
type Resolution struct {
	Name string // Part of file names and addresses: small letters, digits and hyphens.
	Box  int    // Longest side in pixels, 1 to 16383.
}

// Config says what Render makes. The zero value is the default.
type Config struct {
	Resolutions       []Resolution // Default thumbnail 256, preview 800, display 1920.
	Original          string       // What becomes of it: OriginalWebP, OriginalKeep or OriginalSmaller. Default OriginalWebP.
	QualityOriginal   int          // WebP quality of the original, 1 to 100. Default 85.
	QualityResolution int          // WebP quality of the resolutions, 1 to 100. Default 80.
	EffortOriginal    int          // WebP method of the original, 1 (fast) to 6 (small). Default 2.
	EffortResolution  int          // WebP method of the resolutions, 1 to 6. Default 4.
	Budget            Budget       // Default as the fields of Budget say.
	Encoder           Encoder      `json:"-"` // Default libwebp as built in, the same bytes on every machine.
}

// What may become of the originals of still pictures. Lossy WebP is kept in every case: encoding it again would only lose.
const (
	OriginalWebP    = "webp"    // They are encoded as WebP.
	OriginalKeep    = "keep"    // They are kept byte for byte.
	OriginalSmaller = "smaller" // They are encoded as WebP, unless what came is no larger.
)

// The encoder's effort. Large pictures are most of the work of a library, and method 4 takes twice the time of method 2 for
// one and a half percent fewer bytes; small pictures are worth it.
const (
	methodOriginal   = 2
	methodResolution = 4
)

// Validate names the first field that makes no sense, with its value.
func (c Config) Validate() error {
	seen := map[string]bool{Original: true}
	for _, r := range c.Resolutions {
		switch {
		case r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return fmt.Errorf("resolution %q: a name has small letters, digits and hyphens only", r.Name)
		case seen[r.Name]:
			return fmt.Errorf("resolution %q: the name is taken", r.Name)
		case r.Box < 1 || r.Box > MaxWebPSide:
			return fmt.Errorf("resolution %q: the box is %d, must be between 1 and %d", r.Name, r.Box, MaxWebPSide)
		}
		seen[r.Name] = true
	}
	if q := c.QualityOriginal; q < 0 || q > 100 {
		return fmt.Errorf("QualityOriginal is %d, must be between 1 and 100", q)
	}
	if q := c.QualityResolution; q < 0 || q > 100 {
		return fmt.Errorf("QualityResolution is %d, must be between 1 and 100", q)
	}
	for _, e := range []struct {
		name  string
		value int
	}{{"EffortOriginal", c.EffortOriginal}, {"EffortResolution", c.EffortResolution}} {
		if e.value < 0 || e.value > 6 {
			return fmt.Errorf("%s is %d, must be between 1 and 6", e.name, e.value)
		}
	}
	switch c.Original {
	case "", OriginalWebP, OriginalKeep, OriginalSmaller:
	default:
		return fmt.Errorf("original is %q, must be %s, %s or %s", c.Original, OriginalWebP, OriginalKeep, OriginalSmaller)
	}
	return c.Budget.Validate()
}

// EncoderName names the codec that pictures are written with, and its version.
func (c Config) EncoderName() string { return c.withDefaults().Encoder.Name() }

func (c Config) withDefaults() Config {
	if len(c.Resolutions) == 0 {
		c.Resolutions = []Resolution{{"thumbnail", 256}, {"preview", 800}, {"display", 1920}}
	}
	if c.QualityOriginal == 0 {
		c.QualityOriginal = 85
	}
	if c.QualityResolution == 0 {
		c.QualityResolution = 80
	}
	if c.Original == "" {
		c.Original = OriginalWebP
	}
	if c.EffortOriginal == 0 {
		c.EffortOriginal = methodOriginal
	}
	if c.EffortResolution == 0 {
		c.EffortResolution = methodResolution
	}
	if c.Encoder == nil {
		c.Encoder = wasm{}
	}
	c.Budget = c.Budget.withDefaults()
	return c
}

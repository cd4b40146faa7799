package pdfium

import (
	"context"
	"regexp"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// The flags of a font.
const (
	flagFixed  = 1 << 0
	flagItalic = 1 << 6
	flagBold   = 1 << 18
)

// Names say more than flags, which many programs set as they like. Those of TeX come last.
var (
	boldName   = regexp.MustCompile(`(?i)bold|black|heavy|semibold|demi|extrabold|[-,](bd|bi|blk|hv|sb|bdit)\b`)
	boldTeX    = regexp.MustCompile(`(?i)^(cm|sf|ec|tc)(b|bx|bxti|bxsl|ssbx)\d|^(cm|sf|ec)ss?bx`)
	italicName = regexp.MustCompile(`(?i)ital|obliq|slant|[-,](it|bi|ob|bdit)\b`)
	italicTeX  = regexp.MustCompile(`(?i)^(cm|sf|ec|tc)(ti|sl|bxti|bxsl|mi|ssi|itt|sltt)\d`)
	fixedName  = regexp.MustCompile(`(?i)mono|courier|typewriter|console|\bcode|^(cm|sf|ec|tc)(tt|itt|sltt)`)
	plainName  = regexp.MustCompile(`(?i)regular|roman|book|medium|light|normal`)
	subset     = regexp.MustCompile(`^[A-Z]{6}\+`)
)

// font is what is known of a font, which is asked once.
func (f *File) font(ctx context.Context, at uint64) (page.Font, error) {
	if at == 0 {
		return page.Font{}, nil
	}
	if known, ok := f.fonts[at]; ok {
		return known, nil
	}
	name, err := f.fetch(ctx, 1<<10, "FPDFFont_GetBaseFontName", at)
	if err == nil && len(strings.Trim(string(name), "\x00")) == 0 {
		name, err = f.fetch(ctx, 1<<10, "FPDFFont_GetFamilyName", at)
	}
	if err != nil {
		return page.Font{}, err
	}
	flags, err := f.call(ctx, "FPDFFont_GetFlags", at)
	if err != nil {
		return page.Font{}, err
	}
	font := describe(clean(strings.TrimRight(string(name), "\x00")), int32(flags))
	f.fonts[at] = font
	return font, nil
}

// describe makes of a font's name and flags what they mean.
func describe(name string, flags int32) page.Font {
	name = subset.ReplaceAllString(name, "")
	font := page.Font{
		Name: name, Bold: boldName.MatchString(name) || boldTeX.MatchString(name),
		Italic: italicName.MatchString(name) || italicTeX.MatchString(name), Fixed: fixedName.MatchString(name),
	}
	if flags == -1 || font.Bold || font.Italic || plainName.MatchString(name) {
		return font
	}
	font.Bold = flags&flagBold != 0
	font.Italic = flags&flagItalic != 0
	font.Fixed = font.Fixed || flags&flagFixed != 0
	return font
}

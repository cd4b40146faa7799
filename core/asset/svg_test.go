package asset

import (
	"fmt"
	"strings"
	"testing"
)

func TestSVGSafe(t *testing.T) {
	for name, test := range map[string]struct {
		svg           string
		width, height int
	}{
		"icon":          {`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512"><path d="M0 0h9v9z" fill="#fff"/></svg>`, 512, 512},
		"sizes":         {`<?xml version="1.0" encoding="UTF-8"?><svg width="20.2px" height=" 10 "/>`, 21, 10},
		"percent":       {`<svg width="100%" height="100%" viewBox="0,0,30,40"/>`, 30, 40},
		"absurd":        {`<svg width="1e300" height="-4"/>`, 0, 0},
		"gradient":      {`<svg width="9" height="9"><defs><linearGradient id="g"/></defs><rect fill="url(#g)" style="stroke:url('#g')"/></svg>`, 9, 9},
		"use":           {`<svg width="9" height="9"><g id="a"><path/></g><use href="#a"/><use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="#a"/></svg>`, 9, 9},
		"style":         {`<svg width="9" height="9"><style>.a{fill:red}</style><rect class="a"/></svg>`, 9, 9},
		"editor's path": {`<svg xmlns:i="urn:i" i:export="C:\maps\a.png" width="9" height="9"/>`, 9, 9},
		"latin-1":       {"<?xml version='1.0' encoding='ISO-8859-1'?><svg width='9' height='9'><title>caf\xe9</title></svg>", 9, 9},
		"animation":     {`<svg width="9" height="9"><rect><animate attributeName="x" to="5"/></rect></svg>`, 9, 9},
	} {
		h, err := Inspect([]byte(test.svg))
		if err != nil || h.Format != SVG || h.Unsafe != "" || h.Width != test.width || h.Height != test.height {
			t.Errorf("%s: got %+v, %v", name, h, err)
		}
	}
}

func TestSVGUnsafe(t *testing.T) {
	deepUse := `<g id="a0"/>`
	for i := range 6 {
		deepUse += fmt.Sprintf(`<g id="a%d"><use href="#a%d"/></g>`, i+1, i)
	}
	manyUses := `<g id="b0"><path/></g>`
	for i := range 4 {
		manyUses += fmt.Sprintf(`<g id="b%d">%s</g>`, i+1, strings.Repeat(fmt.Sprintf(`<use href="#b%d"/>`, i), 10))
	}
	for name, body := range map[string]string{
		"script":            `<script>alert(1)</script>`,
		"prefixed script":   `<x:script xmlns:x="http://www.w3.org/2000/svg"/>`,
		"handler":           `<rect ONCLICK="alert(1)"/>`,
		"foreign object":    `<foreignObject/>`,
		"remote image":      `<image href="http://example.org/a.png"/>`,
		"embedded image":    `<image href="data:image/svg+xml;base64,AAAA"/>`,
		"remote use":        `<use href="other.svg#a"/>`,
		"script link":       `<a xmlns:x="http://www.w3.org/1999/xlink" x:href="javascript:alert(1)"/>`,
		"spaced script":     "<set to=\"java\tscript:alert(1)\"/>",
		"animated link":     `<set attributeName="xlink:href" to="#b"/>`,
		"animated handler":  `<animate attributeName="onload" to="1"/>`,
		"import":            `<style>@import "a.css";</style>`,
		"remote url":        `<rect style="fill:URL( 'http://example.org/a')"/>`,
		"escaped style":     `<style>a{fill:u\72l(http://example.org)}</style>`,
		"escaped fill":      `<rect fill="u\72l(http://example.org)"/>`,
		"stylesheet":        `<?xml-stylesheet href="a.css"?>`,
		"nested uses":       deepUse + `<use href="#a6"/>`,
		"multiplied uses":   manyUses + `<use href="#b4"/>`,
		"circular uses":     `<g id="c"><use href="#c"/></g>`,
		"too many uses":     strings.Repeat(`<use href="#n"/>`, 1001),
		"too many elements": strings.Repeat(`<p/>`, 20000),
		"too deep":          strings.Repeat(`<g>`, 300) + strings.Repeat(`</g>`, 300),
		"too large":         `<desc>` + strings.Repeat("long ", 1<<18) + `</desc>`,
	} {
		data := []byte(`<svg width="9" height="9">` + body + `</svg>`)
		res, err := Render(t.Context(), data, Config{})
		if err != nil || !res.Unsafe || !strings.Contains(res.Note, "must not be shown inline") {
			t.Errorf("%s: passed for safe: %v, %v", name, res.Note, err)
		}
	}
	for name, data := range map[string]string{
		"doctype":  `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd"><svg/>`,
		"entity":   `<!DOCTYPE svg [<!ENTITY a "b">]><svg><text>&a;</text></svg>`,
		"encoding": `<?xml version="1.0" encoding="UTF-7"?><svg/>`,
	} {
		if h, err := Inspect([]byte(data)); err != nil || h.Unsafe == "" {
			t.Errorf("%s: passed for safe: %v", name, err)
		}
	}
}

func TestSVGDamaged(t *testing.T) {
	for _, data := range []string{`<svg`, `<svg><g></svg>`, `<svg>&nbsp;</svg>`, "<svg>\xff</svg>"} {
		res, err := Render(t.Context(), []byte(data), Config{})
		if CodeOf(err) != CodeDamaged || len(res.Renditions) != 1 || string(res.Renditions[0].Data) != data {
			t.Errorf("%q: got %+v, %v", data, res, err)
		}
	}
}

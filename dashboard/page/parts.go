package page

import (
	"path"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

func pressed(on bool) string { return strconv.FormatBool(on) }

func figure(n int64) string { return strconv.FormatInt(n, 10) }

// zero is the class of a number that is nothing to look at.
func zero(n int64) string {
	if n == 0 {
		return "zero"
	}
	return ""
}

// alarm is the class of a number that should be zero.
func alarm(n int64, tone string) string {
	if n == 0 {
		return "zero"
	}
	return tone
}

// base is the last part of a reference, which is what people recognise of it.
func base(uri string) string {
	return path.Base(strings.ReplaceAll(uri, `\`, "/"))
}

// join lists what is not empty.
func join(words ...string) string {
	kept := words[:0:0]
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " · ")
}

func window(p core.Problem) string {
	if p.FirstMS == 0 {
		return ""
	}
	if p.LastMS == p.FirstMS {
		return "at " + Clock(p.FirstMS)
	}
	return "first " + Clock(p.FirstMS) + ", last " + Clock(p.LastMS)
}

// change writes a difference, an equals sign for none, nothing when there is nothing to compare with.
func change(known bool, n int64) string {
	switch {
	case !known:
		return ""
	case n == 0:
		return "="
	default:
		return Change(n)
	}
}

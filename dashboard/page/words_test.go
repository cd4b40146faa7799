package page_test

import (
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/dashboard/page"
)

func TestWords(t *testing.T) {
	const hour = time.Hour
	for _, tt := range []struct{ name, got, want string }{
		{"small number", page.Number(7), "7"},
		{"three digits", page.Number(999), "999"},
		{"four digits", page.Number(1000), "1 000"},
		{"seven digits", page.Number(1234567), "1 234 567"},
		{"below zero", page.Number(-12345), "−12 345"},
		{"one", page.Count(1, "cause", "causes"), "1 cause"},
		{"none", page.Count(0, "cause", "causes"), "0 causes"},
		{"more", page.Change(4), "+4"},
		{"less", page.Change(-4), "−4"},
		{"nothing of nothing", page.Percent(0, 0), "–"},
		{"half", page.Percent(1, 2), "50 %"},
		{"almost all is not all", page.Percent(999, 1000), "99 %"},
		{"almost nothing is not nothing", page.Percent(1, 1000), "<1 %"},
		{"nothing", page.Percent(0, 1000), "0 %"},
		{"no bytes", page.Bytes(0), "0 B"},
		{"some bytes", page.Bytes(999), "999 B"},
		{"few kilobytes", page.Bytes(1000), "1.0 kB"},
		{"more kilobytes", page.Bytes(9_949), "9.9 kB"},
		{"many kilobytes", page.Bytes(9_950), "10 kB"},
		{"megabytes", page.Bytes(3_400_000), "3.4 MB"},
		{"almost a gigabyte", page.Bytes(999_600_000), "1.0 GB"},
		{"more than there is a word for", page.Bytes(1_234_567_000_000_000), "1235 TB"},
		{"standing", page.Rate(0), "0 /s"},
		{"slow", page.Rate(3.14), "3.1 /s"},
		{"fast", page.Rate(1234.5), "1 235 /s"},
		{"an instant", page.Took(420 * time.Millisecond), "0.4 s"},
		{"seconds", page.Took(41 * time.Second), "41 s"},
		{"minutes", page.Took(80 * time.Second), "1 min 20 s"},
		{"hours", page.Took(125 * time.Minute), "2 h 05 min"},
		{"backwards", page.Took(-hour), "0 s"},
		{"whole seconds", page.Seconds(3900 * time.Millisecond), "3 s"},
		{"more of them", page.Seconds(80 * time.Second), "1 min 20 s"},
		{"fewer than none", page.Seconds(-hour), "0 s"},
		{"just now", page.Ago(59 * time.Second), "just now"},
		{"minutes ago", page.Ago(12 * time.Minute), "12 min ago"},
		{"hours ago", page.Ago(23 * hour), "23 h ago"},
		{"a day ago", page.Ago(30 * hour), "1 day ago"},
		{"days ago", page.Ago(72 * hour), "3 days ago"},
		{"no moment", page.Moment(0), "–"},
		{"no time", page.Clock(0), "–"},
		{"a short id", page.Brief("r-0042"), "r-0042"},
		{"a long id", page.Brief("0123456789abcdef0"), "0123456789ab…"},
	} {
		if plain(tt.got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, plain(tt.got), tt.want)
		}
	}
}

func TestPaths(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, tt := range []struct{ got, want string }{
		{page.RunPath("r-0042"), "/runs/r-0042"},
		{page.RunPath("r-0042", "events"), "/runs/r-0042/events"},
		{page.RunPath("../x?y#z"), "/runs/..%2Fx%3Fy%23z"},
		{page.PicturePath(id, "thumbnail"), "/assets/" + id + "/thumbnail"},
		{page.PicturePath("javascript:alert(1)", "thumbnail"), ""},
		{page.PicturePath(id+"0", "thumbnail"), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

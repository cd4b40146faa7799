package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The spaces inside numbers: a narrow one between groups of digits and before units, so that a figure never breaks.
const (
	thin  = "\u202f"
	minus = "\u2212"
	none  = "\u2013"
)

// Number writes n in groups of three digits.
func Number(n int64) string {
	if n < 0 {
		return minus + Number(-n)
	}
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(thin)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Count writes a number with its noun: "1 cause", "3 causes".
func Count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Change writes a difference with its sign, nothing for none.
func Change(n int64) string {
	switch {
	case n > 0:
		return "+" + Number(n)
	case n < 0:
		return Number(n)
	default:
		return ""
	}
}

// Percent writes part of whole, rounded down: 100 % means all of it.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return none
	}
	if part > 0 && part*100 < whole {
		return "<1" + thin + "%"
	}
	return strconv.FormatInt(part*100/whole, 10) + thin + "%"
}

// Rate writes items a second.
func Rate(perSecond float64) string {
	switch {
	case perSecond <= 0:
		return "0" + thin + "/s"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + thin + "/s"
	default:
		return Number(int64(perSecond+0.5)) + thin + "/s"
	}
}

// Bytes writes a number of bytes.
func Bytes(n int64) string {
	if n < 1000 {
		return Number(n) + thin + "B"
	}
	value, unit := float64(n), 0
	for units := []string{"kB", "MB", "GB", "TB"}; ; unit++ {
		if value /= 1000; value < 999.5 || unit == len(units)-1 {
			digits := 0
			if value < 9.95 {
				digits = 1
			}
			return strconv.FormatFloat(value, 'f', digits, 64) + thin + units[unit]
		}
	}
}

// Took writes a length of time.
func Took(d time.Duration) string {
	switch {
	case d < 0:
		return "0" + thin + "s"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', 1, 64) + thin + "s"
	case d < time.Minute:
		return fmt.Sprintf("%d%ss", int(d.Seconds()), thin)
	case d < time.Hour:
		return fmt.Sprintf("%d%smin %02d%ss", int(d.Minutes()), thin, int(d.Seconds())%60, thin)
	default:
		return fmt.Sprintf("%d%sh %02d%smin", int(d.Hours()), thin, int(d.Minutes())%60, thin)
	}
}

// Seconds writes a length of time in whole seconds.
func Seconds(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.Itoa(int(max(0, d).Seconds())) + thin + "s"
	}
	return Took(d)
}

// Ago writes how long ago a moment was, coarsely, so that it does not change with every second.
func Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d%smin ago", int(d.Minutes()), thin)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d%sh ago", int(d.Hours()), thin)
	default:
		return Count(int64(d.Hours()/24), "day", "days") + " ago"
	}
}

// Clock writes the time of day of a moment.
func Clock(ms int64) string {
	if ms == 0 {
		return none
	}
	return time.UnixMilli(ms).Format("15:04:05")
}

// Moment writes date and time of a moment.
func Moment(ms int64) string {
	if ms == 0 {
		return none
	}
	return time.UnixMilli(ms).Format("2 Jan 2006, 15:04:05")
}

// Stamp writes a moment for machines.
func Stamp(ms int64) string { return time.UnixMilli(ms).Format(time.RFC3339) }

// Brief shortens an identifier that is too long to read, such as a digest.
func Brief(id string) string {
	if len(id) <= 16 {
		return id
	}
	return id[:12] + "…"
}

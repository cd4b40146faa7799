package page

import (
	"fmt"
	"strconv"
	"strings"
)

// The sparkline's drawing box, in its own units. Sixty seconds span its width.
const (
	sparkWidth   = 120
	sparkHeight  = 28
	sparkSeconds = 60
)

// spark returns the points of the line through the rates and of the area below it. The newest rate is at the right
// edge, the largest at the top.
func spark(rates []float64) (line, area string) {
	if len(rates) > sparkSeconds {
		rates = rates[len(rates)-sparkSeconds:]
	}
	if len(rates) < 2 {
		return "", ""
	}
	top := 1.0
	for _, r := range rates {
		top = max(top, r)
	}
	step := float64(sparkWidth) / (sparkSeconds - 1)
	first := sparkWidth - float64(len(rates)-1)*step
	var b strings.Builder
	for i, r := range rates {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(coordinate(first + float64(i)*step))
		b.WriteByte(',')
		b.WriteString(coordinate(sparkHeight - 1 - max(0, r)/top*(sparkHeight-2)))
	}
	line = b.String()
	area = fmt.Sprintf("%s,%d %s %d,%d", coordinate(first), sparkHeight, line, sparkWidth, sparkHeight)
	return line, area
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

package host

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"time"
)

// lineLimit is how many bytes of a line are kept.
const lineLimit = 16 << 10

// pipes carry the output of a process.
type pipes struct {
	out, err       *os.File // ends of the host
	outEnd, errEnd *os.File // ends of the process
}

func newPipes() (*pipes, error) {
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, errEnd, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close(), outEnd.Close())
	}
	return &pipes{out: out, err: stderr, outEnd: outEnd, errEnd: errEnd}, nil
}

// closeEnds closes the ends of the process, which has its own copies or was not started.
func (p *pipes) closeEnds() {
	_ = p.outEnd.Close()
	_ = p.errEnd.Close()
}

// linger makes reading end after a while, even when somebody else still holds the other end.
func (p *pipes) linger(limit time.Duration) {
	deadline := time.Now().Add(limit)
	_ = p.out.SetReadDeadline(deadline)
	_ = p.err.SetReadDeadline(deadline)
}

func (p *pipes) close() {
	_ = p.out.Close()
	_ = p.err.Close()
}

// eachLine calls do for every line of r until its end. What is over lineLimit in a line is read and thrown away, so that
// whoever writes is never held up; the line then ends in a mark.
func eachLine(r io.Reader, do func(line string)) {
	reader := bufio.NewReaderSize(r, lineLimit)
	for {
		line, err := reader.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 {
			do(tidy(line, full))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

func tidy(line []byte, cut bool) string {
	text := strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\uFFFD")
	if cut {
		text += " … (shortened)"
	}
	return text
}

// splitter is a writer that calls do for every line written to it. It holds one line at most.
type splitter struct {
	do   func(line string)
	line []byte
	over bool // the line is longer than what is held
}

// Write never fails.
func (s *splitter) Write(p []byte) (int, error) {
	for _, b := range p {
		switch {
		case b == '\n':
			s.do(tidy(s.line, s.over))
			s.line, s.over = s.line[:0], false
		case len(s.line) == lineLimit:
			s.over = true
		default:
			s.line = append(s.line, b)
		}
	}
	return len(p), nil
}

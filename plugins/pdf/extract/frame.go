package extract

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
)

// kind says what a frame holds. A frame is its kind, the length of what it holds, and that.
type kind byte

const (
	kindSettings kind = 's' // settings, the first frame to a process
	kindReady    kind = 'r' // nothing: PDFium is loaded
	kindRequest  kind = 'q' // request
	kindOpened   kind = 'o' // opened
	kindPage     kind = 'p' // page.Page, in its own form
	kindPicture  kind = 'i' // the head of a picture; its bytes are the next frame
	kindBytes    kind = 'b'
	kindRefusal  kind = 'e' // refusal
	kindDone     kind = 'd' // nothing: the request has been answered
)

// The bounds of a frame. What exceeds them was not written by the other end.
const (
	frameBytes = 1 << 28
	blobBytes  = 1 << 30
	atOnce     = 1 << 20 // for which there is room before it comes
)

// settings are what a process has to know before anything else.
type settings struct {
	CacheDir string
	MemoryMB int
	Limits   pdfium.Limits
}

// request asks for something of a file.
type request struct {
	Path      string
	Passwords []string // to be tried in this order
	Describe  bool     // say what the file says of itself
	From, To  int      // pages to read
	Page      int      // to draw, or with a picture
	Index     int      // of the picture
	Side      int      // of the page drawn; 0: it is a picture that is asked for
	Type      string   // of the page drawn
}

// opened says that the file is open.
type opened struct {
	Pages    int
	Password int            // which one it was
	Document *page.Document // if asked for
}

// refusal says why there is no answer.
type refusal struct {
	Code   string
	Detail string
	Retire bool // the process is of no more use
}

func writeFrame(w io.Writer, k kind, content []byte) error {
	const small = 1 << 12 // written at once with what stands before it
	head := make([]byte, 1, 5+small)
	head[0] = byte(k)
	head = binary.BigEndian.AppendUint32(head, uint32(len(content)))
	if len(content) <= small {
		head, content = append(head, content...), nil
	}
	if _, err := w.Write(head); err != nil || len(content) == 0 {
		return err
	}
	_, err := w.Write(content)
	return err
}

func writeJSON(w io.Writer, k kind, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(w, k, content)
}

// readFrame reads a frame. At the end of the input before its first byte it returns io.EOF.
func readFrame(r io.Reader) (kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return 0, nil, err
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return 0, nil, unexpected(err)
	}
	k, n := kind(head[0]), int64(binary.BigEndian.Uint32(head[1:]))
	if n > blobBytes || k != kindBytes && n > frameBytes {
		return 0, nil, fmt.Errorf("a message that is none: a part of %d bytes", n)
	}
	if n <= atOnce {
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return 0, nil, unexpected(err)
		}
		return k, b, nil
	}
	var b bytes.Buffer // grows with what comes, not with what was said to come
	b.Grow(atOnce)
	if _, err := io.CopyN(&b, r, n); err != nil {
		return 0, nil, unexpected(err)
	}
	return k, b.Bytes(), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

package worker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed-98789ff7/converter/core/asset"
)

// The bounds of a message. What exceeds them was not written by the other end.
const (
	headBytes = 4 << 20
	blobBytes = 1 << 30
	blobCount = 1 << 10
)

// request asks for one picture, whose bytes are the message's blob.
type request struct {
	Config  asset.Config
	Encoder string // asset.EncoderNative or asset.EncoderWasm
}

// response is what became of it. Result's renditions have no data: Blobs says for each which of the message's blobs it is, or
// -1 for the picture as it came.
type response struct {
	Result asset.Result
	Blobs  []int
	Fault  *fault
}

// fault is an error on its way.
type fault struct {
	Kind   string
	Code   string
	Reason string
	Cause  string
	Stack  []byte
}

// write sends a message: the length of its head, the head, the number of its blobs, and each with its length.
func write(w io.Writer, head any, blobs ...[]byte) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	b = append(b, text...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(blobs)))
	for _, blob := range blobs {
		b = binary.BigEndian.AppendUint32(b, uint32(len(blob)))
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	for _, blob := range blobs {
		if _, err := w.Write(blob); err != nil {
			return err
		}
	}
	return nil
}

// read receives a message into head. At the end of the input before its first byte it returns io.EOF.
func read(r io.Reader, head any) (blobs [][]byte, err error) {
	n, err := readLength(r, headBytes)
	if err != nil {
		return nil, err
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, unexpected(err)
	}
	if err := json.Unmarshal(text, head); err != nil {
		return nil, fmt.Errorf("a message that is none: %w", err)
	}
	count, err := readLength(r, blobCount)
	if err != nil {
		return nil, unexpected(err)
	}
	lengths := make([]int, count)
	for i := range lengths {
		if lengths[i], err = readLength(r, blobBytes); err != nil {
			return nil, unexpected(err)
		}
	}
	for _, n := range lengths {
		blob := make([]byte, n)
		if _, err := io.ReadFull(r, blob); err != nil {
			return nil, unexpected(err)
		}
		blobs = append(blobs, blob)
	}
	return blobs, nil
}

func readLength(r io.Reader, limit uint32) (int, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(b[:])
	if n > limit {
		return 0, fmt.Errorf("a message that is none: a part of %d bytes", n)
	}
	return int(n), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// The kinds of faults.
const (
	refused     = "refused"
	damaged     = "damaged"
	unsupported = "unsupported"
	failed      = "failed"
)

// toFault packs an error of core/asset.
func toFault(err error) *fault {
	f := &fault{Kind: failed, Code: asset.CodeOf(err), Reason: err.Error()}
	if cause := errors.Unwrap(err); cause != nil {
		f.Cause = cause.Error()
	}
	var (
		asRefused     *asset.RefusedError
		asDamaged     *asset.DamagedError
		asUnsupported *asset.UnsupportedError
		asFailed      *asset.CodecError
	)
	switch {
	case errors.As(err, &asRefused):
		f.Kind = refused
	case errors.As(err, &asDamaged):
		f.Kind = damaged
	case errors.As(err, &asUnsupported):
		f.Kind = unsupported
	case errors.As(err, &asFailed):
		f.Stack = asFailed.Stack
	default:
		f.Code = asset.CodeFailed
	}
	return f
}

// err unpacks it.
func (f *fault) err() error {
	if f == nil {
		return nil
	}
	var cause error
	if f.Cause != "" {
		cause = errors.New(f.Cause)
	}
	switch f.Kind {
	case refused:
		return &asset.RefusedError{Code: f.Code, Reason: f.Reason}
	case damaged:
		return &asset.DamagedError{Code: f.Code, Reason: f.Reason, Err: cause}
	case unsupported:
		return &asset.UnsupportedError{Code: f.Code, Reason: f.Reason, Err: cause}
	default:
		return &asset.CodecError{Code: f.Code, Reason: f.Reason, Err: cause, Stack: f.Stack}
	}
}

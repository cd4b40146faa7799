package runs

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-98789ff7/converter/runs/blob"
)

const (
	inlineLimit = 64 << 10 // the largest body that lies in the database; a larger one is a file
	plainLimit  = 512      // the largest body that is not worth packing
	packedMark  = "zstd:"  // no JSON begins like this
	wideLimit   = 1 << 30  // far beyond what a plugin may send
)

// packer turns bodies into the text of a column and back. What the database moves, it moves several times, in JSON
// within JSON: packed, a body goes through there in a third of the time and takes a fraction of the space, in the
// memory of the node too.
type packer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	wide    *zstd.Decoder // for bodies of any size that was taken
	scratch sync.Pool     // of *[]byte
	buffers sync.Pool     // of *bytes.Buffer
}

func newPacker() (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(inlineLimit))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(inlineLimit))
	if err != nil {
		return nil, err
	}
	wide, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(wideLimit))
	return &packer{
		encoder: encoder, decoder: decoder, wide: wide,
		scratch: sync.Pool{New: func() any { return new([]byte) }}, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}, err
}

// inline returns body as text, from which restored makes exactly the same bytes.
func (p *packer) inline(body []byte) string {
	if len(body) <= plainLimit && utf8.Valid(body) && !bytes.HasPrefix(body, []byte(packedMark)) {
		return string(body)
	}
	scratch, _ := p.scratch.Get().(*[]byte) // nothing else is put there
	packed := p.encoder.EncodeAll(body, (*scratch)[:0])
	both := base64.StdEncoding.AppendEncode(append(packed, packedMark...), packed)
	text := string(both[len(packed):])
	*scratch = both
	p.scratch.Put(scratch)
	return text
}

func (p *packer) restored(text string) ([]byte, error) {
	packed, ok := strings.CutPrefix(text, packedMark)
	if !ok {
		return []byte(text), nil
	}
	data, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return nil, fmt.Errorf("a packed body: %w", err)
	}
	body, err := p.decoder.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("a packed body: %w", err)
	}
	return body, nil
}

// store returns body as the value of its column or, when it is large, puts it into a file and returns the file's name.
func (p *packer) store(ctx context.Context, bodies blob.Store, body []byte) (inline, name any, err error) {
	if len(body) <= inlineLimit {
		return p.inline(body), nil, nil
	}
	sha256, err := bodies.Put(ctx, body)
	if err != nil {
		return nil, nil, err
	}
	return nil, sha256, nil
}

// load is the way back from store.
func (p *packer) load(ctx context.Context, bodies blob.Store, inline, name string) ([]byte, error) {
	if name == "" {
		return p.restored(inline)
	}
	file, err := bodies.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(file)
	return data, errors.Join(err, file.Close())
}

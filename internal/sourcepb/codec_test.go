package sourcepb_test

import (
	"bytes"
	"fmt"
	"testing"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec to compare with
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// TestCodec encodes and decodes messages of all sizes, beside gRPC's codec, which plugins in other languages are like.
func TestCodec(t *testing.T) {
	ours, theirs := sourcepb.Codec(), encoding.GetCodecV2("proto")
	if ours.Name() != theirs.Name() {
		t.Errorf("its name is %q", ours.Name())
	}
	for _, size := range []int{0, 1, 1000, 1 << 10, 200_000, sourcepb.AssetChunk, 1 << 20, sourcepb.MaxMessage, 3 * sourcepb.MaxMessage / 2} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			sent := &sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Chunk{Chunk: bytes.Repeat([]byte("x"), size)}}
			want := proto.CloneOf(sent)
			encoded, err := ours.Marshal(sent)
			if err != nil {
				t.Fatal(err)
			}
			clear(sent.GetChunk()) // as a plugin does that uses its memory again
			plain, err := theirs.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(encoded.Materialize(), plain.Materialize()) {
				t.Error("it is encoded in another way")
			}
			plain.Free()
			got := &sourcepb.FetchAssetResponse{}
			if err := ours.Unmarshal(encoded, got); err != nil {
				t.Fatal(err)
			}
			encoded.Free()
			overwrite(t, ours, size)
			if !proto.Equal(got, want) {
				t.Error("it is decoded to something else")
			}
		})
	}
}

// overwrite encodes another message of the size, in the buffers that are free by now.
func overwrite(t *testing.T, c encoding.CodecV2, size int) {
	t.Helper()
	m := &sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Chunk{Chunk: make([]byte, size)}}
	for range 3 {
		encoded, err := c.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Unmarshal(encoded, m); err != nil {
			t.Fatal(err)
		}
		encoded.Free()
	}
}

func TestCodecRefuses(t *testing.T) {
	c := sourcepb.Codec()
	if _, err := c.Marshal("text"); err == nil {
		t.Error("a text was encoded")
	}
	if _, err := c.Marshal(&sourcepb.Spec{Name: string(bytes.Repeat([]byte("\xff"), 2000))}); err == nil {
		t.Error("a text that is not UTF-8 was encoded")
	}
	if err := c.Unmarshal(nil, "text"); err == nil {
		t.Error("a text was decoded")
	}
	if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer("\xff")}, &sourcepb.Spec{}); err == nil {
		t.Error("noise was decoded")
	}
}

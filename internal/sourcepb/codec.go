package sourcepb

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// CallOptions are those of every call of a host.
func CallOptions() []grpc.CallOption {
	return []grpc.CallOption{grpc.MaxCallRecvMsgSize(MaxMessage), grpc.ForceCodecV2(Codec())}
}

// Codec encodes messages as gRPC's own codec does, byte for byte, in buffers of about their size: gRPC's has none between
// 32 KiB and 1 MiB, and fills a whole one with zeros for every batch of records and every chunk of an asset. It keeps no
// message: what was encoded may be used again.
func Codec() encoding.CodecV2 { return codec{pool: pool} }

// pool holds buffers of all powers of two up to MaxMessage. It is one for the process, so that its connections share it.
var pool = newPool()

func newPool() mem.BufferPool {
	p, err := mem.NewBinaryTieredBufferPool(10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)
	if err != nil {
		panic(err) // none of the sizes is too large for any machine
	}
	return p
}

type codec struct{ pool mem.BufferPool }

// Name is that of the format, which goes over the wire.
func (c codec) Name() string { return "proto" }

// Marshal encodes a message.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("a %T is not a message", v)
	}
	size := proto.Size(m)
	options := proto.MarshalOptions{UseCachedSize: true}
	if mem.IsBelowBufferPoolingThreshold(size) {
		text, err := options.Marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(text)}, err
	}
	buffer := c.pool.Get(size)
	if _, err := options.MarshalAppend((*buffer)[:0], m); err != nil {
		c.pool.Put(buffer)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buffer, c.pool)}, nil
}

// Unmarshal decodes a message, which shares no memory with the data.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("a %T is not a message", v)
	}
	buffer := data.MaterializeToBuffer(c.pool)
	defer buffer.Free()
	return proto.Unmarshal(buffer.ReadOnlyData(), m)
}

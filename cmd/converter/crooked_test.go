package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// crooked is a plugin without our SDK, which sends what the SDK would not.
func crooked() {
	listener, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	sourcepb.RegisterSourceServiceServer(server, &crookedService{})
	fmt.Printf("1|1|unix|%s|grpc\n", listener.Addr())
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}

type crookedService struct {
	sourcepb.UnimplementedSourceServiceServer
	options string
}

func (*crookedService) GetSpec(context.Context, *sourcepb.GetSpecRequest) (*sourcepb.GetSpecResponse, error) {
	return &sourcepb.GetSpecResponse{Spec: &sourcepb.Spec{Name: "crooked", Version: "1.0.0"}}, nil
}

func (c *crookedService) Configure(_ context.Context, r *sourcepb.ConfigureRequest) (*sourcepb.ConfigureResponse, error) {
	c.options = string(r.GetOptions())
	return &sourcepb.ConfigureResponse{}, nil
}

func (c *crookedService) Read(_ *sourcepb.ReadRequest, out grpc.ServerStreamingServer[sourcepb.ReadResponse]) error {
	const deep = 20_000
	send := func(list ...*sourcepb.Record) error {
		batch := &sourcepb.RecordBatch{Stream: "crooked", Records: list}
		return out.Send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: batch}})
	}
	large := func(mib int) []byte { return fmt.Appendf(nil, `{"name":%q}`, strings.Repeat("x", mib<<20)) }
	records := []*sourcepb.Record{
		{Id: "first", Json: []byte(`{"name": "First"}`)},
		{Id: "broken", Json: []byte(`{"name": }`)},
		{Id: "deep", Json: []byte(`{"name":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}`)},
		{Id: "large", Json: large(9)},
		{Id: "last", Json: []byte(`{"name": "Last"}`)},
	}
	if err := send(records...); err != nil {
		return err
	}
	if strings.Contains(c.options, "message") {
		return send(&sourcepb.Record{Id: "message", Json: large(17)})
	}
	return out.Send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Status{Status: &sourcepb.StreamStatus{
		Stream: "crooked", State: sourcepb.StreamStatus_STATE_COMPLETE, Records: int64(len(records)),
	}}})
}

package sdk

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// connect serves a source over memory and returns the calling end.
func connect(t *testing.T, s Source) sourcepb.SourceServiceClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	service := newService(s, environment(Configuration{}).Log)
	server := newServer(service)
	sourcepb.RegisterSourceServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sourcepb.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := service.end(lastWords); err != nil {
			t.Error(err)
		}
	})
	return sourcepb.NewSourceServiceClient(conn)
}

// configured connects and configures.
func configured(t *testing.T, s Source) sourcepb.SourceServiceClient {
	t.Helper()
	client := connect(t, s)
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	return client
}

// messages reads until the stream ends.
func messages(t *testing.T, client sourcepb.SourceServiceClient, r *sourcepb.ReadRequest) ([]*sourcepb.ReadResponse, error) {
	t.Helper()
	stream, err := client.Read(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var all []*sourcepb.ReadResponse
	for {
		m, err := stream.Recv()
		switch {
		case err == nil:
			all = append(all, m)
		case status.Code(err) == codes.OK || err.Error() == "EOF":
			return all, nil
		default:
			return all, err
		}
	}
}

// diagnosed returns the diagnostics in an error of a call.
func diagnosed(err error) []*sourcepb.Diagnostic {
	var all []*sourcepb.Diagnostic
	for _, detail := range status.Convert(err).Details() {
		all = append(all, detail.(*sourcepb.Diagnostic))
	}
	return all
}

func TestKindsAsStatus(t *testing.T) {
	for kind := Internal; kind <= Cancelled; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			err := statusOf(&Diagnostic{Kind: kind, Code: "x", Summary: "it happened", Cause: errors.New("because")})
			said := diagnosed(err)
			if len(said) != 1 || ParseKind(said[0].GetKind()) != kind || said[0].GetCode() != "x" {
				t.Fatalf("diagnostics = %v", said)
			}
			if said[0].GetSummary() != "it happened" || said[0].GetDetail() != "because" {
				t.Errorf("summary %q, detail %q", said[0].GetSummary(), said[0].GetDetail())
			}
			if got := status.Convert(err).Message(); got != "it happened: because" {
				t.Errorf("message = %q", got)
			}
		})
	}
}

func TestManyDiagnosticsAreCut(t *testing.T) {
	var many []error
	for range maxDiagnostics + 10 {
		many = append(many, &Diagnostic{Kind: Invalid, Code: "c", Summary: "s", Detail: strings.Repeat("d", 2*maxDetail)})
	}
	said := diagnosed(statusOf(errors.Join(many...)))
	if len(said) != maxDiagnostics+1 || said[maxDiagnostics].GetSummary() != "and 10 more" {
		t.Fatalf("%d diagnostics, the last %q", len(said), said[len(said)-1].GetSummary())
	}
	if n := len(said[0].GetDetail()); n > maxDetail+100 {
		t.Errorf("detail has %d bytes", n)
	}
}

func TestManyDiagnosticsArrive(t *testing.T) {
	var many []error
	for range maxDiagnostics {
		many = append(many, &Diagnostic{Kind: Invalid, Code: "c", Summary: "s", Detail: strings.Repeat("d", maxDetail)})
	}
	client := configured(t, reads(func(context.Context, ReadRequest, Writer) error { return errors.Join(many...) }))
	if _, err := messages(t, client, &sourcepb.ReadRequest{}); len(diagnosed(err)) != maxDiagnostics {
		t.Errorf("%d diagnostics: %.200v", len(diagnosed(err)), err)
	}
}

func TestTextIsMadeUTF8(t *testing.T) {
	d := diagnosticToWire(&Diagnostic{Summary: "file \xff", RecordID: "\xfe"})
	if d.GetSummary() != "file \uFFFD" || d.GetRecordId() != "\uFFFD" {
		t.Errorf("got %q, %q", d.GetSummary(), d.GetRecordId())
	}
}

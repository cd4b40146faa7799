package sourceclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// script is a plugin without our SDK, which answers every call as it is told.
type script struct {
	sourcepb.UnimplementedSourceServiceServer
	messages []*sourcepb.ReadResponse
	chunks   []*sourcepb.FetchAssetResponse
	err      error // at the end of every call
	hangs    bool  // before it

	mu    sync.Mutex
	asked *sourcepb.ReadRequest
}

func (s *script) GetSpec(context.Context, *sourcepb.GetSpecRequest) (*sourcepb.GetSpecResponse, error) {
	return &sourcepb.GetSpecResponse{Spec: &sourcepb.Spec{Name: "script"}}, nil
}

func (s *script) Check(ctx context.Context, _ *sourcepb.CheckRequest) (*sourcepb.CheckResponse, error) {
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &sourcepb.CheckResponse{}, s.err
}

func (s *script) Read(r *sourcepb.ReadRequest, out grpc.ServerStreamingServer[sourcepb.ReadResponse]) error {
	s.mu.Lock()
	s.asked = r
	s.mu.Unlock()
	for _, m := range s.messages {
		if err := out.Send(m); err != nil {
			return err
		}
	}
	return s.err
}

func (s *script) FetchAsset(_ *sourcepb.FetchAssetRequest, out grpc.ServerStreamingServer[sourcepb.FetchAssetResponse]) error {
	for _, m := range s.chunks {
		if err := out.Send(m); err != nil {
			return err
		}
	}
	if s.hangs {
		<-out.Context().Done()
	}
	return s.err
}

// talk connects a client to a script.
func talk(t *testing.T, s *script, config Config) *Client {
	t.Helper()
	l := bufconn.Listen(64 << 10)
	server := grpc.NewServer()
	sourcepb.RegisterSourceServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return dial(t, l, config)
}

// serve connects a client to a source behind our SDK.
func serve(t *testing.T, s sdk.Source) *Client {
	t.Helper()
	l := bufconn.Listen(64 << 10)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- sdk.ServeListener(ctx, s, l, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return dial(t, l, Config{})
}

func dial(t *testing.T, l *bufconn.Listener, config Config) *Client {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sourcepb.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	c := New(conn, config)
	if err := c.Greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func records(stream string, list ...*sourcepb.Record) *sourcepb.ReadResponse {
	batch := &sourcepb.RecordBatch{Stream: stream, Records: list}
	return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: batch}}
}

func record(id, text string) *sourcepb.Record { return &sourcepb.Record{Id: id, Json: []byte(text)} }

// complete ends stream a.
func facts(stream string, list ...*sourcepb.Fact) *sourcepb.ReadResponse {
	return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Facts{Facts: &sourcepb.StreamFacts{Stream: stream, Facts: list}}}
}

func complete(records int64) *sourcepb.ReadResponse {
	return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Status{Status: &sourcepb.StreamStatus{
		Stream: "a", State: sourcepb.StreamStatus_STATE_COMPLETE, Records: records,
	}}}
}

// large is a JSON object in so many bytes.
func large(bytes int) string {
	const frame = `{"x":""}`
	return `{"x":"` + strings.Repeat("x", bytes-len(frame)) + `"}`
}

// list is a Writer that notes what it gets.
type list struct {
	got     []string
	reasons []error
}

func (l *list) Record(stream string, r sdk.Record) error {
	l.got = append(l.got, "record "+stream+" "+r.ID)
	return nil
}

func (l *list) Skip(stream, id string, reason error) error {
	l.got = append(l.got, "skip "+stream+" "+id)
	l.reasons = append(l.reasons, reason)
	return nil
}

func (l *list) Checkpoint(stream string, state []byte) error {
	l.got = append(l.got, "checkpoint "+stream+" "+string(state))
	return nil
}

func (l *list) Progress(string, int64, int64, string) error { return nil }

func (l *list) Facts(stream string, facts ...sdk.Fact) error {
	l.got = append(l.got, fmt.Sprint("facts ", stream, " ", facts))
	return nil
}

func (l *list) Report(d sdk.Diagnostic) { l.got = append(l.got, "report "+d.Code) }

func code(err error) string {
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		return d.Code
	}
	return ""
}

func TestReadings(t *testing.T) {
	t.Parallel()
	future := &sourcepb.ReadResponse{}
	for name, tc := range map[string]struct {
		messages []*sourcepb.ReadResponse
		err      error
		got      []string
		code     string
	}{
		"whole": {
			[]*sourcepb.ReadResponse{records("a", record("1", "{}"), record("2", "{}")), complete(2)},
			nil,
			[]string{"record a 1", "record a 2"},
			"",
		},
		"of the future, reported once": {
			[]*sourcepb.ReadResponse{future, future, complete(0)}, nil, []string{"report " + CodeUnsupported}, "",
		},
		"what no record can be": {
			[]*sourcepb.ReadResponse{
				records("a", record("", "{}"), record("list", "[]"), record("large", large(9<<20)), record("4", "{}")),
				complete(4),
			}, nil, []string{"skip a ", "skip a list", "skip a large", "record a 4"}, "",
		},
		"facts": {
			[]*sourcepb.ReadResponse{
				facts("a", &sourcepb.Fact{Name: "form", Value: &sourcepb.Fact_Text{Text: "scroll"}, Notable: true}, &sourcepb.Fact{Name: "n", Label: "N", Value: &sourcepb.Fact_Number{Number: 7}, Unit: "ms"}),
				facts("a", &sourcepb.Fact{Name: "No name"}),
				complete(0),
			}, nil, []string{"facts a [{form  0 scroll  true} {n N 7  ms false}]", "report facts_invalid"}, "",
		},
		"facts elsewhere":  {[]*sourcepb.ReadResponse{facts("b")}, nil, nil, CodeMisbehaved},
		"silent":           {nil, nil, nil, CodeIncomplete},
		"no end":           {[]*sourcepb.ReadResponse{records("a", record("1", "{}"))}, nil, []string{"record a 1"}, CodeIncomplete},
		"miscounted":       {[]*sourcepb.ReadResponse{records("a", record("1", "{}")), complete(2)}, nil, []string{"record a 1"}, CodeIncomplete},
		"after the end":    {[]*sourcepb.ReadResponse{complete(0), records("a", record("1", "{}"))}, nil, nil, CodeMisbehaved},
		"not asked for":    {[]*sourcepb.ReadResponse{records("b", record("1", "{}"))}, nil, nil, CodeMisbehaved},
		"a large message":  {[]*sourcepb.ReadResponse{records("a", record("1", large(17<<20)))}, nil, nil, CodeTooLarge},
		"a server in need": {nil, status.Error(codes.ResourceExhausted, "too many requests"), nil, CodeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, &script{messages: tc.messages, err: tc.err}, Config{})
			l := &list{}
			err := c.Read(t.Context(), sdk.ReadRequest{Streams: []string{"a"}}, l)
			if code(err) != tc.code || (err == nil) != (tc.code == "") || !slices.Equal(l.got, tc.got) {
				t.Errorf("%v: %q", err, l.got)
			}
		})
	}
}

// keeper keeps the record that comes.
type keeper struct {
	list
	record sdk.Record
}

func (k *keeper) Record(_ string, r sdk.Record) error {
	k.record = r
	return nil
}

// TestRecordArrivesWhole: what our SDK sends of a record's texts, facts and inner documents is what comes.
func TestRecordArrivesWhole(t *testing.T) {
	t.Parallel()
	facts := []byte(`{"cr":5}`)
	want := sdk.Record{
		ID: "1", JSON: []byte(`{}`), Facts: facts,
		Assets: []sdk.AssetRef{{URI: "a", Status: sdk.Uninstalled, License: sdk.License{Expression: "CC0-1.0", Attribution: "A"}}},
		Texts:  []sdk.Text{{Pointer: "/t", Role: "page", Title: "T", Markdown: "# m", HasSecrets: true}},
		Embedded: []sdk.Embedded{{
			Part: "Item.x", Pointer: "/items/0", Kind: "item", NativeType: "Item/loot", Name: "X", Book: "B", Page: 7,
			License: sdk.License{Expression: "ORC", URL: "https://u", From: "document"}, DerivedFrom: "Item.y",
		}},
	}
	c := serve(t, sdk.Define(sdk.Plugin[struct{}]{
		Name: "whole", Version: "1.0.0",
		Read: func(_ context.Context, _ struct{}, _ sdk.ReadRequest, out sdk.Writer) error {
			err := out.Record("a", want)
			clear(facts) // they are the source's again
			return err
		},
	}))
	if err := c.Configure(t.Context(), sdk.Configuration{}); err != nil {
		t.Fatal(err)
	}
	k := &keeper{}
	if err := c.Read(t.Context(), sdk.ReadRequest{}, k); err != nil {
		t.Fatal(err)
	}
	if string(k.record.Facts) != `{"cr":5}` || !slices.Equal(k.record.Assets, want.Assets) || !slices.Equal(k.record.Texts, want.Texts) ||
		!slices.Equal(k.record.Embedded, want.Embedded) {
		t.Errorf("got %+v", k.record)
	}
}

// TestLargeRecordIsSaidAsTheSDKSaysIt compares what comes of a record that an SDK of nobody's has sent with what comes of
// one that ours would not send.
func TestLargeRecordIsSaidAsTheSDKSaysIt(t *testing.T) {
	t.Parallel()
	message := record("1", large(9<<20))
	foreign := talk(t, &script{messages: []*sourcepb.ReadResponse{records("a", message), complete(1)}}, Config{})
	ours := serve(t, sdk.Define(sdk.Plugin[struct{}]{
		Name: "large", Version: "1.0.0",
		Read: func(_ context.Context, _ struct{}, _ sdk.ReadRequest, out sdk.Writer) error {
			return out.Record("a", sdk.Record{ID: message.GetId(), JSON: message.GetJson()})
		},
	}))
	if err := ours.Configure(t.Context(), sdk.Configuration{}); err != nil {
		t.Fatal(err)
	}
	var said [2]sdk.Diagnostic
	for i, c := range []*Client{foreign, ours} {
		l := &list{}
		if err := c.Read(t.Context(), sdk.ReadRequest{}, l); err != nil || len(l.reasons) != 1 {
			t.Fatalf("%v, %v", err, l.got)
		}
		said[i] = *sdk.Diagnose(l.reasons[0], "")[0]
		said[i].Stream, said[i].RecordID = "", ""
	}
	if said[0] != said[1] || said[0].Code != "TOO_LARGE" || said[0].Kind != sdk.Unsupported {
		t.Errorf("got  %+v\nwant %+v", said[0], said[1])
	}
}

// TestMeaningOfErrors tells what a plugin says, with our SDK or without, from what gRPC says.
func TestMeaningOfErrors(t *testing.T) {
	t.Parallel()
	explained, err := status.New(codes.NotFound, "open library: it is not there").WithDetails(&sourcepb.Diagnostic{
		Kind: "not_found", Code: "script.no_library", Summary: "it is not there",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		err  error
		kind sdk.Kind
		code string
		says string
	}{
		"explained":      {explained.Err(), sdk.NotFound, "script.no_library", "open library: it is not there"},
		"a code":         {status.Error(codes.PermissionDenied, "no entry"), sdk.Invalid, CodeFailed, `plugin "script": check: no entry`},
		"not written":    {status.Error(codes.Unimplemented, ""), sdk.Unsupported, CodeUnsupported, "does not know check"},
		"gone":           {status.Error(codes.Unavailable, "EOF"), sdk.Unavailable, CodeDisconnected, "broke"},
		"a time limit":   {status.Error(codes.DeadlineExceeded, "slow"), sdk.Unavailable, CodeFailed, "slow"},
		"too much to do": {status.Error(codes.ResourceExhausted, "busy"), sdk.Unavailable, CodeFailed, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := talk(t, &script{err: tc.err}, Config{}).Check(t.Context())
			if sdk.KindOf(err) != tc.kind || code(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s, %s: %v", sdk.KindOf(err), code(err), err)
			}
		})
	}
}

func TestFateIsAskedAndBelieved(t *testing.T) {
	t.Parallel()
	dead := errors.New("it is dead")
	var asked error
	c := talk(t, &script{err: status.Error(codes.Unavailable, "EOF")}, Config{Fate: func(err error) error {
		asked = err
		return dead
	}})
	if err := c.Check(t.Context()); !errors.Is(err, dead) || status.Code(asked) != codes.Unavailable {
		t.Errorf("%v; asked about %v", err, asked)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, limits) // where only waiting takes time
}

func limits(t *testing.T) {
	c := talk(t, &script{hangs: true}, Config{Name: "slow", CallTimeout: 50 * time.Millisecond})
	if err := c.Check(t.Context()); code(err) != CodeStalled || !strings.Contains(err.Error(), `"slow"`) {
		t.Errorf("our limit: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Check(ctx); sdk.KindOf(err) != sdk.Cancelled {
		t.Errorf("limit of the caller: %v", err)
	}
	info := &sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Info{Info: &sourcepb.AssetInfo{Size: 5}}}
	c = talk(t, &script{hangs: true, chunks: []*sourcepb.FetchAssetResponse{info}}, Config{AssetTimeout: 50 * time.Millisecond})
	a, err := c.FetchAsset(t.Context(), sdk.AssetRef{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(a.Body); code(err) != CodeStalled {
		t.Errorf("limit of an asset: %v", err)
	}
}

func TestBrokenAssets(t *testing.T) {
	t.Parallel()
	info := &sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Info{Info: &sourcepb.AssetInfo{Size: 5}}}
	chunk := &sourcepb.FetchAssetResponse{Message: &sourcepb.FetchAssetResponse_Chunk{Chunk: []byte("12345")}}
	for name, tc := range map[string]struct {
		chunks []*sourcepb.FetchAssetResponse
		says   string
	}{
		"whole":        {[]*sourcepb.FetchAssetResponse{info, chunk}, ""},
		"no beginning": {[]*sourcepb.FetchAssetResponse{chunk}, "its bytes came before"},
		"two of them":  {[]*sourcepb.FetchAssetResponse{info, info}, "it began twice"},
		"too short":    {[]*sourcepb.FetchAssetResponse{info}, "it has 0 bytes, not 5"},
		"too long":     {[]*sourcepb.FetchAssetResponse{info, chunk, chunk}, "it has 10 bytes, not 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := talk(t, &script{chunks: tc.chunks}, Config{}).FetchAsset(t.Context(), sdk.AssetRef{Key: "k"})
			if err == nil {
				_, err = io.ReadAll(a.Body)
			}
			if tc.says == "" && err != nil || tc.says != "" && (code(err) != CodeMisbehaved || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// refuser takes nothing.
type refuser struct{ list }

var errRefused = errors.New("refused")

func (r *refuser) Record(string, sdk.Record) error { return errRefused }

// TestReadAfterGivingUp: a reading that was given up is over for the plugin too when the next one begins.
func TestReadAfterGivingUp(t *testing.T) {
	t.Parallel()
	c := serve(t, sdk.Define(sdk.Plugin[struct{}]{
		Name: "endless", Version: "1.0.0",
		Read: func(ctx context.Context, _ struct{}, _ sdk.ReadRequest, out sdk.Writer) error {
			for ctx.Err() == nil {
				if err := out.Record("a", sdk.Record{ID: "1", JSON: []byte(`{}`)}); err != nil {
					return err
				}
			}
			return ctx.Err()
		},
	}))
	if err := c.Configure(t.Context(), sdk.Configuration{}); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if err := c.Read(t.Context(), sdk.ReadRequest{}, &refuser{}); !errors.Is(err, errRefused) {
			t.Fatalf("reading %d: %v", n, err)
		}
	}
}

// clock counts the waits.
type clock struct{ begun, ended int }

func (c *clock) Start() { c.begun++ }
func (c *clock) Stop()  { c.ended++ }

func TestBatchesAndClock(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]int32{0: 100, 7: 7} {
		s := &script{messages: []*sourcepb.ReadResponse{records("a", record("1", "{}")), complete(1)}}
		c := talk(t, s, Config{BatchRecords: asked})
		k := &clock{}
		if err := c.ReadTimed(t.Context(), sdk.ReadRequest{RunID: "r"}, &list{}, k); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		if limits := s.asked.GetLimits(); limits.GetRecords() != want || limits.GetBytes() != 1<<20 || s.asked.GetRunId() != "r" {
			t.Errorf("%d asks for %v", asked, s.asked)
		}
		s.mu.Unlock()
		if k.begun != 3 || k.ended != 3 { // two messages and the end
			t.Errorf("%d waits, %d of them ended", k.begun, k.ended)
		}
	}
}

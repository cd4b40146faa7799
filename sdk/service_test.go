package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

type noOptions struct{}

// reads is a source that reads with a function.
func reads(read func(ctx context.Context, request ReadRequest, out Writer) error) Source {
	return Define(Plugin[noOptions]{
		Name: "test", Version: "1.0.0",
		Read: func(ctx context.Context, _ noOptions, request ReadRequest, out Writer) error {
			return read(ctx, request, out)
		},
	})
}

func record() Record {
	return Record{ID: "1", JSON: []byte(`{"name":"one"}`)}
}

// TestReadBatchesAndCounts runs in a bubble, as other tests of batches do: its clock stands still while anything is done, so
// no batch grows old.
func TestReadBatchesAndCounts(t *testing.T) { synctest.Test(t, readBatchesAndCounts) }

func readBatchesAndCounts(t *testing.T) {
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		buffer := make([]byte, 0, 64)
		for i := range 250 {
			buffer = fmt.Appendf(buffer[:0], `{"n":%d}`, i) // the writer keeps no reference
			if err := out.Record("a", Record{ID: fmt.Sprint(i), JSON: buffer}); err != nil {
				return err
			}
		}
		if err := out.Skip("a", "bad", errors.New("torn page")); err != nil {
			return err
		}
		if err := out.Checkpoint("a", []byte("250")); err != nil {
			return err
		}
		for done, note := range []string{"begun", "too soon", "done"} {
			if err := out.Progress("b", int64(done), 2, note); err != nil {
				return err
			}
		}
		out.Report(Diagnostic{Severity: SeverityInfo, Summary: "by the way"})
		return out.Record("b", record())
	}))
	all, err := messages(t, client, &sourcepb.ReadRequest{Streams: []string{"a", "b", "empty"}})
	if err != nil {
		t.Fatal(err)
	}
	var shape []string
	next := 0
	for _, m := range all {
		switch m := m.GetMessage().(type) {
		case *sourcepb.ReadResponse_Records:
			shape = append(shape, fmt.Sprintf("%s:%d", m.Records.GetStream(), len(m.Records.GetRecords())))
			for _, r := range m.Records.GetRecords() {
				if m.Records.GetStream() == "a" {
					if want := fmt.Sprintf(`{"n":%d}`, next); string(r.GetJson()) != want {
						t.Fatalf("record %d is %s", next, r.GetJson())
					}
					next++
				}
			}
		case *sourcepb.ReadResponse_Status:
			s := m.Status
			shape = append(shape, fmt.Sprintf("%s=%s/%d/%d", s.GetStream(), s.GetState(), s.GetRecords(), s.GetFailed()))
		case *sourcepb.ReadResponse_Checkpoint:
			shape = append(shape, "checkpoint "+string(m.Checkpoint.GetState()))
		case *sourcepb.ReadResponse_Diagnostic:
			shape = append(shape, fmt.Sprintf("said %q skipped=%v", m.Diagnostic.GetSummary(), m.Diagnostic.GetSkipped()))
		case *sourcepb.ReadResponse_Progress:
			shape = append(shape, m.Progress.GetNote())
		}
	}
	want := []string{
		"a=STATE_STARTED/0/0", "a:100", "a:100", "a:50", `said "torn page" skipped=true`, "checkpoint 250",
		"b=STATE_STARTED/0/0", "begun", "done", `said "by the way" skipped=false`, "b:1", "empty=STATE_STARTED/0/0",
		"a=STATE_COMPLETE/250/1", "b=STATE_COMPLETE/1/0", "empty=STATE_COMPLETE/0/0",
	}
	if !slices.Equal(shape, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(shape, "\n"), strings.Join(want, "\n"))
	}
}

func TestBatchIsBoundedByBytes(t *testing.T) { synctest.Test(t, batchIsBoundedByBytes) }

func batchIsBoundedByBytes(t *testing.T) {
	big := fmt.Sprintf(`{"x":%q}`, strings.Repeat("x", 400<<10))
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		for i := range 5 {
			if err := out.Record("a", Record{ID: fmt.Sprint(i), JSON: []byte(big)}); err != nil {
				return err
			}
		}
		return nil
	}))
	all, err := messages(t, client, &sourcepb.ReadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, m := range all {
		if b := m.GetRecords(); b != nil {
			sizes = append(sizes, len(b.GetRecords()))
		}
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("batches of %v records", sizes)
	}
}

func TestLoneRecordDoesNotWait(t *testing.T) { synctest.Test(t, loneRecordDoesNotWait) }

func loneRecordDoesNotWait(t *testing.T) {
	client := configured(t, reads(func(ctx context.Context, _ ReadRequest, out Writer) error {
		if err := out.Record("a", record()); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := client.Read(ctx, &sourcepb.ReadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetRecords() != nil {
			break
		}
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Canceled {
		t.Errorf("after cancelling: %v", err)
	}
}

func TestUnfitRecordsAreCountedNotDropped(t *testing.T) {
	huge := fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", sourcepb.MaxRecord))
	for name, tc := range map[string]struct {
		record Record
		code   string
	}{
		"too large":  {Record{ID: "1", JSON: huge}, "TOO_LARGE"},
		"no id":      {Record{JSON: []byte(`{}`)}, "record_without_id"},
		"no object":  {Record{ID: "1", JSON: []byte(`[1]`)}, "record_invalid"},
		"nothing":    {Record{ID: "1"}, "record_invalid"},
		"torn UTF-8": {Record{ID: "1", JSON: []byte("{\"a\":\"\xff\"}")}, "record_invalid"},
		"torn id":    {Record{ID: "\xff", JSON: []byte(`{}`)}, "record_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
				return out.Record("a", tc.record)
			}))
			all, err := messages(t, client, &sourcepb.ReadRequest{})
			if err != nil {
				t.Fatal(err)
			}
			d := all[1].GetDiagnostic()
			if !d.GetSkipped() || d.GetCode() != tc.code || d.GetStream() != "a" {
				t.Errorf("diagnostic = %v", d)
			}
			if s := all[len(all)-1].GetStatus(); s.GetRecords() != 0 || s.GetFailed() != 1 {
				t.Errorf("status = %v", s)
			}
		})
	}
}

func TestUnaskedStreamIsRefused(t *testing.T) {
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		return out.Record("b", record())
	}))
	_, err := messages(t, client, &sourcepb.ReadRequest{Streams: []string{"a"}})
	if said := diagnosed(err); len(said) != 1 || said[0].GetCode() != "stream_not_asked_for" {
		t.Errorf("err = %v", err)
	}
}

func TestFailedReadIsIncomplete(t *testing.T) {
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		if err := out.Record("a", record()); err != nil {
			return err
		}
		return fmt.Errorf("read book: %w", &Diagnostic{Kind: Unavailable, Code: "book.locked", Summary: "the book is locked"})
	}))
	all, err := messages(t, client, &sourcepb.ReadRequest{})
	if status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "read book: the book is locked" {
		t.Errorf("err = %v", err)
	}
	last := all[len(all)-1].GetStatus()
	if last.GetState() != sourcepb.StreamStatus_STATE_INCOMPLETE || last.GetRecords() != 1 {
		t.Errorf("last message = %v", all[len(all)-1])
	}
}

func TestWriterAfterTheEnd(t *testing.T) {
	var kept Writer
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		kept = out
		return nil
	}))
	if _, err := messages(t, client, &sourcepb.ReadRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := kept.Record("a", record()); !errors.Is(err, errEnded) {
		t.Errorf("err = %v", err)
	}
	kept.Report(Diagnostic{Summary: "too late"})
}

func TestPanicBecomesDiagnosticAndTheServerLives(t *testing.T) {
	calls := 0
	client := configured(t, reads(func(_ context.Context, _ ReadRequest, out Writer) error {
		calls++
		if calls == 1 {
			var nobody *Writer
			return (*nobody).Checkpoint("a", nil)
		}
		return out.Record("a", record())
	}))
	_, err := messages(t, client, &sourcepb.ReadRequest{})
	said := diagnosed(err)
	if len(said) != 1 || said[0].GetCode() != "plugin_panic" || said[0].GetKind() != "internal" {
		t.Fatalf("err = %v", err)
	}
	if !strings.Contains(said[0].GetSummary(), "nil pointer") || !strings.Contains(said[0].GetDetail(), "service_test.go") {
		t.Errorf("summary %q, detail %q", said[0].GetSummary(), said[0].GetDetail())
	}
	if all, err := messages(t, client, &sourcepb.ReadRequest{}); err != nil || len(all) != 3 {
		t.Errorf("second reading: %v, %v", all, err)
	}
}

func TestOwnTimeLimitIsNotCancellation(t *testing.T) {
	client := configured(t, reads(func(context.Context, ReadRequest, Writer) error {
		return fmt.Errorf("get page 3: %w", context.DeadlineExceeded)
	}))
	_, err := messages(t, client, &sourcepb.ReadRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("err = %v", err)
	}
}

func TestOrderOfCallsIsHeld(t *testing.T) {
	client := connect(t, reads(func(context.Context, ReadRequest, Writer) error { return nil }))
	if _, err := client.Check(t.Context(), &sourcepb.CheckRequest{}); diagnosed(err)[0].GetCode() != "not_configured" {
		t.Errorf("check: %v", err)
	}
	if _, err := messages(t, client, &sourcepb.ReadRequest{}); diagnosed(err)[0].GetCode() != "not_configured" {
		t.Errorf("read: %v", err)
	}
	bad := &sourcepb.ConfigureRequest{Options: []byte(`{"nope":1}`)}
	if _, err := client.Configure(t.Context(), bad); status.Code(err) != codes.InvalidArgument {
		t.Errorf("wrong options: %v", err)
	}
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); err != nil {
		t.Errorf("right options after wrong ones: %v", err)
	}
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); diagnosed(err)[0].GetCode() != "already_configured" {
		t.Errorf("configured twice: %v", err)
	}
	if _, err := client.Check(t.Context(), &sourcepb.CheckRequest{}); err != nil {
		t.Errorf("check of a source without one: %v", err)
	}
}

func TestReadTwiceAtOnceIsRefused(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	client := configured(t, reads(func(context.Context, ReadRequest, Writer) error {
		close(entered)
		<-leave
		return nil
	}))
	first, err := client.Read(t.Context(), &sourcepb.ReadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	if _, err := messages(t, client, &sourcepb.ReadRequest{}); diagnosed(err)[0].GetCode() != "already_reading" {
		t.Errorf("second reading: %v", err)
	}
	close(leave)
	if _, err := first.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("first reading: %v", err)
	}
}

// TestReadAfterOneThatWasGivenUp reads again at once after a reading was cancelled, while the source is still on its way
// out of it: the second one waits.
func TestReadAfterOneThatWasGivenUp(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var readings atomic.Int32
	client := configured(t, reads(func(ctx context.Context, _ ReadRequest, _ Writer) error {
		if readings.Add(1) > 1 {
			return nil
		}
		close(entered)
		<-ctx.Done()
		<-leave // it takes its time
		return ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	first, err := client.Read(ctx, &sourcepb.ReadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	if _, err := first.Recv(); err == nil {
		t.Fatal("a message after the end")
	}
	second := make(chan error, 1)
	go func() {
		_, err := messages(t, client, &sourcepb.ReadRequest{})
		second <- err
	}()
	close(leave)
	if err := <-second; err != nil {
		t.Errorf("the next reading: %v", err)
	}
}

// binary is a source with one asset.
func binary(a Asset, err error) Source {
	return Define(Plugin[noOptions]{
		Name: "test", Version: "1.0.0",
		Read:  func(context.Context, noOptions, ReadRequest, Writer) error { return nil },
		Asset: func(context.Context, noOptions, AssetRef) (Asset, error) { return a, err },
	})
}

func TestFetchAsset(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), (sourcepb.AssetChunk+100)/16)
	for name, tc := range map[string]struct {
		asset Asset
		err   error
		code  codes.Code
	}{
		"whole":        {asset: Asset{MediaType: "image/webp", Size: int64(len(content))}},
		"unknown size": {asset: Asset{Size: -1}},
		"wrong size":   {asset: Asset{Size: 5}, code: codes.InvalidArgument},
		"refused":      {err: &Diagnostic{Kind: NotFound, Summary: "no such asset"}, code: codes.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			tc.asset.Body = io.NopCloser(bytes.NewReader(content))
			client := configured(t, binary(tc.asset, tc.err))
			stream, err := client.FetchAsset(t.Context(), &sourcepb.FetchAssetRequest{})
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			for {
				m, err := stream.Recv()
				if errors.Is(err, io.EOF) && tc.code == codes.OK {
					break
				}
				if err != nil {
					if status.Code(err) != tc.code {
						t.Errorf("err = %v", err)
					}
					return
				}
				if len(m.GetChunk()) > sourcepb.AssetChunk {
					t.Errorf("a chunk of %d bytes", len(m.GetChunk()))
				}
				got = append(got, m.GetChunk()...)
			}
			if !bytes.Equal(got, content) {
				t.Errorf("%d bytes came, not %d", len(got), len(content))
			}
		})
	}
}

func TestAssetWithoutBody(t *testing.T) {
	client := configured(t, binary(Asset{}, nil))
	stream, err := client.FetchAsset(t.Context(), &sourcepb.FetchAssetRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); diagnosed(err)[0].GetCode() != "asset_without_body" {
		t.Errorf("err = %v", err)
	}
}

func TestEndWaitsForCallsButNotForEver(t *testing.T) {
	leave := make(chan struct{})
	entered := make(chan struct{})
	s := newService(reads(nil), environment(Configuration{}).Log)
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		_, _ = s.unary(context.Background(), nil, nil, func(context.Context, any) (any, error) {
			close(entered)
			<-leave
			return nil, nil
		})
	}()
	<-entered
	if err := s.end(time.Millisecond); err == nil {
		t.Error("a call that does not end was not noticed")
	}
	close(leave)
	<-returned
	if err := s.enter(); KindOf(err) != Unavailable {
		t.Errorf("a call after the end: %v", err)
	}
}

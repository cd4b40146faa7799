package sourceclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// remembering is a Writer that writes down what comes.
type remembering struct {
	plain

	refuses error
}

// plain is a Writer that takes no revisions.
type plain struct{ lines *[]string }

func (p plain) say(words ...any) error {
	*p.lines = append(*p.lines, strings.TrimSpace(fmt.Sprintln(words...)))
	return nil
}

func (p plain) Record(stream string, r sdk.Record) error { return p.say("record", stream, r.ID) }
func (p plain) Skip(stream, id string, _ error) error    { return p.say("skip", stream, id) }
func (p plain) Checkpoint(stream string, state []byte) error {
	return p.say("checkpoint", stream, string(state))
}
func (p plain) Progress(string, int64, int64, string) error { return nil }
func (p plain) Report(d sdk.Diagnostic)                     { _ = p.say("report", d.Code) }
func (r remembering) Revision(stream string, rev []byte) error {
	return r.say("revision", stream, string(rev))
}

func (r remembering) Unchanged(stream string) error {
	return errors.Join(r.refuses, r.say("unchanged", stream))
}
func (r remembering) UnchangedRecord(stream, id string) error { return r.say("same", stream, id) }

func known() sdk.ReadRequest {
	return sdk.ReadRequest{Streams: []string{"a", "b"}, Known: map[string][]byte{"a": []byte("1"), "b": []byte("2")}}
}

// TestRevisions: what a source behind our SDK says of what has not changed comes in its order, whatever travels together.
func TestRevisions(t *testing.T) {
	source := sdk.Define(sdk.Plugin[struct{}]{
		Name: "steady", Version: "1.0.0", Incremental: true,
		Read: func(_ context.Context, _ struct{}, request sdk.ReadRequest, out sdk.Writer) error {
			w := out.(sdk.RevisionWriter)
			one := sdk.Record{ID: "new", JSON: []byte(`{}`)}
			return errors.Join(
				w.Unchanged("a"), w.UnchangedRecord("b", "1"), w.UnchangedRecord("b", "2"), out.Record("b", one), w.UnchangedRecord("b", "3"),
				out.Skip("b", "4", errors.New("torn")), w.UnchangedRecord("b", "5"), w.Revision("b", append(request.Known["b"], 'x')),
			)
		},
	})
	client := serve(t, source)
	if err := errors.Join(client.Greet(t.Context()), client.Configure(t.Context(), sdk.Configuration{})); err != nil {
		t.Fatal(err)
	}
	if !client.Spec().Can.Incremental {
		t.Error("it is not said to be incremental")
	}
	var lines []string
	if err := client.Read(t.Context(), known(), remembering{plain{&lines}, nil}); err != nil {
		t.Fatal(err)
	}
	want := []string{"unchanged a", "same b 1", "same b 2", "record b new", "same b 3", "skip b 4", "same b 5", "revision b 2x"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	refuses := errors.New("no")
	if err := client.Read(t.Context(), known(), remembering{plain{&lines}, refuses}); !errors.Is(err, refuses) {
		t.Errorf("got %v", err)
	}
}

// TestOldHost: a host that has not said that it takes revisions is sent none.
func TestOldHost(t *testing.T) {
	client := serve(t, sdk.Define(sdk.Plugin[struct{}]{
		Name: "steady", Version: "1.0.0",
		Read: func(_ context.Context, _ struct{}, _ sdk.ReadRequest, out sdk.Writer) error {
			return out.(sdk.RevisionWriter).Revision("a", []byte("1"))
		},
	}))
	if _, err := client.rpc.GetSpec(t.Context(), &sourcepb.GetSpecRequest{}); err != nil { // as an old one greets
		t.Fatal(err)
	}
	if err := client.Configure(t.Context(), sdk.Configuration{}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := client.Read(t.Context(), sdk.ReadRequest{}, remembering{plain{&lines}, nil}); err != nil || len(lines) > 0 {
		t.Errorf("got %q, %v", lines, err)
	}
}

// TestFalseRevisions: a plugin that says what it cannot know has not read its source.
func TestFalseRevisions(t *testing.T) {
	whole := func(stream string) *sourcepb.ReadResponse {
		return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Unchanged{Unchanged: &sourcepb.Unchanged{Stream: stream, Whole: true}}}
	}
	ids := func(stream string, ids ...string) *sourcepb.ReadResponse {
		return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Unchanged{Unchanged: &sourcepb.Unchanged{Stream: stream, Ids: ids}}}
	}
	records := &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: &sourcepb.RecordBatch{
		Stream: "a", Records: []*sourcepb.Record{{Id: "1", Json: []byte("{}")}},
	}}}
	skipped := &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Diagnostic{Diagnostic: &sourcepb.Diagnostic{Stream: "a", Skipped: true}}}
	complete := func(stream string, same int64) *sourcepb.ReadResponse {
		return &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Status{Status: &sourcepb.StreamStatus{
			Stream: stream, State: sourcepb.StreamStatus_STATE_COMPLETE, Unchanged: same,
		}}}
	}
	long := &sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Revision{Revision: &sourcepb.StreamRevision{
		Stream: "a", Revision: make([]byte, sdk.MaxRevision+1),
	}}}
	for name, test := range map[string]struct {
		messages []*sourcepb.ReadResponse
		known    []string
		plain    bool
		code     string
		lines    []string
	}{
		"right":                       {[]*sourcepb.ReadResponse{whole("a"), complete("a", 0)}, []string{"a"}, false, "", []string{"unchanged a"}},
		"records":                     {[]*sourcepb.ReadResponse{ids("a", "1", "2"), complete("a", 2)}, []string{"a"}, false, "", []string{"same a 1", "same a 2"}},
		"a stream it was not told":    {[]*sourcepb.ReadResponse{whole("a"), complete("a", 0)}, nil, false, CodeMisbehaved, nil},
		"a record it was not told":    {[]*sourcepb.ReadResponse{ids("a", "1"), complete("a", 1)}, nil, false, CodeMisbehaved, nil},
		"to a host that cannot":       {[]*sourcepb.ReadResponse{whole("a"), complete("a", 0)}, []string{"a"}, true, CodeMisbehaved, nil},
		"after a part of it":          {[]*sourcepb.ReadResponse{records, whole("a")}, []string{"a"}, false, CodeMisbehaved, []string{"record a 1"}},
		"before a part of it":         {[]*sourcepb.ReadResponse{whole("a"), records}, []string{"a"}, false, CodeMisbehaved, []string{"unchanged a"}},
		"and one that was skipped":    {[]*sourcepb.ReadResponse{whole("a"), skipped}, []string{"a"}, false, CodeMisbehaved, []string{"unchanged a"}},
		"other numbers":               {[]*sourcepb.ReadResponse{ids("a", "1"), complete("a", 2)}, []string{"a"}, false, CodeIncomplete, []string{"same a 1"}},
		"a revision that is too long": {[]*sourcepb.ReadResponse{long, complete("a", 0)}, nil, false, "", []string{"report " + CodeMisbehaved}},
	} {
		t.Run(name, func(t *testing.T) {
			client := talk(t, &script{messages: test.messages}, Config{Name: "script"})
			request := sdk.ReadRequest{Streams: []string{"a"}, Known: map[string][]byte{}}
			for _, stream := range test.known {
				request.Known[stream] = []byte("1")
			}
			var lines []string
			var out sdk.Writer = remembering{plain{&lines}, nil}
			if test.plain {
				out = plain{&lines}
			}
			err := client.Read(t.Context(), request, out)
			var d *sdk.Diagnostic
			if errors.As(err, &d); err != nil && (d == nil || d.Code != test.code) || err == nil && test.code != "" {
				t.Errorf("got %v", err)
			}
			if !slices.Equal(lines, test.lines) {
				t.Errorf("got %q", lines)
			}
		})
	}
}

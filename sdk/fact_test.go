package sdk

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

func TestValidateFacts(t *testing.T) {
	t.Parallel()
	many := make([]Fact, mostFacts+1)
	for i := range many {
		many[i].Name = fmt.Sprint("f", i)
	}
	for name, test := range map[string]struct {
		facts []Fact
		says  string
	}{
		"good":       {[]Fact{{Name: "live_files2", Number: -1}, {Name: "form", Text: strings.Repeat("x", maxFactText)}}, ""},
		"none":       {nil, ""},
		"as many":    {many[1:], ""},
		"too many":   {many, "there are 65 facts"},
		"twice":      {[]Fact{{Name: "a"}, {Name: "a"}}, "the fact a is there twice"},
		"no name":    {[]Fact{{Number: 1}}, `"" is no name`},
		"words":      {[]Fact{{Name: "live files"}}, `"live files" is no name`},
		"long name":  {[]Fact{{Name: strings.Repeat("a", maxFactName+1)}}, "is no name"},
		"long text":  {[]Fact{{Name: "a", Text: strings.Repeat("x", maxFactText+1)}}, "too long"},
		"long label": {[]Fact{{Name: "a", Label: strings.Repeat("x", maxFactText+1)}}, "too long"},
		"long unit":  {[]Fact{{Name: "a", Unit: strings.Repeat("x", maxFactName+1)}}, "too long"},
	} {
		if err := ValidateFacts(test.facts); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFactsOverTheWire sends facts in their place among records and checkpoints; bad ones are an error, and are not sent.
func TestFactsOverTheWire(t *testing.T) {
	t.Parallel()
	client := connect(t, Define(Plugin[noOptions]{
		Name: "shelf", Version: "1.0.0",
		Read: func(_ context.Context, _ noOptions, _ ReadRequest, out Writer) error {
			facts := out.(FactsWriter)
			if err := out.Record("a", Record{ID: "1", JSON: []byte(`{}`)}); err != nil {
				return err
			}
			if err := facts.Facts("a", Fact{Name: "Bad"}); KindOf(err) != Invalid {
				return fmt.Errorf("a bad fact is taken: %w", err)
			}
			if err := facts.Facts("a", Fact{Name: "form", Text: "\xffscroll"}, Fact{Name: "zero"}); err != nil {
				return err
			}
			return out.Checkpoint("a", []byte("1"))
		},
	}))
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	all, err := messages(t, client, &sourcepb.ReadRequest{Streams: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, m := range all {
		switch {
		case m.GetRecords() != nil:
			order = append(order, "records")
		case m.GetCheckpoint() != nil:
			order = append(order, "checkpoint")
		case m.GetFacts() != nil:
			f := m.GetFacts().GetFacts()
			order = append(order, fmt.Sprint("facts ", f[0].GetText(), " ", f[1].GetNumber(), " ", f[1].Value != nil))
		}
	}
	if got := strings.Join(order, ", "); got != "records, facts \uFFFDscroll 0 true, checkpoint" {
		t.Error(got)
	}
}

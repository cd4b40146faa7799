//go:build unix

package host

import (
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestProtocolIsNegotiated pairs hosts and plugins of different ages: the newest version that both speak is spoken, and where
// there is none, it is said which versions each of them speaks.
func TestProtocolIsNegotiated(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		ours   []int
		kind   string
		spoken int // 0: none
		says   string
		advice string
	}{
		{"of one age", []int{1}, "good", 1, "", ""},
		{"newer host", []int{2, 1}, "good", 1, "", ""},
		{"newer plugin", []int{1}, "both", 1, "", ""},
		{"both newer", []int{2, 1}, "both", 2, "", ""},
		{"plugin too new", []int{1}, "second", 0, "speaks version 2 of the protocol, and this converter version 1", "update the converter"},
		{"plugin far too new", []int{2, 1}, "far", 0, "speaks versions 3 and 4 of the protocol, and this converter versions 1 and 2", "update the converter"},
		{"plugin too old", []int{3, 2}, "good", 0, "speaks version 1 of the protocol, and this converter versions 2 and 3", "update the plugin"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			config := pluginConfig(t, "", tc.kind)
			config.majors = tc.ours
			p, err := Start(t.Context(), config)
			if tc.spoken == 0 {
				if err == nil {
					_ = p.Close()
					t.Fatal("it started")
				}
				if d := diagnostic(t, err, CodeProtocol); !strings.Contains(d.Summary, tc.says) || !strings.HasPrefix(d.Suggestion, tc.advice) {
					t.Errorf("%s → %s", d.Summary, d.Suggestion)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Protocol(); got != tc.spoken {
				t.Errorf("version %d is spoken, not %d", got, tc.spoken)
			}
			if err := p.Configure(t.Context(), sdk.Configuration{Source: "s", Options: []byte("{}")}); err != nil {
				t.Error(err)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMajors(t *testing.T) {
	t.Parallel()
	majors := sourcepb.Majors()
	if len(majors) == 0 || majors[0] != sourcepb.ProtocolVersion {
		t.Fatalf("%v does not begin with the current version", majors)
	}
	if sourcepb.ProtocolVersion > 1 && (len(majors) != 2 || majors[1] != sourcepb.ProtocolVersion-1) {
		t.Errorf("%v has not the version before", majors)
	}
}

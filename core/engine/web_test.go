package engine

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestWeb: what becomes of references by URL.
func TestWeb(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/good.png", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(drawing(t, 9, 7, 1)) })
	mux.HandleFunc("/busy.png", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for name, tc := range map[string]struct {
		url     string
		status  sdk.AssetStatus
		web     bool
		remote  bool
		outcome core.Outcome
		problem string
	}{
		"present":            {server.URL + "/good.png", sdk.Present, true, false, core.Written, ""},
		"nothing fetches":    {server.URL + "/good.png", sdk.Present, false, true, core.Skipped, ""},
		"remote, unwanted":   {server.URL + "/good.png", sdk.Remote, true, false, core.Skipped, ""},
		"remote, wanted":     {server.URL + "/good.png", sdk.Remote, true, true, core.Written, ""},
		"not there":          {server.URL + "/none.png", sdk.Present, true, false, core.FailedItem, "asset.refused"},
		"server is busy":     {server.URL + "/busy.png", sdk.Present, true, false, core.FailedItem, "asset.refused"},
		"nobody listens":     {"http://127.0.0.1:1/good.png", sdk.Present, true, false, core.FailedItem, "asset.unreachable"},
		"another protocol":   {"file:///etc/hostname", sdk.Present, true, false, core.FailedItem, "asset.bad_url"},
		"not an address":     {"://", sdk.Present, true, false, core.FailedItem, "asset.bad_url"},
		"nowhere in the web": {"http:///good.png", sdk.Present, true, false, core.FailedItem, "asset.bad_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := sdk.AssetRef{URI: "x", Status: tc.status, URL: tc.url}
			j := newJob(t, showing(nil, ref))
			j.Images.Remote = tc.remote
			if tc.web {
				j.Images.Web = server.Client()
			}
			j.run(t)
			want := core.StageCounts{Total: 1, Found: 1, Ended: true}
			switch tc.outcome {
			case core.Written:
				want.Written = 1
			case core.Skipped:
				want.Skipped = 1
			default:
				want.Failed = 1
			}
			if got := j.count.stage(core.StageAssets); got != want {
				t.Errorf("counts %+v, want %+v", got, want)
			}
			if m := j.ledger.mappings[[2]string{"s0", "x"}]; m.Problem != tc.problem || (m.AssetID != "") != (tc.outcome == core.Written) {
				t.Errorf("mapping %+v", m)
			}
		})
	}
}

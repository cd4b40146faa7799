package engine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/sdk"
)

// showing makes a source of documents, one for each reference.
func showing(bytes map[string][]byte, refs ...sdk.AssetRef) *shelf {
	s := &shelf{bytes: bytes}
	for i, ref := range refs {
		s.items = append(s.items, doc("a", fmt.Sprintf("%03d", i), func(r *sdk.Record) { r.Assets = []sdk.AssetRef{ref} }))
	}
	return s
}

func byKey(key string) sdk.AssetRef { return sdk.AssetRef{URI: key, Status: sdk.Present, Key: key} }

// TestAssets: what becomes of every sort of reference.
func TestAssets(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := drawing(t, 9, 7, 1)
	huge := file("huge", nil)
	if err := os.Truncate(huge, fileBytes+1); err != nil {
		t.Fatal(err)
	}
	atPath := func(path string) sdk.AssetRef { return sdk.AssetRef{URI: "x", Status: sdk.Present, Path: path} }
	bytes := map[string][]byte{
		"good": good, "unknown": good, "unsaid": good, "lies": good, "torn": nil, "empty": {}, "text": []byte("just words"),
		"cut": good[:len(good)/2], "sound": []byte("OggS\x00 la la"),
	}
	const none, kept, made = 0, 1, 2 // renditions
	for name, tc := range map[string]struct {
		ref        sdk.AssetRef
		outcome    core.Outcome
		problem    string
		renditions int
	}{
		"file":             {atPath(file("good.png", good)), core.Written, "", made},
		"by key":           {byKey("good"), core.Written, "", made},
		"size not known":   {byKey("unknown"), core.Written, "", made},
		"size not said":    {byKey("unsaid"), core.Written, "", made},
		"kept as it came":  {byKey("sound"), core.Written, "", kept},
		"damaged":          {byKey("cut"), core.FailedItem, asset.CodeDamaged, kept},
		"no picture":       {byKey("text"), core.FailedItem, asset.CodeNotAnImage, none},
		"empty":            {byKey("empty"), core.FailedItem, asset.CodeNotAnImage, none},
		"empty file":       {atPath(file("empty", nil)), core.FailedItem, asset.CodeNotAnImage, none},
		"longer than said": {byKey("lies"), core.FailedItem, "asset.changed", none},
		"torn off":         {byKey("torn"), core.FailedItem, "asset.unreadable", none},
		"no such key":      {byKey("nobody"), core.FailedItem, "shelf.no_asset", none},
		"file gone":        {atPath(filepath.Join(dir, "gone")), core.FailedItem, "asset.missing", none},
		"folder":           {atPath(dir), core.FailedItem, "asset.unreadable", none},
		"too large":        {atPath(huge), core.FailedItem, "asset.too_large", none},
		"missing":          {sdk.AssetRef{URI: "x", Status: sdk.Missing}, core.FailedItem, "asset.missing", none},
		"core":             {sdk.AssetRef{URI: "x", Status: sdk.Core}, core.Skipped, "", none},
		"remote":           {sdk.AssetRef{URI: "x", Status: sdk.Remote, URL: "https://x"}, core.Skipped, "", none},
		"data":             {sdk.AssetRef{URI: "x", Status: sdk.DataURI}, core.Skipped, "", none},
		"data, as a file":  {sdk.AssetRef{URI: "data:image/png#1", Status: sdk.DataURI, Path: file("data", good)}, core.Written, "", made},
		"not installed":    {sdk.AssetRef{URI: "x", Status: sdk.Uninstalled}, core.Skipped, "", none},
		"wildcard":         {sdk.AssetRef{URI: "x", Status: sdk.Wildcard}, core.Skipped, "", none},
		"present nowhere":  {sdk.AssetRef{URI: "x", Status: sdk.Present}, core.Skipped, "", none},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, showing(bytes, tc.ref))
			sheet := j.onSheet()
			result := j.run(t)
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
			m := j.ledger.mappings[[2]string{"s0", tc.ref.URI}]
			if m.Problem != tc.problem || m.Status != tc.ref.Status || (m.AssetID != "") != (tc.renditions > none) {
				t.Errorf("mapping %+v", m)
			}
			if n := strings.Count(sheet.text.String(), " "+m.AssetID+"\n"); m.AssetID != "" && n != tc.renditions {
				t.Errorf("%d renditions were written, want %d", n, tc.renditions)
			}
			if (result.Assets == 1) != (tc.renditions > none) {
				t.Errorf("result %+v", result)
			}
			heads, err := j.ledger.Heads(t.Context())
			if err != nil || len(heads) != 1 {
				t.Fatal(heads, err)
			}
			line, _, _ := strings.Cut(sheet.text.String(), "\n")
			if strings.Contains(line, `"asset_id"`) != (tc.renditions > none) || strings.Contains(line, `"problem":"`+tc.problem+`"`) != (tc.problem != "") {
				t.Errorf("the entity says %s", line)
			}
			if tc.problem == "" {
				return
			}
			if got := j.count.codes(); got[tc.problem] != 1 || len(got) != 1 {
				t.Errorf("problems %v", got)
			}
			f := j.count.failures[0]
			if f.Stage != core.StageAssets || f.Source != "s0" || f.Plugin != "shelf" || f.Item != tc.ref.URI || f.Message == "" {
				t.Errorf("it does not say where: %+v", f)
			}
		})
	}
}

// TestDamagedPictureKeepsItsBytes.
func TestDamagedPictureKeepsItsBytes(t *testing.T) {
	whole := drawing(t, 40, 40, 1)
	cut := whole[:len(whole)/2]
	j := newJob(t, showing(map[string][]byte{"cut": cut}, byKey("cut")))
	j.run(t)
	id := sha(cut)
	if got := tree(t, j.path)["assets/"+id[:2]+"/"+id+"_original.png"]; got != string(cut) {
		t.Errorf("got %d bytes, want the %d that came", len(got), len(cut))
	}
}

// TestSameContentIsMadeOnce: whatever it is called, whoever has it, and however many ask at a time.
func TestSameContentIsMadeOnce(t *testing.T) {
	picture := drawing(t, 9, 7, 1)
	bytes := map[string][]byte{}
	var refs []sdk.AssetRef
	for i := range 20 {
		key := fmt.Sprint("copy", i)
		bytes[key] = picture
		refs = append(refs, byKey(key), byKey(key))
	}
	j := newJob(t, showing(bytes, refs...), showing(bytes, refs...))
	j.Sources[1].Source.(*shelf).plugin = "other"
	j.Workers = 8
	j.pictures.before = func() {
		for j.count.meeting().Waits < 7 { // until all others wait for this one
			runtime.Gosched()
		}
	}
	result := j.run(t)
	if m := j.count.meeting(); m.Calls != 40 || m.Waits < 7 || m.Contended != 1 || m.WaitedUS == 0 {
		t.Errorf("workers met: %+v", m)
	}
	if n := j.encoder.calls.Load(); n != 2 { // the original and the thumbnail
		t.Errorf("%d pictures were encoded", n)
	}
	if j.pictures.stores != 1 || j.count.lookups != 1 || result.Assets != 1 {
		t.Errorf("%d stored, %d looked up, %+v", j.pictures.stores, j.count.lookups, result)
	}
	if c := j.count.stage(core.StageAssets); c.Found != 40 || c.Written != 1 || c.Cached != 39 {
		t.Errorf("counts %+v", c)
	}
	for key, n := range j.Sources[0].Source.(*shelf).fetched {
		if n != 1 {
			t.Errorf("%s was opened %d times", key, n)
		}
	}
}

// TestSameBadContent fails once for each reference, so that each is found.
func TestSameBadContent(t *testing.T) {
	bytes := map[string][]byte{"one": []byte("words"), "other": []byte("words")}
	j := newJob(t, showing(bytes, byKey("one"), byKey("other")))
	j.run(t)
	if c := j.count.stage(core.StageAssets); c.Failed != 2 || j.count.codes()[asset.CodeNotAnImage] != 2 {
		t.Errorf("counts %+v, problems %v", c, j.count.codes())
	}
}

// TestSameReferenceOfTwoSources are two references.
func TestSameReferenceOfTwoSources(t *testing.T) {
	one, other := drawing(t, 9, 7, 1), drawing(t, 9, 7, 2)
	second := showing(map[string][]byte{"token": other}, byKey("token"))
	second.plugin = "other"
	j := newJob(t, showing(map[string][]byte{"token": one}, byKey("token")), second)
	j.run(t)
	for uid, want := range map[string]string{"shelf:w:000": sha(one), "other:w:000": sha(other)} {
		if got := written(t, j.path)[uid].Assets[0].AssetID; got != want {
			t.Errorf("%s shows %s, want %s", uid, got, want)
		}
	}
}

// TestStoreOfPicturesIsFull: each is a failure, and none of them is written.
func TestStoreOfPicturesIsFull(t *testing.T) {
	j := newJob(t, showing(map[string][]byte{"a": drawing(t, 9, 7, 1)}, byKey("a")))
	j.blobs.fault = errors.New("no room")
	result := j.run(t)
	if result.Assets != 0 || j.count.codes()["store.blob_unwritable"] != 1 || j.pictures.stores != 0 {
		t.Errorf("got %+v, problems %v", result, j.count.codes())
	}
	if m := j.ledger.mappings[[2]string{"s0", "a"}]; m.AssetID != "" || m.Problem == "" {
		t.Errorf("mapping %+v", m)
	}
}

// TestBlobIsGone between making a picture and writing it: the output is not published with a hole in it.
func TestBlobIsGone(t *testing.T) {
	j := newJob(t, showing(map[string][]byte{"a": drawing(t, 9, 7, 1)}, byKey("a")))
	before := j.previous(t)
	j.ledger.fault = func(_ context.Context, what, _ string) error {
		if what == "heads" {
			clear(j.blobs.bytes)
		}
		return nil
	}
	if _, err := Run(t.Context(), j.Config); err == nil || !strings.Contains(err.Error(), "no such blob") {
		t.Errorf("got %v", err)
	}
	j.untouched(t, before)
}

// TestMoreThanTheMemory: pictures that weigh more than there is, and files that want all the room there is, pass one by
// one. If they waited for each other, synctest would say so.
func TestMoreThanTheMemory(t *testing.T) {
	bytes := map[string][]byte{}
	var refs []sdk.AssetRef
	for i := range 6 {
		for _, size := range []string{"unknown", "known"} {
			key := fmt.Sprint(size, i)
			bytes[key] = drawing(t, 30+i, 30, 1)
			refs = append(refs, byKey(key))
		}
	}
	j := newJob(t, showing(bytes, refs...))
	j.onSheet()
	j.Workers = 8
	j.Images.Memory = 1
	var inside, most atomic.Int64
	j.Images.Config.Original = asset.OriginalKeep // else a picture is encoded twice at a time
	j.Images.Config.Encoder = counting{j.encoder, &inside, &most}
	synctest.Test(t, func(t *testing.T) {
		result, err := Run(t.Context(), j.Config)
		if err != nil || result.Assets != 6 {
			t.Errorf("got %+v, %v", result, err)
		}
		j.count.balanced(t)
	})
	if n := most.Load(); n != 1 {
		t.Errorf("%d pictures were made at a time, where there is room for one", n)
	}
}

// counting counts how many pictures are being made at a time.
type counting struct {
	*sketch

	inside, most *atomic.Int64
}

func (c counting) Encode(ctx context.Context, m image.Image, quality, method int) ([]byte, error) {
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for old := c.most.Load(); n > old && !c.most.CompareAndSwap(old, n); old = c.most.Load() {
	}
	yield()
	return c.sketch.Encode(ctx, m, quality, method)
}

// TestSlowPicture: a codec that does not come to an end is left at the deadline, and the run goes on.
func TestSlowPicture(t *testing.T) {
	j := newJob(t, showing(map[string][]byte{"a": drawing(t, 9, 7, 1), "b": []byte("OggS\x00 la la")}, byKey("a"), byKey("b")))
	j.onSheet()
	j.Images.Config.Encoder = stuck{}
	synctest.Test(t, func(t *testing.T) {
		result, err := Run(t.Context(), j.Config)
		if err != nil || result.Assets != 1 || j.count.codes()["image.too_slow"] != 1 {
			t.Errorf("got %+v, %v, problems %v", result, err, j.count.codes())
		}
		j.count.balanced(t)
	})
}

type stuck struct{}

func (stuck) Name() string { return "stuck" }

func (stuck) Encode(ctx context.Context, _ image.Image, _, _ int) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestQueue(t *testing.T) {
	q := newQueue()
	errands := func(n int) {
		for i := range n {
			q.put(errand{of: fmt.Sprint(i)})
		}
	}
	errands(3)
	for i := range 3 {
		if e, more, err := q.take(t.Context()); e.of != fmt.Sprint(i) || !more || err != nil {
			t.Errorf("got %+v, %v, %v", e, more, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := q.take(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		q = newQueue()
		var taken atomic.Int64
		for range 4 {
			go func() {
				for {
					_, more, err := q.take(t.Context())
					if err != nil || !more {
						return
					}
					taken.Add(1)
				}
			}()
		}
		synctest.Wait()
		errands(2)
		synctest.Wait()
		if taken.Load() != 2 {
			t.Errorf("%d were taken of 2", taken.Load())
		}
		errands(50)
		q.close() // all of them see it
		synctest.Wait()
		if taken.Load() != 52 {
			t.Errorf("%d were taken of 52", taken.Load())
		}
	})
}

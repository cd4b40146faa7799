package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
	quality "github.com/seed-98789ff7/converter/tools/bench/pdf"
)

// actAs makes the test program the one that is measured.
const actAs = "BENCH_TEST_ACT_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(actAs) {
	case "":
		os.Exit(m.Run())
	case "fails":
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 1000)+"the reason")
		os.Exit(7)
	case "run":
		fmt.Fprintln(os.Stderr, `{"type":"status","state":"running","doing":"reading items, 3 of 9"}`)
		fmt.Fprintln(os.Stderr, `{"type":"status","state":"running","doing":"writing","storing":{"rows":9,"batches":2,"total_us":50,"waited_us":7,"flushed_us":3}}`)
		now := time.Now().UnixMilli()
		fmt.Printf(`{"type":"end","started_ms":%d,"ended_ms":%d,"written":[%q]}`+"\n", now-3000, now, os.Args[len(os.Args)-1])
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2}} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestFraction(t *testing.T) {
	for ratio, want := range map[float64]string{0.05: "1/20.0", 0.5: "1/2.0", 0.97: "0.97", 1.5: "1.50", 0: "0.00", math.NaN(): "NaN"} {
		if got := fraction(ratio); got != want {
			t.Errorf("fraction(%v) = %s, want %s", ratio, got, want)
		}
	}
}

// TestReport: the ratio that counts is the median of the rounds' own, and a bar that could not be measured is not met.
func TestReport(t *testing.T) {
	round := func(ours, peer float64) map[string]cost {
		return map[string]cost{"ours": {cpu: time.Duration(ours * 1e9)}, "peer": {cpu: time.Duration(peer * 1e9)}}
	}
	seconds := []column{{name: "CPU", by: byCPU, form: "%.2fs"}, {name: "twice", variant: " twice", by: byCPU, form: "%.0f"}}
	r := report{
		tables: []table{{title: "what", rows: []row{{"mine", "ours"}, {"not measured", "absent"}}, columns: seconds}},
		rounds: []map[string]cost{round(1, 10), round(2, 40), round(9, 10)},
	}
	r.rounds[0]["ours twice"] = cost{cpu: 2 * time.Second}
	bars := []bar{
		{what: "loose", of: "ours", to: "peer", by: byCPU, most: 0.1},
		{what: "tight", of: "ours", to: "peer", by: byCPU, most: 0.09},
		{what: "unknown", of: "ours", to: "peer", by: byPeak, most: 0.5},
		{what: "enough", of: "ours", to: "peer", by: byCPU, least: 0.1},
		{what: "too little", of: "ours", to: "peer", by: byCPU, least: 0.2},
		{what: "unknown", of: "ours", to: "peer", by: byPeak, least: 0.5},
	}
	for i, want := range []bool{true, false, false, true, false, false} {
		if r.bars = bars[i : i+1]; r.met() != want {
			t.Errorf("%s is met: %v, want %v", bars[i].what, r.met(), want)
		}
	}
	r.bars, r.told = bars, []bar{{what: "only told", of: "ours", to: "peer", by: byCPU}}
	r.times = []timeline{
		{{"reading", time.Second}, {"stopping", time.Second}},
		{{"reading", 3 * time.Second}, {"linking", time.Second}, {"stopping", time.Second}},
		{{"reading", 2 * time.Second}, {"linking", time.Second}, {"rare", time.Second}, {"stopping", time.Second}},
	}
	text := r.String()
	for _, want := range []string{
		"loose 1/10.0 (1/20.0 to 1/1.1) ≤ 1/10.0 met\n", "tight 1/10.0 (1/20.0 to 1/1.1) ≤ 1/11.1 NOT MET\n",
		"unknown NaN (NaN to NaN) ≤ 1/2.0 NOT MET\n", "enough 0.10 (0.05 to 0.90) ≥ 0.10 met\n", "too little 0.10 (0.05 to 0.90) ≥ 0.20 NOT MET\n",
		"only told 1/10.0 (1/20.0 to 1/1.1)\n", "what CPU twice\nmine 2.00s 2\n\n", "reading 2.00s\nlinking 1.00s\nstopping 1.00s\n",
	} {
		if !strings.Contains(squeezed(text), want) {
			t.Errorf("no %q in\n%s", want, squeezed(text))
		}
	}
}

// TestPluginReport: every ratio is made of cells of the names that were measured, and so is every table.
func TestPluginReport(t *testing.T) {
	round := map[string]sample{}
	for _, name := range []string{"records tls 1", "records tls 100", "records plain 1", "records plain 100", "records python 100", "records direct", "records decoded"} {
		round[name] = sample{Seconds: 0.5, Count: 1000, Bytes: 2_000_000, CPU: 0.002, PluginCPU: 0.003}
	}
	for _, way := range []string{"tls", "plain", "written", "opened", "direct"} {
		for _, cell := range []string{"2097152 1", "2097152 4", "200000 1", "200000 4"} {
			round["assets "+way+" "+cell] = sample{Seconds: 0.5, Count: 10, Bytes: 3_000_000}
		}
	}
	for _, way := range []string{"tls", "plain", "python", "describe"} {
		round["start "+way] = sample{Seconds: 0.02, CloseSeconds: 0.001}
	}
	for _, name := range []string{"few", "many", "wait"} {
		round["memory "+name] = sample{Count: 1, Peak: 20 << 20, PluginPeak: 30 << 20, Ahead: 400}
	}
	r := pluginReport([]map[string]sample{round})
	for _, b := range append(r.bars, r.told...) {
		if ratio := r.ratios(b)[0]; ratio != 1 {
			t.Errorf("%s: %v, of two that are alike", b.what, ratio)
		}
	}
	text := squeezed(r.String())
	for _, want := range []string{
		"AutoMTLS, batches of 100 2000 4 2.0 µs 3.0 µs\n", "streamed, AutoMTLS 6 6 6 6\n", "in process 6 6 6 6\n",
		"plain 20.0 ms 1.0 ms\n", "200,000 records 20 MB 30 MB 400\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	lines := 0
	for _, t := range r.tables {
		lines += len(t.rows)
	}
	delete(round, "records python 100")
	delete(round, "start python")
	if less := squeezed(pluginReport([]map[string]sample{round}).String()); lines != 19 || strings.Count(text, "\n")-strings.Count(less, "\n") != 2 {
		t.Errorf("of %d lines are left out, without Python:\n%s", lines, less)
	}
}

// TestPDFReport: the same for PDF files. The text is what the bars are about.
func TestPDFReport(t *testing.T) {
	b := &pdfBench{peers: map[string][]string{"pdftotext": {"x"}, "mutool": {"x"}}}
	good, one := quality.Text{Words: 0.9912, Trigrams: 0.98, Tens: 0.96, Order: 1}, quality.Text{Words: 1, Trigrams: 1, Tens: 1, Order: 1}
	round := map[string]cost{
		"ours": {cpu: 2e9, text: good}, "pdftotext": {cpu: 1e9, text: quality.Text{Words: 0.9}}, "mutool": {cpu: 1e9}, whole: {text: one},
		"ours odd6-core.pdf": {text: quality.Text{Order: 0.9987}}, child: {peak: 75 << 20}, roomy: {peak: enough},
		oursTwo: {cpu: 2e9}, oursAll: {cpu: 2e9},
	}
	r := b.report()
	r.rounds = []map[string]cost{round}
	if !r.met() {
		t.Errorf("a bar is not met:\n%s", r)
	}
	text := squeezed(r.String())
	for _, want := range []string{
		"ours 0.00 s 2.00 s 0 MB 0.9912 0.9800 0.9600 1.0000\n", "words of the reference 0.9912 (0.9912 to 0.9912) ≥ 0.9850 met\n",
		"odd6-core 0.9987 0.0000\n", "CPU: ours to pdftotext 2.00 (2.00 to 2.00) ≤ 3.00 met\n", "CPU: ours to mutool 2.00",
		"memory: a process that reads to 150 MB 1/2.0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "pypdf") {
		t.Errorf("a tool that is not there is shown:\n%s", text)
	}
	round["ours"] = cost{cpu: 2e9, text: quality.Text{Words: 0.9, Trigrams: 0.98, Tens: 0.96, Order: 1}}
	if r.met() {
		t.Errorf("lost words meet the bar:\n%s", r)
	}
}

// TestStoreReport: the same for the store. What is told of runs is that of their round.
func TestStoreReport(t *testing.T) {
	b := &shelf{settings: settings{rows: 1000}, filled: sample{Count: 1000, Seconds: 1, Bytes: 16 << 20, Peak: 50 << 20, PluginPeak: 150e6}}
	round := map[string]sample{}
	for _, name := range []string{
		"write run", "write direct", "write same", "write single", "write batches", "look memory", "look picture", "look store", "items 1000", "items 10000",
		"items 100000",
	} {
		round[name] = sample{Seconds: 0.5, Count: 1000, Bytes: 2_000_000, CPU: 0.002, PluginCPU: 0.003}
	}
	b.measured = []map[string]sample{round}
	share := map[string]cost{}
	for _, name := range []string{runPlain, runPictures} {
		share[name], share[name+waiting], share[name+storing] = cost{wall: 10e9, count: 70}, cost{wall: 5e9}, cost{wall: 5e9, count: 7}
	}
	b.shares = []map[string]cost{share}
	r := b.report()
	for _, ratio := range append(r.bars, r.told...) {
		want := 1.0
		if ratio.to == limits || strings.HasPrefix(ratio.to, runPlain) {
			want = 0.5
		}
		if got := r.ratios(ratio)[0]; got != want {
			t.Errorf("%s: %v, want %v", ratio.what, got, want)
		}
	}
	text := squeezed(r.String())
	for _, want := range []string{
		"a run: entities put by two workers, batches of 100 2000 4.0 2 µs 3 µs\n", "the same row, read from the store 500.00 µs\n",
		"10,000 items 500 µs 2000 B\n", "1000 items of 2 KB, as fast as it goes 1000 16 MB 50 MB 143 MB\n",
		"with pictures 10.00s 5.00s 5.00s 7 70\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// squeezed has one space where text has several.
func squeezed(text string) string {
	for strings.Contains(text, "  ") {
		text = strings.ReplaceAll(text, "  ", " ")
	}
	return text
}

func TestMeasure(t *testing.T) {
	t.Setenv(actAs, "fails")
	_, _, err := measure(command(t.Context(), os.Args[0]))
	if err == nil || !strings.HasSuffix(err.Error(), "the reason") || len(err.Error()) > 3000 {
		t.Errorf("the error is %v", err)
	}
	t.Setenv(actAs, "run")
	took, out, err := measure(command(t.Context(), os.Args[0], t.TempDir()))
	if err != nil || took.wall <= 0 || !bytes.Contains(out, []byte("started_ms")) {
		t.Errorf("%+v, %q, %v", took, out, err)
	}
	if runtime.GOOS == "linux" && (took.peak < 1<<20 || took.peak > 1<<30) {
		t.Errorf("peak memory of a small program: %d bytes", took.peak)
	}
}

// TestWatch: a run tells its steps, and its files when they were written.
func TestWatch(t *testing.T) {
	out := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"item/a.json": 2 * time.Second, "item/b.json": time.Second, "rule/c.json": 1500 * time.Millisecond} {
		path := filepath.Join(out, "entities", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(actAs, "run")
	got, rows, err := watch(command(t.Context(), os.Args[0], out))
	if err != nil {
		t.Fatal(err)
	}
	if want := (stored{Rows: 9, Batches: 2, TotalUS: 50, WaitedUS: 7, Flushed: 3}); rows != want {
		t.Errorf("rows %+v, want %+v", rows, want)
	}
	var names []string
	for _, p := range got {
		names = append(names, p.name)
	}
	if want := fmt.Sprint([]string{starting, "reading", writing, putting, stopping}); fmt.Sprint(names) != want {
		t.Fatalf("phases %v, want %s", names, want)
	}
	if took := got[2].took; took != time.Second {
		t.Errorf("writing took %v, the files say 1s", took)
	}
	// What began 3 s before the program spoke ended with the first file, which is 2 s older than this test.
	if took := got[1].took; took < 0 || took > 1100*time.Millisecond {
		t.Errorf("reading took %v, want 1s less the time it took to start", took)
	}
	if _, _, err := watch(command(t.Context(), os.Args[0], filepath.Join(out, "nothing"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an output without files: %v", err)
	}
}

func TestListen(t *testing.T) {
	told := `{"type":"status","state":"running","doing":"looking at the sources"}
noise
{"type":"problem","state":"running","doing":"being wrong"}
{"type":"status","state":"running","doing":"reading a, 1 of 2"}
{"type":"status","state":"running","doing":"reading b, 2 of 2"}
{"type":"status","state":"running"}
{"type":"status","state":"succeeded","doing":"nothing"}
{"type":"status","state":"running","doing":"linking"}`
	at := time.UnixMilli(0)
	got, _ := listen(strings.NewReader(told), func() time.Time { at = at.Add(time.Second); return at })
	want := []mark{{"looking", time.UnixMilli(1000)}, {"reading", time.UnixMilli(2000)}, {"linking", time.UnixMilli(3000)}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestWorker(t *testing.T) {
	const documents = 23 // in the smallest pack
	dir := testdata.Dir(t, "foundry", "Data", "systems", "dnd5e", "packs", "tradegoods")
	out := t.TempDir()
	var hashed, filed tally
	for job, into := range map[string]*tally{"hash": &hashed, "files": &filed} {
		args := []string{dir}
		if job == "files" {
			args = []string{out, dir}
		}
		var said bytes.Buffer
		if err := work(&said, job, args); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(said.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	if hashed != (tally{Documents: documents}) || filed.Documents != documents {
		t.Errorf("hashed %+v, filed %+v, want %d documents", hashed, filed, documents)
	}
	found, err := countFiles(out)
	if err != nil || found != filed {
		t.Errorf("the files are %+v, the worker said %+v (%v)", found, filed, err)
	}
	for _, job := range []string{"files", "nonsense"} {
		if err := work(&bytes.Buffer{}, job, nil); err == nil {
			t.Errorf("a worker without work took the job %q", job)
		}
	}
	if err := work(&bytes.Buffer{}, "hash", []string{out}); err == nil {
		t.Error("a folder without a pack was read")
	}
}

func TestCopyAndHollow(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(filepath.Join(from, "file"), []byte("bytes"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(to, from); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(to, "file")
	if info, err := os.Stat(copied); err != nil || info.Mode()&0o200 == 0 || info.Size() != 5 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if err := hollow(to); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Size() != 0 {
		t.Errorf("the hollow copy: %v, %v", info, err)
	}
}

// TestUsage: what cannot be measured is said, with what to do.
func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"nothing"}, `no benchmark "nothing"; there is: foundry, plugin, store`},
		{[]string{"-n", "0"}, "at least one round"},
		{[]string{"store", "-rows", "0"}, "at least one row"},
	} {
		if err := run(t.Context(), tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want something about %q", tt.args, err, tt.want)
		}
	}
	if err := run(t.Context(), []string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
	t.Setenv(testdata.Variable, t.TempDir())
	if err := run(t.Context(), []string{"foundry"}); err == nil || !strings.Contains(err.Error(), testdata.Variable) {
		t.Errorf("without content: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := installPeer(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "install node") {
		t.Errorf("without Node.js: %v", err)
	}
}

// TestManyMoments: what a part of a run took is read off between the moments that were seen.
func TestManyMoments(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(second int, done int64) moment {
		return moment{at: begin.Add(time.Duration(second) * time.Second), cpu: time.Duration(2*second) * time.Second, rss: int64(second), done: done}
	}
	seen := []moment{at(0, 0), at(5, 0), at(7, 10), at(10, 40), at(12, 40), at(14, 50)}
	for done, second := range map[int64]float64{0: 5, 5: 6, 10: 7, 25: 8.5, 40: 10, 45: 13, 50: 14} {
		m, err := when(seen, done)
		if got := m.at.Sub(begin).Seconds(); err != nil || got != second || m.cpu.Seconds() != 2*second || m.done != done {
			t.Errorf("%d were done after %v s, want %v: %+v, %v", done, got, second, m, err)
		}
	}
	if _, err := when(seen, 51); err == nil {
		t.Error("a picture that was never done has a moment")
	}
	from, _ := when(seen, 10)
	to, _ := when(seen, 40)
	if c := span(from, to, seen); c.wall != 3*time.Second || c.cpu != 6*time.Second || c.count != 30 || c.peak != 10 {
		t.Errorf("it took %+v", c)
	}
	told := strings.NewReader(`{"type":"status","stages":[{"stage":"read","written":9},{"stage":"images","written":3,"cached":2}]}` + "\nnoise\n")
	list := moments(told, func() (time.Duration, int64) { return 7, 8 })
	if len(list) != 1 || list[0].done != 5 || list[0].cpu != 7 || list[0].rss != 8 {
		t.Errorf("heard %+v", list)
	}
}

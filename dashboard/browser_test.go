//go:build integration

package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/seed-98789ff7/converter/core"
)

// axeVariable names the file of axe-core (axe.min.js); it is not part of the repository.
const axeVariable = "CONVERTER_AXE"

// browser starts one browser for a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("SKIPPED: no browser: chromium is not on PATH (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

// tab is a page of the browser. It keeps what the page violated of its policy.
type tab struct {
	*testing.T

	ctx context.Context
}

func openTab(browser context.Context, t *testing.T, url string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, options...)
	t.Cleanup(cancel)
	// The tab lives as long as the context of its first action.
	err := chromedp.Do(ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `window.violations = []; window.failures = [];
				document.addEventListener("securitypolicyviolation", (e) => violations.push(e.violatedDirective + " " + e.blockedURI));
				window.addEventListener("error", (e) => failures.push(e.message));
				window.addEventListener("unhandledrejection", (e) => failures.push(String(e.reason)));`,
		})
		return chromedp.Void{}, err
	}, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url))
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return &tab{t, ctx}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func eval[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, awaited))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

func awaited(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }

// until waits for a condition in the page; the policy of the page leaves no other way than to ask.
func (b *tab) until(condition string) {
	b.Helper()
	if !eval[bool](b, fmt.Sprintf(`new Promise((done) => {
		const began = Date.now();
		const look = () => {
			if (%s) return done(true);
			if (Date.now() - began > 12000) return done(false);
			setTimeout(look, 20);
		};
		look();
	})`, condition)) {
		b.Fatalf("never: %s\nbadge: %s", condition, eval[string](b, `document.getElementById("badge")?.textContent ?? "none"`))
	}
}

func (b *tab) live() {
	b.Helper()
	b.until(`document.getElementById("badge").dataset.state === "live"`)
}

// sound says that nothing in the page went wrong so far.
func (b *tab) sound() {
	b.Helper()
	if got := eval[[]string](b, `window.violations.concat(window.failures)`); len(got) != 0 {
		b.Errorf("the page violates its policy or failed: %q", got)
	}
}

func (b *tab) text(id string) string {
	b.Helper()
	return strings.ReplaceAll(eval[string](b, `document.getElementById("`+id+`").innerText`), "\u202f", " ")
}

// found is what the page counts as read, whatever the frame.
const found = `Number(document.querySelector("#stages tbody tr td:nth-of-type(2)").textContent)`

func TestBrowserLive(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, base+"/runs/r-0042")
	b.live()
	h.pulse.read(30)
	b.until(found + ` === 40`)
	if title := eval[string](b, `document.title`); !strings.HasPrefix(strings.ReplaceAll(title, "\u202f", " "), "20 %") {
		t.Errorf("the title stays at %q", title)
	}

	// What the reader does survives the frames: focus inside a region, a detail that was opened.
	b.do(chromedp.Click(chromedp.CSS("#problems summary")), chromedp.Focus(chromedp.CSS("#cards a")))
	for range 3 {
		h.pulse.change(func(s *core.Snapshot) {
			s.Stages[0].Found++
			s.Stages[0].Written++
			s.Problems = append([]core.Problem(nil), s.Problems...)
			s.Problems[0].Count++
		})
		b.until(fmt.Sprintf(`%s === %d && document.querySelector("#problems .count").textContent === "%d"`, found,
			h.pulse.Snapshot().Stages[0].Found, h.pulse.Snapshot().Problems[0].Count))
	}
	if !eval[bool](b, `document.activeElement.matches("#cards a")`) {
		t.Errorf("the focus went to %s", eval[string](b, `document.activeElement.outerHTML`))
	}
	if !eval[bool](b, `document.querySelector("#problems details").open`) {
		t.Error("a frame closed the detail that was opened")
	}
	b.sound()
}

func TestBrowserHold(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, base+"/runs/r-0042")
	b.live()
	b.do(chromedp.KeyEvent("."))
	b.until(`document.getElementById("badge").dataset.state === "held"`)
	h.pulse.read(30)
	b.until(`document.getElementById("hold").textContent === "Continue"`)
	// Two ticks later it would be there.
	b.do(chromedp.Sleep(3 * tick))
	if n := eval[int](b, found); n != 10 {
		t.Errorf("a held page shows %d", n)
	}
	b.do(chromedp.Click(chromedp.ID("hold")))
	b.until(found + ` === 40 && document.getElementById("badge").dataset.state === "live"`)
	b.sound()
}

func TestBrowserThemesAndWidths(t *testing.T) {
	h := newHouse(t)
	h.pulse.change(func(s *core.Snapshot) {
		s.Name = strings.Repeat("Unbreakable", 12)
		s.Outputs = []string{"/" + strings.Repeat("folder/", 40)}
		s.Streams = []core.StreamCounts{{Source: "home", Stream: strings.Repeat("stream", 30), Found: 1e9, Written: 1e9}}
		s.Reading = []core.Reading{{Source: "home", Step: strings.Repeat("page", 50)}}
		s.Fetched = []core.Fetched{{Source: strings.Repeat("web", 20), Requests: 1e9, Hits: 1e9, Misses: 1e9, Bytes: 1e15}}
		s.Working = []core.Work{{Stage: "images", Item: strings.Repeat("picture", 50)}}
		s.Problems = append(s.Problems, core.Problem{Fingerprint: "long", Code: "image.damaged", Message: strings.Repeat("damaged", 40), Count: 1e6, Examples: []string{strings.Repeat("x", 300)}})
	})
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, base+"/runs/r-0042")
	for _, path := range []string{"/", "/runs/r-0042", "/runs/r-0041", "/runs/none"} {
		for _, width := range []int64{390, 1280} {
			b.do(chromedp.EmulateViewport(width, 844), chromedp.Navigate(base+path))
			if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s is %d wide in a window of %d", path, got, width)
			}
		}
	}
	b.do(chromedp.Navigate(base + "/runs/r-0042"))
	colours := map[string]string{}
	for _, theme := range []string{"dark", "light"} {
		if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(`.themes button[value="`+theme+`"]`))); err != nil {
			t.Fatal(err)
		}
		if at := eval[string](b, `location.pathname + " " + document.documentElement.dataset.theme`); at != "/runs/r-0042 "+theme {
			t.Errorf("after choosing %s: %s", theme, at)
		}
		colours[theme] = eval[string](b, `getComputedStyle(document.body).backgroundColor`)
		b.live()
		b.sound()
	}
	if colours["dark"] != "rgb(20, 22, 26)" || colours["light"] != "rgb(251, 250, 248)" {
		t.Errorf("grounds %v", colours)
	}
}

func TestBrowserReconnects(t *testing.T) {
	h := newHouse(t)
	serve := func(addr string) (*http.Server, string) {
		ln, err := Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: h.Handler()}
		go func() { _ = server.Serve(ln) }()
		return server, ln.Addr().String()
	}
	server, addr := serve("127.0.0.1:0")
	b := openTab(browser(t), t, "http://"+addr+"/runs/r-0042")
	b.live()
	server.Close() // without a word: the connection is lost
	b.until(`document.getElementById("badge").dataset.state === "lost"`)
	if !strings.Contains(b.text("badge"), "reconnecting since") || eval[int](b, found) != 10 {
		t.Errorf("badge %q, rows lost: %t", b.text("badge"), eval[int](b, found) != 10)
	}
	h.pulse.read(5)
	server, _ = serve(addr)
	defer server.Close()
	b.live()
	b.until(found + ` === 15`)
	b.sound()
}

func TestBrowserSeesTheEnd(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	browser := browser(t)
	run := openTab(browser, t, base+"/runs/r-0042")
	run.live()
	list := openTab(browser, t, base+"/", chromedp.WithNewWindow(true))
	list.live()
	h.pulse.change(func(s *core.Snapshot) { s.State = core.Partial })
	const ended = `document.getElementById("badge").dataset.state === "ended"`
	run.until(ended)
	if err := stop(); err != nil {
		t.Error(err)
	}
	list.until(ended)
	for _, b := range []*tab{run, list} {
		if got, want := b.text("ending"), "Run finished and its dashboard closed with it. Open it again: converter serve"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		b.sound()
	}
	if got := run.text("cards"); !strings.Contains(got, "partial") {
		t.Errorf("the last frame: %q", got)
	}
	if eval[bool](run, `!!document.getElementById("cancel")`) {
		t.Error("a run that has ended can be cancelled")
	}
}

// TestBrowserManyWindows: a browser has six connections for a host, and all windows stay alive.
func TestBrowserManyWindows(t *testing.T) {
	const windows = 9
	h := newHouse(t)
	base, stop := running(t, h)
	defer stop()
	browser := browser(t)
	var tabs []*tab
	for range windows {
		b := openTab(browser, t, base+"/runs/r-0042", chromedp.WithNewWindow(true))
		b.until(`["live", "polling"].includes(document.getElementById("badge").dataset.state)`)
		tabs = append(tabs, b)
	}
	h.pulse.read(30)
	states := map[string]int{}
	for _, b := range tabs {
		b.until(found + ` === 40`)
		states[eval[string](b, `document.getElementById("badge").dataset.state`)]++
		b.sound()
	}
	if states["live"] != seatsPerBrowser || states["polling"] != windows-seatsPerBrowser {
		t.Errorf("%v, want %d live and the rest polling", states, seatsPerBrowser)
	}
}

// TestBrowserWithoutStream: a page that is refused its stream asks for frames instead, and sees the end that way.
func TestBrowserWithoutStream(t *testing.T) {
	h := newHouse(t)
	for range seatsInAll {
		_, leave, ok := h.seats.take("")
		if !ok {
			t.Fatal("no seat")
		}
		defer leave()
	}
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, base+"/runs/r-0042")
	b.until(`document.getElementById("badge").textContent === "every 2 s"`)
	h.pulse.read(30)
	b.until(found + ` === 40`)
	h.pulse.change(func(s *core.Snapshot) { s.State = core.Failed })
	b.until(`document.getElementById("badge").dataset.state === "ended" && document.getElementById("cards").textContent.includes("failed")`)
	b.sound()
}

func TestBrowserCancels(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, base+"/runs/r-0042")
	b.live()
	b.do(chromedp.Click(chromedp.CSS("#cancel button")))
	b.until(`document.querySelector("#cancel button").textContent === "Cancel: click again"`)
	if len(h.cancelled) != 0 {
		t.Fatal("one click cancelled the run")
	}
	if !eval[bool](b, `document.activeElement.matches("#cancel button")`) {
		t.Error("the focus left the button")
	}
	b.do(chromedp.Click(chromedp.CSS("#cancel button")))
	if reason := <-h.cancelled; reason != cancelReason {
		t.Errorf("reason %q", reason)
	}
	b.until(`document.getElementById("actions").textContent.includes("Cancelling…")`)
	h.pulse.change(func(s *core.Snapshot) { s.State = core.Cancelled })
	b.until(`document.getElementById("actions").textContent === "" && document.getElementById("cards").textContent.includes("cancelled")`)
	b.sound()
}

// TestBrowserWithoutScript reads and cancels with plain pages.
func TestBrowserWithoutScript(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	defer stop()
	b := openTab(browser(t), t, "about:blank")
	b.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.Navigate(base+"/runs/r-0042"))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"running", "reload for newer numbers", "the picture is damaged"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if strings.Contains(text, "Hold") || strings.Contains(text, "Copy") {
		t.Error("there are buttons that do nothing")
	}
	for range 2 {
		if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS("#cancel button"))); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.cancelled) != 1 {
		t.Errorf("two clicks cancelled %d times", len(h.cancelled))
	}
}

// TestBrowserAccessible asks axe about every page in both themes.
func TestBrowserAccessible(t *testing.T) {
	path := os.Getenv(axeVariable)
	if path == "" {
		t.Skipf("SKIPPED: %s does not name axe.min.js (npm pack axe-core)", axeVariable)
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.pulse.change(func(s *core.Snapshot) { s.Reading = []core.Reading{{Source: "web", Step: "page 12 of 320"}} })
	base, stop := running(t, h)
	defer stop()
	empty := newHouse(t, func(c *Config) { c.Library, c.Live, c.Cancel = &shelf{}, nil, nil })
	emptyBase, stopEmpty := running(t, empty)
	defer stopEmpty()
	b := openTab(browser(t), t, "about:blank")
	for _, url := range []string{base + "/", base + "/runs/r-0042", base + "/runs/r-0042?cancel=ask", base + "/runs/r-0041", base + "/runs/none", emptyBase + "/"} {
		for _, theme := range []string{"light", "dark"} {
			b.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
				})
				return chromedp.Void{}, err
			}, chromedp.Navigate(url), chromedp.Evaluate[chromedp.Void](string(axe)))
			found := eval[[]string](b, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
				.then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" | "))
					.concat(r.passes.length > 20 ? [] : ["only " + r.passes.length + " rules were tried"]))`)
			if len(found) != 0 {
				t.Errorf("%s in %s: %q", url, theme, found)
			}
		}
	}
}

package dashboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

const (
	themeCookie   = "converter_theme"
	browserCookie = "converter_browser"
)

var browserID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// browserOf returns what the browser was named when it first came, empty when it does not say.
func browserOf(r *http.Request) string {
	c, err := r.Cookie(browserCookie)
	if err != nil || !browserID.MatchString(c.Value) {
		return ""
	}
	return c.Value
}

// greet names a browser that has no name yet, so that its streams can be counted.
func greet(w http.ResponseWriter, r *http.Request) {
	if browserOf(r) != "" {
		return
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	http.SetCookie(w, &http.Cookie{
		Name: browserCookie, Value: hex.EncodeToString(id[:]), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func (s *Server) site(r *http.Request) page.Site {
	site := page.Site{
		Version: s.config.Version,
		Style:   s.files.address("app.css"),
		Script:  s.files.address("app.js"),
		Icon:    s.files.address("icon.svg"),
		Back:    r.URL.Path,
	}
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		site.Theme = c.Value
	}
	return site
}

// show renders a whole page before it sends the first byte, so that a page is right or not there. The tag lets a browser
// keep a page that says the same as before.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, body templ.Component) {
	var b bytes.Buffer
	if err := body.Render(r.Context(), &b); err != nil {
		s.config.Log.Error("page not rendered", "error", err)
		http.Error(w, "The page cannot be rendered.", http.StatusInternalServerError)
		return
	}
	greet(w, r)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache, private")
	if status == http.StatusOK {
		sum := sha256.Sum256(b.Bytes())
		tag := `"` + hex.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the browser has gone: nobody is left to tell
}

func (s *Server) runsPage(w http.ResponseWriter, r *http.Request) {
	stream := page.Stream{Events: "/events", Frame: "/frame"}
	s.show(w, r, http.StatusOK, page.RunsPage(s.site(r), s.runsView(r.Context()), stream))
}

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	view, err := s.runView(r.Context(), id)
	if err != nil {
		s.noRun(w, r, id, err)
		return
	}
	if view.ID != id { // it was asked for by the id of its result
		http.Redirect(w, r, page.RunPath(view.ID), http.StatusFound)
		return
	}
	view.Asked = r.URL.Query().Get("cancel") == "ask"
	var stream page.Stream
	if view.Moving() {
		stream = page.Stream{Events: page.RunPath(id, "events"), Frame: page.RunPath(id, "frame")}
	}
	s.show(w, r, http.StatusOK, page.RunPage(s.site(r), view, stream))
}

// noRun is the page of a run that cannot be shown.
func (s *Server) noRun(w http.ResponseWriter, r *http.Request, id string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.show(w, r, http.StatusNotFound, page.Message(s.site(r), "There is no run "+clip(id),
			"It may have been pruned, or its id may be mistyped.", nil))
		return
	}
	s.show(w, r, http.StatusServiceUnavailable, page.Message(s.site(r), "The history cannot be read now",
		"The store did not answer, so run "+clip(id)+" cannot be shown. Reload the page in a moment; the log says more.", nil))
}

func (s *Server) noPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusNotFound, page.Message(s.site(r), "There is no such page", "The address leads nowhere.", nil))
}

// clip keeps what somebody typed into the address bar from filling the page.
func clip(id string) string {
	if runes := []rune(id); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return id
}

// here says that a run is the one of this process, by its id or by that of its result.
func (s *Server) here(id string) bool {
	if s.config.Live == nil {
		return false
	}
	return id == s.config.LiveID || id != "" && id == s.config.Live.Snapshot().ResultID
}

func (s *Server) runView(ctx context.Context, id string) (page.Run, error) {
	if s.here(id) {
		return s.liveView(), nil
	}
	found, err := s.history.find(ctx, id)
	if err != nil {
		return page.Run{}, err
	}
	return s.pastView(found), nil
}

func (s *Server) liveView() page.Run {
	snapshot := s.config.Live.Snapshot()
	snapshot.ID = s.config.LiveID
	return page.Run{
		Snapshot: snapshot, Now: time.UnixMilli(snapshot.AtMS), Here: true,
		Cancel: s.config.Cancel != nil, Cancelling: s.cancelling.Load(),
		Pictures: s.config.Pictures != nil,
		Commands: s.config.Commands(snapshot.Summary),
	}
}

func (s *Server) pastView(found core.Summary) page.Run {
	view := page.NewRun(found, time.Now())
	view.Pictures = s.config.Pictures != nil
	view.Commands = s.config.Commands(view.Summary)
	return view
}

func (s *Server) runsView(ctx context.Context) page.Runs {
	list, away := s.history.newest(ctx)
	var live *core.Snapshot
	if s.config.Live != nil {
		snapshot := s.config.Live.Snapshot()
		snapshot.ID = s.config.LiveID
		live = &snapshot
	}
	view := page.NewRuns(list, live, listLimit, time.Now())
	view.Start = s.config.Start
	if !away.IsZero() {
		text := "History unavailable since " + page.Clock(away.UnixMilli()) + "."
		if live != nil {
			text += " The run of this process goes on from memory."
		}
		view.Notices = []page.Notice{{Tone: "bad", Text: text}}
	}
	return view
}

// theme remembers the colours somebody chose; the next page is rendered with them.
func (s *Server) theme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	chosen := r.PostFormValue("theme")
	cookie := &http.Cookie{
		Name: themeCookie, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	switch chosen {
	case "light", "dark":
	case "":
		cookie.MaxAge = -1
	default:
		http.Error(w, fmt.Sprintf("There is no theme %q; there are light and dark.", clip(chosen)), http.StatusBadRequest)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, within(r.PostFormValue("back")), http.StatusSeeOther)
}

// within returns a path of this server, the list of runs when it is anything else.
func within(back string) string {
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n") {
		return "/"
	}
	return back
}

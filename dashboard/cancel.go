package dashboard

import (
	"net/http"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

// cancelReason is what the run remembers.
const cancelReason = "cancelled in the dashboard"

// cancel ends the run of this process at the second click: the first answers with a button that says so. Asking again is
// harmless, and asking for a run that has ended answers with how it stands.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !s.here(id) {
		s.refuse(w, r, id)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	sure := r.PostFormValue("confirm") == "yes"
	state := s.config.Live.Snapshot().State
	if sure && !state.Ended() && state != core.Cancelling && s.cancelling.CompareAndSwap(false, true) {
		s.config.Log.Info("run cancelled in the dashboard", "run", s.config.LiveID)
		s.config.Cancel(cancelReason)
	}
	if r.Header.Get("HX-Request") == "" {
		target := page.RunPath(s.config.LiveID)
		if !sure {
			target += "?cancel=ask"
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return
	}
	view := s.liveView()
	view.Asked = !sure
	s.show(w, r, http.StatusOK, page.Actions(view))
}

// refuse says why a run cannot be cancelled from here.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, id string) {
	if _, err := s.history.find(r.Context(), id); err != nil {
		s.noRun(w, r, id, err)
		return
	}
	s.show(w, r, http.StatusConflict, page.Message(s.site(r), "Run "+clip(id)+" was not cancelled",
		"It is not a run of this process. Cancel it where it was started.", nil))
}

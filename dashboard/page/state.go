package page

import (
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// silence is how old the last sign of life of another process's run may be. Its process writes one every few seconds.
const silence = 15 * time.Second

// Look is how a state appears: always a sign and a word beside the colour.
type Look struct {
	Tone string // good, warn, bad, busy, calm: what it asks of the reader
	Mark string
	Word string
}

// LookOf returns the look of a run's state. A run that found nothing is never green, whatever its state: most often a
// path or a filter is wrong.
func LookOf(s core.Summary) Look {
	switch s.State {
	case core.Queued:
		return Look{"calm", "…", "queued"}
	case core.Running:
		return Look{"busy", "▸", "running"}
	case core.Cancelling:
		return Look{"busy", "▹", "cancelling"}
	case core.Succeeded:
		if foundNothing(s) {
			return Look{"warn", "!", "found nothing"}
		}
		return Look{"good", "✓", "succeeded"}
	case core.Partial:
		return Look{"warn", "!", "partial"}
	case core.Failed:
		return Look{"bad", "✗", "failed"}
	case core.Cancelled:
		return Look{"calm", none, "cancelled"}
	case core.Interrupted:
		return Look{"warn", "‖", "interrupted"}
	default:
		return Look{"calm", "?", string(s.State)}
	}
}

func foundNothing(s core.Summary) bool { return s.Stage(core.StageRead).Found == 0 }

// Wants says that a run asks somebody to do something.
func Wants(s core.Summary) bool {
	switch s.State {
	case core.Failed, core.Partial, core.Interrupted:
		return true
	case core.Succeeded:
		return foundNothing(s)
	default:
		return false
	}
}

// Settle returns the summary as a reader must see it: a run whose process gave no sign of life for a while is
// interrupted, whatever its last row says.
func Settle(s core.Summary, now time.Time) core.Summary {
	if s.State.Ended() || s.HeartbeatMS == 0 {
		return s
	}
	if now.Sub(time.UnixMilli(s.HeartbeatMS)) <= silence {
		return s
	}
	s.State = core.Interrupted
	s.Reason = "its process gave no sign of life after " + Moment(s.HeartbeatMS)
	if s.EndedMS == 0 {
		s.EndedMS = s.HeartbeatMS
	}
	return s
}

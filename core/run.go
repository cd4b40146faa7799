package core

import "encoding/json"

// State is the state of a run.
//
//	queued ─► running ─► succeeded          everything was written, or there was nothing to do
//	   │        │   ├──► partial            finished, some items failed
//	   │        │   └──► failed             could not finish, or wrote nothing
//	   │        ├─► cancelling ─► cancelled
//	   │        └─► (process died) interrupted
//	   └─► cancelled
type State string

// The states of a run. Interrupted is found by a later process, never written by the one that died.
const (
	Queued      State = "queued"
	Running     State = "running"
	Cancelling  State = "cancelling"
	Succeeded   State = "succeeded"
	Partial     State = "partial"
	Failed      State = "failed"
	Cancelled   State = "cancelled"
	Interrupted State = "interrupted"
)

// Ended says that the state is final.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Partial, Failed, Cancelled, Interrupted:
		return true
	default:
		return false
	}
}

// Stage is a step of a run whose items are counted.
type Stage uint8

// The stages, in the order they are shown.
const (
	StageRead     Stage = iota // records from the sources
	StageEntities              // records to stored entities
	StageAssets                // asset references to stored renditions
	StageLink                  // entities whose references are resolved
	StageWrite                 // files of the outputs
	StageCount                 // number of stages, not one of them
)

var stageNames = [...]string{"read", "entities", "images", "link", "write"}

// String returns the stage's name on screen and in the store.
func (s Stage) String() string { return stageNames[s] }

// Outcome is what became of one item of a stage.
type Outcome uint8

// The outcomes. Found = Written + Cached + Skipped + Failed + CancelledItem, at the end of every stage.
const (
	Written Outcome = iota
	Cached          // taken from an earlier result
	Skipped         // left out for a reason that is no failure
	FailedItem
	CancelledItem
	OutcomeCount // number of outcomes, not one of them
)

var outcomeNames = [...]string{"written", "cached", "skipped", "failed", "cancelled"}

// String returns the outcome's name on screen and in the store.
func (o Outcome) String() string { return outcomeNames[o] }

// Failure is one thing that went wrong with one item, or a warning about it.
type Failure struct {
	Stage      Stage
	Code       string // stable and dotted: image.damaged
	Source     string // name of the configured source; empty when it concerns none
	Plugin     string
	Stream     string
	Item       string // what a person recognises: a name, a file, a reference
	Message    string // what happened
	Detail     string
	Suggestion string // what to do next
	Warning    bool   // worth knowing, but nothing was lost
	Transient  bool   // about this run alone, not about the content: another run of the same input has it not
}

// Problem is the failures of one cause.
type Problem struct {
	Fingerprint string   `json:"fingerprint"` // of code, plugin and normalised message
	Stage       string   `json:"stage"`
	Code        string   `json:"code"`
	Source      string   `json:"source,omitempty"`
	Plugin      string   `json:"plugin,omitempty"`
	Message     string   `json:"message"` // of the first failure
	Detail      string   `json:"detail,omitempty"`
	Suggestion  string   `json:"suggestion,omitempty"`
	Warning     bool     `json:"warning,omitempty"`
	Transient   bool     `json:"transient,omitempty"`
	Count       int64    `json:"count"`
	FirstMS     int64    `json:"first_ms"`
	LastMS      int64    `json:"last_ms"`
	Examples    []string `json:"examples"` // at most five items
}

// StreamCounts are the numbers of one stream of one source.
type StreamCounts struct {
	Source  string `json:"source"`
	Stream  string `json:"stream"`
	Title   string `json:"title,omitempty"`
	Found   int64  `json:"found"`
	Written int64  `json:"written"`
	Skipped int64  `json:"skipped"`
	Failed  int64  `json:"failed"`
	Facts   []Fact `json:"facts,omitempty"` // that its source has told

	// Fetched of Expected is how far its source says that it is, in units of its own, records mostly; an Expected of 0 is not
	// known. Neither is kept in outputs: what has not changed is not fetched.
	Fetched  int64    `json:"fetched,omitempty"`
	Expected int64    `json:"expected,omitempty"`
	Unread   []Unread `json:"unread,omitempty"` // of Failed: what its source could not read, by reason
}

// Unread is how many records of a stream could not be read for one reason.
type Unread struct {
	Code  string `json:"code"`
	Count int64  `json:"count"`
}

// Fact is one thing to know of a stream beside its records.
type Fact struct {
	Name    string `json:"name"`            // for programs
	Label   string `json:"label,omitempty"` // for people; empty: the name
	Number  int64  `json:"number"`          // its value, where there is no text
	Text    string `json:"text,omitempty"`
	Unit    string `json:"unit,omitempty"`    // what the number counts: bytes, ms, or a word; empty: what the label says
	Notable bool   `json:"notable,omitempty"` // somebody should look into it
}

// MarshalJSON leaves the number out where there is a text.
func (f Fact) MarshalJSON() ([]byte, error) {
	type plain Fact
	if f.Text == "" {
		return json.Marshal(plain(f))
	}
	return json.Marshal(struct {
		plain

		Number *int64 `json:"number,omitempty"` // in the place of the other one
	}{plain: plain(f)})
}

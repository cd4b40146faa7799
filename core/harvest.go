package core

// Harvest is what is kept of a stream that was read to its end, beside the bodies of its entities, so that a later run can
// take it over where the source says that nothing of it has changed.
type Harvest struct {
	Source string `json:"source"`
	Stream string `json:"stream"`
	// Fingerprint names all that decides what becomes of a state of the source: the versions of plugin and program, and the
	// options. Context does so of the stream, as it was announced.
	Fingerprint string `json:"fingerprint"`
	Context     string `json:"context,omitempty"`
	// Revision is the source's own name for the state; nobody else looks into it.
	Revision []byte   `json:"revision"`
	Facts    []Fact   `json:"facts,omitempty"`
	Heads    []Head   `json:"heads,omitempty"`
	Mishaps  []Mishap `json:"mishaps,omitempty"`
	// Assets are what its entities refer to, each once, as pending mappings; Uses are the places in it of those of each head.
	Assets []AssetMapping `json:"assets,omitempty"`
	Uses   [][]int        `json:"uses,omitempty"`
}

// Failed says that items of the stream came to nothing.
func (h *Harvest) Failed() bool {
	for _, m := range h.Mishaps {
		if m.Kind != MishapRemark {
			return true
		}
	}
	return false
}

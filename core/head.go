package core

// Head is what is known of a stored entity without reading its body: enough to order, name and link all entities of a
// run in memory (about 500 bytes each).
type Head struct {
	UID           string
	SourceOrder   int // place of its source in the config
	Source        string
	Stream        string
	Kind          string
	Name          string
	BaseSlug      string // slug of the name alone, not unique
	Edition       string
	Pack          string
	Scope         string
	NativeID      string
	Aliases       []string // other native ids that links may use
	ContentSHA256 string
	RawBytes      int64
}

// Checkpoint is how far a stream was read and stored; State is opaque.
type Checkpoint struct {
	Source       string
	Stream       string
	StateVersion uint32
	State        []byte
}

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
	System        string
	Edition       string
	Book          string
	Page          int // in it, from 1; 0: not known
	Pack          string
	Scope         string
	NativeID      string
	Place         int64    // of its record among the items of the stream, from 1
	Aliases       []string // other native ids that links may use
	ContentSHA256 string
	RawBytes      int64
	Row           int64 `json:"-"` // where the ledger has it; 0: nowhere yet
}

// Checkpoint is how far a stream was read and stored; State is opaque. What is known of the stream stands with it, so that
// a stream that is complete need not be asked for again.
type Checkpoint struct {
	Source       string
	Stream       string // empty: of the source as a whole, which is complete
	StateVersion uint32
	State        []byte
	Items        int64 // how many items of the stream came before it
	Complete     bool  // nothing comes after it
	Order        int   // of the stream among those of its source; set when it is complete, like the two that follow
	Title        string
	Expected     int64 // records announced
	Facts        []Fact
	Revision     []byte // of the stream, as looking at it showed; empty: nothing is known
}

// The kinds of mishaps.
const (
	MishapRecord    = "record"    // a record that no entity could be made of
	MishapDuplicate = "duplicate" // a second record of one id
	MishapSkipped   = "skipped"   // an item that the source could not read
	MishapRemark    = "remark"    // no item: something that the source remarked
)

// Mishap is an item of a stream that came to nothing, with its failures, or a remark of the source.
type Mishap struct {
	Source   string    `json:"source"`
	Stream   string    `json:"stream"` // empty: a remark about the source as a whole
	Place    int64     `json:"place"`  // among the items of its stream, from 1
	Kind     string    `json:"kind"`
	ID       string    `json:"id,omitempty"` // native id; for a remark what tells it from others
	Failures []Failure `json:"failures"`
}

// Past is what the earlier attempts at a run have stored.
type Past struct {
	Checkpoints []Checkpoint
	Heads       []Head // by uid, then by the order of their sources
	Mishaps     []Mishap
	Mappings    []AssetMapping
	Made        []string // ids of the assets that were rendered in this run
}

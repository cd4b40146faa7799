package sourcepb

// ReattachKey is the environment variable that tells a host to talk to plugins that somebody has started with --debug,
// instead of starting them. Its value is a JSON object with one [Reattach] for each name of a plugin.
const ReattachKey = "CONVERTER_REATTACH"

// Reattach is where a plugin listens that somebody has started by hand.
type Reattach struct {
	Network  string `json:"network"` // unix
	Addr     string `json:"addr"`
	Pid      int    `json:"pid"`
	Protocol int    `json:"protocol"` // major version
}

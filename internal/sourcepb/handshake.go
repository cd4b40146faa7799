// Package sourcepb is the protocol between the converter and its source plugins: the code generated from
// sdk/proto/converter/source/v1/source.proto, and the words of the handshake that both ends must agree on before the
// first message, the sizes of messages and their encoding. The serving end is in sdk, the calling end in
// internal/sourceclient.
//
// It starts no goroutine and returns no errors of its own but those of the encoding, which end in gRPC's.
package sourcepb

// The handshake of a plugin process. A host sets the cookie in the environment of the process; a process without it was
// started by a person.
const (
	// CookieKey is the environment variable of the cookie.
	CookieKey = "CONVERTER_PLUGIN"
	// CookieValue is its value. It is no secret: it tells a host from a shell, not a friend from a foe.
	CookieValue = "converter.source"
	// ProtocolVersion is the current major version of the protocol.
	ProtocolVersion = 1
	// PluginName is the name of the one plugin in the set that a process serves.
	PluginName = "source"
)

// Majors are the major versions of the protocol that both ends of this release speak, the newest first: the current one and,
// once there is one, the one before it, so that neither plugins nor converters have to be updated on the same day.
func Majors() []int {
	const oldest = max(1, ProtocolVersion-1)
	majors := make([]int, 0, ProtocolVersion-oldest+1)
	for v := ProtocolVersion; v >= oldest; v-- {
		majors = append(majors, v)
	}
	return majors
}

// LogLevelKey is the environment variable in which the host says what it shows: debug, info, warn or error. A plugin may
// log less than it could; what it logs beyond is thrown away.
const LogLevelKey = "CONVERTER_LOG_LEVEL"

// HostKey is the environment variable with the process id of the host, so that a plugin sees that its host is gone even when it
// went before the plugin first looked.
const HostKey = "CONVERTER_HOST_PID"

// FeatureRevisions is what a host that takes revisions of streams, and what has not changed since, says of itself in GetSpec.
const FeatureRevisions = "revisions"

// The sizes both ends hold to.
const (
	// MaxMessage is the largest message that is accepted, in bytes.
	MaxMessage = 16 << 20
	// MaxRecord is the largest record that is sent, in bytes of its message.
	MaxRecord = 8 << 20
	// BatchRecords is how many records a batch has at most.
	BatchRecords = 100
	// BatchBytes is how many bytes a batch of more than one record has at most.
	BatchBytes = 1 << 20
	// AssetChunk is how many bytes of an asset travel in one message.
	AssetChunk = 256 << 10
)

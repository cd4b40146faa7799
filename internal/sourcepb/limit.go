package sourcepb

import "fmt"

// TooLarge is what both ends say of a record that is larger than MaxRecord: the plugin that cannot send it, and the host
// that got it all the same, from a plugin without our SDK.
func TooLarge(size int) *Diagnostic {
	return &Diagnostic{
		Severity: Diagnostic_SEVERITY_ERROR, Kind: "unsupported", Code: "TOO_LARGE",
		Summary:    fmt.Sprintf("the record has %d bytes; more than %d cannot be sent", size, MaxRecord),
		Suggestion: "leave binaries out of records: refer to them as assets",
	}
}

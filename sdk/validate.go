package sdk

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Validate says why a record cannot be taken: it has no id, or its JSON is plainly not an object. Both ends of the wire
// ask, and count such a record as failed. Whether the JSON is well-formed all through is found out by whoever decodes it.
func (r Record) Validate() error {
	body := bytes.TrimSpace(r.JSON)
	switch {
	case r.ID == "":
		return &Diagnostic{Kind: Invalid, Code: "record_without_id", Summary: "a record has no id"}
	case !utf8.ValidString(r.ID):
		return &Diagnostic{Kind: Invalid, Code: "record_invalid", Summary: fmt.Sprintf("the id %q is not UTF-8", r.ID)}
	case len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}':
		return &Diagnostic{Kind: Invalid, Code: "record_invalid", Summary: "the record is not a JSON object"}
	case !utf8.Valid(body):
		return &Diagnostic{Kind: Invalid, Code: "record_invalid", Summary: "the record is not UTF-8"}
	}
	return nil
}

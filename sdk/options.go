package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// schema is the JSON Schema of an options struct, with what decoding needs of it.
type schema struct {
	text     json.RawMessage
	names    []string // of the options, in the order of the struct
	required []string
	defaults []byte // JSON object of the options that have a default
}

// schemaOf derives the schema of C. Options are optional but where the tag `jsonschema:"required"` says otherwise.
func schemaOf[C any]() schema {
	r := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true}
	full := r.ReflectFromType(reflect.TypeFor[C]())
	var s schema
	defaults := map[string]any{}
	for pair := full.Properties.Oldest(); pair != nil; pair = pair.Next() {
		s.names = append(s.names, pair.Key)
		if pair.Value.Default != nil {
			defaults[pair.Key] = pair.Value.Default
		}
	}
	s.required = full.Required
	s.text = mustMarshal(full)
	s.defaults = mustMarshal(defaults)
	if err := json.Unmarshal(s.defaults, new(C)); err != nil {
		panic(fmt.Sprintf("sdk: default of an option: %v", err))
	}
	return s
}

// mustMarshal is for values made of tags: a tag that cannot be JSON is a fault of the program text.
func mustMarshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sdk: JSON Schema of the options: %v", err))
	}
	return text
}

// decodeOptions reads text, one JSON object, into a C: unknown and missing options are refused, defaults filled in, and
// C's own Validate called. It returns one Diagnostic a mistake, joined.
func decodeOptions[C any](s schema, text json.RawMessage) (C, error) {
	var options C
	if len(bytes.TrimSpace(text)) == 0 {
		text = json.RawMessage("{}")
	}
	if err := wrongNames(s, text); err != nil {
		return options, err
	}
	if err := json.Unmarshal(s.defaults, &options); err != nil {
		return options, misfit(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&options); err != nil {
		return options, misfit(err)
	}
	if v, ok := any(&options).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return options, invalidOptions(err)
		}
	}
	return options, nil
}

// wrongNames refuses options that there are not, and the lack of those there must be.
func wrongNames(s schema, text json.RawMessage) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil || given == nil {
		return &Diagnostic{
			Kind: Invalid, Code: "options_invalid", Summary: "the options are not a JSON object", Cause: err,
		}
	}
	var faults []error
	for name := range given {
		if !slices.Contains(s.names, name) {
			faults = append(faults, unknownOption(s.names, name))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	for _, name := range s.required {
		if _, ok := given[name]; !ok {
			faults = append(faults, &Diagnostic{
				Kind: Invalid, Code: "options_missing", Summary: fmt.Sprintf("option %q is missing", name),
			})
		}
	}
	return errors.Join(faults...)
}

func unknownOption(names []string, name string) error {
	d := &Diagnostic{
		Kind: Invalid, Code: "options_unknown", Summary: fmt.Sprintf("there is no option %q", name),
		ConfigPath: "/" + pointerToken(name),
	}
	switch near := nearest(names, name); {
	case near != "":
		d.Suggestion = fmt.Sprintf("did you mean %q?", near)
	case len(names) > 0:
		d.Suggestion = "the options are " + strings.Join(names, ", ")
	default:
		d.Suggestion = "this plugin has no options"
	}
	return d
}

func pointerToken(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// misfit turns an error of the JSON decoder into one that names the option.
func misfit(err error) error {
	d := &Diagnostic{Kind: Invalid, Code: "options_invalid", Summary: "the options cannot be read", Cause: err}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		d.Cause = nil
		d.Summary = fmt.Sprintf("option %q cannot be a JSON %s", typed.Field, typed.Value)
		d.ConfigPath = "/" + strings.ReplaceAll(typed.Field, ".", "/")
	}
	return d
}

// invalidOptions makes sure that what a Validate method returns is of kind Invalid.
func invalidOptions(err error) error {
	if _, ok := errors.AsType[*Diagnostic](err); ok {
		return err
	}
	return &Diagnostic{Kind: Invalid, Code: "options_invalid", Summary: err.Error()}
}

// nearest returns the word closest to given when it is close enough to be a slip of the keys, else "".
func nearest(words []string, given string) string {
	best, distance := "", 3
	for _, word := range words {
		if d := editDistance(word, given); d < distance && d < len(word) {
			best, distance = word, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

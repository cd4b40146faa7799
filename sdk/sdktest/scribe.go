package sdktest

import (
	"bytes"
	"encoding/json"

	"github.com/seed-98789ff7/converter/sdk"
)

// line is one line of a golden file.
type line struct {
	id   string
	text []byte
}

// scribe writes down what comes, a line for each record and each that was skipped.
type scribe struct {
	places []place
	lines  map[string][]line // by stream
}

func newScribe(c sdk.Configuration) *scribe {
	return &scribe{places: places(c), lines: map[string][]line{}}
}

// all are the lines of all streams: in the order that was discovered, else in that of their first record.
func (s *scribe) all(discovered, seen []string) []line {
	order := discovered
	if order == nil {
		order = seen
	}
	var all []line
	for _, stream := range order {
		all = append(all, s.lines[stream]...)
	}
	return all
}

func (s *scribe) record(stream string, r sdk.Record) { s.add(stream, r.ID, writtenRecord(stream, r)) }

func (s *scribe) skip(stream, id string, reason error) {
	d := sdk.Diagnose(reason, "record_unreadable")[0]
	s.add(stream, id, skippedLine{Stream: stream, ID: id, Skipped: true, Code: d.Code, Summary: d.Summary})
}

func (s *scribe) add(stream, id string, value any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil { // it is made of strings, numbers and a document that was looked at
		text.WriteString(err.Error())
	}
	s.lines[stream] = append(s.lines[stream], line{id, hide(bytes.TrimSpace(text.Bytes()), s.places)})
}

// recordLine is a record in a golden file. Its names are those of the protocol.
type recordLine struct {
	Stream     string          `json:"stream"`
	ID         string          `json:"id"`
	Scope      string          `json:"scope,omitempty"`
	Kind       string          `json:"kind,omitempty"`
	NativeType string          `json:"native_type,omitempty"`
	Name       string          `json:"name,omitempty"`
	Revision   string          `json:"revision,omitempty"`
	Lang       string          `json:"lang,omitempty"`
	FolderPath []string        `json:"folder_path,omitempty"`
	Sort       int64           `json:"sort,omitempty"`
	Ruleset    sdk.Ruleset     `json:"ruleset,omitzero"`
	Origin     sdk.Origin      `json:"origin,omitzero"`
	License    sdk.License     `json:"license,omitzero"`
	Visibility string          `json:"visibility,omitempty"`
	Assets     []assetLine     `json:"assets,omitempty"`
	Links      []linkLine      `json:"links,omitempty"`
	Aliases    []string        `json:"aliases,omitempty"`
	Texts      []sdk.Text      `json:"texts,omitempty"`
	Embedded   []sdk.Embedded  `json:"embedded,omitempty"`
	Facts      json.RawMessage `json:"facts,omitempty"`
	Warnings   []string        `json:"warnings,omitempty"`
	Incomplete bool            `json:"incomplete,omitempty"`
	JSON       any             `json:"json"` // last, for it is the longest
}

type assetLine struct {
	URI       string          `json:"uri,omitempty"`
	Pointer   string          `json:"pointer,omitempty"`
	Role      string          `json:"role,omitempty"`
	Status    sdk.AssetStatus `json:"status,omitempty"`
	MediaType string          `json:"media_type,omitempty"`
	Size      int64           `json:"size,omitempty"`
	Revision  string          `json:"revision,omitempty"`
	License   sdk.License     `json:"license,omitzero"`
	URL       string          `json:"url,omitempty"`
	Path      string          `json:"path,omitempty"`
	Key       string          `json:"key,omitempty"`
}

type linkLine struct {
	Pointer string `json:"pointer,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Raw     string `json:"raw,omitempty"`
	Target  string `json:"target,omitempty"`
	Part    string `json:"part,omitempty"`
	Label   string `json:"label,omitempty"`
	Anchor  string `json:"anchor,omitempty"`
}

type skippedLine struct {
	Stream  string `json:"stream"`
	ID      string `json:"id,omitempty"`
	Skipped bool   `json:"skipped"`
	Code    string `json:"code"`
	Summary string `json:"summary"`
}

func writtenRecord(stream string, r sdk.Record) recordLine {
	l := recordLine{
		Stream: stream, ID: r.ID, Scope: r.Scope, Kind: r.Kind, NativeType: r.NativeType, Name: r.Name, Revision: r.Revision,
		Lang: r.Lang, FolderPath: r.FolderPath, Sort: r.Sort, Ruleset: r.Ruleset, Origin: r.Origin, License: r.License,
		Visibility: r.Visibility, Aliases: r.Aliases, Warnings: r.Warnings, Incomplete: r.Incomplete, JSON: r.JSON,
		Texts: r.Texts, Embedded: r.Embedded, Facts: r.Facts,
	}
	if !json.Valid(r.JSON) {
		l.JSON = string(r.JSON)
	}
	for _, a := range r.Assets {
		l.Assets = append(l.Assets, assetLine(a))
	}
	for _, k := range r.Links {
		l.Links = append(l.Links, linkLine(k))
	}
	return l
}

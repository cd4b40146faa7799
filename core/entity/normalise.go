// Package entity makes entities of records: identity, kind, name, slug, licence and hashes.
//
// It works on one record at a time, or on the heads of a whole run when names have to be told apart; it leaves storing
// to the engine, references to core/link and pictures to core/asset. It starts no goroutine. Its errors are
// *sdk.Diagnostic of kind Invalid: the record is not one, and the message says why.
package entity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// Context is what all records of one stream share.
type Context struct {
	Plugin      string // name of the plugin
	Source      string // name of the source in the config
	SourceOrder int    // place of the source in the config
	Stream      sdk.Stream
}

// Normalise makes the entity of a record, and its head. The entity has no slug, no resolved link and no asset id yet:
// these need the whole run.
func Normalise(r sdk.Record, c Context) (*core.Entity, core.Head, error) {
	if err := check(r); err != nil {
		return nil, core.Head{}, err
	}
	if r.Scope == "" {
		r.Scope = c.Source // an id that says no more is unique in its source, and in no other
	}
	content, top := digest(r.JSON)
	raw := sha256.Sum256(r.JSON)
	e := &core.Entity{
		UID:        c.Plugin + ":" + r.Scope + ":" + r.ID,
		Kind:       kind(r, c),
		NativeType: r.NativeType,
		Name:       name(r, top),
		Lang:       r.Lang,
		Sort:       r.Sort,
		FolderPath: r.FolderPath,
		Ruleset:    r.Ruleset,
		Source: core.Provenance{
			Plugin: c.Plugin, Name: c.Source, Stream: c.Stream.Name, Scope: r.Scope,
			NativeID: r.ID, Revision: r.Revision, Origin: r.Origin,
		},
		License:       licence(r.License, c.Stream.License),
		Visibility:    r.Visibility,
		Assets:        assets(r.Assets),
		Links:         links(r.Links),
		Text:          r.Texts,
		Embedded:      r.Embedded,
		Facts:         r.Facts,
		Warnings:      r.Warnings,
		Complete:      !r.Incomplete,
		RawSHA256:     hex.EncodeToString(raw[:]),
		ContentSHA256: hex.EncodeToString(content[:]),
		Raw:           r.JSON,
	}
	if r.Kind != "" && !core.IsKind(r.Kind) {
		// The record's own list may be shared with other records.
		e.Warnings = append(slices.Clip(e.Warnings), fmt.Sprintf("the source calls it a %q, which is no known kind", r.Kind))
	}
	if len(r.Facts) > 0 && (!utf8.Valid(r.Facts) || !json.Valid(r.Facts) || !isObject(r.Facts)) {
		e.Facts = nil
		e.Warnings = append(slices.Clip(e.Warnings), "the facts that the source gives are no JSON object")
	}
	return e, head(e, r, c), nil
}

func head(e *core.Entity, r sdk.Record, c Context) core.Head {
	return core.Head{
		UID: e.UID, SourceOrder: c.SourceOrder, Source: c.Source, Stream: c.Stream.Name,
		Kind: e.Kind, Name: e.Name, BaseSlug: Slug(e.Name), System: r.Ruleset.System, Edition: r.Ruleset.Edition,
		Book: r.Origin.Book, Page: r.Origin.Page, Pack: r.Origin.Pack,
		Scope: r.Scope, NativeID: r.ID, Aliases: r.Aliases,
		ContentSHA256: e.ContentSHA256, RawBytes: int64(len(r.JSON)),
	}
}

// HeadOf is the head of an entity that was stored before, as one of the source at that place in the config.
func HeadOf(e *core.Entity, sourceOrder int, aliases []string) core.Head {
	return core.Head{
		UID: e.UID, SourceOrder: sourceOrder, Source: e.Source.Name, Stream: e.Source.Stream,
		Kind: e.Kind, Name: e.Name, BaseSlug: Slug(e.Name), System: e.Ruleset.System, Edition: e.Ruleset.Edition,
		Book: e.Source.Book, Page: e.Source.Page, Pack: e.Source.Pack,
		Scope: e.Source.Scope, NativeID: e.Source.NativeID, Aliases: aliases,
		ContentSHA256: e.ContentSHA256, RawBytes: int64(len(e.Raw)),
	}
}

func check(r sdk.Record) error {
	switch {
	case r.ID == "":
		return refuse(r, "record.no_id", "a record has no id", "give every record an id that is the same on every read")
	case !utf8.Valid(r.JSON):
		return refuse(r, "record.not_utf8", "the document is not valid UTF-8", "convert the text to UTF-8 at the source")
	case !json.Valid(r.JSON):
		return refuse(r, "record.not_json", "the document is not valid JSON", "look at the document at the source: it is damaged")
	case !isObject(r.JSON):
		return refuse(r, "record.not_object", "the document is not a JSON object", "send each record as one JSON object")
	}
	return nil
}

func refuse(r sdk.Record, code, summary, suggestion string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: code, Summary: summary, Suggestion: suggestion, RecordID: r.ID, Origin: r.Origin,
	}
}

func isObject(doc []byte) bool {
	i := skipSpace(doc, 0)
	return i < len(doc) && doc[i] == '{'
}

func kind(r sdk.Record, c Context) string {
	switch {
	case core.IsKind(r.Kind):
		return r.Kind
	case r.Kind == "" && core.IsKind(c.Stream.Kind):
		return c.Stream.Kind
	default:
		return "other"
	}
}

// name prefers what the source says, then the members people use for names, then the id.
func name(r sdk.Record, top map[string]json.RawMessage) string {
	if s := strings.TrimSpace(r.Name); s != "" {
		return s
	}
	for _, member := range nameMembers {
		var s string
		if json.Unmarshal(top[member], &s) == nil && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return r.ID
}

func assets(refs []sdk.AssetRef) []core.AssetUse {
	if len(refs) == 0 {
		return nil
	}
	uses := make([]core.AssetUse, len(refs))
	for i, ref := range refs {
		if ref.Status == "" && (ref.Path != "" || ref.URL != "" || ref.Key != "") {
			ref.Status = sdk.Present
		}
		uses[i] = core.AssetUse{
			Pointer: ref.Pointer, Role: ref.Role, URI: ref.URI, Status: ref.Status, License: ref.License,
			Locator: core.Locator{Path: ref.Path, URL: ref.URL, Key: ref.Key, Revision: ref.Revision},
		}
	}
	return uses
}

func links(refs []sdk.Link) []core.Link {
	if len(refs) == 0 {
		return nil
	}
	out := make([]core.Link, len(refs))
	for i, ref := range refs {
		out[i] = core.Link{
			Pointer: ref.Pointer, Kind: ref.Kind, Raw: ref.Raw, Target: ref.Target, Part: ref.Part,
			Label: ref.Label, Anchor: ref.Anchor, Status: core.LinkUnknown,
		}
	}
	return out
}

package sdk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// A record with what the source knows better than the converter can guess.
func ExampleRecord() {
	r := sdk.Record{
		ID: "guard-1", Scope: "module/keep", JSON: json.RawMessage(`{"name": "Guard", "boss": "captain"}`),
		Kind: "creature", Name: "Guard", Lang: "en", FolderPath: []string{"Keep", "Ground floor"},
		Ruleset:    sdk.Ruleset{System: "dnd5e", Edition: "2024"},
		Origin:     sdk.Origin{URI: "keep.json", Pointer: "/guards/0"},
		License:    sdk.License{Expression: "CC-BY-4.0", Attribution: "the keepers"},
		Visibility: "gm",
		Links:      []sdk.Link{{Pointer: "/boss", Kind: "reference", Raw: "captain", Target: "captain-1", Label: "The captain"}},
	}
	fmt.Println(r.Validate())
	// Output: <nil>
}

// The rules a document is written for, in the words of the source.
func ExampleRuleset() {
	fmt.Printf("%+v\n", sdk.Ruleset{System: "dnd5e", Version: "4.0.0", Edition: "2024"})
	// Output: {System:dnd5e Version:4.0.0 Edition:2024}
}

// A place on a page of a book, which the converter names when something is wrong with the record.
func ExampleOrigin() {
	text, err := json.Marshal(sdk.Origin{Format: "pdf", URI: "keep.pdf", Page: 12, Book: "The Keep"})
	fmt.Println(string(text), err)
	// Output: {"format":"pdf","uri":"keep.pdf","page":12,"book":"The Keep"} <nil>
}

// A licence as an SPDX expression, with whom to name and where it was found.
func ExampleLicense() {
	text, err := json.Marshal(sdk.License{Expression: "CC-BY-4.0", Attribution: "the keepers", From: "package"})
	fmt.Println(string(text), err)
	// Output: {"expression":"CC-BY-4.0","attribution":"the keepers","from":"package"} <nil>
}

// A link to a page of another document.
func ExampleLink() {
	l := sdk.Link{Pointer: "/text", Kind: "embed", Raw: "@Page[Gate]", Target: "journal-1", Part: "gate", Label: "The gate"}
	fmt.Println(l.Target, l.Part)
	// Output: journal-1 gate
}

// A text is given as Markdown; the pointer leads to it as the source wrote it.
func ExampleText() {
	t := sdk.Text{Pointer: "/text", Role: "page", Title: "The gate", Markdown: "The [guard](castle://guard-1) stands here."}
	fmt.Println(t.Title+":", t.Markdown)
	// Output: The gate: The [guard](castle://guard-1) stands here.
}

// A document inside another is no record of its own; links lead to it by its part.
func ExampleEmbedded() {
	r := sdk.Record{
		ID: "guard-1", JSON: json.RawMessage(`{"carries": [{"name": "Halberd"}]}`),
		Embedded: []sdk.Embedded{{Part: "carries.0", Pointer: "/carries/0", Kind: "item", Name: "Halberd"}},
		Facts:    json.RawMessage(`{"level": 1}`),
	}
	fmt.Println(r.ID, r.Embedded[0].Part)
	// Output: guard-1 carries.0
}

// The three ways to an asset: the converter fetches it, opens it, or asks the plugin.
func ExampleAssetRef() {
	for _, a := range []sdk.AssetRef{
		{URI: "a.png", Pointer: "/img", Role: "portrait", Status: sdk.Remote, URL: "https://example.org/a.png"},
		{URI: "b.png", Pointer: "/map", Role: "map", Status: sdk.Present, Path: filepath.Join("/keep", "b.png")},
		{URI: "c.png", Pointer: "/icon", Role: "icon", Status: sdk.Present, Key: "archive/c.png"},
	} {
		fmt.Println(a.Role, a.Status)
	}
	// Output:
	// portrait remote
	// map present
	// icon present
}

// What is not there is still said, so that the reader of the outputs learns of it.
func ExampleAssetStatus() {
	fmt.Println(sdk.Missing, sdk.Core, sdk.Wildcard)
	// Output: missing core wildcard
}

// An asset whose size nobody knows yet.
func ExampleAsset() {
	a := sdk.Asset{MediaType: "audio/ogg", Size: -1}
	fmt.Println(a.MediaType, a.Size)
	// Output: audio/ogg -1
}

// A stream with what is known of it before it is read.
func ExampleStream() {
	s := sdk.Stream{
		Name: "guards", Title: "The guards", Kind: "creature",
		Records: sdk.Estimate{Count: 12, Quality: sdk.Exact}, Bytes: sdk.Estimate{Count: 40_000, Quality: sdk.Approximate},
	}
	fmt.Println(s.Title, s.Records.Count)
	// Output: The guards 12
}

// Nothing said is not the same as none.
func ExampleEstimate() {
	fmt.Println(sdk.Estimate{}.Quality == sdk.Unknown, sdk.Estimate{Quality: sdk.Exact}.Quality == sdk.Unknown)
	// Output: true false
}

// An estimate that can only grow.
func ExampleQuality() {
	e := sdk.Estimate{Count: 100, Quality: sdk.LowerBound}
	fmt.Println(e.Quality == sdk.LowerBound)
	// Output: true
}

// What the converter knows of a plugin before it configures it.
func ExampleSpec() {
	spec := newCastle().Spec()
	fmt.Println(spec.Name, spec.Version, spec.Can.FetchAsset)
	// Output: castle 0.1.0 true
}

// Capabilities are found out, not declared; all but these two.
func ExampleCapabilities() {
	can := sdk.Capabilities{Resumable: true, Incremental: true}
	fmt.Println(can.Resumable, can.Check)
	// Output: true false
}

// What a test of a plugin configures it with.
func ExampleConfiguration() {
	run(newCastle(), sdk.Configuration{
		Source: "home", Options: json.RawMessage(`{"folder": "castle"}`), BaseDir: "/home/gm", CacheDir: "/tmp/castle",
	}, nil)
	// Output: record halls great {"image": "hall.png"}
}

// What the options name, the converter opens; and what a source has put into its own folders.
func ExampleConfiguration_Folders() {
	dir, err := os.MkdirTemp("", "castle-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c := sdk.Configuration{
		Options: json.RawMessage(`{"folder": ".", "motto": "no surrender"}`), BaseDir: dir, WorkDir: "/tmp/work",
	}
	for _, folder := range c.Folders() {
		fmt.Println(strings.Replace(folder, dir, "the castle", 1))
	}
	// Output:
	// the castle
	// /tmp/work
}

// A test can make an environment of its own.
func ExampleEnvironment() {
	c, err := openCastle(nil, folderOptions{Folder: "castle"}, sdk.Environment{BaseDir: "/home/gm"}) //nolint:staticcheck // it has no use for a context
	fmt.Println(filepath.ToSlash(c.folder), err)
	// Output: /home/gm/castle <nil>
}

// What was fetched, and what did not have to be.
func ExampleMetrics() {
	m := sdk.Metrics{Requests: 3, Hits: 97, Misses: 3, Bytes: 48_000}
	fmt.Printf("%d of %d from the cache\n", m.Hits, m.Hits+m.Misses)
	// Output: 97 of 100 from the cache
}

// Only Unavailable is worth another try.
func ExampleKind() {
	err := error(&sdk.Diagnostic{Kind: sdk.Unavailable, Code: "guard.asleep", Summary: "the guard sleeps"})
	fmt.Println(sdk.KindOf(err) == sdk.Unavailable)
	// Output: true
}

// The word of a kind.
func ExampleKind_String() {
	fmt.Println(sdk.NotFound.String())
	// Output: not_found
}

// Kinds that are not known are Internal.
func ExampleParseKind() {
	fmt.Println(sdk.ParseKind("unavailable"), sdk.ParseKind("whatever"))
	// Output: unavailable internal
}

// A diagnostic that says no severity is an error.
func ExampleSeverity() {
	fmt.Println(sdk.Diagnostic{Summary: "the gate is shut"}.Severity == sdk.SeverityError)
	// Output: true
}

// The text of a diagnostic has the cause in it.
func ExampleDiagnostic_Error() {
	d := &sdk.Diagnostic{Summary: "the gate is shut", Cause: errors.New("rust")}
	fmt.Println(d.Error())
	// Output: the gate is shut: rust
}

// The cause of a diagnostic is found by errors.Is.
func ExampleDiagnostic_Unwrap() {
	err := fmt.Errorf("open gate: %w", &sdk.Diagnostic{Summary: "there is no key", Cause: fs.ErrNotExist})
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}

// A kind that there is not is taken for "other".
func ExampleIsKind() {
	fmt.Println(sdk.IsKind("creature"), sdk.IsKind("monster"))
	// Output: true false
}

func ExampleFact() {
	f := sdk.Fact{Name: "torn_pages", Label: "pages that are torn", Number: 3, Notable: true}
	fmt.Println(f.Label, f.Number)
	// Output: pages that are torn 3
}

func ExampleValidateFacts() {
	fmt.Println(sdk.ValidateFacts([]sdk.Fact{{Name: "Torn pages", Number: 3}}) != nil)
	// Output: true
}

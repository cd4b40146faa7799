// Package sdk is what a source plugin of the converter is made with, and what the converter and its plugins agree on.
//
// It owns the contract ([Source], [Writer], [Record], the kinds of errors), the serving end of the wire ([Serve]) and the
// helper that turns a few functions into a plugin ([Define]). Finding, starting and watching plugins is the host's, in
// core/host; what becomes of a record is the engine's. [Serve] waits for every goroutine it starts; a source waits for its
// own. Errors are of the kinds of [KindOf].
//
// # A plugin in 25 lines
//
// A plugin is a program. It is called converter-plugin-NAME and lies in one of the folders that `converter plugin list`
// names. This one is whole:
//
//	package main
//
//	import (
//		"context"
//		"encoding/json"
//
//		"github.com/seed-98789ff7/converter/sdk"
//	)
//
//	type options struct {
//		Greeting string `json:"greeting" jsonschema:"default=Hail,description=What the guard says"`
//	}
//
//	func main() {
//		sdk.Serve(sdk.Define(sdk.Plugin[options]{
//			Name: "guard", Version: "0.1.0", Summary: "One guard, who greets.", Kinds: []string{"creature"},
//			Read: func(ctx context.Context, o options, request sdk.ReadRequest, out sdk.Writer) error {
//				body, err := json.Marshal(map[string]string{"name": "Guard", "says": o.Greeting})
//				if err != nil {
//					return err
//				}
//				return out.Record("guards", sdk.Record{ID: "guard-1", JSON: body})
//			},
//		}))
//	}
//
// Build it, put it where plugins are, and name it in converter.yaml:
//
//	sources:
//	  - name: gate
//	    plugin: guard
//	    options: {greeting: Halt}
//
// "converter-plugin-guard describe" prints what the converter learns of it, the JSON Schema of the options with it.
//
// # Options
//
// Options are the exported fields of a struct, named by their json tags. The tag jsonschema says what else is known of
// them: required, default=…, description=…, minimum=…, maximum=…, enum=…, writeOnly=true for secrets. The converter checks
// the options against the schema before it starts to read, and names the line of the config that is wrong. An option
// without a field is refused. What a schema cannot say, a method Validate() error of the struct can.
//
// # Reading
//
// Read sends records, one call of [Writer.Record] each, to streams: named sequences such as the packs of a module or the
// chapters of a book. A record needs an id, which must be the same at the next reading, and the document as JSON, best as
// the source wrote it; what else is known of it goes into the other fields of [Record].
//
// A document that cannot be read is one call of [Writer.Skip], and reading goes on. A source that cannot be read at all is
// an error returned. An error of the Writer means that the converter has heard enough: return it. When Read returns nil the
// SDK tells the converter how many records of each stream were sent and skipped, and the converter counts too; so do not
// return nil before everything is sent.
//
// Records travel in batches of 100, or of 1 MiB, or of what has come together in 200 ms. A record of more than 8 MiB is
// counted as skipped with the code TOO_LARGE. Large binaries are no part of records: refer to them as [AssetRef], by URL
// (the converter fetches it), by Path (the converter opens it) or by Key (the converter asks the plugin).
//
// With [Writer.Checkpoint] a source says that it need not send again what it has sent of a stream. The state comes back in
// [ReadRequest] when a run is resumed; set Resumable in the [Plugin] then.
//
// # Keeping something open
//
// Where reading needs more than the options, set Open instead of Read. What it opens is kept for all calls; it has a method
// Read, and where it has the methods Check, Discover, FetchAsset or Close, those are used. The function gets an
// [Environment] with the folders to use and a logger:
//
//	Open: sdk.NewOpener(func(ctx context.Context, o options, env sdk.Environment) (*library, error) {
//		return openLibrary(env.Path(o.Folder), env.Log)
//	}),
//
// # Errors
//
// Return a [*Diagnostic] for what a user can do something about: Summary says what happened, Suggestion what to do next,
// Code is stable and dotted, such as guard.no_gate, and Kind says whether trying again can help: only Unavailable is tried
// again. It may be wrapped, and several may be joined with errors.Join; all of them arrive. Any other error arrives as text,
// of kind Internal. A panic in a call ends the call, not the plugin; one in a goroutine of the source ends the plugin, and
// its first lines are shown.
//
// # Printing
//
// Standard output carries the handshake: print nothing before Serve. Afterwards, what a plugin prints is logged by the
// converter with the plugin's name. Use the logger of the Environment for what only developers want to know, and
// [Writer.Report] for what users should.
package sdk

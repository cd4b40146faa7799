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
// the options against the schema before it starts to read, and names the line of the config that is wrong. Each value of a list
// has an enum= of its own (enum=short,enum=long), and a comma in a description is written \\\\,. An option without a field
// is refused. What a schema cannot say, a method Validate() error of the struct can.
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
// What is skipped is grouped by cause: Code, and Summary with its numbers and quoted names left out. So say in Summary what is
// wrong, and in the id and Origin where; each group shows its first items with their own words. Where a source lists its
// streams in Discover, records of others are refused.
//
// Records travel in batches of 100, or of 1 MiB, or of what has come together in 200 ms. A record of more than 8 MiB is
// counted as skipped with the code TOO_LARGE. Large binaries are no part of records: refer to them as [AssetRef], by URL
// (the converter fetches it), by Path (the converter opens it) or by Key (the converter asks the plugin).
//
// With [Writer.Checkpoint] a source says that it will not send again what it has sent of a stream. The state comes back in
// [ReadRequest] when the plugin was started again or the run is resumed; set Resumable in the [Plugin] then. What it covers
// must not come again: a second record of one id is a mistake on either side of a checkpoint. Send checkpoints as often as
// you like: the converter stores as many as it needs. Raise StateVersion when their form changes. Where Discover can see that
// a stream is another one than before, set its Revision: a checkpoint of another state is not handed back to a later run.
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
// # Fetching
//
// Use the client of [Environment.HTTP] for what comes from the net. It keeps answers in the cache folder as far as the
// server allows, so that the next run asks less; it tries again when a server is busy, waits when it is told to, and goes
// on with what it has kept while the server is away. [Environment.HTTPWith] is the same with limits of yours: how many
// requests at a time, how fast, and what counts as an answer. What it did shows as [Metrics] in the dashboard, without a word
// of the source's. A source that fetches in another way, or knows which records have not changed, reports through
// [MetricsWriter]:
//
//	if m, ok := out.(sdk.MetricsWriter); ok {
//		m.Metrics(sdk.Metrics{Requests: 1, Misses: 1, Bytes: int64(len(body))})
//	}
//
// # Facts
//
// What is known of a stream beside its records, such as how it is stored or what of it is left out, goes into the manifest of
// the output and beside the stream in the dashboard. Say it in front of the stream's last checkpoint:
//
//	if f, ok := out.(sdk.FactsWriter); ok {
//		err = f.Facts("posts", sdk.Fact{Name: "torn_pages", Label: "pages that are torn", Number: torn, Notable: torn > 0})
//	}
//
// # Errors
//
// Return a [*Diagnostic] for what a user can do something about: Summary says what happened, Suggestion what to do next,
// Code is stable and dotted, such as guard.no_gate, and Kind says whether trying again can help: only Unavailable is tried
// again. It may be wrapped, and several may be joined with errors.Join; all of them arrive. Any other error arrives as text,
// of kind Internal. A panic in a call ends the call, not the plugin; one in a goroutine of the source ends the plugin, and
// its first lines are shown.
//
// # Debugging
//
// Started as "converter-plugin-guard --debug", in a debugger if you like, a plugin does not wait for a host to start it. It
// prints a line such as
//
//	CONVERTER_REATTACH='{"guard":{"network":"unix","addr":"/tmp/converter-debug-1/s","pid":42,"protocol":1}}'
//
// and serves until it is interrupted. Put the line in front of the next command: that run attaches to the plugin instead of
// starting it, has no limits of time, and leaves it running when it is done. What the plugin logs and prints stays in its own
// terminal. Two runs can follow each other, but not read at the same time. The plugin has to lie where it is found as ever, for
// what the converter looks up before it talks to it.
//
// # Printing
//
// Standard output carries the handshake: print nothing before Serve. Afterwards, what a plugin prints is logged by the
// converter with the plugin's name. Use the logger of the Environment for what only developers want to know, and
// [Writer.Report] for what users should.
//
// # Testing
//
// The converter tries a plugin from the outside, in whatever language it is written:
//
//	converter plugin test ./converter-plugin-guard --config options.yaml
//
// The file holds the options, or is a converter.yaml with a source that uses the plugin. Every check is a line with what was
// seen and, where it failed, what to do: that the plugin describes itself and its options, refuses wrong ones and lives on;
// that ids are unique, numbers right and a second reading the same; that it resumes, can be cancelled, waits for a busy host,
// names no files but those of [Configuration.Folders], survives being killed, ends by itself, and keeps secrets and standard
// output clean. The exit code is 0 when all is well, 1 when a check failed; --json prints the same for programs.
//
// With --golden FILE what came is compared with what came before: a file with one record a line, and a line for each that was
// skipped. --update writes it. Read it, keep it with the plugin, and a change that nobody meant shows up as the first line
// that is another. Folders of this machine stand in it as ${base}, ${work} and ${cache}.
//
// The same checks run in a test of your own, in the process of the test, where debuggers stop and coverage counts. Between
// the test and the source lies the wire as it is between the converter and the plugin, so what does not survive it is seen:
//
//	var update = flag.Bool("update", false, "write the golden files anew")
//
//	func TestGuard(t *testing.T) {
//		options := map[string]any{"greeting": "Halt"}
//		sdktest.RunGolden(t, newGuard, options, "testdata/guards.jsonl", *update)
//	}
//
// newGuard returns what main gives to [Serve]; sdktest.Run is the same without a golden file. Let the options name a small
// sample with some of everything. For tests of another kind, [ServeListener] serves a source on a listener of yours.
package sdk

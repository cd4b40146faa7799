package runs

import "github.com/seed-98789ff7/converter/runs/rqlite"

// Schema is the whole schema as SQL, and what it means, for the tool that writes docs/schema.md.
type Schema struct {
	Shared []string // outside of single runs: the statements of all steps, in their order
	Run    []string // what makes the tables of run 1
	// Meanings says what tables ("runs") and columns ("runs.number") are for; those of a run go without run_1_.
	Meanings map[string]string
}

// DescribeSchema returns the schema of this version.
func DescribeSchema() Schema {
	s := Schema{Shared: []string{rqlite.MigrationsTable}, Meanings: meanings()}
	for _, step := range migrations() {
		s.Shared = append(s.Shared, step.Statements...)
	}
	for _, statement := range createTables(1) {
		s.Run = append(s.Run, statement.SQL)
	}
	return s
}

// meanings has an entry for each table and each column; the tool misses one that is not there.
func meanings() map[string]string {
	return map[string]string{
		"schema_migrations":            "The steps of the schema that this database has taken.",
		"schema_migrations.version":    "number of the step, from 1 without gaps",
		"schema_migrations.checksum":   "SHA-256 of the step's SQL; another one under the same number is refused",
		"schema_migrations.applied_ms": "when it was taken",

		"runs":               "One row a run, kept until the run is one of too many.",
		"runs.number":        "counts up; the first of several processes that want a number gets it",
		"runs.id":            "name of the run, `r-` and the number in four digits",
		"runs.token":         "random text of the process that has the run; it tells its own row when an answer was lost",
		"runs.name":          "of the config file, for people",
		"runs.config":        "path of the config file",
		"runs.config_digest": "SHA-256 of all in the config that decides the content",
		"runs.state":         "queued, running, cancelling, or a final one: succeeded, partial, failed, cancelled, interrupted",
		"runs.reason":        "why it is in that state, for people",
		"runs.actor":         "who brought it there: user, signal, limit, store, crash, …",
		"runs.result_id":     "names what was written by content; empty: nothing",
		"runs.started_ms":    "when it began",
		"runs.ended_ms":      "when it reached a final state; 0: not yet",
		"runs.heartbeat_ms":  "last sign of life, every five seconds; a run of a cluster is dead when it is 15 s old",
		"runs.pid":           "process that has the run",
		"runs.summary":       "JSON: all numbers of the run; the columns of this table are newer where both have something",

		"pictures":          "Pictures rendered by any run, so that no run renders them again.",
		"pictures.asset_id": "SHA-256 of the bytes as they came",
		"pictures.recipe":   "how they were rendered: sizes, quality, encoder",
		"pictures.body":     "JSON: the asset with its renditions, whose bytes lie in `blobs/`",

		"cache_entries":            "What is kept of answers across runs, the second level of the caches; every row may be lost.",
		"cache_entries.cache":      "name of the cache",
		"cache_entries.key":        "what was asked",
		"cache_entries.writer":     "names the process that wrote the row",
		"cache_entries.rev":        "number of that process's put: one that arrives late changes nothing",
		"cache_entries.expires_ms": "when it does not count any more",
		"cache_entries.absent":     "1: it is known that there is no answer",
		"cache_entries.checksum":   "SHA-256 over the rest, 32 digits of it; a row with another one is dropped",
		"cache_entries.form":       "how the value is written: 0 as text, 1 as base64",
		"cache_entries.value":      "the answer",

		"compendium":              "One row: which generation of rows is the compendium. A new one is put in place by changing it.",
		"compendium.id":           "1",
		"compendium.generation":   "the generation that is looked up in; 0: it was never built",
		"compendium.items":        "how many items it has",
		"compendium.built_ms":     "when it was put in place",
		"compendium.building":     "the generation that is being built; 0: none",
		"compendium.last":         "the highest generation there ever was",
		"compendium.token":        "random text of the build that had the last generation; it tells its own claim when an answer was lost",
		"compendium.heartbeat_ms": "sign of life of that build, with every batch; one older than 30 s was left behind",

		"compendium_items":                "The compendium, one row an entity. Rows of other generations are removed after a build.",
		"compendium_items.generation":     "the build that the row belongs to",
		"compendium_items.uid":            "identity of the entity",
		"compendium_items.kind":           "creature, item, spell, …",
		"compendium_items.slug":           "the name as a file would have it, unique in its kind",
		"compendium_items.name":           "for people",
		"compendium_items.source":         "name of its source in the config that the compendium was built from",
		"compendium_items.scope":          "what its native id is unique in",
		"compendium_items.native_id":      "id that its source gives it",
		"compendium_items.namesake":       "what it is called: slug of its name alone, game, edition, apart by blanks; NULL: too little is known",
		"compendium_items.content_sha256": "SHA-256 of its content without what only places it: entities of one kind with the same one are equal",
		"compendium_items.entity_blob":    "SHA-256 that names the file of a body over 64 KB; NULL: it is in `entity`",
		"compendium_items.raw_blob":       "the same for `raw`",
		"compendium_items.entity":         "JSON: the entity without its raw document; `zstd:` and base64 when it is longer than 512 bytes",
		"compendium_items.raw":            "the document exactly as the source had it, in the same form",

		"compendium_ids":            "The native ids that lead to items of the compendium.",
		"compendium_ids.generation": "as in `compendium_items`",
		"compendium_ids.plugin":     "plugin whose ids these are",
		"compendium_ids.native_id":  "id that links may use",
		"compendium_ids.scope":      "what it is unique in",
		"compendium_ids.uid":        "the item it leads to",
		"compendium_ids.rank":       "0: its own id, 1: another id of it, 2: that of an item whose place it took",

		"custom_items":              "The entities that the run made, one row a document of a source, in the order in which they were put.",
		"custom_items.uid":          "identity of the entity",
		"custom_items.source_order": "place of its source in the config: two sources may have the same document",
		"custom_items.source":       "name of the source",
		"custom_items.stream":       "name of the stream within it",
		"custom_items.place":        "number of the item in its stream, as it came",
		"custom_items.sum":          "hash of the record as it came: one that comes again and is the same is not stored again",
		"custom_items.kind":         "creature, item, spell, …",
		"custom_items.name":         "for people",
		"custom_items.head":         "JSON: what linking has to know besides the other columns",
		"custom_items.rev":          "number of the put; of an entity that was put again the row with the highest one counts",
		"custom_items.entity_blob":  "SHA-256 that names the file of a body over 64 KB; NULL: it is in `entity`",
		"custom_items.raw_blob":     "the same for `raw`",
		"custom_items.entity": "JSON: the entity without its raw document and, where both have room in 64 KB, a line break and the " +
			"document exactly as the source had it; `zstd:` and base64 when that is longer than 512 bytes",
		"custom_items.raw": "the document where it does not stand behind the entity, in the same form; else NULL",

		"asset_mappings":        "What became of each reference to an asset.",
		"asset_mappings.source": "whose documents refer to it",
		"asset_mappings.uri":    "as it stands there; `sha256:` and its hash when it is longer than 512 bytes",
		"asset_mappings.body":   "JSON: status, asset and problem",
		"asset_mappings.rev":    "number of the put the row comes from; a lower one that arrives late changes nothing",

		"problems":             "Failures by cause, as far as they were known at the last sign of life.",
		"problems.fingerprint": "hash of code, plugin and message: the cause",
		"problems.body":        "JSON: what happened, how often, what to do, examples",
		"problems.rev":         "as in `asset_mappings`",

		"checkpoints":               "How far each stream was read and stored: never further than its rows.",
		"checkpoints.source":        "name of the source",
		"checkpoints.stream":        "name of the stream within it",
		"checkpoints.state_version": "of the form of `state`, which is the plugin's",
		"checkpoints.state":         "base64: what the plugin needs for reading on from there; behind a dot, the revision that the stream had",
		"checkpoints.items":         "how many items of the stream it covers",
		"checkpoints.complete":      "1: the stream was read to its end",
		"checkpoints.place":         "place of the stream among those of its source",
		"checkpoints.title":         "of the stream, for people",
		"checkpoints.expected":      "how many records the source had announced",
		"checkpoints.facts":         "JSON: what else the source has told of the stream",
		"checkpoints.rev":           "as in `asset_mappings`",

		"mishaps":        "Items that could not be read, one row each, so that a run that goes on counts them as before.",
		"mishaps.source": "name of the source",
		"mishaps.stream": "name of the stream within it",
		"mishaps.place":  "number of the item in its stream, as it came",
		"mishaps.body":   "JSON: what was wrong with it",
		"mishaps.rev":    "as in `asset_mappings`",

		"made":          "The pictures that this run rendered itself, so that a run that goes on does not count them as found.",
		"made.asset_id": "SHA-256 of the bytes as they came",
		"made.rev":      "as in `asset_mappings`",
	}
}

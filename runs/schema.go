package runs

import (
	"fmt"
	"strings"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// migrations are the steps of the schema outside of single runs. Tables are STRICT, times come from the program, and
// integers stay within 2^53. A step that was released is never changed.
func migrations() []rqlite.Migration {
	return []rqlite.Migration{{
		Version: 1,
		Statements: []string{
			`CREATE TABLE runs(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, token TEXT NOT NULL, name TEXT NOT NULL, ` +
				`config TEXT NOT NULL, config_digest TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, ` +
				`result_id TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, heartbeat_ms INTEGER NOT NULL, ` +
				`pid INTEGER NOT NULL, summary TEXT NOT NULL) STRICT`,
			`CREATE INDEX runs_result ON runs(result_id)`,
			`CREATE TABLE pictures(asset_id TEXT NOT NULL, recipe TEXT NOT NULL, body TEXT NOT NULL, ` +
				`PRIMARY KEY(asset_id, recipe)) STRICT, WITHOUT ROWID`,
		},
	}, {
		// The second level of the caches. The short columns come first, so that what decides is read without the value.
		Version: 2,
		Statements: []string{
			`CREATE TABLE cache_entries(cache TEXT NOT NULL, key TEXT NOT NULL, writer TEXT NOT NULL, rev INTEGER NOT NULL, ` +
				`expires_ms INTEGER NOT NULL, absent INTEGER NOT NULL, checksum TEXT NOT NULL, form INTEGER NOT NULL, ` +
				`value TEXT NOT NULL, PRIMARY KEY(cache, key)) STRICT`,
			`CREATE INDEX cache_entries_expiry ON cache_entries(expires_ms, cache, key)`,
		},
	}, {
		Version: 3,
		Statements: []string{
			`CREATE TABLE compendium(id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, items INTEGER NOT NULL, ` +
				`built_ms INTEGER NOT NULL, building INTEGER NOT NULL, last INTEGER NOT NULL, token TEXT NOT NULL, ` +
				`heartbeat_ms INTEGER NOT NULL) STRICT`,
			`INSERT INTO compendium(id,generation,items,built_ms,building,last,token,heartbeat_ms) VALUES(1,0,0,0,0,0,'',0)`,
			`CREATE TABLE compendium_items(generation INTEGER NOT NULL, uid TEXT NOT NULL, kind TEXT NOT NULL, slug TEXT NOT NULL, ` +
				`name TEXT NOT NULL, source TEXT NOT NULL, scope TEXT NOT NULL, native_id TEXT NOT NULL, content_sha256 TEXT NOT NULL, ` +
				`entity_blob TEXT, raw_blob TEXT, entity TEXT, raw TEXT, PRIMARY KEY(generation, uid)) STRICT`,
			`CREATE UNIQUE INDEX compendium_items_slug ON compendium_items(generation, kind, slug)`,
			`CREATE INDEX compendium_items_name ON compendium_items(generation, kind, name)`,
			`CREATE INDEX compendium_items_content ON compendium_items(generation, kind, content_sha256, uid)`,
			`CREATE TABLE compendium_ids(generation INTEGER NOT NULL, plugin TEXT NOT NULL, native_id TEXT NOT NULL, ` +
				`scope TEXT NOT NULL, uid TEXT NOT NULL, rank INTEGER NOT NULL, PRIMARY KEY(generation, plugin, native_id, scope, uid)) ` +
				`STRICT, WITHOUT ROWID`,
		},
	}, {
		// NULL in libraries that were built before: nothing is called like their items until the next build.
		Version: 4,
		Statements: []string{
			`ALTER TABLE compendium_items ADD COLUMN namesake TEXT`,
			`CREATE INDEX compendium_items_namesake ON compendium_items(generation, kind, namesake)`,
		},
	}}
}

// table is one of the tables of a run.
type table int

const (
	items table = iota
	mappings
	problems
	checkpoints
	mishaps
	made
	tableCount
)

var tableNames = [tableCount]string{"custom_items", "asset_mappings", "problems", "checkpoints", "mishaps", "made"}

// tableColumns are the columns of the tables of a run. The last one is the number of the put that a row comes from: of
// several rows of one thing the one with the highest number counts.
var tableColumns = [tableCount][]string{
	items: {
		"uid", "source_order", "source", "stream", "place", "kind", "name", "sum", "head", "entity", "entity_blob", "raw", "raw_blob", "rev",
	},
	mappings:    {"source", "uri", "body", "rev"},
	problems:    {"fingerprint", "body", "rev"},
	checkpoints: {"source", "stream", "state_version", "state", "items", "complete", "place", "title", "expected", "facts", "rev"},
	mishaps:     {"source", "stream", "place", "body", "rev"},
	made:        {"asset_id", "rev"},
}

// tableBodies are the same in SQL. A row's short columns come first, so that lists are read without the bodies.
//
// Items are not kept by uid but by the number of their put: rows come to the end of the table, and there is no index whose
// pages they would touch here and there, one a row, once there are many. An item that is put again has another row.
var tableBodies = [tableCount]string{
	items: `rev INTEGER PRIMARY KEY, uid TEXT NOT NULL, source_order INTEGER NOT NULL, source TEXT NOT NULL, stream TEXT NOT NULL, ` +
		`place INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, sum TEXT NOT NULL, head TEXT NOT NULL, ` +
		`entity_blob TEXT, raw_blob TEXT, entity TEXT, raw TEXT`,
	mappings: `source TEXT NOT NULL, uri TEXT NOT NULL, body TEXT NOT NULL, rev INTEGER NOT NULL, PRIMARY KEY(source, uri)`,
	problems: `fingerprint TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, rev INTEGER NOT NULL`,
	checkpoints: `source TEXT NOT NULL, stream TEXT NOT NULL, state_version INTEGER NOT NULL, state TEXT NOT NULL, ` +
		`items INTEGER NOT NULL, complete INTEGER NOT NULL, place INTEGER NOT NULL, title TEXT NOT NULL, expected INTEGER NOT NULL, ` +
		`facts TEXT NOT NULL, rev INTEGER NOT NULL, PRIMARY KEY(source, stream)`,
	mishaps: `source TEXT NOT NULL, stream TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL, rev INTEGER NOT NULL, ` +
		`PRIMARY KEY(source, stream, place)`,
	made: `asset_id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL`,
}

// tableLong are those whose texts are long.
var tableLong = [tableCount][]string{
	items: {"head", "entity", "raw"}, mappings: {"body"}, problems: {"body"}, mishaps: {"body"}, checkpoints: {"state"},
}

var tableKeys = [tableCount][]string{
	items: {"rev"}, mappings: {"source", "uri"}, problems: {"fingerprint"}, checkpoints: {"source", "stream"},
	mishaps: {"source", "stream", "place"}, made: {"asset_id"},
}

// of returns the table's name for a run. A number is all that a name is made from.
func (t table) of(number int64) string { return fmt.Sprintf("run_%d_%s", number, tableNames[t]) }

// upsert returns what writes rows of the table. A write that arrives late, after its successor, changes nothing.
func (t table) upsert(number int64) rqlite.Upsert {
	name := t.of(number)
	u := rqlite.Upsert{Table: name, Key: tableKeys[t], Columns: tableColumns[t], Long: tableLong[t]}
	if t == items {
		u.Update = []string{} // what has the number is the same
	} else {
		u.Where = fmt.Sprintf("excluded.rev>%s.rev", name)
	}
	return u
}

// createTables makes the tables of a run, all in one transaction.
func createTables(number int64) []rqlite.Statement {
	var list []rqlite.Statement
	for t := range tableCount {
		list = append(list, rqlite.Statement{SQL: fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s(%s) STRICT", t.of(number), tableBodies[t])})
	}
	return list
}

// itemsByUID asks whether the items of a run are kept by uid, as earlier versions did.
func itemsByUID(number int64) rqlite.Statement {
	return rqlite.Statement{SQL: `SELECT COUNT(*) FROM pragma_table_info(?) WHERE name='uid' AND pk>0`, Args: []any{items.of(number)}}
}

// rebuildItems makes such a table one of today's, in one transaction that may be sent twice.
func rebuildItems(number int64) []rqlite.Statement {
	name, columns := items.of(number), strings.Join(tableColumns[items], ",")
	rebuilt := name + "_rebuilt"
	return []rqlite.Statement{
		{SQL: fmt.Sprintf("CREATE TABLE %s(%s) STRICT", rebuilt, tableBodies[items])},
		{SQL: fmt.Sprintf("INSERT INTO %s(%s)SELECT %s FROM %s WHERE true ON CONFLICT(rev)DO NOTHING", rebuilt, columns, columns, name)},
		{SQL: "DROP TABLE " + name},
		{SQL: "ALTER TABLE " + rebuilt + " RENAME TO " + name},
	}
}

func dropTables(number int64) []rqlite.Statement {
	var list []rqlite.Statement
	for t := range tableCount {
		list = append(list, rqlite.Statement{SQL: "DROP TABLE IF EXISTS " + t.of(number)})
	}
	return list
}

// renameTables gives the tables of a run to another one.
func renameTables(from, to int64) []rqlite.Statement {
	var list []rqlite.Statement
	for t := range tableCount {
		list = append(list, rqlite.Statement{SQL: "ALTER TABLE " + t.of(from) + " RENAME TO " + t.of(to)})
	}
	return list
}

// owned makes a transaction fail unless the run is still its owner's: a process that stood still while another one took
// its run over changes nothing any more. The row is not touched otherwise.
func owned(number int64, token string) rqlite.Statement {
	return rqlite.Statement{SQL: `UPDATE runs SET token=NULL WHERE number=? AND token<>?`, Args: []any{number, token}}
}

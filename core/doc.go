// Package core holds the words of a conversion: entity, asset, link, problem, stage, outcome, the states of a run and
// the numbers that are counted. It does no I/O and starts no goroutine; it branches on nothing but its own values and
// returns no errors of its own.
//
// # The map
//
//	sdk          what a source is, and what passes between processes
//	core         these words
//	core/entity  record → entity: identity, name, slug, licence, hashes
//	core/asset   bytes → renditions
//	core/link    references → entities
//	core/output  entities and assets → files
//	core/host    plugin processes, seen as sources
//	core/engine  the order of it all: bounded pool, cancellation, accounting
//	runs         what is remembered of it
//	dashboard    what is shown of it
//
// # The words
//
// A plugin is a program that speaks the source protocol. A source is one configured plugin. A stream is a named sequence
// of records of a source. A record is one source-native document; an entity is its normalised form. An asset is a binary
// that entities refer to, named by the SHA-256 of its bytes; a resolution is one rendering of it. A run is one execution
// of one config. A custom item is an entity that a run created. An asset mapping leads from a native reference to an
// asset and its resolutions. A checkpoint says how far a stream was read and stored. A problem is failures grouped by
// cause. An output is a writer. The store is the database behind it all.
package core

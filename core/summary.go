package core

import (
	"slices"
	"time"
)

// StageCounts are the numbers of one stage. Total is the best known number of items, 0 while unknown, which may be an estimate; Found is
// how many have come to the stage so far.
type StageCounts struct {
	Stage     string `json:"stage"`
	Total     int64  `json:"total,omitempty"`
	Estimated bool   `json:"estimated,omitempty"` // Total is about that many
	Found     int64  `json:"found"`
	Written   int64  `json:"written"`
	Cached    int64  `json:"cached"`
	Skipped   int64  `json:"skipped"`
	Failed    int64  `json:"failed"`
	Cancelled int64  `json:"cancelled"`
	Ended     bool   `json:"ended,omitempty"` // nothing more will come to this stage
}

// Done is how many items have an outcome.
func (c StageCounts) Done() int64 { return c.Written + c.Cached + c.Skipped + c.Failed + c.Cancelled }

// About says whether Total is an estimate that has not been exceeded.
func (c StageCounts) About() bool { return c.Estimated && c.Total > max(c.Found, c.Done()) }

// LevelCounts are the numbers of one level of a cache.
type LevelCounts struct {
	Hits      int64 `json:"hits"`
	Misses    int64 `json:"misses"`
	Evictions int64 `json:"evictions"`
}

// CacheCounts are the numbers of one cache. One that has no levels, or of which only that was kept, has hits and misses
// alone.
type CacheCounts struct {
	Cache     string `json:"cache"`
	Hits      int64  `json:"hits"`      // of all levels
	Misses    int64  `json:"misses"`    // lookups that no level answered
	Evictions int64  `json:"evictions"` // from memory

	// L1 is memory; its evictions are those for want of room and those by age. L2 is the store; its misses are lookups that
	// L1 had sent on, its evictions rows that were removed by age.
	L1 LevelCounts `json:"l1,omitzero"`
	L2 LevelCounts `json:"l2,omitzero"`

	Absent    int64 `json:"absent,omitempty"`    // hits that said: there is no such thing
	Expired   int64 `json:"expired,omitempty"`   // evictions from memory by age
	Loads     int64 `json:"loads,omitempty"`     // from where it is really known
	LoadMS    int64 `json:"load_ms,omitempty"`   // time that took, of all of them together
	Shared    int64 `json:"shared,omitempty"`    // waits for somebody else's lookup of the same key
	Corrupt   int64 `json:"corrupt,omitempty"`   // damaged rows that were dropped
	Fallbacks int64 `json:"fallbacks,omitempty"` // lookups that went on without L2, because it did not answer
	Dropped   int64 `json:"dropped,omitempty"`   // entries that did not get to L2
	Entries   int64 `json:"entries,omitempty"`   // in memory now
	Bytes     int64 `json:"bytes,omitempty"`     // in memory now
}

// Leveled says that the cache has two levels.
func (c CacheCounts) Leveled() bool { return c.L1 != LevelCounts{} }

// Fetched is what one source asked servers for: what was sent and received, what its own cache answered instead, and how long
// its requests waited, all of them together.
type Fetched struct {
	Source    string `json:"source,omitempty"` // empty: all of them
	Requests  int64  `json:"requests"`
	Retries   int64  `json:"retries"` // of the requests: sent once more after a try that came to nothing
	Hits      int64  `json:"cache_hits"`
	Confirmed int64  `json:"not_modified"` // of the hits: the server said 304
	Misses    int64  `json:"cache_misses"`
	Bytes     int64  `json:"bytes"`

	LimitWaitUS   int64 `json:"wait_limit_us"`   // because only so many may begin in a time
	PauseWaitUS   int64 `json:"wait_pause_us"`   // because a server wanted to be left alone
	BackoffWaitUS int64 `json:"wait_backoff_us"` // before they were sent once more

	InFlight     int64 `json:"in_flight"`      // under way now
	MostInFlight int64 `json:"most_in_flight"` // at one time, by one source
}

// Wait is how long requests waited, all of them together, and for what, in words.
type Wait struct {
	For  string
	Time time.Duration
}

// Waits are the waits of its requests, without those that there were none of.
func (f Fetched) Waits() []Wait {
	all := []Wait{
		{"for the limit", time.Duration(f.LimitWaitUS) * time.Microsecond},
		{"while the server wanted rest", time.Duration(f.PauseWaitUS) * time.Microsecond},
		{"before another try", time.Duration(f.BackoffWaitUS) * time.Microsecond},
	}
	return slices.DeleteFunc(all, func(w Wait) bool { return w.Time <= 0 })
}

// PluginUse is one plugin as a run used it.
type PluginUse struct {
	Source  string `json:"source"`
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	// Protocol and SDK are what it spoke and was built with; a manifest, which names content, has neither.
	Protocol int    `json:"protocol,omitempty"`
	SDK      string `json:"sdk,omitempty"`
}

// Attempt is one process's work on a run that came to no end.
type Attempt struct {
	StartedMS int64  `json:"started_ms"`
	EndedMS   int64  `json:"ended_ms"`
	State     State  `json:"state"` // interrupted, failed or cancelled
	Reason    string `json:"reason,omitempty"`
	Actor     string `json:"actor,omitempty"`
}

// Summary is what is kept of a run when its tables are gone.
type Summary struct {
	ID           string `json:"id"` // r-0001
	Number       int64  `json:"number"`
	Name         string `json:"name"`   // of the config, for people
	Config       string `json:"config"` // path of the config file
	ConfigDigest string `json:"config_digest"`
	// ConfigParts name the content of each part of the config, as ConfigDigest does that of the whole.
	ConfigParts map[string]string `json:"config_parts,omitempty"`
	State       State             `json:"state"`
	Reason      string            `json:"reason,omitempty"` // why it is in this state, for people
	Actor       string            `json:"actor,omitempty"`  // user, signal, limit, plugin crash, store
	// ResultID names what was written, by content: runs that wrote the same bytes have the same one. It is the run_id
	// of the manifest.
	ResultID    string         `json:"result_id,omitempty"`
	StartedMS   int64          `json:"started_ms"`
	EndedMS     int64          `json:"ended_ms,omitempty"`
	HeartbeatMS int64          `json:"heartbeat_ms,omitempty"`
	Outputs     []string       `json:"outputs"` // absolute folders
	Stages      []StageCounts  `json:"stages"`
	Streams     []StreamCounts `json:"streams"`
	// Kinds are entities written by kind.
	Kinds    map[string]int64 `json:"kinds,omitempty"`
	Problems []Problem        `json:"problems"`
	Caches   []CacheCounts    `json:"caches,omitempty"`
	Plugins  []PluginUse      `json:"plugins,omitempty"`
	// Fetched has the sources that fetched anything.
	Fetched []Fetched `json:"fetched,omitempty"`
	PID     int64     `json:"pid,omitempty"` // of the process that works on it, or did last
	// Attempts are the earlier ones, oldest first: the run was resumed as many times.
	Attempts  []Attempt `json:"attempts,omitempty"`
	ResumedMS int64     `json:"resumed_ms,omitempty"` // when the latest attempt began; 0: it is the first
	Parent    string    `json:"parent,omitempty"`     // id of the run whose failures this one tries again
	Child     string    `json:"child,omitempty"`      // id of the run that tries again what failed in this one
	// Kept says that the rows of the ended run are still there: it can be resumed, or what failed can be tried again.
	Kept bool `json:"kept,omitempty"`
	// Compendium says that the run makes the compendium and no outputs. It is begun anew rather than taken up.
	Compendium bool `json:"compendium,omitempty"`
}

// Resumable says that the run can be taken up where it stopped.
func (s *Summary) Resumable() bool {
	return s.Kept && !s.Compendium && (s.State == Interrupted || s.State == Failed || s.State == Cancelled)
}

// Retriable says that what failed in the run can be tried again without reading all of it.
func (s *Summary) Retriable() bool { return s.Kept && !s.Compendium && s.State == Partial }

// WorkedMS is how long the run was worked on until a time, without the pauses between its attempts.
func (s *Summary) WorkedMS(untilMS int64) int64 {
	if s.EndedMS > 0 {
		untilMS = s.EndedMS
	}
	begun, worked := s.StartedMS, int64(0)
	for _, a := range s.Attempts {
		worked += max(a.EndedMS-a.StartedMS, 0)
	}
	if s.ResumedMS > 0 {
		begun = s.ResumedMS
	}
	return worked + max(untilMS-begun, 0)
}

// Stage returns the counts of a stage, zero when the run never came to it.
func (s *Summary) Stage(stage Stage) StageCounts {
	for _, c := range s.Stages {
		if c.Stage == stage.String() {
			return c
		}
	}
	return StageCounts{Stage: stage.String()}
}

// Failures returns the number of failed items and of their causes; warnings do not count.
func (s *Summary) Failures() (items int64, causes int) {
	for _, p := range s.Problems {
		if !p.Warning {
			items += p.Count
			causes++
		}
	}
	return items, causes
}

// CacheRate returns hits, and lookups, over all caches.
func (s *Summary) CacheRate() (hits, lookups int64) {
	for _, c := range s.Caches {
		hits += c.Hits
		lookups += c.Hits + c.Misses
	}
	return hits, lookups
}

// AllFetched is what all sources fetched together.
func (s *Summary) AllFetched() Fetched {
	var all Fetched
	for _, f := range s.Fetched {
		all.Requests += f.Requests
		all.Retries += f.Retries
		all.Hits += f.Hits
		all.Confirmed += f.Confirmed
		all.Misses += f.Misses
		all.Bytes += f.Bytes
		all.LimitWaitUS += f.LimitWaitUS
		all.PauseWaitUS += f.PauseWaitUS
		all.BackoffWaitUS += f.BackoffWaitUS
		all.InFlight += f.InFlight
		all.MostInFlight = max(all.MostInFlight, f.MostInFlight)
	}
	return all
}

// Reading is one source while it is being read.
type Reading struct {
	Source  string `json:"source"`
	Step    string `json:"step,omitempty"` // how far it is, in the source's own words; empty: it does not say
	SinceMS int64  `json:"since_ms"`
	LastMS  int64  `json:"last_ms,omitempty"` // when its last record came; 0: none yet
}

// Work is one item that a worker has in hand.
type Work struct {
	Stage   string `json:"stage"`
	Item    string `json:"item"`
	SinceMS int64  `json:"since_ms"`
}

// Recent is one finished picture, for the strip of the latest ones.
type Recent struct {
	AssetID string `json:"asset_id"`
	URI     string `json:"uri"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
}

// Storing is how a run gets its rows into the store. Rows that were put and wait are lost when the process is killed, and read
// again when the run is resumed.
type Storing struct {
	Waiting      int64 `json:"waiting"` // rows that are not stored yet
	WaitingBytes int64 `json:"waiting_bytes"`
	Batches      int64 `json:"batches"`
	Rows         int64 `json:"rows"`      // stored
	Replaced     int64 `json:"replaced"`  // put again before they were stored, and stored once
	Failures     int64 `json:"failures"`  // batches that had to be sent again
	Refused      int64 `json:"refused"`   // rows that the store will never take
	LatestUS     int64 `json:"latest_us"` // microseconds that the latest batch took
	LongestUS    int64 `json:"longest_us"`
	TotalUS      int64 `json:"total_us"`
	Waits        int64 `json:"waits"` // times that a worker waited for room
	WaitedUS     int64 `json:"waited_us"`
	FlushedUS    int64 `json:"flushed_us"` // in which the run waited until all was stored
}

// Meeting is how often workers met at one key, where one of them works and the others wait for it.
type Meeting struct {
	Place     string `json:"place"` // picture: the same content; download: the same address
	Calls     int64  `json:"calls"`
	Waits     int64  `json:"waits"` // of the calls
	WaitedUS  int64  `json:"waited_us"`
	Contended int64  `json:"contended"` // keys that somebody waited at
}

// Snapshot is a run at one moment.
type Snapshot struct {
	Summary

	Revision uint64    // grows with every change
	AtMS     int64     // when it was taken
	Doing    string    // the step in words: reading, writing files
	Rate     float64   // finished items a second over the last seconds
	Rates    []float64 // the same by second, oldest first, at most 60
	ETAMS    int64     // 0: not known
	Reading  []Reading // the sources being read, by name
	Working  []Work
	Storing  Storing
	Meetings []Meeting // by place, those that anybody came to
	Recent   []Recent  // newest first, at most 12
	// LastMS is when an item last got an outcome; a long silence is shown.
	LastMS int64
}

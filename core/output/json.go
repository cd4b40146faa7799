package output

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-98789ff7/converter/core"
)

// Format is the name of the json output's layout in its manifest.
const Format = "converter.library.v1"

// JSON writes the `json` output:
//
//	entities/<kind>/<slug>.json                 one entity a file, indented
//	entities.jsonl                              one entity a line, by uid
//	assets/<sha[:2]>/<sha>_<resolution>.<ext>   renditions; ext is webp but for originals that are kept as they came
//	NOTICE.md                                   under what terms the parts may be used
//	manifest.json                               what is here and where it came from
type JSON struct {
	stage  *staging
	lines  *bufio.Writer
	jsonl  *summed
	files  []File
	assets []core.Asset
	dirs   map[string]bool
	links  map[string]int64
	terms  notices
	line   []byte
	whole  bytes.Buffer // of the file in hand
}

// File is one file of an output.
type File struct {
	Path   string `json:"path"` // relative, with forward slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// OpenJSON begins a json output at path: it checks that the folder may be replaced and makes the one beside it.
func OpenJSON(path string) (*JSON, error) {
	stage, err := begin(path)
	if err != nil {
		return nil, err
	}
	j := &JSON{stage: stage, dirs: map[string]bool{}, links: map[string]int64{}}
	f, err := os.Create(filepath.Join(stage.dir, "entities.jsonl"))
	if err != nil {
		return nil, errors.Join(stage.fail("make entities.jsonl", err), stage.abort())
	}
	j.jsonl = &summed{file: f, sum: sha256.New()}
	j.lines = bufio.NewWriterSize(j.jsonl, 1<<20)
	return j, nil
}

// Entity writes one entity as a line and as a file.
func (j *JSON) Entity(e *core.Entity) error {
	line, err := AppendEntity(j.line[:0], e)
	if err != nil {
		return fmt.Errorf("entity %s: %w", e.UID, err)
	}
	j.line = line
	j.terms.add(e)
	for _, l := range e.Links {
		j.links[l.Status]++
	}
	if _, err := j.lines.Write(append(line, '\n')); err != nil {
		return j.stage.fail("write entities.jsonl", err)
	}
	j.whole.Reset()
	text, err := appendIndented(j.whole.AvailableBuffer(), line)
	if err != nil {
		return fmt.Errorf("entity %s: %w", e.UID, err)
	}
	j.whole.Write(append(text, '\n'))
	return j.write(hexSum(j.whole.Bytes()), "entities", e.Kind, e.Slug+".json")
}

// Asset copies the renditions of one asset.
func (j *JSON) Asset(a core.Asset, open Opener) error {
	for _, r := range a.Renditions {
		if err := j.rendition(a, r, open); err != nil {
			return err
		}
	}
	j.assets = append(j.assets, a)
	return nil
}

func (j *JSON) rendition(a core.Asset, r core.Rendition, open Opener) error {
	src, err := open(r)
	if err != nil {
		return fmt.Errorf("picture %s, %s: %w", a.ID, r.Resolution, err)
	}
	defer src.Close() //nolint:errcheck // only read
	j.whole.Reset()
	if _, err := j.whole.ReadFrom(io.LimitReader(src, r.Bytes+1)); err != nil {
		return fmt.Errorf("picture %s, %s: %w", a.ID, r.Resolution, err)
	}
	sum := hexSum(j.whole.Bytes())
	if int64(j.whole.Len()) != r.Bytes || sum != r.SHA256 {
		return fmt.Errorf("picture %s, %s: what is stored is not what was written: remove the state folder's blobs and run again",
			a.ID, r.Resolution)
	}
	return j.write(sum, "assets", a.ID[:2], a.ID+"_"+r.Resolution+"."+r.Ext)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// write makes a file of what is in hand.
func (j *JSON) write(sha256 string, elem ...string) error {
	rel := filepath.Join(elem...)
	dir := filepath.Dir(rel)
	if !j.dirs[dir] {
		if err := os.MkdirAll(filepath.Join(j.stage.dir, dir), 0o777); err != nil {
			return j.stage.fail("make "+dir, err)
		}
		j.dirs[dir] = true
	}
	f, err := os.OpenFile(filepath.Join(j.stage.dir, rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return j.stage.fail("make "+rel, err)
	}
	_, err = f.Write(j.whole.Bytes())
	if err := errors.Join(err, f.Close()); err != nil {
		return j.stage.fail("write "+rel, err)
	}
	j.files = append(j.files, File{Path: filepath.ToSlash(rel), Bytes: int64(j.whole.Len()), SHA256: sha256})
	return nil
}

// manifest is the file's shape. RunID names the content, not the clock: the same input gives the same bytes.
type manifest struct {
	Format       string           `json:"format"`
	RunID        string           `json:"run_id"`
	ConfigDigest string           `json:"config_digest"`
	Plugins      []core.PluginUse `json:"plugins"`
	Counts       counts           `json:"counts"`
	Problems     []problem        `json:"problems"`
	Assets       []core.Asset     `json:"assets"`
	Files        []File           `json:"files"`
}

type counts struct {
	Entities int64               `json:"entities"`
	Assets   int64               `json:"assets"`
	Sources  []sourceCounts      `json:"sources"`
	Streams  []core.StreamCounts `json:"streams"`
	Kinds    map[string]int64    `json:"kinds"`
	// Links are those of all entities, by status: broken are those to documents that are not in what was read, external those
	// to what was not read, such as a package that is not installed, unknown those that could not be understood.
	Links map[string]int64 `json:"links"`
}

type sourceCounts struct {
	Source  string `json:"source"`
	Found   int64  `json:"found"`
	Written int64  `json:"written"`
	Skipped int64  `json:"skipped"`
	Failed  int64  `json:"failed"`
}

// problem is a problem of the content, without its times, which differ from run to run.
type problem struct {
	Code     string   `json:"code"`
	Source   string   `json:"source,omitempty"`
	Message  string   `json:"message"`
	Warning  bool     `json:"warning,omitempty"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
}

// Prepare closes entities.jsonl and writes the manifest.
func (j *JSON) Prepare(m Manifest) (Result, error) {
	if err := errors.Join(j.lines.Flush(), j.jsonl.Close()); err != nil {
		return Result{}, j.stage.fail("write entities.jsonl", err)
	}
	entities := int64(len(j.files))
	for _, a := range j.assets {
		entities -= int64(len(a.Renditions))
	}
	if err := j.notice(); err != nil {
		return Result{}, err
	}
	j.files = append(j.files, File{Path: "entities.jsonl", Bytes: j.jsonl.n, SHA256: hex.EncodeToString(j.jsonl.sum.Sum(nil))})
	slices.SortFunc(j.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	doc := manifest{
		Format: Format, ConfigDigest: m.ConfigDigest, Plugins: list(m.Plugins), Problems: problems(m.Problems),
		Counts: counts{
			Entities: entities, Assets: int64(len(j.assets)),
			Sources: bySource(m.Streams), Streams: list(m.Streams), Kinds: kinds(m.Kinds), Links: j.links,
		},
		Assets: list(j.assets), Files: list(j.files),
	}
	if err := j.encode(doc, ""); err != nil {
		return Result{}, err
	}
	doc.RunID = hexSum(j.whole.Bytes())[:16]
	if err := j.encode(doc, "  "); err != nil {
		return Result{}, err
	}
	if err := j.write(hexSum(j.whole.Bytes()), manifestName); err != nil {
		return Result{}, err
	}
	result := Result{ResultID: doc.RunID, Files: len(j.files)}
	for _, f := range j.files {
		result.Bytes += f.Bytes
	}
	return result, j.stage.sync()
}

// notice writes what has to be passed on with the parts, if there are any.
func (j *JSON) notice() error {
	if len(j.terms.of) == 0 {
		return nil
	}
	j.whole.Reset()
	j.whole.Write(j.terms.text())
	return j.write(hexSum(j.whole.Bytes()), noticeName)
}

// encode takes the JSON form of the manifest in hand.
func (j *JSON) encode(doc manifest, indent string) error {
	j.whole.Reset()
	enc := json.NewEncoder(&j.whole)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return nil
}

// Commit puts the output in its place.
func (j *JSON) Commit() error { return j.stage.commit() }

// Abort removes what was written.
func (j *JSON) Abort() error {
	return errors.Join(j.jsonl.Close(), j.stage.abort())
}

// AppendEntity appends the entity as one line of JSON, its raw document last and as the source wrote it but for white
// space between its parts.
func AppendEntity(dst []byte, e *core.Entity) ([]byte, error) {
	head := *e
	head.Raw = nil
	b := bytes.NewBuffer(dst)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&head); err != nil {
		return dst, err
	}
	text, ok := bytes.CutSuffix(b.Bytes(), []byte("null}\n"))
	if !ok {
		return dst, errors.New("the raw document is not the last member of an entity")
	}
	b.Truncate(len(text))
	raw := bytes.TrimSpace(e.Raw)
	if bytes.ContainsAny(raw, "\n\r") {
		if err := json.Compact(b, raw); err != nil {
			return dst, err
		}
	} else {
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func problems(all []core.Problem) []problem {
	out := make([]problem, 0, len(all))
	for _, p := range all {
		if p.Transient {
			continue
		}
		examples := slices.Clone(p.Examples)
		slices.Sort(examples)
		out = append(out, problem{Code: p.Code, Source: p.Source, Message: p.Message, Warning: p.Warning, Count: p.Count, Examples: list(examples)})
	}
	slices.SortFunc(out, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Count, b.Count), slices.Compare(a.Examples, b.Examples))
	})
	return out
}

func bySource(streams []core.StreamCounts) []sourceCounts {
	out := []sourceCounts{}
	for _, s := range streams {
		n := slices.IndexFunc(out, func(c sourceCounts) bool { return c.Source == s.Source })
		if n < 0 {
			n = len(out)
			out = append(out, sourceCounts{Source: s.Source})
		}
		out[n].Found += s.Found
		out[n].Written += s.Written
		out[n].Skipped += s.Skipped
		out[n].Failed += s.Failed
	}
	return out
}

func kinds(counts map[string]int64) map[string]int64 {
	if counts == nil {
		return map[string]int64{}
	}
	return counts
}

// list makes an empty list of nil, so that readers find [] and never null.
func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

// summed is a file that is hashed while it is written.
type summed struct {
	file   *os.File
	sum    hash.Hash
	n      int64
	closed bool
}

func (s *summed) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.sum.Write(p[:n])
	s.n += int64(n)
	return n, err
}

func (s *summed) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return s.file.Close()
}

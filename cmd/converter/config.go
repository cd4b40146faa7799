package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	reflector "github.com/invopop/jsonschema"

	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/sdk"
)

// File is the shape of a config file. Its schema is made of these tags; the file is checked against it before it is
// decoded.
type File struct {
	Version int      `json:"version" jsonschema:"enum=1" jsonschema_description:"Version of this file's shape: 1."`
	Sources []Source `json:"sources" jsonschema:"minItems=1" jsonschema_description:"What is read, in order of precedence: where two sources have the same document, the first one wins."`
	Outputs []Output `json:"outputs" jsonschema:"minItems=1" jsonschema_description:"What is written."`
	Assets  Assets   `json:"assets,omitzero" jsonschema_description:"How pictures are made."`
	Store   Store    `json:"store,omitzero" jsonschema_description:"Where runs are remembered. Empty: a private node in the state folder."`
	Run     Run      `json:"run,omitzero" jsonschema_description:"How a run goes about it."`
}

// Source is one configured plugin.
type Source struct {
	Name       string            `json:"name" jsonschema:"pattern=^[A-Za-z0-9][A-Za-z0-9._-]{0\\,63}$" jsonschema_description:"Name of the source, unique in this file: letters, digits, dots, dashes."`
	Plugin     string            `json:"plugin" jsonschema:"minLength=1" jsonschema_description:"A built-in plugin (foundry), or NAME of a program converter-plugin-NAME."`
	Path       string            `json:"path,omitempty" jsonschema_description:"Path of the plugin's program, where it is not to be looked for."`
	SHA256     string            `json:"sha256,omitempty" jsonschema:"pattern=^[0-9a-f]{64}$" jsonschema_description:"SHA-256 sum that the plugin's program must have, looked at before every start; converter plugin lock writes it."`
	MemoryMB   int64             `json:"memory_mb,omitempty" jsonschema:"minimum=128,maximum=1048576" jsonschema_description:"Megabytes of data the plugin may have. Linux only; elsewhere a warning. Default: no limit."`
	StallAfter string            `json:"stall_after,omitempty" jsonschema:"example=30s,example=5m,default=1m" jsonschema_description:"How long the plugin may send nothing before that is reported, such as 30s or 5m. It is killed after one and a half times this when it does not answer either, and after ten times this in any case."`
	Env        map[string]string `json:"env,omitempty" jsonschema_description:"Environment variables for the plugin, beyond the few that every plugin gets."`
	Options    map[string]any    `json:"options,omitempty" jsonschema_description:"Options of the plugin; each plugin has its own."`
}

// Output is one thing to write.
type Output struct {
	Name string `json:"name" jsonschema:"pattern=^[A-Za-z0-9][A-Za-z0-9._-]{0\\,63}$" jsonschema_description:"Name of the output, unique in this file."`
	Type string `json:"type" jsonschema:"enum=json" jsonschema_description:"Form of the output."`
	Path string `json:"path" jsonschema:"minLength=1" jsonschema_description:"Folder to write to, relative to this file. A run replaces the whole folder."`
}

// Assets says how pictures are made.
type Assets struct {
	Enabled     *bool          `json:"enabled,omitempty" jsonschema:"default=true" jsonschema_description:"false: pictures are neither read nor written."`
	Resolutions map[string]int `json:"resolutions,omitempty" jsonschema_description:"Box in pixels that a picture is fitted into, by name of the resolution. Default: thumbnail 256, preview 800, display 1920."`
	Quality     Quality        `json:"quality,omitzero" jsonschema_description:"WebP quality, 1 to 100."`
	Original    string         `json:"original,omitempty" jsonschema:"enum=webp,enum=keep,enum=smaller,default=webp" jsonschema_description:"What becomes of the original of a still picture. webp: it is written as WebP; keep: it stays as it is; smaller: as webp, unless what came is no larger. Lossy WebP, animations and vectors stay as they are in every case."`
	Effort      Effort         `json:"effort,omitzero" jsonschema_description:"How hard the WebP encoder tries, from 1 (fast) to 6 (small)."`
	Encoder     string         `json:"encoder,omitempty" jsonschema:"enum=auto,enum=native,enum=wasm,default=auto" jsonschema_description:"What writes WebP. native: the libwebp of this machine; wasm: the built-in one, four times as slow; auto: native where it is there. Opaque pictures are the same to the byte."`
	Megapixels  int64          `json:"max_megapixels,omitempty" jsonschema:"minimum=1,maximum=268,default=100" jsonschema_description:"Megapixels of the largest picture that is opened."`
	Remote      bool           `json:"remote,omitempty" jsonschema:"default=false" jsonschema_description:"true: also pictures are fetched that documents only refer to, out there in the web. What a plugin names by URL as its own is always fetched."`
	LookAlikes  bool           `json:"look_alikes,omitempty" jsonschema:"default=false" jsonschema_description:"true: pictures that look alike and are not the same, such as copies in another size or format, are reported."`
	MemoryMB    int64          `json:"memory_mb,omitempty" jsonschema:"minimum=64,maximum=1048576,default=1024" jsonschema_description:"Megabytes for pixels at one time."`
}

// Quality is the quality of WebP pictures.
type Quality struct {
	Original   int `json:"original,omitempty" jsonschema:"minimum=1,maximum=100,default=85"`
	Resolution int `json:"resolution,omitempty" jsonschema:"minimum=1,maximum=100,default=80"`
}

// Effort is how hard the encoder of WebP pictures tries.
type Effort struct {
	Original   int `json:"original,omitempty" jsonschema:"minimum=1,maximum=6,default=2"`
	Resolution int `json:"resolution,omitempty" jsonschema:"minimum=1,maximum=6,default=4"`
}

// Store says where runs are remembered.
type Store struct {
	Path      string   `json:"path,omitempty" jsonschema_description:"State folder. Default: .converter beside this file."`
	Rqlited   string   `json:"rqlited,omitempty" jsonschema_description:"Path of the rqlited program, where it is not to be looked for."`
	URLs      []string `json:"urls,omitempty" jsonschema_description:"Nodes of a cluster to use instead of the private node, all of them: http:// or https://, host, port."`
	User      string   `json:"user,omitempty" jsonschema:"example=${STORE_USER}" jsonschema_description:"User of the cluster; better from the environment."`
	Password  string   `json:"password,omitempty" jsonschema:"example=${STORE_PASSWORD}" jsonschema_description:"Password of the cluster; better from the environment."`
	CA        string   `json:"ca,omitempty" jsonschema_description:"File with the certificate of the cluster's own authority."`
	ReadLevel string   `json:"read_level,omitempty" jsonschema:"enum=weak,enum=linearizable,default=weak" jsonschema_description:"How certain lists of runs and looks into the cache are to be up to date. What a run reads of its own rows is certain at either level."`
}

// Run says how a run goes about it.
type Run struct {
	Workers         int    `json:"workers,omitempty" jsonschema:"minimum=0,maximum=1024,default=0" jsonschema_description:"Size of the pools; 0: one a core."`
	MaxFailures     Limit  `json:"max_failures,omitzero" jsonschema_description:"Records and pictures that may fail; when one more does, the run ends as failed and writes nothing. none: any number."`
	CheckpointEvery string `json:"checkpoint_every,omitempty" jsonschema:"example=10s,example=1m,default=30s" jsonschema_description:"How often it is stored how far each stream was read, at most and, where its plugin says so, at least: what a run that was killed reads again."`
}

// Limit is a number from 1 on, or none.
type Limit int64 // 0: none

const noLimit = "none"

// UnmarshalJSON reads what the schema lets through.
func (l *Limit) UnmarshalJSON(text []byte) error {
	if string(text) == strconv.Quote(noLimit) {
		*l = 0
		return nil
	}
	return json.Unmarshal(text, (*int64)(l))
}

// JSONSchema says both forms with one rule for each, so that of a wrong value one thing is wrong.
func (Limit) JSONSchema() *reflector.Schema {
	return &reflector.Schema{
		Pattern: "^" + noLimit + "$", Minimum: "1", Maximum: "1000000000", Default: noLimit,
		Extras: map[string]any{"type": []string{"integer", "string"}},
	}
}

// config is a config file that is right in itself.
type config struct {
	File

	path     string   // absolute
	plugins  []string // folders of --plugin-dir
	dir      string   // that relative paths are relative to
	digest   string   // of everything that decides the content
	document *document
}

// loadConfig reads a config file and finds all its mistakes but those in the options of plugins.
func loadConfig(path string, env func(string) (string, bool)) (*config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, usage("config path: %v", err)
	}
	d, err := readDocument(path, env)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("there is no config file %s; name one with --config, or see examples/run.yaml for its shape", path)
	case err != nil:
		return nil, usage("the config file cannot be read: %v", err)
	}
	c := &config{path: abs, dir: filepath.Dir(abs), document: d}
	if len(d.found) == 0 || d.value != nil {
		schema, err := configSchema()
		if err != nil {
			return nil, err
		}
		if err := d.validate(schema, "", d.value); err != nil {
			return nil, err
		}
		d.names()
	}
	if len(d.found) > 0 {
		return c, &configError{document: d}
	}
	text, err := json.Marshal(d.value)
	if err == nil {
		err = json.Unmarshal(text, &c.File)
	}
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	c.digest, err = digest(c.File)
	return c, err
}

// names notes names used twice, and outputs that would write over each other.
func (d *document) names() {
	root, _ := d.value.(map[string]any)
	for _, list := range []struct{ key, field, what string }{
		{"sources", "name", "source"}, {"outputs", "name", "output"}, {"outputs", "path", "output"},
	} {
		items, _ := root[list.key].([]any)
		first := map[string]int{}
		for i, item := range items {
			object, _ := item.(map[string]any)
			value, ok := object[list.field].(string)
			if !ok {
				continue
			}
			if list.field == "path" {
				value = filepath.Clean(value)
			}
			if j, twice := first[value]; twice {
				d.add(fmt.Sprintf("/%s/%d/%s", list.key, i, list.field), mistake{
					code: "config.duplicate_name",
					text: fmt.Sprintf("%s %d has the same %s as %s %d: %q", list.what, i+1, list.field, list.what, j+1, value),
				})
				continue
			}
			first[value] = i
		}
	}
	d.resolutions(root)
	d.patience(root)
	d.variables(root)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variables notes names that no environment variable can have, and those that are between converter and its plugins.
func (d *document) variables(root map[string]any) {
	sources, _ := root["sources"].([]any)
	for i, source := range sources {
		object, _ := source.(map[string]any)
		env, _ := object["env"].(map[string]any)
		for name := range env {
			ours := strings.HasPrefix(name, "CONVERTER_") || strings.HasPrefix(name, "PLUGIN_")
			if variableName.MatchString(name) && !ours {
				continue
			}
			text := fmt.Sprintf("%q cannot be the name of an environment variable", name)
			if ours {
				text = fmt.Sprintf("the variable %s is converter's own to set", name)
			}
			at := d.keys[fmt.Sprintf("/sources/%d/env/%s", i, escapePointer(name))]
			d.found = append(d.found, mistake{at: at, code: "config.wrong_value", text: text})
		}
	}
}

// What lengths of time may be.
const (
	stallLeast = time.Second
	stallMost  = 24 * time.Hour

	checkpointLeast   = time.Second
	checkpointMost    = time.Hour
	checkpointDefault = 30 * time.Second
)

// patience notes what is no length of time that a plugin may be silent for, or that a checkpoint may wait.
func (d *document) patience(root map[string]any) {
	sources, _ := root["sources"].([]any)
	for i, item := range sources {
		source, _ := item.(map[string]any)
		if text, given := source["stall_after"].(string); given {
			d.length(fmt.Sprintf("/sources/%d/stall_after", i), fmt.Sprintf("sources[%d].stall_after", i), text, stallLeast, stallMost)
		}
	}
	run, _ := root["run"].(map[string]any)
	if text, given := run["checkpoint_every"].(string); given {
		d.length("/run/checkpoint_every", "run.checkpoint_every", text, checkpointLeast, checkpointMost)
	}
}

// length notes what is no length of time within bounds.
func (d *document) length(pointer, name, text string, least, most time.Duration) {
	if length, err := time.ParseDuration(text); err != nil || length < least || length > most {
		d.add(pointer, mistake{
			code: "config.wrong_value",
			text: fmt.Sprintf("%s is %q, and has to be a length of time from %s to %s", name, text, brief(least), brief(most)),
			hint: "write it as 30s, 5m or 1h30m",
		})
	}
}

// brief writes a length of time without the parts that are nothing: 1h.
func brief(length time.Duration) string {
	text := length.String()
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	if whole, ok := strings.CutSuffix(text, "h0m"); ok {
		text = whole + "h"
	}
	return text
}

// stallAfter is how long the plugin may be silent; 0: as long as others.
func (s Source) stallAfter() time.Duration {
	length, err := time.ParseDuration(s.StallAfter)
	if err != nil { // the file was checked: it is not given
		return 0
	}
	return length
}

func (r Run) checkpointEvery() time.Duration {
	length, err := time.ParseDuration(r.CheckpointEvery)
	if err != nil { // it is not given
		return checkpointDefault
	}
	return length
}

var resolutionName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (d *document) resolutions(root map[string]any) {
	assets, _ := root["assets"].(map[string]any)
	boxes, _ := assets["resolutions"].(map[string]any)
	for name, value := range boxes {
		at := "/assets/resolutions/" + escapePointer(name)
		if !resolutionName.MatchString(name) || name == "original" {
			d.found = append(d.found, mistake{
				at: d.keys[at], code: "config.wrong_value",
				text: fmt.Sprintf("%q cannot name a resolution: use lower-case letters, digits and hyphens, and not \"original\"", name),
			})
		}
		if box, ok := value.(float64); ok && (box < 1 || box > 16383) {
			d.add(at, mistake{code: "config.wrong_value", text: fmt.Sprintf("a resolution has between 1 and 16383 pixels, not %v", box)})
		}
	}
}

// content is what decides the content of the outputs: not where they stand, nor how the run goes about it.
func content(f File) File {
	c := File{Version: f.Version, Sources: slices.Clone(f.Sources), Assets: f.Assets}
	for i := range c.Sources {
		c.Sources[i].SHA256, c.Sources[i].MemoryMB, c.Sources[i].StallAfter = "", 0, ""
		c.Sources[i].Env = nil
	}
	for _, o := range f.Outputs {
		c.Outputs = append(c.Outputs, Output{Name: o.Name, Type: o.Type})
	}
	return c
}

// digest names the content of a config.
func digest(f File) (string, error) {
	c := content(f)
	text, err := json.Marshal(struct {
		Version int
		Sources []Source
		Outputs []Output
		Assets  Assets
	}{c.Version, c.Sources, c.Outputs, c.Assets})
	if err != nil {
		return "", fmt.Errorf("config digest: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// parts names the content of each part of a config, so that two configs can be told apart part by part.
func (c *config) parts() map[string]string {
	whole := content(c.File)
	parts := map[string]any{"version": whole.Version, "assets": whole.Assets, "outputs": whole.Outputs}
	for i, s := range whole.Sources {
		parts["source "+s.Name] = []any{i, s}
	}
	names := make(map[string]string, len(parts))
	for name, part := range parts {
		text, _ := json.Marshal(part) // it was marshalled for the digest
		sum := sha256.Sum256(text)
		names[name] = hex.EncodeToString(sum[:8])
	}
	return names
}

// checkOutputs notes outputs that would replace what no run wrote. Folders that cannot be written to are the run's
// business: the other outputs are written.
func (c *config) checkOutputs() error {
	for i, o := range c.Outputs {
		var d *sdk.Diagnostic
		if err := output.Replaceable(c.resolve(o.Path)); errors.As(err, &d) && d.Kind == sdk.Invalid {
			c.document.add(fmt.Sprintf("/outputs/%d/path", i), mistake{code: d.Code, text: d.Summary, hint: d.Suggestion})
		}
	}
	if len(c.document.found) > 0 {
		return &exitError{code: exitUsage, err: &configError{document: c.document}}
	}
	return nil
}

// resolve makes a path of the config absolute.
func (c *config) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// stateDir is where runs are remembered: the flag, else the config, else beside the config.
func (c *config) stateDir(flag string) string {
	switch {
	case flag != "":
		return flag
	case c.Store.Path != "":
		return c.resolve(c.Store.Path)
	default:
		return filepath.Join(c.dir, ".converter")
	}
}

func (c *config) images() bool { return c.Assets.Enabled == nil || *c.Assets.Enabled }

// assetConfig is how pictures are made, the largest resolution first. The note says what there is to regret about it.
func (c *config) assetConfig() (a asset.Config, note string, err error) {
	a = asset.Config{
		Original:        c.Assets.Original,
		QualityOriginal: c.Assets.Quality.Original, QualityResolution: c.Assets.Quality.Resolution,
		EffortOriginal: c.Assets.Effort.Original, EffortResolution: c.Assets.Effort.Resolution,
		Budget: asset.Budget{MaxPixels: c.Assets.Megapixels * 1e6},
	}
	for name, box := range c.Assets.Resolutions {
		a.Resolutions = append(a.Resolutions, asset.Resolution{Name: name, Box: box})
	}
	slices.SortFunc(a.Resolutions, func(x, y asset.Resolution) int {
		return cmp.Or(y.Box-x.Box, strings.Compare(x.Name, y.Name))
	})
	a.Encoder, note, err = asset.FindEncoder(c.Assets.Encoder)
	if err != nil {
		return a, "", fmt.Errorf("assets.encoder: %w", err)
	}
	return a, note, nil
}

// recipe names how pictures are made, for looking them up. An encoder that is not there has made none.
func (c *config) recipe() string {
	images, _, _ := c.assetConfig()
	return images.Recipe()
}

func (c *config) name() string {
	base := filepath.Base(c.path)
	return base[:len(base)-len(filepath.Ext(base))]
}

func environment(name string) (string, bool) { return os.LookupEnv(name) }

package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-98789ff7/converter/sdk"
)

var (
	pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	semantic   = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
)

// unknownOption is a name that no plugin has an option of.
const unknownOption = "no-such-option"

// checkSpec looks at what the plugin says of itself.
func checkSpec(_ context.Context, b *bench) Result {
	var wrong []string
	complain := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	s := b.spec
	complain(!pluginName.MatchString(s.Name), "the name %q is not of 2 to 40 lower-case letters, digits and dashes, a letter first", s.Name)
	complain(!semantic.MatchString(s.Version), "the version %q is not semantic, such as 1.0.0", s.Version)
	complain(strings.TrimSpace(s.Summary) == "", "there is no summary")
	complain(strings.ContainsAny(s.Summary, "\r\n"), "the summary has more than one line")
	for _, k := range s.Kinds {
		complain(!sdk.IsKind(k), "there is no kind %q; there are %s", k, strings.Join(sdk.Kinds[:], ", "))
	}
	if len(wrong) > 0 {
		return failed("set it right where the plugin describes itself", "%s", strings.Join(wrong, "; "))
	}
	return ok("%s %s: %s", s.Name, s.Version, s.Summary)
}

// checkSchema compiles the schema of the options and tries it.
func checkSchema(_ context.Context, b *bench) Result {
	if len(bytes.TrimSpace(b.spec.Options)) == 0 {
		return failed("describe the options; without a schema a misspelt option is found by nobody", "there is no JSON Schema of the options")
	}
	schema, err := compile(b.spec.Options)
	if err != nil {
		return failed("correct the schema; it is JSON Schema 2020-12", "the schema does not compile: %v", err)
	}
	options, err := b.options()
	if err != nil {
		return failed("the options must be one JSON object", "the options of this test cannot be read: %v", err)
	}
	if err := schema.Validate(options); err != nil {
		return failed("correct the options that the test is given, or the schema", "the options of this test do not fit the schema: %s", misfit(err))
	}
	options[unknownOption] = true
	if schema.Validate(options) == nil {
		return failed(`set "additionalProperties": false`, "the schema takes an option that there is not, %q", unknownOption)
	}
	return ok("%d bytes; refuses unknown options", len(b.spec.Options))
}

// misfit is what a validator says, without the name that the schema has here.
func misfit(err error) string {
	_, faults, several := strings.Cut(err.Error(), "\n")
	if !several {
		return err.Error()
	}
	return strings.TrimPrefix(strings.ReplaceAll(faults, "\n- ", "; "), "- ")
}

func compile(text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("options.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("options.json")
}

// options are those of the test, for changing.
func (b *bench) options() (map[string]any, error) {
	options := map[string]any{}
	if len(bytes.TrimSpace(b.Configuration.Options)) == 0 {
		return options, nil
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Configuration.Options))
	if err != nil {
		return nil, err
	}
	options, isObject := v.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("they are %T", v)
	}
	return options, nil
}

// checkBroken tries options that are wrong, then those that are right: the source the other checks use is configured here.
func checkBroken(ctx context.Context, b *bench) Result {
	options, err := b.options()
	if err != nil {
		b.lost = fmt.Sprintf("the options of this test cannot be read: %v", err)
		return failed("the options must be one JSON object", "%s", b.lost)
	}
	options[unknownOption] = true
	broken := b.Configuration
	if broken.Options, err = json.Marshal(options); err != nil {
		return failed("", "options: %v", err)
	}
	refusal := b.call(ctx, func(ctx context.Context) error { return b.source.Configure(ctx, broken) })
	if refusal == nil { // the source is configured now, and with the wrong options
		if b.source, err = b.open(ctx); err == nil {
			err = b.configure(ctx, b.source)
		}
		if err != nil {
			b.lost = fmt.Sprintf("the source was not configured: %v", err)
		}
		return failed("refuse options that you do not know with an error of kind Invalid", "an option that there is not, %q, was taken", unknownOption)
	}
	if err := b.configure(ctx, b.source); err != nil {
		if other, openErr := b.open(ctx); openErr == nil && b.configure(ctx, other) != nil { // nor does one that was never asked
			b.lost = fmt.Sprintf("the options of this test are refused: %v", err)
			return failed("give the test options that can be used, the sample's for one: in the file that --config names", "%s", b.lost)
		}
		b.lost = fmt.Sprintf("the source did not take the right options after it had refused wrong ones: %v", err)
		return failed("refuse wrong options with an error, and wait for better ones", "%s", b.lost)
	}
	if kind := sdk.KindOf(refusal); kind != sdk.Invalid {
		return failed("return an error of kind Invalid (INVALID_ARGUMENT)", "wrong options were refused with an error of kind %s: %v", kind, refusal)
	}
	return ok("refused: %v", refusal)
}

// checkCheck asks the source whether it can be read.
func checkCheck(ctx context.Context, b *bench) Result {
	if !b.spec.Can.Check {
		return skipped("the plugin has no check")
	}
	if err := b.call(ctx, b.source.Check); err != nil {
		return failed("see that the test is given options that can be read", "%v", err)
	}
	return ok("the source can be read")
}

// checkDiscover lists the streams.
func checkDiscover(ctx context.Context, b *bench) Result {
	if !b.spec.Can.Discover {
		return skipped("the plugin does not discover")
	}
	var streams []sdk.Stream
	err := b.call(ctx, func(ctx context.Context) (err error) {
		streams, err = b.source.Discover(ctx)
		return err
	})
	if err != nil {
		return failed("see that the test is given options that can be read", "%v", err)
	}
	if len(streams) == 0 {
		return failed("list the streams that Read sends, or do not say that the plugin discovers", "no stream was discovered")
	}
	seen := map[string]bool{}
	for _, s := range streams {
		if s.Kind != "" && !sdk.IsKind(s.Kind) {
			return failed("there are "+strings.Join(sdk.Kinds[:], ", "), "there is no kind %q, which stream %q has", s.Kind, s.Name)
		}
		if s.Name == "" || seen[s.Name] {
			return failed("give each stream a name of its own, the same in every run", "the stream name %q is there twice, or empty", s.Name)
		}
		seen[s.Name] = true
		b.names = append(b.names, s.Name)
	}
	b.streams = streams
	return ok("%s", count(len(streams), "stream"))
}

// checkSecrets searches what was said for the values of secret options.
func checkSecrets(_ context.Context, b *bench) Result {
	var schema, options any
	if json.Unmarshal(b.spec.Options, &schema) != nil {
		return skipped("the schema cannot be read")
	}
	if json.Unmarshal(b.Configuration.Options, &options) != nil {
		return skipped("no options were given")
	}
	said := []string{b.said.String()}
	for _, s := range b.live {
		if p, isProcess := s.(Process); isProcess {
			said = append(said, p.Printed(), p.Logged())
		}
	}
	all := strings.Join(said, "\n")
	w := secretWalk{root: schema}
	w.walk(schema, options, "", 0)
	if len(w.secrets) == 0 {
		return skipped("no option that the schema calls writeOnly has a value of 4 characters or more")
	}
	for _, s := range w.secrets {
		if strings.Contains(all, s.value) {
			return failed("leave secrets out of logs and errors; say that they are set, not what they are",
				"the value of the secret option %s was logged or said in an error", s.pointer)
		}
	}
	return ok("%s, none of them logged", count(len(w.secrets), "secret option"))
}

// secretWalk finds the values that a schema calls writeOnly.
type secretWalk struct {
	root    any
	secrets []secret
}

type secret struct{ pointer, value string }

func (w *secretWalk) walk(schema, value any, pointer string, depth int) {
	const deepest, shortest = 32, 4
	node, _ := schema.(map[string]any)
	if node == nil || depth > deepest {
		return
	}
	if ref, _ := node["$ref"].(string); strings.HasPrefix(ref, "#/") {
		w.walk(follow(w.root, ref), value, pointer, depth+1)
	}
	switch v := value.(type) {
	case string:
		if hidden, _ := node["writeOnly"].(bool); hidden && len(v) >= shortest {
			w.secrets = append(w.secrets, secret{pointer, v})
		}
	case []any:
		for i, item := range v {
			w.walk(node["items"], item, fmt.Sprintf("%s/%d", pointer, i), depth+1)
		}
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		for name, member := range v {
			s, known := properties[name]
			if !known {
				s = node["additionalProperties"]
			}
			w.walk(s, member, pointer+"/"+name, depth+1)
		}
	}
}

func follow(root any, ref string) any {
	at := root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		node, _ := at.(map[string]any)
		at = node[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return at
}

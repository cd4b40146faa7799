package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/seed-98789ff7/converter/sdk"
)

// Options are the options of a rest source.
type Options struct {
	Client           Client     `json:"client" jsonschema:"required" jsonschema_description:"The server, and how it is treated."`
	Scope            string     `json:"scope,omitempty" jsonschema_description:"What ids belong to: sources with the same scope have the same documents. Default: the source alone."`
	Cache            string     `json:"cache,omitempty" jsonschema:"enum=no-cache,enum=bypass,enum=only-if-cached,default=no-cache" jsonschema_description:"no-cache: ask the server each time, with what is known of the last answer; bypass: ask as if nothing were known; only-if-cached: send nothing, use what the last reading has left."`
	StaleIfError     Duration   `json:"stale_if_error,omitzero" jsonschema_description:"How long a kept answer stands in for a server that fails; 0s: never. Default: 24h."`
	ResourceDefaults Resource   `json:"resource_defaults,omitzero" jsonschema_description:"What resources have that do not say otherwise."`
	Resources        []Resource `json:"resources" jsonschema:"required,minItems=1" jsonschema_description:"The lists that are read."`
}

// Client is the server.
type Client struct {
	BaseURL     string            `json:"base_url" jsonschema:"required" jsonschema_description:"Address that all paths are relative to. No other host is ever asked."`
	Headers     map[string]string `json:"headers,omitempty" jsonschema_description:"Sent with each request. No secrets: those go into auth."`
	Params      map[string]string `json:"params,omitempty" jsonschema_description:"Query parameters of each request."`
	Auth        Auth              `json:"auth,omitzero" jsonschema_description:"How the server knows who asks."`
	MaxInFlight int               `json:"max_in_flight,omitempty" jsonschema:"minimum=1,maximum=64" jsonschema_description:"Requests under way at one time. Default: 4."`
	RateLimit   RateLimit         `json:"rate_limit,omitzero" jsonschema_description:"How many requests are sent in which time, evenly spread. Default: any number."`
	Timeout     Duration          `json:"timeout,omitzero" jsonschema_description:"For one attempt, its body included. Default: 60s."`
	MaxBodyMB   int               `json:"max_body_mb,omitempty" jsonschema:"minimum=1,maximum=1024" jsonschema_description:"Largest body that is taken. Default: 64."`
}

// Auth says who asks. The secret itself stands in an environment variable.
type Auth struct {
	Type string `json:"type,omitempty" jsonschema:"enum=none,enum=header,enum=bearer,enum=query" jsonschema_description:"Default: none."`
	Name string `json:"name,omitempty" jsonschema_description:"Of the header or the query parameter."`
	Env  string `json:"env,omitempty" jsonschema_description:"Name of the environment variable that holds the secret; env of the source hands it to the plugin."`
}

// RateLimit is so many requests in an interval.
type RateLimit struct {
	Count    int      `json:"count,omitempty" jsonschema:"minimum=1"`
	Interval Duration `json:"interval,omitzero" jsonschema_description:"Default: 1s."`
}

// Resource is one list of the server. Each becomes a stream.
type Resource struct {
	Name         string            `json:"name,omitempty" jsonschema_description:"Unique; the stream's name and the first part of each id."`
	Title        string            `json:"title,omitempty" jsonschema_description:"For people."`
	Path         string            `json:"path,omitempty" jsonschema_description:"Relative to base_url. {param} stands for what resolve finds."`
	Params       map[string]string `json:"params,omitempty" jsonschema_description:"Query parameters, beside those of the client."`
	Role         string            `json:"role,omitempty" jsonschema:"enum=stream,enum=reference" jsonschema_description:"reference: read for what other resources want of it, and not sent. Default: stream."`
	DataSelector string            `json:"data_selector,omitempty" jsonschema_description:"Dotted path of the records in an answer. An answer that is an array is the records; one that has the primary key is one record."`
	PrimaryKey   Words             `json:"primary_key,omitempty" jsonschema_description:"Dotted path of the id in a record, or several. {param} is what resolve found. Default: id."`
	Paginator    *Paginator        `json:"paginator,omitempty" jsonschema_description:"How the pages of the list are found. Default: there is one page."`
	Resolve      *Resolve          `json:"resolve,omitempty" jsonschema_description:"Makes the resource a child of another: its list is asked for with each of the parent's records."`
	Detail       *Detail           `json:"detail,omitempty" jsonschema_description:"Asks for each record of the list by itself; {} does not."`
	ErrorHandler *ErrorHandler     `json:"error_handler,omitempty" jsonschema_description:"What is done about answers that are none."`
	Incremental  *Incremental      `json:"incremental,omitempty" jsonschema_description:"Asks only for what has changed since the last reading."`
	HashIgnore   Words             `json:"hash_ignore,omitempty" jsonschema_description:"Dotted paths of members that do not make a record another one when they change."`
	Where        *Where            `json:"where,omitempty" jsonschema_description:"Keeps some of the records, for servers that ignore filters they do not know."`
	Entity       *Entity           `json:"entity,omitempty" jsonschema_description:"What the records are."`
	License      []License         `json:"license,omitempty" jsonschema_description:"Where the licence of a record stands. Of several, the first that knows a part of it says it."`
	Links        []LinkRule        `json:"links,omitempty" jsonschema_description:"Members that name records. Addresses of records are links by themselves."`
	Assets       []AssetRule       `json:"assets,omitempty" jsonschema_description:"Members that are addresses of pictures and the like. Default: none, they stay text."`
}

// Paginator says how the pages of a list are found.
type Paginator struct {
	Type        string `json:"type" jsonschema:"required,enum=single_page,enum=page_number,enum=offset,enum=json_link,enum=header_link,enum=cursor" jsonschema_description:"page_number and offset count, and fetch pages side by side where total_path is set; json_link follows next_path, header_link the header Link, cursor cursor_path."`
	PageParam   string `json:"page_param,omitempty" jsonschema_description:"Default: page."`
	BasePage    *int   `json:"base_page,omitempty" jsonschema_description:"Number of the first page. Default: 1."`
	OffsetParam string `json:"offset_param,omitempty" jsonschema_description:"Default: offset."`
	SizeParam   string `json:"size_param,omitempty" jsonschema_description:"Default: limit."`
	PageSize    int    `json:"page_size,omitempty" jsonschema:"minimum=1,maximum=100000" jsonschema_description:"Records of a page. Default: what the server does."`
	TotalPath   string `json:"total_path,omitempty" jsonschema_description:"Dotted path of the number of all records in an answer."`
	NextPath    string `json:"next_path,omitempty" jsonschema_description:"Dotted path of the address of the next page. Default: next."`
	CursorPath  string `json:"cursor_path,omitempty" jsonschema_description:"Dotted path of the cursor of the next page."`
	CursorParam string `json:"cursor_param,omitempty" jsonschema_description:"Default: cursor."`
	MaxPages    int    `json:"max_pages,omitempty" jsonschema:"minimum=1" jsonschema_description:"More are a fault of the server. Default: 10000."`
}

// Resolve names the parent of a resource.
type Resolve struct {
	Param    string `json:"param" jsonschema:"required" jsonschema_description:"Stands as {param} in the path."`
	Resource string `json:"resource" jsonschema:"required" jsonschema_description:"The parent."`
	Field    string `json:"field" jsonschema:"required" jsonschema_description:"Dotted path of the value in the parent's records."`
}

// Detail says where a record stands by itself.
type Detail struct {
	PathFrom string `json:"path_from,omitempty" jsonschema_description:"Dotted path of its address in the list's record."`
	Path     string `json:"path,omitempty" jsonschema_description:"Relative to base_url; {id} is the primary key."`
}

// ErrorHandler says what is done about answers that are none.
type ErrorHandler struct {
	Actions          map[string]string `json:"actions,omitempty" jsonschema_description:"By status (404, 5xx) or transport, truncated, not_json: retry; rate_limited, which also leaves the host alone; ignore: as if there were nothing; fail. Default: 408, 429, 5xx, transport, truncated and not_json are tried again, all others fail."`
	MaxAttempts      int               `json:"max_attempts,omitempty" jsonschema:"minimum=1,maximum=20" jsonschema_description:"Default: 5."`
	FirstPause       Duration          `json:"first_pause,omitzero" jsonschema_description:"Before the second attempt; each further one is twice as long. What Retry-After says goes before. Default: 500ms. Of the client as a whole: in resource_defaults only."`
	SplitFailingPage *bool             `json:"split_failing_page,omitempty" jsonschema_description:"Asks for a page that always fails in smaller ones, down to the one bad record. Default: true."`
}

// Incremental asks for changes only.
type Incremental struct {
	CursorPath   string `json:"cursor_path" jsonschema:"required" jsonschema_description:"Dotted path of the time or number of the last change in a record."`
	Param        string `json:"param" jsonschema:"required" jsonschema_description:"Query parameter that takes the highest one seen."`
	InitialValue string `json:"initial_value,omitempty" jsonschema_description:"For the first reading. Default: the parameter is left out."`
}

// Where keeps records by one of their members.
type Where struct {
	Path Words `json:"path" jsonschema:"required" jsonschema_description:"Dotted path, or several of which the first that is there counts."`
	In   Words `json:"in" jsonschema:"required" jsonschema_description:"The values to keep."`
}

// Entity says what the records are.
type Entity struct {
	Kind       string             `json:"kind,omitempty" jsonschema_description:"One of the converter's kinds. Default: other."`
	KindIf     *KindIf            `json:"kind_if,omitempty" jsonschema_description:"Another kind for some of them."`
	NativeType string             `json:"native_type,omitempty" jsonschema_description:"Default: the resource's name."`
	Name       Words              `json:"name,omitempty" jsonschema_description:"Dotted path of the name. Default: name, then title."`
	Lang       string             `json:"lang,omitempty" jsonschema_description:"Language, as en."`
	Ruleset    Ruleset            `json:"ruleset,omitzero" jsonschema_description:"The rules the records are written for."`
	RulesetBy  Words              `json:"ruleset_by,omitempty" jsonschema_description:"Dotted path of a word that rulesets knows."`
	Rulesets   map[string]Ruleset `json:"rulesets,omitempty" jsonschema_description:"Rules by the server's word for them."`
	Pack       Words              `json:"pack,omitempty" jsonschema_description:"Dotted path of what the record was published in, by key."`
	Book       Words              `json:"book,omitempty" jsonschema_description:"The same by name."`
}

// KindIf gives records that have a member another kind.
type KindIf struct {
	Has  string `json:"has" jsonschema:"required" jsonschema_description:"Dotted path of the member."`
	Kind string `json:"kind" jsonschema:"required"`
}

// Ruleset is a set of game rules.
type Ruleset struct {
	System  string `json:"system,omitempty"`
	Edition string `json:"edition,omitempty"`
}

// License says where the licence of a record stands: in here, in the record, or in a record of another resource.
type License struct {
	Expression      string            `json:"expression,omitempty" jsonschema_description:"SPDX expression, for all records."`
	Attribution     string            `json:"attribution,omitempty" jsonschema_description:"Who is to be named, for all records."`
	URL             string            `json:"url,omitempty"`
	From            string            `json:"from,omitempty" jsonschema_description:"Resource that knows the licences. Default: the record itself."`
	Match           Words             `json:"match,omitempty" jsonschema_description:"Dotted path of what names a record of it, or several of which the first that is there counts."`
	Key             string            `json:"key,omitempty" jsonschema_description:"Dotted path of what it is named by. Default: its primary key."`
	Aliases         map[string]string `json:"aliases,omitempty" jsonschema_description:"Keys that are called otherwise by now."`
	ExpressionPath  string            `json:"expression_path,omitempty" jsonschema_description:"Dotted path of the licence. Of several, each allows it."`
	Names           map[string]string `json:"names,omitempty" jsonschema_description:"SPDX identifiers by the server's words."`
	AttributionPath Words             `json:"attribution_path,omitempty" jsonschema_description:"Dotted paths, joined by commas."`
	URLPath         Words             `json:"url_path,omitempty"`
}

// LinkRule says that a member names a record.
type LinkRule struct {
	Path string `json:"path" jsonschema:"required" jsonschema_description:"Dotted path of the id; lists are looked through."`
	To   string `json:"to" jsonschema:"required" jsonschema_description:"Resource that the record is of."`
}

// AssetRule says that a member is the address of a file.
type AssetRule struct {
	Path string `json:"path" jsonschema:"required"`
	Role string `json:"role,omitempty" jsonschema_description:"portrait, token, map, icon ..."`
}

// Words is one word or a list of them.
type Words []string

// UnmarshalJSON takes either form.
func (w *Words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = Words{one}
		return nil
	}
	var list []string
	err := json.Unmarshal(text, &list)
	*w = list
	return err
}

// JSONSchema describes both forms.
func (Words) JSONSchema() *jsonschema.Schema {
	word := &jsonschema.Schema{Type: "string"}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{word, {Type: "array", Items: word}}}
}

// Duration is a time span as people write it: 90s, 1m30s.
type Duration struct {
	time.Duration
	set bool
}

// UnmarshalJSON reads it.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return fmt.Errorf("a time span is a text such as 30s, not %s", text)
	}
	span, err := time.ParseDuration(word)
	if err != nil || span < 0 {
		return fmt.Errorf("%q is no time span: write 500ms, 30s or 1m", word)
	}
	d.Duration, d.set = span, true
	return nil
}

// MarshalJSON writes it.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// JSONSchema describes it.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
}

// or returns the span, or another one where none was set.
func (d Duration) or(other time.Duration) time.Duration {
	if d.set {
		return d.Duration
	}
	return other
}

// over returns the resource with what it does not say taken from defaults.
func (r Resource) over(d Resource) Resource {
	merged := make(map[string]string, len(d.Params)+len(r.Params))
	for _, from := range []map[string]string{d.Params, r.Params} {
		maps.Copy(merged, from)
	}
	r.Params = merged
	take(&r.Role, d.Role)
	take(&r.DataSelector, d.DataSelector)
	takeList(&r.PrimaryKey, d.PrimaryKey)
	takeList(&r.HashIgnore, d.HashIgnore)
	takeList(&r.License, d.License)
	takeList(&r.Links, d.Links)
	takeList(&r.Assets, d.Assets)
	takeOne(&r.Paginator, d.Paginator)
	takeOne(&r.Resolve, d.Resolve)
	takeOne(&r.Detail, d.Detail)
	takeOne(&r.ErrorHandler, d.ErrorHandler)
	takeOne(&r.Incremental, d.Incremental)
	takeOne(&r.Where, d.Where)
	r.Entity = r.Entity.over(d.Entity)
	return r
}

// over merges member by member: a resource mostly says its kind, and the defaults everything else.
func (e *Entity) over(d *Entity) *Entity {
	var merged, under Entity
	if e != nil {
		merged = *e
	}
	if d != nil {
		under = *d
	}
	take(&merged.Kind, under.Kind)
	take(&merged.NativeType, under.NativeType)
	takeOne(&merged.KindIf, under.KindIf)
	take(&merged.Lang, under.Lang)
	takeList(&merged.Name, under.Name)
	takeList(&merged.RulesetBy, under.RulesetBy)
	takeList(&merged.Pack, under.Pack)
	takeList(&merged.Book, under.Book)
	if merged.Ruleset == (Ruleset{}) {
		merged.Ruleset = under.Ruleset
	}
	if merged.Rulesets == nil {
		merged.Rulesets = under.Rulesets
	}
	return &merged
}

func take(into *string, from string) {
	if *into == "" {
		*into = from
	}
}

// takeList leaves an empty list that was written as one.
func takeList[L ~[]E, E any](into *L, from L) {
	if *into == nil {
		*into = from
	}
}

func takeOne[T any](into **T, from *T) {
	if *into == nil {
		*into = from
	}
}

var (
	classes     = regexp.MustCompile(`^([1-5][0-9x]{2}|transport|truncated|not_json)$`)
	actions     = []string{retry, rateLimited, ignore, fail}
	placeholder = regexp.MustCompile(`\{([^{}]*)\}`)
)

// checker collects mistakes with their places.
type checker struct{ faults []error }

func (c *checker) wrong(at, suggestion, format string, args ...any) {
	c.faults = append(c.faults, &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "rest.option", ConfigPath: at, Summary: fmt.Sprintf(format, args...), Suggestion: suggestion,
	})
}

// Validate refuses what could not be read.
func (o *Options) Validate() error {
	var c checker
	c.client(o.Client)
	names := map[string]bool{}
	for i, r := range o.Resources {
		at := "/resources/" + strconv.Itoa(i)
		switch {
		case r.Name == "" || strings.ContainsAny(r.Name, "/#"):
			c.wrong(at+"/name", "give each resource a name without / and #, such as spells", "a resource is named %q", r.Name)
		case names[r.Name]:
			c.wrong(at+"/name", "give each a name of its own", "two resources are named %q", r.Name)
		}
		names[r.Name] = true
	}
	if len(o.Resources) == 0 {
		c.wrong("/resources", "name at least one", "there are no resources")
	}
	before := map[string]bool{}
	for i, r := range o.Resources {
		c.resource("/resources/"+strconv.Itoa(i), r.over(o.ResourceDefaults), names, before)
		before[r.Name] = true
	}
	if !slices.Contains([]string{"", "no-cache", "bypass", "only-if-cached"}, o.Cache) {
		c.wrong("/cache", "write no-cache, bypass or only-if-cached", "%q is no way to use the cache", o.Cache)
	}
	return errors.Join(c.faults...)
}

func (c *checker) client(cl Client) {
	u, err := url.Parse(cl.BaseURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.wrong("/client/base_url", "write it as https://api.example.org/v2/", "%q is no address of a server", cl.BaseURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		c.wrong("/client/base_url", "put parameters into params and secrets into auth", "the address of the server has more than a path")
	}
	a := cl.Auth
	switch a.Type {
	case "", "none":
		return
	case "header", "query":
		if a.Name == "" {
			c.wrong("/client/auth/name", "say which", "the %s that takes the secret has no name", a.Type)
		}
	case "bearer":
	default:
		c.wrong("/client/auth/type", "write none, header, bearer or query", "%q is no way to say who asks", a.Type)
	}
	if a.Env == "" {
		c.wrong("/client/auth/env", "name the environment variable that holds the secret", "there is no secret to send")
	}
}

func (c *checker) resource(at string, r Resource, names, before map[string]bool) {
	if r.Path == "" {
		c.wrong(at+"/path", "say where the list is, relative to base_url", "resource %q has no path", r.Name)
	}
	if r.Entity.Kind != "" && !sdk.IsKind(r.Entity.Kind) {
		c.wrong(at+"/entity/kind", "the kinds are "+strings.Join(sdk.Kinds[:], ", "), "%q is no kind", r.Entity.Kind)
	}
	if k := r.Entity.KindIf; k != nil && !sdk.IsKind(k.Kind) {
		c.wrong(at+"/entity/kind_if/kind", "the kinds are "+strings.Join(sdk.Kinds[:], ", "), "%q is no kind", k.Kind)
	}
	c.placeholders(at, r)
	if r.Resolve != nil && !before[r.Resolve.Resource] {
		c.wrong(at+"/resolve/resource", "name one of the resources before it", "there is no resource %q before %q", r.Resolve.Resource, r.Name)
	}
	for i, l := range r.License {
		if l.From != "" && !names[l.From] {
			c.wrong(fmt.Sprintf("%s/license/%d/from", at, i), "name one of the resources", "there is no resource %q", l.From)
		}
	}
	if d := r.Detail; d != nil && d.Path != "" && d.PathFrom != "" {
		c.wrong(at+"/detail", "set path_from or path", "it is said twice where the records of %q stand by themselves", r.Name)
	}
	if h := r.ErrorHandler; h != nil {
		for class, action := range h.Actions {
			if !classes.MatchString(class) || !slices.Contains(actions, action) {
				c.wrong(at+"/error_handler/actions", "write 404: ignore, 5xx: retry, not_json: fail", "%s: %s is no action", class, action)
			}
		}
	}
	if p := r.Paginator; p != nil {
		c.paginator(at+"/paginator", *p)
	}
}

func (c *checker) placeholders(at string, r Resource) {
	for _, m := range placeholder.FindAllStringSubmatch(r.Path, -1) {
		if r.Resolve == nil || r.Resolve.Param != m[1] {
			c.wrong(at+"/path", "name what resolve finds", "nothing is known of %s in the path of %q", m[0], r.Name)
		}
	}
	if r.Resolve != nil && !strings.Contains(r.Path, "{"+r.Resolve.Param+"}") {
		c.wrong(at+"/path", "put {"+r.Resolve.Param+"} into it", "the path of %q does not take what resolve finds", r.Name)
	}
}

func (c *checker) paginator(at string, p Paginator) {
	switch p.Type {
	case "single_page", "page_number", "json_link", "header_link":
	case "offset":
		if p.PageSize == 0 {
			c.wrong(at+"/page_size", "say how many records a page has", "pages cannot be counted without their size")
		}
	case "cursor":
		if p.CursorPath == "" {
			c.wrong(at+"/cursor_path", "say where it stands in an answer", "there is no cursor")
		}
	default:
		c.wrong(at+"/type", "write single_page, page_number, offset, json_link, header_link or cursor", "%q is no paginator", p.Type)
	}
}

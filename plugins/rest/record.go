package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// item is a record on its way.
type item struct {
	raw    json.RawMessage
	v      any
	id     string // with the resource's name in front
	values map[string]string
	url    *url.URL // of the record by itself; nil: of its list
}

// newItem decodes a record and finds its id. The values are those of its parent.
func (r *resource) newItem(text json.RawMessage, values map[string]string) (item, error) {
	v, err := decode(text)
	if err != nil {
		return item{}, failure("rest.record", nil, "a record is not JSON")
	}
	if _, ok := v.(map[string]any); !ok {
		return item{}, failure("rest.record", nil, "a record is no JSON object")
	}
	var parts []string
	for _, key := range r.key() {
		id := first(v, key)
		if m := placeholder.FindStringSubmatch(key); m != nil {
			id = values[m[1]]
		}
		if id == "" {
			d := failure("rest.no_id", nil, "a record has no %s, its primary key", key)
			d.Suggestion = "name the member that tells records apart in primary_key"
			return item{}, d
		}
		parts = append(parts, id)
	}
	return item{raw: text, v: v, id: r.Name + "/" + strings.Join(parts, "/"), values: values}, nil
}

// kept returns whether a filter keeps a record.
func (r *resource) kept(it item) bool {
	return r.Where == nil || slices.Contains(r.Where.In, first(it.v, r.Where.Path...))
}

// record makes the record of an item.
func (rd *reading) record(ctx context.Context, r *resource, it item) sdk.Record {
	e := r.Entity
	rec := sdk.Record{
		ID: it.id, Scope: rd.options.Scope, JSON: it.raw, Kind: e.Kind, NativeType: cmp.Or(e.NativeType, r.Name),
		Name: first(it.v, e.Name...), Lang: e.Lang, Ruleset: sdk.Ruleset{System: e.Ruleset.System, Edition: e.Ruleset.Edition},
		Origin: sdk.Origin{Format: "rest", URI: r.home(it).String(), Pack: first(it.v, e.Pack...), PackLabel: first(it.v, e.Book...), Book: first(it.v, e.Book...)},
	}
	if k := e.KindIf; k != nil && first(it.v, k.Has) != "" {
		rec.Kind = k.Kind
	}
	if rules, ok := e.Rulesets[first(it.v, e.RulesetBy...)]; ok {
		rec.Ruleset = sdk.Ruleset{System: rules.System, Edition: rules.Edition}
	}
	rd.license(ctx, r, it, &rec)
	rd.links(r, it, &rec)
	for _, a := range r.Assets {
		each(it.v, a.Path, "", func(v any, pointer string) {
			path, _ := v.(string)
			u, err := rd.resolve(path)
			if path == "" || err != nil {
				return
			}
			rec.Assets = append(rec.Assets, sdk.AssetRef{URI: path, URL: u.String(), Pointer: pointer, Role: a.Role})
		})
	}
	return rec
}

// home is where a record stands: by itself, or in its list, whatever the size of its pages.
func (r *resource) home(it item) *url.URL {
	if it.url != nil {
		return it.url
	}
	u := *r.url
	for name, value := range it.values {
		u.Path = strings.ReplaceAll(u.Path, "{"+name+"}", value)
	}
	return r.source.with(&u, r.Params)
}

// license puts together what is known of the licence of a record.
func (rd *reading) license(ctx context.Context, r *resource, it item, rec *sdk.Record) {
	l := &rec.License
	var missing []string
	for _, rule := range r.License {
		knows := it.v
		if rule.From != "" {
			key := first(it.v, rule.Match...)
			if key == "" {
				continue
			}
			table, err := rd.table(ctx, rule)
			if err != nil {
				rec.Warnings = append(rec.Warnings, "its licence could not be looked up in "+rule.From)
				continue
			}
			found, ok := table[key]
			if !ok {
				missing = append(missing, rule.From+" has no "+key+", which the record names for its licence")
				continue
			}
			knows = found
		}
		before := *l
		take(&l.Expression, rule.Expression)
		take(&l.Expression, rule.expression(knows))
		take(&l.Attribution, rule.Attribution)
		var named []string
		for _, path := range rule.AttributionPath {
			if w := first(knows, path); w != "" {
				named = append(named, w)
			}
		}
		take(&l.Attribution, strings.Join(named, ", "))
		take(&l.URL, rule.URL)
		take(&l.URL, first(knows, rule.URLPath...))
		if *l != before && l.From == "" {
			l.From = "config"
			if rule.ExpressionPath != "" || len(rule.AttributionPath) > 0 {
				l.From = "document"
			}
		}
	}
	if l.Expression == "" {
		rec.Warnings = append(rec.Warnings, missing...)
	}
}

// expression joins the licences that a record names: each of them allows its use.
func (l License) expression(v any) string {
	if l.ExpressionPath == "" {
		return ""
	}
	var list []string
	for _, w := range words(v, l.ExpressionPath) {
		w = cmp.Or(l.Names[w], w)
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return strings.Join(list, " OR ")
}

// links finds the references of a record to others of the source: members that rules name, and addresses of records.
func (rd *reading) links(r *resource, it item, rec *sdk.Record) {
	add := func(l sdk.Link) {
		twice := slices.ContainsFunc(rec.Links, func(k sdk.Link) bool { return k.Pointer == l.Pointer })
		if l.Target != rec.ID && !twice {
			rec.Links = append(rec.Links, l)
		}
	}
	for _, rule := range r.Links {
		each(it.v, rule.Path, "", func(v any, pointer string) {
			w := word(v)
			if to := rd.named(rule.To); w != "" && to != nil && to.stream() {
				add(sdk.Link{Pointer: pointer, Kind: "reference", Raw: w, Target: rule.To + "/" + w})
			}
		})
	}
	rd.walk(it.v, "", "", add)
}

// walk looks for addresses of records, members in order.
func (rd *reading) walk(v any, pointer, label string, add func(sdk.Link)) {
	switch v := v.(type) {
	case map[string]any:
		label = cmp.Or(word(v["name"]), word(v["anchor"]), label)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			rd.walk(v[name], pointer+"/"+token(name), label, add)
		}
	case []any:
		for i, inner := range v {
			rd.walk(inner, pointer+"/"+strconv.Itoa(i), "", add)
		}
	case string:
		if l, ok := rd.address(v); ok {
			l.Pointer, l.Label = pointer, label
			add(l)
		}
	}
}

// address makes a link of a text that is the address of a record.
func (rd *reading) address(text string) (sdk.Link, bool) {
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "http") || strings.ContainsAny(text, " \n") {
		return sdk.Link{}, false
	}
	ref, err := url.Parse(text)
	if err != nil {
		return sdk.Link{}, false
	}
	u := rd.base.ResolveReference(ref)
	if u.Host != rd.base.Host {
		return sdk.Link{}, false
	}
	path := strings.TrimSuffix(u.Path, "/")
	for _, r := range rd.resources {
		list := strings.TrimSuffix(r.url.Path, "/") + "/"
		id, ok := strings.CutPrefix(path, list)
		if ok && r.stream() && r.Resolve == nil && id != "" && !strings.Contains(id, "/") {
			return sdk.Link{Kind: "reference", Raw: text, Target: r.Name + "/" + id, Anchor: u.Fragment}, true
		}
	}
	return sdk.Link{}, false
}

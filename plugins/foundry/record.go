package foundry

import (
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/plugins/foundry/prose"
	"github.com/seed-98789ff7/converter/sdk"
)

// reader makes records of the documents of one pack.
type reader struct {
	library *library
	pack    pack
	folders map[string]folder
	sent    map[string]bool // keys of the documents
}

// folder is one folder of a pack's sidebar tree.
type folder struct {
	Name   text `json:"name"`
	Parent text `json:"folder"`
}

// readFolders reads the folders that the documents of the pack lie in.
func (r *reader) readFolders(opened documents) error {
	if r.pack.collection != "" && r.pack.collection != "folders" {
		r.worldFolders()
		return nil
	}
	return r.foldersOf(opened)
}

// worldFolders reads the folders of a world, which has them in a collection of their own. What is wrong with that is
// reported where it is read for itself.
func (r *reader) worldFolders() {
	p, ok := r.pack.sibling("folders")
	place := r.pack.pkg.root.path(path.Join(r.pack.pkg.dir, "data", "folders"))
	r.library.trail.looked(r.library, place)
	r.library.trail.looked(r.library, place+".db")
	if !ok {
		return
	}
	opened, err := p.open()
	if err != nil {
		return
	}
	_ = r.foldersOf(opened)
	_ = opened.Close()
}

func (r *reader) foldersOf(opened documents) error {
	for doc, err := range opened.Collection("folders") {
		if err != nil {
			return err
		}
		var f folder
		_ = json.Unmarshal(doc.JSON, &f) // a member of a surprising type stays empty
		r.folders[doc.ID] = f
	}
	return nil
}

// maxFolders is deeper than Foundry nests folders.
const maxFolders = 32

// folderPath is the names of the folders above a document, outermost first. The climb ends where parents go round in a
// circle.
func (r *reader) folderPath(id string) []string {
	var names, met []string
	for len(met) < maxFolders && !slices.Contains(met, id) {
		f, ok := r.folders[id]
		if !ok {
			break
		}
		met, names = append(met, id), append(names, first(string(f.Name), id))
		id = string(f.Parent)
	}
	slices.Reverse(names)
	return names
}

// document is what is read of a document to describe it. Members of another type than expected stay empty; the document
// itself goes on as it is. The members are picked out one by one, on the way that looks for references, because decoding
// whole documents takes longer than everything else that is done with them.
type document struct {
	name      text
	typ       text
	folder    text
	sort      text
	ownership ownership
	old       ownership // before v10
	stats     stats
	system    json.RawMessage
	data      json.RawMessage // system, before v10
	flags     json.RawMessage
	pages     json.RawMessage
	results   json.RawMessage
}

// member takes a member of the document, if it is one of those that are read.
func (d *document) member(name string, value []byte) {
	var into any
	switch name {
	case "name":
		into = &d.name
	case "type":
		into = &d.typ
	case "folder":
		into = &d.folder
	case "sort":
		into = &d.sort
	case "ownership":
		into = &d.ownership
	case "permission":
		into = &d.old
	case "_stats":
		into = &d.stats
	case "system":
		d.system = value
		return
	case "data":
		d.data = value
		return
	case "flags":
		d.flags = value
		return
	case "pages":
		d.pages = value
		return
	case "results":
		d.results = value
		return
	default:
		return
	}
	_ = json.Unmarshal(value, into) // see document
}

type ownership struct {
	Default text `json:"default"`
}

type stats struct {
	CoreVersion      text    `json:"coreVersion"`
	SystemID         text    `json:"systemId"`
	SystemVersion    text    `json:"systemVersion"`
	CreatedTime      float64 `json:"createdTime"`
	ModifiedTime     float64 `json:"modifiedTime"`
	CompendiumSource text    `json:"compendiumSource"`
}

// source is the document that this one was made from, by UUID.
func (d *document) source() string {
	var old struct {
		Core struct {
			SourceID text `json:"sourceId"`
		} `json:"core"`
	}
	if d.stats.CompendiumSource == "" && len(d.flags) > 2 {
		_ = json.Unmarshal(d.flags, &old) // before v12
	}
	return first(string(d.stats.CompendiumSource), string(old.Core.SourceID))
}

// publication is the places where systems say what a document was published in: source, then publication, each of the
// system's data and of the details in there.
type publication [4]json.RawMessage

// member takes a member of the system's data, if it is one of those that are read.
func (p *publication) member(name string, value []byte) {
	if name == "details" {
		members(value, func(name string, value []byte) { p.take(1, name, value) })
	}
	p.take(0, name, value)
}

func (p *publication) take(i int, name string, value []byte) {
	switch name {
	case "source":
		p[i] = value
	case "publication":
		p[2+i] = value
	}
}

// published is what stands in such a place; in many systems just a text, the book.
type published struct {
	Book     text `json:"book"`
	Custom   text `json:"custom"`
	Title    text `json:"title"`
	Value    text `json:"value"`
	Page     text `json:"page"`
	License  text `json:"license"`
	Rules    text `json:"rules"`
	Remaster bool `json:"remaster"`
}

// record makes the record of a document.
func (r *reader) record(doc packs.Document) sdk.Record {
	if r.library.options.Secrets == prose.Drop {
		doc.JSON = withoutSecrets(doc.JSON)
	}
	p := r.pack
	typ := first(documentTypes[doc.Collection], p.typ, "Document")
	rec := sdk.Record{
		ID: p.documentID(typ, doc), Scope: p.pkg.scope(), JSON: doc.JSON, NativeType: typ, Incomplete: len(doc.Missing) > 0,
	}
	var d document
	subtype := subtypeOf(doc.JSON)
	if subtype != "" && typ != "Folder" && typ != "Macro" {
		rec.NativeType = typ + "/" + subtype
	}
	seen := texts{reader: r, native: rec.NativeType}
	refs := references{library: r.library, pack: p, record: &rec, typ: typ, texts: &seen}
	refs.find(doc.JSON, d.member)
	rec.Kind, rec.Name, rec.FolderPath = kindOf(typ, subtype), string(d.name), r.folderPath(string(d.folder))
	sort, _ := strconv.ParseFloat(string(d.sort), 64)
	rec.Sort = whole(sort)
	version := first(string(d.stats.SystemVersion), p.pkg.systemWas)
	rec.Ruleset = sdk.Ruleset{System: first(p.system, string(d.stats.SystemID)), Version: version}
	rec.Origin = sdk.Origin{
		PackageKind: p.pkg.kind, Package: p.pkg.id, PackageVersion: p.pkg.version, Pack: p.name, PackLabel: p.label,
		Format: p.format, URI: p.uri, SystemVersion: version, CoreVersion: first(string(d.stats.CoreVersion), p.pkg.coreWas),
		CreatedMS: whole(d.stats.CreatedTime), ModifiedMS: whole(d.stats.ModifiedTime), DerivedFrom: r.fullUUID(d.source()),
	}
	refs.drawn(d.results)
	r.published(d, &rec)
	r.rights(d, &rec)
	inside := nest{reader: r}
	inside.within(typ, doc.JSON, "", "", 0)
	for _, e := range inside.list {
		rec.Embedded = append(rec.Embedded, e.Embedded)
	}
	if inside.left > 0 {
		rec.Warnings = append(rec.Warnings, fmt.Sprintf("%d documents inside it are not listed, because it has so many", inside.left))
	}
	r.tell(&seen, &inside, &rec, doc.JSON)
	rec.Facts = r.facts(typ, doc.JSON, d.ofSystem(), &rec)
	if name := strings.TrimSpace(rec.Name); name != "" && name != doc.ID && !strings.ContainsAny(name, "\n") {
		rec.Aliases = []string{p.uuid(typ, name)} // links of before v10, and of source trees, have names
	}
	for _, key := range doc.Missing {
		rec.Warnings = append(rec.Warnings, fmt.Sprintf("it lists %s, which is not in the pack", key))
	}
	return rec
}

// subtypeOf is the type that a document says it is of.
func subtypeOf(doc []byte) string {
	var typ text
	members(doc, func(name string, value []byte) {
		if name == "type" {
			_ = json.Unmarshal(value, &typ) // see document
		}
	})
	return string(typ)
}

// whole is a number without what follows its point; 0 for one that is too large.
func whole(f float64) int64 {
	if math.Abs(f) > 1<<53 || math.IsNaN(f) {
		return 0
	}
	return int64(f)
}

// ofSystem is the data that the system keeps in the document.
func (d *document) ofSystem() json.RawMessage {
	if len(d.system) > 0 {
		return d.system
	}
	return d.data
}

// said is what a document says about its publication.
type said struct {
	book, edition, licence string
	page                   int
}

// publication looks in all the places.
func (d *document) publication() said {
	var p publication
	members(d.ofSystem(), p.member)
	var all said
	for _, raw := range p {
		var s published
		if json.Unmarshal(raw, &s.Book) != nil || s.Book == "" {
			_ = json.Unmarshal(raw, &s) // see document
		}
		all.book = first(all.book, string(s.Book), string(s.Custom), string(s.Title), string(s.Value))
		all.licence = first(all.licence, string(s.License))
		all.edition = first(all.edition, string(s.Rules))
		if s.Remaster {
			all.edition = first(all.edition, "remaster")
		}
		if n, err := strconv.ParseInt(string(s.Page), 10, 32); err == nil && n > 0 && all.page == 0 {
			all.page = int(n)
		}
	}
	return all
}

// published fills in book, page, edition and licence.
func (r *reader) published(d document, rec *sdk.Record) {
	p := d.publication()
	rec.Origin.Book, rec.Origin.Page, rec.Ruleset.Edition = first(p.book, r.pack.book), p.page, p.edition
	if p.licence != "" {
		rec.License = sdk.License{Expression: p.licence, Attribution: first(rec.Origin.Book, r.pack.pkg.title), From: "document"}
		return
	}
	pkg := r.pack.pkg
	if l := r.library.about(pkg.kind, pkg.id).licence; pkg.license == "" && l.Expression != "" && !forPrograms[l.Expression] {
		l.Attribution = first(pkg.title, pkg.id)
		rec.License = l
	}
}

// fullUUID is a UUID that stands in a document of the pack, in the form of today. A relative one is none here.
func (r *reader) fullUUID(uuid string) string {
	if uuid == "" {
		return ""
	}
	return r.library.full(uuid, "")
}

// rights says who may see a document of a world. In a compendium the numbers say nothing: they are left from the world it
// was made in.
func (r *reader) rights(d document, rec *sdk.Record) {
	if r.pack.collection == "" {
		return
	}
	rec.Visibility = first(d.ownership.visibility(), d.old.visibility())
	var pages []struct {
		Ownership ownership `json:"ownership"`
	}
	_ = json.Unmarshal(d.pages, &pages) // see document
	for _, p := range pages {
		if v := p.Ownership.visibility(); v != "" && v != rec.Visibility {
			rec.Visibility = "mixed"
		}
	}
}

// visibility is who sees what has these rights; empty when they are inherited or unknown.
func (o ownership) visibility() string {
	n, err := strconv.Atoi(string(o.Default))
	switch {
	case err != nil || n < 0:
		return ""
	case n == 0:
		return "gm"
	case n == 1:
		return "mixed" // limited: everybody sees that it is there, and a part of it
	default:
		return "player"
	}
}

package sdk

import (
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// text makes s fit for the wire, where strings are UTF-8: what is not becomes the replacement character.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

// clip shortens s to about limit bytes and says so.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + " … (shortened)"
}

func specToWire(s Spec) *sourcepb.Spec {
	return &sourcepb.Spec{
		Name: text(s.Name), Version: text(s.Version), Summary: text(s.Summary), Description: text(s.Description),
		Author: text(s.Author), Homepage: text(s.Homepage), License: text(s.License), ConfigSchema: s.Options,
		Kinds: texts(s.Kinds), StateVersion: s.StateVersion, SdkVersion: version(),
		Capabilities: &sourcepb.Capabilities{
			Check: s.Can.Check, Discover: s.Can.Discover, Resumable: s.Can.Resumable, Incremental: s.Can.Incremental,
			FetchAsset: s.Can.FetchAsset,
		},
	}
}

func streamToWire(s Stream) *sourcepb.Stream {
	return &sourcepb.Stream{
		Name: text(s.Name), Title: text(s.Title), Kind: text(s.Kind), Records: estimateToWire(s.Records),
		Assets: estimateToWire(s.Assets), Bytes: estimateToWire(s.Bytes), License: licenseToWire(s.License),
		Revision: s.Revision,
	}
}

func estimateToWire(e Estimate) *sourcepb.Estimate {
	if e == (Estimate{}) {
		return nil
	}
	quality := sourcepb.Estimate_QUALITY_UNSPECIFIED
	switch e.Quality {
	case Unknown:
	case Exact:
		quality = sourcepb.Estimate_QUALITY_EXACT
	case Approximate:
		quality = sourcepb.Estimate_QUALITY_APPROXIMATE
	case LowerBound:
		quality = sourcepb.Estimate_QUALITY_LOWER_BOUND
	}
	return &sourcepb.Estimate{Count: e.Count, Quality: quality}
}

func licenseToWire(l License) *sourcepb.License {
	if l == (License{}) {
		return nil
	}
	return &sourcepb.License{
		Expression: text(l.Expression), Attribution: text(l.Attribution), Url: text(l.URL), From: text(l.From),
	}
}

func originToWire(o Origin) *sourcepb.Origin {
	if o == (Origin{}) {
		return nil
	}
	return &sourcepb.Origin{
		PackageKind: text(o.PackageKind), Package: text(o.Package), PackageVersion: text(o.PackageVersion),
		Pack: text(o.Pack), PackLabel: text(o.PackLabel), Format: text(o.Format), Uri: text(o.URI), Page: int32(o.Page),
		Pointer: text(o.Pointer), Book: text(o.Book), SystemVersion: text(o.SystemVersion),
		CoreVersion: text(o.CoreVersion), CreatedMs: o.CreatedMS, ModifiedMs: o.ModifiedMS,
		DerivedFrom: text(o.DerivedFrom),
	}
}

func rulesetToWire(r Ruleset) *sourcepb.Ruleset {
	if r == (Ruleset{}) {
		return nil
	}
	return &sourcepb.Ruleset{System: text(r.System), Version: text(r.Version), Edition: text(r.Edition)}
}

// recordToWire shares r.JSON with the result.
func recordToWire(r Record) *sourcepb.Record {
	w := &sourcepb.Record{
		Id: text(r.ID), Scope: text(r.Scope), Json: r.JSON, Kind: text(r.Kind), NativeType: text(r.NativeType),
		Name: text(r.Name), Revision: text(r.Revision), Lang: text(r.Lang), FolderPath: texts(r.FolderPath), Sort: r.Sort,
		Ruleset: rulesetToWire(r.Ruleset), Origin: originToWire(r.Origin), License: licenseToWire(r.License),
		Visibility: text(r.Visibility), Warnings: texts(r.Warnings), Incomplete: r.Incomplete, Aliases: texts(r.Aliases),
		Facts: slices.Clone(r.Facts),
	}
	for _, t := range r.Texts {
		w.Texts = append(w.Texts, &sourcepb.Text{
			Pointer: text(t.Pointer), Role: text(t.Role), Title: text(t.Title), Markdown: text(t.Markdown), HasSecrets: t.HasSecrets,
		})
	}
	for _, e := range r.Embedded {
		w.Embedded = append(w.Embedded, &sourcepb.Embedded{
			Part: text(e.Part), Pointer: text(e.Pointer), Kind: text(e.Kind), NativeType: text(e.NativeType), Name: text(e.Name),
			Book: text(e.Book), Page: int32(e.Page), License: licenseToWire(e.License), DerivedFrom: text(e.DerivedFrom),
		})
	}
	for _, a := range r.Assets {
		w.Assets = append(w.Assets, assetRefToWire(a))
	}
	for _, l := range r.Links {
		w.Links = append(w.Links, &sourcepb.Link{
			Pointer: text(l.Pointer), Kind: text(l.Kind), Raw: text(l.Raw), Target: text(l.Target), Label: text(l.Label),
			Anchor: text(l.Anchor), Part: text(l.Part),
		})
	}
	return w
}

func assetRefToWire(a AssetRef) *sourcepb.AssetRef {
	w := &sourcepb.AssetRef{
		Uri: text(a.URI), Pointer: text(a.Pointer), Role: text(a.Role), Status: text(string(a.Status)),
		MediaType: text(a.MediaType), Size: a.Size, Revision: text(a.Revision), License: licenseToWire(a.License),
	}
	switch {
	case a.URL != "":
		w.Locator = &sourcepb.AssetRef_Url{Url: text(a.URL)}
	case a.Path != "":
		w.Locator = &sourcepb.AssetRef_Path{Path: text(a.Path)}
	case a.Key != "":
		w.Locator = &sourcepb.AssetRef_Key{Key: text(a.Key)}
	}
	return w
}

func assetRefFromWire(w *sourcepb.AssetRef) AssetRef {
	return AssetRef{
		URI: w.GetUri(), Pointer: w.GetPointer(), Role: w.GetRole(), Status: AssetStatus(w.GetStatus()),
		MediaType: w.GetMediaType(), Size: w.GetSize(), Revision: w.GetRevision(),
		URL: w.GetUrl(), Path: w.GetPath(), Key: w.GetKey(),
	}
}

const (
	maxSummary = 2 << 10
	maxDetail  = 16 << 10
)

func diagnosticToWire(d *Diagnostic) *sourcepb.Diagnostic {
	severity := sourcepb.Diagnostic_SEVERITY_ERROR
	switch d.Severity {
	case SeverityError:
	case SeverityWarning:
		severity = sourcepb.Diagnostic_SEVERITY_WARNING
	case SeverityInfo:
		severity = sourcepb.Diagnostic_SEVERITY_INFO
	}
	detail := d.Detail
	if d.Cause != nil {
		detail = strings.TrimPrefix(detail+"\n"+d.Cause.Error(), "\n")
	}
	return &sourcepb.Diagnostic{
		Severity: severity, Code: text(d.Code), Summary: text(clip(d.Summary, maxSummary)),
		Detail: text(clip(detail, maxDetail)), Suggestion: text(clip(d.Suggestion, maxSummary)),
		ConfigPath: text(d.ConfigPath), Stream: text(d.Stream), RecordId: text(d.RecordID),
		Origin: originToWire(d.Origin), Kind: d.Kind.String(),
	}
}

func factToWire(f Fact) *sourcepb.Fact {
	wire := &sourcepb.Fact{Name: f.Name, Label: text(f.Label), Unit: text(f.Unit), Notable: f.Notable}
	if f.Text == "" {
		wire.Value = &sourcepb.Fact_Number{Number: f.Number}
	} else {
		wire.Value = &sourcepb.Fact_Text{Text: text(f.Text)}
	}
	return wire
}

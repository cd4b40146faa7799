package sourceclient

import (
	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

func specFromWire(w *sourcepb.Spec) sdk.Spec {
	can := w.GetCapabilities()
	return sdk.Spec{
		Name: w.GetName(), Version: w.GetVersion(), Summary: w.GetSummary(), Description: w.GetDescription(),
		Author: w.GetAuthor(), Homepage: w.GetHomepage(), License: w.GetLicense(), Options: w.GetConfigSchema(),
		Kinds: w.GetKinds(), StateVersion: w.GetStateVersion(), SDK: w.GetSdkVersion(),
		Can: sdk.Capabilities{
			Check: can.GetCheck(), Discover: can.GetDiscover(), Resumable: can.GetResumable(),
			Incremental: can.GetIncremental(), FetchAsset: can.GetFetchAsset(),
		},
	}
}

func streamFromWire(w *sourcepb.Stream) sdk.Stream {
	return sdk.Stream{
		Name: w.GetName(), Title: w.GetTitle(), Kind: w.GetKind(), Records: estimateFromWire(w.GetRecords()),
		Assets: estimateFromWire(w.GetAssets()), Bytes: estimateFromWire(w.GetBytes()),
		License: licenseFromWire(w.GetLicense()), Revision: revisionFromWire(w.GetRevision()),
	}
}

// revisionFromWire leaves out one that is longer than any may be: nothing is known then.
func revisionFromWire(revision []byte) []byte {
	if len(revision) > sdk.MaxRevision {
		return nil
	}
	return revision
}

func estimateFromWire(w *sourcepb.Estimate) sdk.Estimate {
	quality := sdk.Unknown
	switch w.GetQuality() {
	case sourcepb.Estimate_QUALITY_UNSPECIFIED:
	case sourcepb.Estimate_QUALITY_EXACT:
		quality = sdk.Exact
	case sourcepb.Estimate_QUALITY_APPROXIMATE:
		quality = sdk.Approximate
	case sourcepb.Estimate_QUALITY_LOWER_BOUND:
		quality = sdk.LowerBound
	}
	return sdk.Estimate{Count: w.GetCount(), Quality: quality}
}

func licenseFromWire(w *sourcepb.License) sdk.License {
	return sdk.License{
		Expression: w.GetExpression(), Attribution: w.GetAttribution(), URL: w.GetUrl(), From: w.GetFrom(),
	}
}

func originFromWire(w *sourcepb.Origin) sdk.Origin {
	return sdk.Origin{
		PackageKind: w.GetPackageKind(), Package: w.GetPackage(), PackageVersion: w.GetPackageVersion(),
		Pack: w.GetPack(), PackLabel: w.GetPackLabel(), Format: w.GetFormat(), URI: w.GetUri(), Page: int(w.GetPage()),
		Pointer: w.GetPointer(), Book: w.GetBook(), SystemVersion: w.GetSystemVersion(),
		CoreVersion: w.GetCoreVersion(), CreatedMS: w.GetCreatedMs(), ModifiedMS: w.GetModifiedMs(),
		DerivedFrom: w.GetDerivedFrom(),
	}
}

// recordFromWire shares memory with w.
func recordFromWire(w *sourcepb.Record) sdk.Record {
	r := sdk.Record{
		ID: w.GetId(), Scope: w.GetScope(), JSON: w.GetJson(), Kind: w.GetKind(), NativeType: w.GetNativeType(),
		Name: w.GetName(), Revision: w.GetRevision(), Lang: w.GetLang(), FolderPath: w.GetFolderPath(), Sort: w.GetSort(),
		Ruleset: sdk.Ruleset{
			System: w.GetRuleset().GetSystem(), Version: w.GetRuleset().GetVersion(), Edition: w.GetRuleset().GetEdition(),
		},
		Origin: originFromWire(w.GetOrigin()), License: licenseFromWire(w.GetLicense()), Visibility: w.GetVisibility(),
		Aliases: w.GetAliases(), Warnings: w.GetWarnings(), Incomplete: w.GetIncomplete(),
		Facts: w.GetFacts(),
	}
	for _, t := range w.GetTexts() {
		r.Texts = append(r.Texts, sdk.Text{
			Pointer: t.GetPointer(), Role: t.GetRole(), Title: t.GetTitle(), Markdown: t.GetMarkdown(), HasSecrets: t.GetHasSecrets(),
		})
	}
	for _, e := range w.GetEmbedded() {
		r.Embedded = append(r.Embedded, sdk.Embedded{
			Part: e.GetPart(), Pointer: e.GetPointer(), Kind: e.GetKind(), NativeType: e.GetNativeType(), Name: e.GetName(),
			Book: e.GetBook(), Page: int(e.GetPage()), License: licenseFromWire(e.GetLicense()), DerivedFrom: e.GetDerivedFrom(),
		})
	}
	for _, a := range w.GetAssets() {
		r.Assets = append(r.Assets, assetRefFromWire(a))
	}
	for _, l := range w.GetLinks() {
		r.Links = append(r.Links, sdk.Link{
			Pointer: l.GetPointer(), Kind: l.GetKind(), Raw: l.GetRaw(), Target: l.GetTarget(), Label: l.GetLabel(),
			Anchor: l.GetAnchor(), Part: l.GetPart(),
		})
	}
	return r
}

func assetRefFromWire(w *sourcepb.AssetRef) sdk.AssetRef {
	return sdk.AssetRef{
		URI: w.GetUri(), Pointer: w.GetPointer(), Role: w.GetRole(), Status: sdk.AssetStatus(w.GetStatus()),
		MediaType: w.GetMediaType(), Size: w.GetSize(), Revision: w.GetRevision(),
		URL: w.GetUrl(), Path: w.GetPath(), Key: w.GetKey(), License: licenseFromWire(w.GetLicense()),
	}
}

func assetRefToWire(a sdk.AssetRef) *sourcepb.AssetRef {
	w := &sourcepb.AssetRef{
		Uri: a.URI, Pointer: a.Pointer, Role: a.Role, Status: string(a.Status), MediaType: a.MediaType, Size: a.Size,
		Revision: a.Revision,
	}
	switch {
	case a.URL != "":
		w.Locator = &sourcepb.AssetRef_Url{Url: a.URL}
	case a.Path != "":
		w.Locator = &sourcepb.AssetRef_Path{Path: a.Path}
	case a.Key != "":
		w.Locator = &sourcepb.AssetRef_Key{Key: a.Key}
	}
	return w
}

func diagnosticFromWire(w *sourcepb.Diagnostic) *sdk.Diagnostic {
	severity := sdk.SeverityError
	switch w.GetSeverity() {
	case sourcepb.Diagnostic_SEVERITY_UNSPECIFIED, sourcepb.Diagnostic_SEVERITY_ERROR:
	case sourcepb.Diagnostic_SEVERITY_WARNING:
		severity = sdk.SeverityWarning
	case sourcepb.Diagnostic_SEVERITY_INFO:
		severity = sdk.SeverityInfo
	}
	return &sdk.Diagnostic{
		Severity: severity, Kind: sdk.ParseKind(w.GetKind()), Code: w.GetCode(), Summary: w.GetSummary(),
		Detail: w.GetDetail(), Suggestion: w.GetSuggestion(), ConfigPath: w.GetConfigPath(), Stream: w.GetStream(),
		RecordID: w.GetRecordId(), Origin: originFromWire(w.GetOrigin()),
	}
}

func factFromWire(w *sourcepb.Fact) sdk.Fact {
	return sdk.Fact{
		Name: w.GetName(), Label: w.GetLabel(), Number: w.GetNumber(), Text: w.GetText(), Unit: w.GetUnit(), Notable: w.GetNotable(),
	}
}

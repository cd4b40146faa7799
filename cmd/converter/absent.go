package main

import (
	"context"

	"github.com/seed-98789ff7/converter/sdk"
)

// absent is a source whose plugin cannot be used. It stands in its place so that the run goes on with the others, and says
// why whenever it is asked for anything.
type absent struct {
	plugin string
	fault  error
}

var _ sdk.Source = absent{}

// Spec has the name alone; with a check, so that the fault is met before anything is read.
func (a absent) Spec() sdk.Spec { return sdk.Spec{Name: a.plugin, Can: sdk.Capabilities{Check: true}} }

// Configure returns the fault.
func (a absent) Configure(context.Context, sdk.Configuration) error { return a.fault }

// Check returns the fault.
func (a absent) Check(context.Context) error { return a.fault }

// Discover returns the fault.
func (a absent) Discover(context.Context) ([]sdk.Stream, error) { return nil, a.fault }

// Read returns the fault.
func (a absent) Read(context.Context, sdk.ReadRequest, sdk.Writer) error { return a.fault }

// FetchAsset returns the fault.
func (a absent) FetchAsset(context.Context, sdk.AssetRef) (sdk.Asset, error) {
	return sdk.Asset{}, a.fault
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

type sloppyOptions struct {
	Token string `json:"token" jsonschema:"writeOnly=true"`
}

// guardhouse prints, tells secrets, never sends the same twice, and does not end.
type guardhouse struct {
	options sloppyOptions
	env     sdk.Environment
	reads   int
}

func (g *guardhouse) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	g.reads++
	fmt.Println("Reading…")
	g.env.Log.Info("opening the gate", "token", g.options.Token)
	return out.Record("guards", sdk.Record{ID: "guard", JSON: fmt.Appendf(nil, `{"reads": %d}`, g.reads)})
}

func (g *guardhouse) Close() error {
	time.Sleep(time.Minute)
	return errors.New("the gate is stuck")
}

// sloppy is the plugin that the scripts find something wrong with.
func sloppy() {
	sdk.Serve(sdk.Define(sdk.Plugin[sloppyOptions]{
		Name: "sloppy", Version: "1.0.0", Summary: "Much wrong.",
		Open: sdk.NewOpener(func(_ context.Context, o sloppyOptions, env sdk.Environment) (*guardhouse, error) {
			return &guardhouse{options: o, env: env}, nil
		}),
	}))
}

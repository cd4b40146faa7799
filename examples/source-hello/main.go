// Command converter-plugin-hello is the smallest source plugin there is: one greeter, who says what the config has him say.
package main

import (
	"context"
	"encoding/json"

	"github.com/seed-98789ff7/converter/sdk"
)

type options struct {
	Greeting string `json:"greeting" jsonschema:"default=Hello,description=What he says"`
}

func main() { sdk.Serve(greeter()) }

func greeter() sdk.Source {
	return sdk.Define(sdk.Plugin[options]{
		Name: "hello", Version: "0.1.0", Summary: "One greeter.", Kinds: []string{"creature"},
		Read: func(_ context.Context, o options, _ sdk.ReadRequest, out sdk.Writer) error {
			body, _ := json.Marshal(map[string]string{"name": "Greeter", "says": o.Greeting}) // texts always become JSON
			return out.Record("greeters", sdk.Record{ID: "greeter-1", JSON: body})
		},
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/seed-98789ff7/converter/sdk"
)

// troupeOptions say what a troupe does, in this order.
type troupeOptions struct {
	Players int  `json:"players,omitempty"`
	Absent  int  `json:"absent,omitempty"`
	Fetch   bool `json:"fetch,omitempty"` // it says that it fetched
	Stay    bool `json:"stay,omitempty"`  // it starts a process and does not end, whatever it is told
}

// troupe is a plugin that does as it is told.
func troupe() {
	sdk.Serve(sdk.Define(sdk.Plugin[troupeOptions]{
		Name: "troupe", Version: "1.0.0", Summary: "Players.",
		Open: sdk.NewOpener(func(_ context.Context, o troupeOptions, _ sdk.Environment) (*stage, error) { return &stage{o}, nil }),
	}))
}

type stage struct{ troupeOptions }

func (s *stage) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	if s.Fetch {
		out.(sdk.MetricsWriter).Metrics(sdk.Metrics{Requests: 12, Hits: 3, Misses: 9, Bytes: 3_400_000})
	}
	for i := range s.Players {
		record := sdk.Record{ID: fmt.Sprint("player-", i), Kind: "creature", Name: fmt.Sprint("Player ", i), JSON: []byte(`{"role":"guard"}`)}
		if err := out.Record("players", record); err != nil {
			return err
		}
	}
	for i := range s.Absent {
		if err := out.Skip("players", fmt.Sprint("absent-", i), errors.New("the player is not there")); err != nil {
			return err
		}
	}
	if s.Stay {
		if err := out.Progress("players", 0, 0, "the play goes on"); err != nil {
			return err
		}
		return exec.Command("sleep", "600").Run()
	}
	return nil
}

func (s *stage) Close() error {
	if s.Stay {
		return exec.Command("sleep", "600").Run()
	}
	return nil
}

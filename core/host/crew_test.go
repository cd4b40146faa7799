//go:build unix

package host

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestCrewIsKilled kills a plugin that is being read and one that is being closed: both are gone with their folders, what
// runs ends as closed, and nobody is started any more.
func TestCrewIsKilled(t *testing.T) {
	t.Parallel()
	var crew Crew
	join := func(c *Config) { c.Crew = &crew }
	plugins := []*Process{
		startGood(t, deed{Do: "hang"}, join), startGood(t, deed{}, join), startGood(t, deed{}, join),
	}
	if err := plugins[2].Close(); err != nil || len(crew.members) != 2 {
		t.Fatalf("%v: %d plugins after one of three was closed", err, len(crew.members))
	}
	reading := make(chan error, 1)
	go func() { reading <- plugins[0].Read(t.Context(), sdk.ReadRequest{}, &collector{}) }()
	var closing sync.WaitGroup
	closing.Go(func() { // at the same time, as a program does that is ending
		if err := plugins[1].Close(); err != nil {
			t.Error(err)
		}
	})
	if err := crew.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	for _, p := range plugins {
		if state, _ := p.child.exit(); state == nil {
			t.Errorf("process %d still runs", p.PID())
		}
		if _, err := os.Stat(p.child.folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder of its socket is still there: %v", err)
		}
	}
	diagnostic(t, <-reading, CodeClosed)
	closing.Wait()
	late := pluginConfig(t, "good", "good")
	join(&late)
	_, err := Start(t.Context(), late)
	if d := diagnostic(t, err, CodeClosed); d.Kind != sdk.Cancelled {
		t.Errorf("kind %v", d.Kind)
	}
	if err := crew.Kill(t.Context()); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// TestCrewIsKilledWhileItStarts kills a plugin that has not said a word yet.
func TestCrewIsKilledWhileItStarts(t *testing.T) {
	t.Parallel()
	var crew Crew
	config := pluginConfig(t, "test", "hangs")
	config.Crew, config.StartTimeout = &crew, time.Hour
	started := make(chan error, 1)
	go func() {
		_, err := Start(t.Context(), config)
		started <- err
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	running := func() bool {
		crew.mu.Lock()
		defer crew.mu.Unlock()
		for member := range crew.members {
			return member.pid() != 0
		}
		return false
	}
	for !running() {
		<-tick.C
	}
	if err := crew.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-started; err == nil {
		t.Error("it has started")
	}
	if len(crew.members) != 0 {
		t.Errorf("%d plugins are left", len(crew.members))
	}
}

// TestCrewIsKilledInNoTime: who cannot wait until a plugin is gone has its folder removed all the same.
func TestCrewIsKilledInNoTime(t *testing.T) {
	t.Parallel()
	var crew Crew
	p := startGood(t, deed{}, func(c *Config) { c.Crew = &crew })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := crew.Kill(ctx); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(p.child.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of its socket is still there: %v", err)
	}
	gone(t, p.PID())
}

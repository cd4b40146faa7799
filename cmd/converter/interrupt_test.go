//go:build integration

package main

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestStoppedWhilePluginsAreAsked interrupts each command that starts plugins for a moment, while one does not answer: no
// process and no folder is left.
func TestStoppedWhilePluginsAreAsked(t *testing.T) {
	t.Parallel()
	p := project{t: t, dir: t.TempDir()}
	check(t, os.WriteFile(p.path("converter-plugin-mute"), []byte("#!/bin/sh\nexec sleep 600\n"), 0o700))
	p.configure("version: 1\nsources: [{name: mute, plugin: mute, path: ./converter-plugin-mute}]\n" +
		"outputs: [{name: library, type: json, path: out}]\n")
	for name, args := range map[string][]string{
		"validate": {"validate", "--config", p.path("converter.yaml")},
		"list":     {"plugin", "list", "--config", p.path("converter.yaml")},
		"info":     {"plugin", "info", p.path("converter-plugin-mute")},
		"test":     {"plugin", "test", p.path("converter-plugin-mute")},
	} {
		t.Run(name, func(t *testing.T) {
			temp, err := os.MkdirTemp("", "c") //nolint:usetesting // its folders carry the name of the test, too long for sockets
			check(t, err)
			t.Cleanup(func() { check(t, os.Remove(temp)) }) // which is an error when something is in it
			c := p.command()
			c.Args = append(c.Args[:1], args...)
			c.Env = append(os.Environ(), "TMPDIR="+temp)
			check(t, c.Start())
			pids := map[int]string{}
			for end := time.Now().Add(30 * time.Second); len(pids) < 2 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				pids = family(t, c.Process.Pid)
			}
			check(t, c.Process.Signal(os.Interrupt))
			err = c.Wait()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitSIGINT {
				t.Errorf("it ends with %v", err)
			}
			if len(pids) < 2 {
				t.Errorf("no plugin was started: %v", pids)
			}
			gone(t, pids)
		})
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// The official command line tool for Foundry packs.
const (
	peerPackage = "@foundryvtt/foundryvtt-cli"
	peerVersion = "3.0.3"
)

// peer is the installed tool.
type peer struct {
	node   string
	script string
	home   string // where it keeps its settings
}

// installPeer installs the tool in a folder of its own.
func installPeer(ctx context.Context, dir string) (*peer, error) {
	node, nodeErr := exec.LookPath("node")
	npm, npmErr := exec.LookPath("npm")
	if err := errors.Join(nodeErr, npmErr); err != nil {
		return nil, fmt.Errorf("the official tool runs on Node.js: install node (18 or later) and npm, "+
			"for example with apt-get install nodejs npm, and see that both are on PATH: %w", err)
	}
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(home, 0o777); err != nil {
		return nil, err
	}
	install := command(ctx, npm, "install", "--no-audit", "--no-fund", "--prefix", dir, peerPackage+"@"+peerVersion)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm could not install %s %s: %w\n%s", peerPackage, peerVersion, err, tail(out))
	}
	script := filepath.Join(dir, "node_modules", filepath.FromSlash(peerPackage), "fvtt.mjs")
	return &peer{node: node, script: script, home: home}, need(script, "this version of the tool is laid out differently")
}

// unpack unpacks one pack of a folder of packs, as its users do. It writes into the pack it reads.
func (p *peer) unpack(ctx context.Context, packs, name, out string) (cost, error) {
	c := command(ctx, p.node, p.script, "package", "unpack", "-n", name, "--in", packs, "--out", filepath.Join(out, name))
	c.Env = append(os.Environ(), "HOME="+p.home, "XDG_DATA_HOME="+p.home, "XDG_CONFIG_HOME="+p.home)
	took, _, err := measure(c)
	return took, err
}

// countFiles counts the files below a folder, and their bytes.
func countFiles(dir string) (t tally, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		t.Documents++
		t.Written += info.Size()
		return nil
	})
	return t, err
}

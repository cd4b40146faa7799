package rqlite

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	binaryVariable = "CONVERTER_RQLITED"
	parentVariable = "RQLITE_TEST_PARENT_OF" // its folder: be the parent of a node
	fakePrefix     = "rqlited-"              // of the program's name: be an rqlited that misbehaves
)

// TestMain lets the test binary be the other processes of the tests.
func TestMain(m *testing.M) {
	if how, found := strings.CutPrefix(filepath.Base(os.Args[0]), fakePrefix); found {
		os.Exit(fake(how))
	}
	if dir := os.Getenv(parentVariable); dir != "" {
		parent(dir)
		os.Exit(1) // it was not killed
	}
	os.Exit(m.Run())
}

// parent starts a node, tells where it is, and waits to be killed.
func parent(dir string) {
	node, err := StartNode(context.Background(), NodeConfig{Dir: dir, Binary: os.Getenv(binaryVariable)})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(node.endpoints()[0])
	<-node.Done()
}

// fakeBinary returns the path of an rqlited that is like that.
func fakeBinary(t *testing.T, how string) string {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), fakePrefix+how)
	if err := os.Symlink(own, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// fake is what rqlited could be like.
func fake(how string) int {
	if os.Args[1] == "-version" {
		switch how {
		case "old":
			fmt.Println("rqlited v7.21.4 linux amd64")
		case "silent":
			return 1
		default:
			fmt.Fprintln(os.Stderr, "rqlited v8.43.9 linux amd64")
		}
		return 0
	}
	if how == "dies" {
		fmt.Fprintln(os.Stderr, strings.Repeat("long ", 20_000))
		fmt.Fprintln(os.Stderr, "[rqlited] no more wishes")
		return 3
	}
	if how == "tells" {
		at := slices.Index(os.Args, "-auth") + 1
		for what, path := range map[string]string{"auth.json": os.Args[at], "folder": filepath.Dir(os.Args[at])} {
			info, err := os.Stat(path)
			fmt.Fprintln(os.Stderr, what, info.Mode(), err)
		}
		fmt.Fprintln(os.Stderr, os.Args)
		return 3
	}
	if how == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Fprintln(os.Stderr, "[cluster] 2026/01/01 00:00:00 service listening on 127.0.0.1:1")
	if how != "mute" {
		fmt.Fprintf(os.Stderr, "[http] 2026/01/01 00:00:00 service listening on %s\n", listener.Addr())
	}
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok && how != "open" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if how == "deaf" { // and good at everything else
			body, _ := io.ReadAll(r.Body)
			behave(r.URL.Path, body)(w, r)
			return
		}
		fmt.Fprint(w, `{"results":[],"error":"store not open"}`)
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}

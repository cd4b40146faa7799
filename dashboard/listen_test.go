package dashboard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLoopback(t *testing.T) {
	for _, tt := range []struct{ addr, want, refused string }{
		{addr: "127.0.0.1:9000", want: "127.0.0.1:9000"},
		{addr: "127.0.0.3:9000", want: "127.0.0.3:9000"},
		{addr: "localhost:9000", want: "127.0.0.1:9000"},
		{addr: "[::1]:9000", want: "[::1]:9000"},
		{addr: ":9000", want: "127.0.0.1:9000"},
		{addr: "9000", want: "127.0.0.1:9000"},
		{addr: "0", want: "127.0.0.1:0"},
		{addr: "0.0.0.0:9000", refused: "the dashboard has no login"},
		{addr: "[::]:9000", refused: "the dashboard has no login"},
		{addr: "192.168.1.4:9000", refused: "ssh -L 9000:127.0.0.1:9000"},
		{addr: "example.org:80", refused: "the dashboard has no login"},
		{addr: "localhost", refused: "write it like 127.0.0.1:8787"},
		{addr: "127.0.0.1:", refused: "no port from 0 to 65535"},
		{addr: "127.0.0.1:70000", refused: "no port from 0 to 65535"},
		{addr: "127.0.0.1:http", refused: "no port from 0 to 65535"},
		{addr: "-1", refused: "write it like"},
	} {
		got, err := loopback(tt.addr)
		if got != tt.want || (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %q, %v", tt.addr, got, err)
		}
	}
}

func TestListen(t *testing.T) {
	ctx := t.Context()
	first, err := Listen(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Listen(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.Addr().String() == second.Addr().String() {
		t.Error("the taken port was not stepped over")
	}
	if got := URL(first.Addr(), ""); got != "http://"+first.Addr().String()+"/" {
		t.Error(got)
	}
	if got := URL(first.Addr(), "r-0042"); got != "http://"+first.Addr().String()+"/runs/r-0042" {
		t.Error(got)
	}
	if _, err := Listen(ctx, "0.0.0.0:0"); err == nil {
		t.Error("all addresses were opened")
	}
}

func TestListenSaysWhoHasThePort(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	ours := httptest.NewServer(newHouse(t).Handler())
	defer ours.Close()
	var config net.ListenConfig
	silent, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for addr, want := range map[string]string{
		other.Listener.Addr().String(): "is taken by another program;",
		ours.Listener.Addr().String():  "is taken by another converter's dashboard (http://",
		silent.Addr().String():         "is taken by another program;",
	} {
		ln, err := Listen(t.Context(), addr)
		if err == nil {
			ln.Close()
			t.Errorf("%s was opened twice", addr)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "name another address") {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

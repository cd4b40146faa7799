package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-98789ff7/converter/dashboard/page"
)

const (
	defaultPort = 8787
	portTries   = 21 // the default port and twenty after it
)

// Listen opens the port of a dashboard on this machine. An empty address is 127.0.0.1:8787, or one of the next twenty
// ports when that is taken. An address that was asked for is opened or refused, never replaced. Only loopback addresses
// are opened: the dashboard has no login. A port alone is one of 127.0.0.1, and port 0 is any free one.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr != "" {
		return listenExactly(ctx, addr)
	}
	for i := range portTries {
		ln, err := open(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(defaultPort+i)))
		if err == nil || !taken(err) {
			return ln, err
		}
	}
	return nil, fmt.Errorf("dashboard: all ports from %d to %d of 127.0.0.1 are taken; name a free one, or 127.0.0.1:0 for any",
		defaultPort, defaultPort+portTries-1)
}

func listenExactly(ctx context.Context, addr string) (net.Listener, error) {
	local, err := loopback(addr)
	if err != nil {
		return nil, err
	}
	ln, err := open(ctx, local)
	if err != nil && taken(err) {
		return nil, fmt.Errorf("dashboard: %s is taken by %s; end it, name another address, or name none to get a free port",
			local, holder(ctx, local))
	}
	return ln, err
}

// loopback returns the address to listen on, or says in words why it is none.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		if _, numeric := strconv.ParseUint(addr, 10, 16); numeric != nil {
			return "", fmt.Errorf("dashboard: %q is not an address: write it like 127.0.0.1:%d", addr, defaultPort)
		}
		host, port = "", addr
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("dashboard: %q has no port from 0 to 65535: write it like 127.0.0.1:%d", addr, defaultPort)
	}
	if host == "" || strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("dashboard: %s is refused: the dashboard has no login, so it listens on this machine alone. "+
			"Use 127.0.0.1:%s, and reach it from another machine with: ssh -L %s:127.0.0.1:%s THIS-MACHINE", addr, port, port, port)
	}
	return net.JoinHostPort(host, port), nil
}

func open(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dashboard: listen on %s: %w", addr, err)
	}
	return ln, nil
}

// taken says that a port is in use. Windows has a number of its own for that, which package syscall does not name.
func taken(err error) bool {
	const inUse = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, inUse)
}

// holder says who has a port, as far as asking it tells.
func holder(ctx context.Context, addr string) string {
	const unknown = "another program"
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", http.NoBody)
	if err != nil {
		return unknown
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return unknown
	}
	defer resp.Body.Close() //nolint:errcheck // nothing was written
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(healthy))))
	if err != nil || string(body) != healthy {
		return unknown
	}
	return "another converter's dashboard (http://" + addr + ")"
}

// URL is the address of the dashboard behind a listener, or of one run in it when an id is given.
func URL(ln net.Addr, runID string) string {
	u := url.URL{Scheme: "http", Host: ln.String(), Path: "/"}
	if runID != "" {
		return u.JoinPath(page.RunPath(runID)).String()
	}
	return u.String()
}

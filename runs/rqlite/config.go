package rqlite

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Config says where the database is and how patient a call is.
type Config struct {
	// URLs are the nodes of a cluster, all of them: http(s)://host[:4001]. Either these or Endpoints.
	URLs []string
	// Endpoints returns the URLs of the moment, none while the database is not up. It may be called at any time, from
	// any goroutine, and must not wait.
	Endpoints func() []string
	// Down returns an error once the database is gone for good; calls then end at once instead of trying on. Default:
	// it never is.
	Down func() error
	// Trouble returns what is known to be wrong at the moment, for the error of a call that gave up. Default: nothing is.
	Trouble func() error
	// User and Password are sent with each request. Default: none.
	User, Password string
	// CA holds the certificates in PEM that https nodes are trusted by. Default: those of the system.
	CA []byte
	// ReadLevel is how certain [Client.Query] is to see the last state. Default: [Weak].
	ReadLevel ReadLevel
	// AttemptTimeout is how long one attempt on one node may take. It grows when all nodes turn out to be that slow.
	// Default: 3 s, and 1 s where there is another node to go on with: a node that stands still costs a call two of
	// them at worst.
	AttemptTimeout time.Duration
	// RetryFor is how long a call tries before it gives up, unless its context ends before. Default: 30 s.
	RetryFor time.Duration
	// MaxAnswer is the largest answer accepted, in bytes. Default: 64 MiB.
	MaxAnswer int64
	// Log gets one line for every node that stops answering. Default: nothing is logged.
	Log *slog.Logger
}

// ReadLevel is one of rqlite's levels of consistency.
type ReadLevel string

const (
	// Weak asks the node that believes that it leads: one that was cut off a moment ago may be mistaken, and one that was
	// made leader a moment ago may lack what was confirmed before.
	Weak ReadLevel = "weak"
	// Linearizable makes the leader ask the others whether it still is one, which takes a round trip between them.
	Linearizable ReadLevel = "linearizable"
)

// Validate names the first field that cannot be used.
func (c Config) Validate() error {
	if (len(c.URLs) == 0) == (c.Endpoints == nil) {
		return errors.New("rqlite: exactly one of URLs and Endpoints is wanted")
	}
	for i, u := range c.URLs {
		if _, err := nodeURL(u); err != nil { // by its number, since it may hold a password
			return fmt.Errorf("rqlite: URL %d: %w", i+1, err)
		}
	}
	if c.User == "" && c.Password != "" {
		return errors.New("rqlite: a password without a user")
	}
	if strings.Contains(c.User, ":") {
		return fmt.Errorf("rqlite: user %q: a colon is not possible in a user name", c.User)
	}
	if len(c.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(c.CA) {
		return errors.New("rqlite: CA holds no certificate in PEM")
	}
	if c.ReadLevel != "" && c.ReadLevel != Weak && c.ReadLevel != Linearizable {
		return fmt.Errorf("rqlite: ReadLevel %q: it is %s or %s", c.ReadLevel, Weak, Linearizable)
	}
	if c.AttemptTimeout < 0 || c.RetryFor < 0 || c.MaxAnswer < 0 {
		return errors.New("rqlite: AttemptTimeout, RetryFor and MaxAnswer must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Endpoints == nil {
		urls := make([]string, 0, len(c.URLs))
		for _, u := range c.URLs {
			plain, _ := nodeURL(u) // validated before
			urls = append(urls, plain)
		}
		c.Endpoints = func() []string { return urls }
	}
	if c.Down == nil {
		c.Down = func() error { return nil }
	}
	if c.Trouble == nil {
		c.Trouble = func() error { return nil }
	}
	if c.ReadLevel == "" {
		c.ReadLevel = Weak
	}
	if c.AttemptTimeout == 0 {
		c.AttemptTimeout = 3 * time.Second
		if len(c.URLs) > 1 {
			c.AttemptTimeout = time.Second
		}
	}
	if c.RetryFor == 0 {
		c.RetryFor = 30 * time.Second
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = 64 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// nodeURL returns the address of a node as scheme://host:port.
func nodeURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("it must begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("it names no host")
	case u.User != nil:
		return "", errors.New("user and password do not belong into it: they have settings of their own")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("only scheme, host and port are possible")
	}
	port := u.Port()
	if port == "" {
		port = "4001" // where rqlited listens when nobody says otherwise
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port), nil
}

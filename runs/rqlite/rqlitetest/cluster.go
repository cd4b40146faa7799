//go:build linux

package rqlitetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// User is that of each cluster.
	User = "converter"
	// Password is that of the user.
	Password = "p@ss:w/ord?"

	formingLimit = 30 * time.Second
	askLimit     = time.Second
)

// Config says what a cluster is like.
type Config struct {
	Binary string // path of rqlited
	Nodes  int    // default: 3
	TLS    bool   // https, by an authority of its own
}

// Cluster is running nodes.
type Cluster struct {
	// CA is the certificate of the cluster's authority in PEM, nil without TLS.
	CA []byte

	tb     testing.TB
	config Config
	dir    string
	client *http.Client
	nodes  []*member
}

// member is one node, which keeps its addresses from start to start.
type member struct {
	http, raft string
	process    *os.Process // nil: not running
	exited     chan struct{}
}

// Start starts a cluster and returns when it has a leader. It ends with the test.
func Start(tb testing.TB, config Config) *Cluster {
	tb.Helper()
	if config.Nodes == 0 {
		config.Nodes = 3
	}
	c := &Cluster{tb: tb, config: config, dir: tb.TempDir()}
	transport := &http.Transport{DisableKeepAlives: true}
	c.client = &http.Client{Transport: transport, Timeout: askLimit}
	if config.TLS {
		c.CA = certify(tb, c.dir)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(c.CA)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	users, err := json.Marshal([]map[string]any{{"username": User, "password": Password, "perms": []string{"all"}}})
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "auth.json"), users, 0o600); err != nil {
		tb.Fatal(err)
	}
	addresses := free(tb, 2*config.Nodes)
	for i := range config.Nodes {
		c.nodes = append(c.nodes, &member{http: addresses[2*i], raft: addresses[2*i+1]})
	}
	tb.Cleanup(func() {
		for i := range c.nodes {
			c.Kill(i)
		}
	})
	for i := range c.nodes {
		c.Restart(i)
	}
	c.Leader()
	return c
}

// free returns addresses nobody listens on.
func free(tb testing.TB, n int) []string {
	tb.Helper()
	var listen net.ListenConfig
	list := make([]string, n)
	for i := range list {
		listener, err := listen.Listen(tb.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = listener.Close() }() // together, so that none is given twice
		list[i] = listener.Addr().String()
	}
	return list
}

// URLs returns where the nodes are.
func (c *Cluster) URLs() []string {
	list := make([]string, len(c.nodes))
	for i := range c.nodes {
		list[i] = c.url(i)
	}
	return list
}

func (c *Cluster) url(i int) string {
	scheme := "http://"
	if c.config.TLS {
		scheme = "https://"
	}
	return scheme + c.nodes[i].http
}

// Restart starts a node that does not run. It does not wait until the node is of use.
func (c *Cluster) Restart(i int) {
	c.tb.Helper()
	m := c.nodes[i]
	if m.process != nil {
		c.tb.Fatalf("node %d runs already", i)
	}
	output, err := os.OpenFile(filepath.Join(c.dir, fmt.Sprintf("node%d.log", i)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.tb.Fatal(err)
	}
	command := exec.CommandContext(context.WithoutCancel(c.tb.Context()), c.config.Binary, c.arguments(i)...)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	exited := make(chan struct{})
	go func() {
		runtime.LockOSThread() // the end of the thread that started it takes the process along
		defer runtime.UnlockOSThread()
		defer close(exited)
		defer func() { _ = output.Close() }()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // it is killed in the end
		}
	}()
	if err := <-started; err != nil {
		c.tb.Fatal(err)
	}
	m.process, m.exited = command.Process, exited
}

func (c *Cluster) arguments(i int) []string {
	m := c.nodes[i]
	join := make([]string, len(c.nodes))
	for k, other := range c.nodes {
		join[k] = other.raft
	}
	list := []string{
		"-node-id", fmt.Sprint(i), "-http-addr", m.http, "-raft-addr", m.raft, "-auth", filepath.Join(c.dir, "auth.json"),
		"-raft-timeout=250ms", "-raft-election-timeout=250ms", "-raft-leader-lease-timeout=250ms", "-raft-snap=1024",
	}
	if len(join) > 1 {
		list = append(list, fmt.Sprintf("-bootstrap-expect=%d", len(join)), "-join", strings.Join(join, ","), "-join-as", User)
	}
	if c.config.TLS {
		list = append(list, "-http-cert", filepath.Join(c.dir, certFile), "-http-key", filepath.Join(c.dir, keyFile))
	}
	return append(list, filepath.Join(c.dir, fmt.Sprintf("node%d", i)))
}

// Kill ends a node with no chance to say goodbye. One that does not run is left alone.
func (c *Cluster) Kill(i int) {
	c.tb.Helper()
	m := c.nodes[i]
	if m.process == nil {
		return
	}
	if err := m.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.tb.Errorf("kill node %d: %v", i, err)
	}
	<-m.exited
	m.process = nil
}

// Freeze stops a node where it stands: its connections stay open, and nothing answers.
func (c *Cluster) Freeze(i int) { c.signal(i, syscall.SIGSTOP) }

// Thaw lets a frozen node go on.
func (c *Cluster) Thaw(i int) { c.signal(i, syscall.SIGCONT) }

func (c *Cluster) signal(i int, s syscall.Signal) {
	c.tb.Helper()
	if err := c.nodes[i].process.Signal(s); err != nil {
		c.tb.Errorf("node %d: %v: %v", i, s, err)
	}
}

// Leader waits until exactly one node says that it leads, and returns it.
func (c *Cluster) Leader() int {
	c.tb.Helper()
	for deadline := time.Now().Add(formingLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var leaders []int
		for i, m := range c.nodes {
			if m.process != nil && c.leads(i) {
				leaders = append(leaders, i)
			}
		}
		if len(leaders) == 1 {
			return leaders[0]
		}
	}
	c.fatal("the cluster has no leader")
	return 0
}

func (c *Cluster) leads(i int) bool {
	var status struct {
		Store struct {
			Raft struct {
				State string `json:"state"`
			} `json:"raft"`
		} `json:"store"`
	}
	text, err := c.ask(i, http.MethodGet, "/status", nil)
	return err == nil && json.Unmarshal(text, &status) == nil && status.Store.Raft.State == "Leader"
}

// Whole waits until all nodes hold the same rows, and returns them as the nodes write them. The query needs an order.
func (c *Cluster) Whole(query string) string {
	c.tb.Helper()
	body, err := json.Marshal([]string{query})
	if err != nil {
		c.tb.Fatal(err)
	}
	var copies []string
	for deadline := time.Now().Add(formingLimit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		copies = copies[:0]
		for i := range c.nodes {
			text, err := c.ask(i, http.MethodPost, "/db/query?level=none", body)
			copies = append(copies, fmt.Sprint(string(text), err))
		}
		same := true
		for _, text := range copies {
			same = same && text == copies[0]
		}
		if same && strings.Contains(copies[0], `"values"`) {
			return copies[0]
		}
	}
	for i, text := range copies {
		c.tb.Logf("node %d: %.2000s", i, text)
	}
	c.fatal("the nodes do not hold the same rows")
	return ""
}

// ask sends one request to one node.
func (c *Cluster) ask(i int, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(c.tb.Context()), method, c.url(i)+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(User, Password)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: %.200s", response.StatusCode, text)
	}
	return text, nil
}

// fatal ends the test with the last words of all nodes.
func (c *Cluster) fatal(what string) {
	c.tb.Helper()
	for i := range c.nodes {
		text, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprintf("node%d.log", i)))
		c.tb.Logf("node %d: %s %v", i, text[max(0, len(text)-2000):], err)
	}
	c.tb.Fatal(what)
}

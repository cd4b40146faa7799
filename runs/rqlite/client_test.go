package rqlite

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// liar is a server that speaks like a node and can be told to answer wrongly.
type liar struct {
	*httptest.Server

	mu      sync.Mutex
	script  []reply // what it answers, one after the other; then it behaves
	writes  int     // how many requests it carried out
	paths   []string
	bodies  []string
	queries []string
	hung    chan struct{}
}

// reply answers a request; done says whether the node carries it out nevertheless.
type reply struct {
	done  bool
	serve http.HandlerFunc
}

func says(status int, body string) reply {
	return reply{serve: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}}
}

// cuts ends the answer in the middle, as a node does that dies while it speaks.
func cuts() reply {
	return reply{done: true, serve: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "500")
		fmt.Fprint(w, `{"results":[{"last_insert_id":1,"rows_`)
	}}
}

func drops() reply {
	return reply{done: true, serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{hung: make(chan struct{})}
	l.Server = httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(func() {
		close(l.hung)
		l.Close()
	})
	return l
}

// hangs keeps the request until the test is over.
func (l *liar) hangs() reply {
	return reply{serve: func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-l.hung:
		case <-r.Context().Done():
		}
	}}
}

func (l *liar) lie(script ...reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.script = script
}

func (l *liar) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	l.paths = append(l.paths, r.URL.Path)
	l.bodies = append(l.bodies, string(body))
	l.queries = append(l.queries, r.URL.RawQuery)
	next := reply{done: true, serve: behave(r.URL.Path, body)}
	if len(l.script) > 0 {
		next, l.script = l.script[0], l.script[1:]
	}
	if next.done {
		l.writes++
	}
	l.mu.Unlock()
	next.serve(w, r)
}

func (l *liar) seen() (requests, writes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.paths), l.writes
}

// behave answers each statement as a node would.
func behave(path string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		var statements [][]any
		if json.Unmarshal(body, &statements) != nil {
			http.Error(w, "invalid JSON body", http.StatusBadRequest)
			return
		}
		var results []string
		for i := range statements {
			if path == "/db/query" || (path == "/db/request" && i == len(statements)-1) {
				results = append(results, `{"columns":["a"],"types":["integer"],"values":[[1],[2]]}`)
			} else {
				results = append(results, `{"last_insert_id":1,"rows_affected":1}`)
			}
		}
		fmt.Fprintf(w, `{"results":[%s],"time":0.1}`, strings.Join(results, ","))
	}
}

// soon is an attempt's time limit for tests in which a node hangs.
const soon = 150 * time.Millisecond

func open(t *testing.T, config Config) *Client {
	t.Helper()
	if config.RetryFor == 0 {
		config.RetryFor = 20 * time.Second
	}
	client, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

var insert = Statement{SQL: "INSERT INTO t(a) VALUES(?) ON CONFLICT DO NOTHING", Args: []any{1}}

func TestApplyRetriesWhatIsNoSuccess(t *testing.T) {
	for name, lie := range map[string]reply{
		"store not open":      says(200, `{"results":[],"error":"store not open"}`),
		"not leader":          says(200, `{"results":[],"error":"not leader"}`),
		"disk full":           says(200, `{"results":[],"error":"write /x: no space left on device"}`),
		"disk full in SQLite": says(200, `{"results":[{"error":"database or disk is full"}]}`),
		"no results":          says(200, `{"results":[]}`),
		"no results key":      says(200, `{}`),
		"too few results":     says(200, `{"results":[{"rows_affected":1}]}`),
		"too many results":    says(200, `{"results":[{},{},{}]}`),
		"not JSON":            says(200, `<html>welcome</html>`),
		"half an answer":      says(200, `{"results":[{"rows_aff`),
		"empty answer":        says(200, ``),
		"no leader":           says(503, `leader not found`),
		"internal error":      says(500, `leadership lost while committing log`),
		"bad gateway":         says(502, `bad gateway`),
		"redirect":            says(301, ``),
		"lost answer":         drops(),
		"cut answer":          cuts(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newLiar(t)
			client := open(t, Config{URLs: []string{server.URL}})
			server.lie(lie, lie)
			results, err := client.Apply(t.Context(), insert, insert)
			if err != nil || len(results) != 2 || results[1].RowsAffected != 1 {
				t.Fatalf("got %v, %v", results, err)
			}
			if requests, _ := server.seen(); requests != 4 { // one for Open
				t.Errorf("%d requests", requests)
			}
		})
	}
}

func TestApplySaysThatTheOutcomeIsUnknown(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}, RetryFor: 300 * time.Millisecond})
	var lies []reply
	for range 50 {
		lies = append(lies, says(200, `{"results":[],"error":"store not open"}`))
	}
	server.lie(lies...)
	_, err := client.Apply(t.Context(), insert)
	var outcome *OutcomeError
	if !errors.As(err, &outcome) || !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if outcome.Attempts < 2 || !strings.Contains(err.Error(), "store not open") {
		t.Errorf("after %d attempts: %v", outcome.Attempts, err)
	}
	_, err = client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"})
	if errors.Is(err, ErrUnknown) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a read has no unknown outcome: %v", err)
	}
}

func TestCancelledCallEndsAtOnce(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}, AttemptTimeout: time.Minute, RetryFor: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	server.lie(reply{serve: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}})
	_, err := client.Apply(ctx, insert)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestFinalErrorsAreNotRetried(t *testing.T) {
	for name, test := range map[string]struct {
		lie  reply
		want error
	}{
		"unauthorized":     {says(401, ""), ErrUnauthorized},
		"bad request":      {says(400, "invalid JSON body"), ErrRejected},
		"not a node":       {says(404, "nothing here"), ErrRejected},
		"SQL rewrite":      {says(500, "SQL rewrite: near x"), ErrRejected},
		"forbidden pragma": {says(200, `{"results":[],"error":"disallowed PRAGMA"}`), ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newLiar(t)
			client := open(t, Config{URLs: []string{server.URL}})
			for _, call := range []func() error{
				func() error { _, err := client.Apply(t.Context(), insert); return err },
				func() error { _, err := client.Query(t.Context(), Statement{SQL: "SELECT 1"}); return err },
				func() error { _, err := client.QueryLinear(t.Context(), Statement{SQL: "SELECT 1"}); return err },
				func() error { _, err := client.Claim(t.Context(), insert, Statement{SQL: "SELECT 1"}); return err },
			} {
				before, _ := server.seen()
				server.lie(test.lie)
				if err := call(); !errors.Is(err, test.want) || errors.Is(err, ErrUnavailable) {
					t.Errorf("got %v", err)
				}
				if after, _ := server.seen(); after != before+1 {
					t.Errorf("%d requests", after-before)
				}
			}
		})
	}
}

func TestStatementErrorNamesTheStatement(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	const failed = `{"results":[{"rows_affected":1},{"error":"UNIQUE constraint failed: t.a"}]}`
	server.lie(drops(), says(200, failed))
	_, err := client.Apply(t.Context(), insert, Statement{SQL: "INSERT INTO\n\tt(a) VALUES(2)"}, insert)
	var failure *StatementError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v", err)
	}
	if failure.Index != 1 || failure.SQL != "INSERT INTO t(a) VALUES(2)" || !failure.Duplicate() || failure.Attempts != 2 {
		t.Errorf("got %+v", failure)
	}
	missing := says(200, `{"results":[{"error":"no such table: t"}]}`)
	server.lie(missing)
	if rows, err := client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"}); err != nil || rows.Len() != 2 ||
		!strings.Contains(server.queries[len(server.queries)-1], "level=linearizable") {
		t.Errorf("a new leader that has not come to the table yet: %v, %v", rows, err)
	}
	server.lie(missing, missing)
	if _, err = client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"}); !errors.As(err, &failure) || failure.Duplicate() {
		t.Errorf("got %v", err)
	}
	server.lie(says(200, `{"results":[{"rows_affected":1},{"error":"no such column: b"}]}`))
	if _, err = client.Claim(t.Context(), insert, Statement{SQL: "SELECT b FROM t"}); !errors.As(err, &failure) || failure.Index != 1 {
		t.Errorf("got %v", err)
	}
}

func TestFailoverAcrossNodes(t *testing.T) {
	leader, follower := newLiar(t), newLiar(t)
	client := open(t, Config{URLs: []string{leader.URL, follower.URL}, AttemptTimeout: soon})
	if _, err := client.Apply(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	if requests, _ := follower.seen(); requests != 0 {
		t.Errorf("the second node was asked %d times without need", requests)
	}
	before, _ := leader.seen()
	leader.lie(leader.hangs(), leader.hangs(), leader.hangs())
	for range 3 {
		if _, err := client.Apply(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := leader.seen(); after != before+1 {
		t.Errorf("the hung node was asked %d times, not once", after-before)
	}
	if _, writes := follower.seen(); writes < 3 {
		t.Errorf("%d writes went to the second node, not 3", writes)
	}
	// Leadership comes back, and the second node goes away for good.
	leader.lie()
	follower.Server.CloseClientConnections()
	follower.Server.Listener.Close()
	for range 3 {
		if _, err := client.Apply(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEachFailureMovesToTheNextNode(t *testing.T) {
	a, b := newLiar(t), newLiar(t)
	client := open(t, Config{URLs: []string{a.URL, b.URL}})
	a.lie(says(503, "leader not found"), says(503, "leader not found"))
	b.lie(says(503, "leader not found"), says(503, "leader not found"))
	if _, err := client.Apply(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	requestsA, _ := a.seen()
	requestsB, _ := b.seen()
	if requestsA != 4 || requestsB != 2 { // one of a's for Open
		t.Errorf("%d and %d requests, not 4 and 2", requestsA, requestsB)
	}
}

func TestClientFollowsMovingEndpoint(t *testing.T) {
	first, second := newLiar(t), newLiar(t)
	var (
		mu   sync.Mutex
		urls = []string{first.URL}
		down error
	)
	client := open(t, Config{
		Endpoints: func() []string { mu.Lock(); defer mu.Unlock(); return urls },
		Down:      func() error { mu.Lock(); defer mu.Unlock(); return down },
	})
	asked := make(chan struct{})
	first.lie(reply{serve: func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		urls = nil
		mu.Unlock()
		close(asked)
		panic(http.ErrAbortHandler)
	}})
	done := make(chan error, 1)
	go func() {
		_, err := client.Apply(t.Context(), insert)
		done <- err
	}()
	<-asked
	mu.Lock()
	urls = []string{second.URL}
	mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, writes := second.seen(); writes != 1 {
		t.Errorf("%d writes", writes)
	}
	if n := len(client.nodes); n != 1 {
		t.Errorf("%d nodes are remembered, not 1", n)
	}
	gone := errors.New("gone for good")
	mu.Lock()
	urls, down = nil, gone
	mu.Unlock()
	if _, err := client.Apply(t.Context(), insert); !errors.Is(err, gone) || !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestSlowNodeGetsMoreTime(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}, AttemptTimeout: 40 * time.Millisecond})
	var slow []reply
	for range 200 {
		slow = append(slow, reply{done: true, serve: func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(200 * time.Millisecond):
				fmt.Fprint(w, `{"results":[{"rows_affected":1}]}`)
			case <-r.Context().Done():
			}
		}})
	}
	server.lie(slow...)
	if _, err := client.Apply(t.Context(), insert); err != nil {
		t.Fatalf("a node that needs 200 ms was never given them: %v", err)
	}
	before, _ := server.seen()
	for range 3 {
		if _, err := client.Apply(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := server.seen(); after != before+3 {
		t.Errorf("three calls took %d requests: what the first one learned about the node is forgotten", after-before)
	}
	server.lie() // it is fast again
	if _, err := client.Apply(t.Context(), insert); err != nil || client.learned() != 0 {
		t.Errorf("%v; a fast node is given %d rounds", err, client.learned())
	}
}

func TestQueryLengthsAndRows(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	for _, lie := range []string{`{"results":[]}`, `{"results":[],"error":"stale read"}`, `{"results":[{},{}]}`, `{}`} {
		server.lie(says(200, lie))
		rows, err := client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"})
		if err != nil || rows.Len() != 2 {
			t.Errorf("after %s: %v, %v", lie, rows, err)
		}
	}
	server.lie(says(200, `{"results":[{"columns":["a","b"],"types":["integer","text"],"values":[[1]]}]}`))
	if rows, err := client.Query(t.Context(), Statement{SQL: "SELECT a, b FROM t"}); err != nil || rows.Len() != 2 {
		t.Errorf("after a row that is too short: %v, %v", rows, err)
	}
	server.lie(drops(), cuts())
	if rows, err := client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"}); err != nil || rows.Len() != 2 {
		t.Errorf("after an answer that was lost and one that was cut: %v, %v", rows, err)
	}
	server.lie(says(200, `{"results":[{"columns":["a"],"types":["integer"]}]}`))
	if rows, err := client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"}); err != nil || rows.Len() != 0 || rows.Next() {
		t.Errorf("no rows: %v, %v", rows, err)
	}
}

func TestAnswerBeyondMeasure(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}, MaxAnswer: 1000})
	server.lie(says(200, `{"results":[{"columns":["a"],"values":[["`+strings.Repeat("a", 2000)+`"]]}]}`))
	if _, err := client.Query(t.Context(), Statement{SQL: "SELECT a FROM t"}); !errors.Is(err, ErrRejected) {
		t.Errorf("got %v", err)
	}
}

func TestClaimWantsWriteThenRead(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	server.lie(drops())
	rows, err := client.Claim(t.Context(), insert, Statement{SQL: "SELECT a FROM t"})
	if err != nil || rows.Len() != 2 {
		t.Errorf("got %v, %v", rows, err)
	}
	server.lie(says(200, `{"results":[{"rows_affected":1},{"rows_affected":1}]}`))
	if _, err := client.Claim(t.Context(), insert, insert); !errors.Is(err, ErrRejected) {
		t.Errorf("two writes: %v", err)
	}
}

func TestStatementsThatAreRefused(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	before, _ := server.seen()
	for name, statement := range map[string]Statement{
		"no SQL":          {SQL: " \n"},
		"BEGIN":           {SQL: " begin"},
		"COMMIT":          {SQL: "COMMIT;"},
		"RETURNING":       {SQL: "INSERT INTO t(a) VALUES(1) RETURNING a"},
		"bytes":           {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{[]byte("a")}},
		"byte literal":    {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{" X'4142'\n"}},
		"not UTF-8":       {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{"\xff"}},
		"NaN":             {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{nan()}},
		"too large":       {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{uint64(1) << 63}},
		"time":            {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{time.Now()}},
		"struct":          {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{struct{}{}}},
		"pointer":         {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{new(int)}},
		"slice of values": {SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{[]int{1}}},
	} {
		if _, err := client.Apply(t.Context(), insert, statement); !errors.Is(err, ErrRejected) || !strings.Contains(err.Error(), "statement 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := client.Apply(t.Context()); !errors.Is(err, ErrRejected) {
		t.Errorf("no statements: %v", err)
	}
	if after, _ := server.seen(); after != before {
		t.Errorf("%d requests were sent", after-before)
	}
	for _, value := range []any{"x'41", "x'4g'", "x", "'41'", "ax'41'", "x'414'"} {
		if _, err := client.Apply(t.Context(), Statement{SQL: "INSERT INTO t(a) VALUES(?)", Args: []any{value}}); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func TestPasswordGoesToNodesAlone(t *testing.T) {
	stranger := newLiar(t)
	const user, password = "someone", "p@ss:w/ord?"
	var wrong int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			wrong++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "elsewhere") {
			http.Redirect(w, r, stranger.URL+"/db/query", http.StatusTemporaryRedirect)
			return
		}
		behave(r.URL.Path, body)(w, r)
	}))
	defer server.Close()
	client := open(t, Config{URLs: []string{server.URL}, User: user, Password: password, RetryFor: 200 * time.Millisecond})
	if _, err := client.Apply(t.Context(), insert); err != nil || wrong != 0 {
		t.Errorf("%v, refused %d times", err, wrong)
	}
	_, err := client.Query(t.Context(), Statement{SQL: "SELECT elsewhere"})
	if err == nil || strings.Contains(err.Error(), "ord?") || strings.Contains(err.Error(), user) {
		t.Errorf("got %v", err)
	}
	if requests, _ := stranger.seen(); requests != 0 {
		t.Error("a redirect was followed")
	}
	if _, err := Open(t.Context(), Config{URLs: []string{server.URL}, User: user, Password: "wrong"}); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		behave(r.URL.Path, body)(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	client := open(t, Config{URLs: []string{server.URL}, CA: own, AttemptTimeout: 5 * time.Second})
	if _, err := client.Apply(t.Context(), insert); err != nil {
		t.Error(err)
	}
	began := time.Now()
	if _, err := Open(t.Context(), Config{URLs: []string{server.URL}}); !errors.Is(err, ErrRejected) || time.Since(began) > 5*time.Second {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func TestReadLevel(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}, ReadLevel: Linearizable})
	if _, err := client.Query(t.Context(), Statement{SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	if last := server.queries[len(server.queries)-1]; !strings.Contains(last, "level=linearizable") {
		t.Errorf("asked with %s", last)
	}
}

// A node without a leader, one that points elsewhere and one that lost its answer are passed by until one of them, which
// has become the leader meanwhile, confirms.
func TestLeaderMovesAbout(t *testing.T) {
	a, b, c := newLiar(t), newLiar(t), newLiar(t)
	client := open(t, Config{URLs: []string{a.URL, b.URL, c.URL}})
	notLeader := says(200, `{"results":[],"error":"not leader"}`)
	elsewhere := reply{serve: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, a.URL+r.URL.Path, http.StatusMovedPermanently)
	}}
	a.lie(notLeader, says(503, "leader not found"))
	b.lie(elsewhere, drops())
	c.lie(cuts(), notLeader)
	results, err := client.Apply(t.Context(), insert)
	if err != nil || len(results) != 1 || results[0].RowsAffected != 1 {
		t.Fatalf("got %v, %v", results, err)
	}
	for name, server := range map[string]*liar{"a": a, "b": b, "c": c} {
		server.mu.Lock()
		if left := len(server.script); left != 0 {
			t.Errorf("node %s was passed by: %d lies are left", name, left)
		}
		server.mu.Unlock()
	}
	if n, _ := a.seen(); n != 4 { // Open, and the third round
		t.Errorf("the leader was asked %d times", n)
	}
}

func TestOpenAsksThroughTheLog(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	if _, err := client.Query(t.Context(), Statement{SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.QueryLinear(t.Context(), Statement{SQL: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"level=strong", "level=weak", "level=linearizable", "transaction"} {
		if !strings.Contains(server.queries[i], want) {
			t.Errorf("request %d: %s, want %s", i, server.queries[i], want)
		}
	}
}

func TestClosedClient(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), insert); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestAdvice(t *testing.T) {
	var servers [4]*liar
	var urls []string
	for i := range servers {
		servers[i] = newLiar(t)
		urls = append(urls, servers[i].URL)
	}
	client := open(t, Config{URLs: urls})
	servers[0].lie(says(200, `{"build":{"version":"v8.43.4"},"store":{"snapshot_threshold":1024}}`))
	servers[1].lie(says(200, `{"build":{"version":"v9.1.0"},"store":{"snapshot_threshold":8192}}`))
	servers[2].lie(says(401, ""))
	servers[3].lie(says(200, "status"))
	got := client.Advice(t.Context())
	if len(got) != 2 || !strings.Contains(got[0], "v9.1.0") || !strings.Contains(got[1], "-raft-snap=1024") ||
		!strings.Contains(got[1], servers[1].URL) {
		t.Errorf("got %q", got)
	}
}

func TestVacuumOnlyWhenItPays(t *testing.T) {
	server := newLiar(t)
	client := open(t, Config{URLs: []string{server.URL}})
	sizes := func(free, pages int) reply {
		return says(200, fmt.Sprintf(`{"results":[{"columns":["f","p"],"values":[[%d,%d]]}]}`, free, pages))
	}
	server.lie(sizes(50, 100))
	if done, err := client.Vacuum(t.Context()); done || err != nil {
		t.Errorf("half is free: %v, %v", done, err)
	}
	server.lie(sizes(51, 100), says(200, `{"results":[{"rows_affected":0}]}`), says(204, ""))
	if done, err := client.Vacuum(t.Context()); !done || err != nil {
		t.Errorf("more than half is free: %v, %v", done, err)
	}
	last := len(server.paths)
	if server.paths[last-1] != "/snapshot" || server.paths[last-2] != "/db/execute" || strings.Contains(server.queries[last-2], "transaction") {
		t.Errorf("requests: %v %v", server.paths, server.queries)
	}
	server.lie(sizes(51, 100), says(200, `{"results":[],"error":"store not open"}`))
	if done, err := client.Vacuum(t.Context()); done || !errors.Is(err, ErrUnavailable) {
		t.Errorf("not done: %v, %v", done, err)
	}
	for _, status := range []int{200, 204} {
		server.lie(says(status, ""))
		if err := client.Snapshot(t.Context()); err != nil {
			t.Error(err)
		}
	}
	server.lie(says(500, "busy"), says(401, ""))
	if err := client.Snapshot(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := client.Snapshot(t.Context()); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

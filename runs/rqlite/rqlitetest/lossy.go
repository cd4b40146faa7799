package rqlitetest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// Lossy returns the URL of a way to the node at target on which each n-th answer is lost after the node has done what was
// asked. It ends with the test.
func Lossy(tb testing.TB, target string, n int64) string {
	tb.Helper()
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	var count atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(*http.Response) error {
		if count.Add(1)%n == 0 {
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	tb.Cleanup(server.Close)
	return server.URL
}

package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestDownloads: an address that many want at once is fetched once, and others do not wait for it.
func TestDownloads(t *testing.T) {
	var same, other atomic.Int64
	begun, let := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		if r.URL.Path == "/other" {
			other.Add(1)
		} else if same.Add(1) == 1 {
			close(begun)
			<-let
		}
		_, _ = w.Write([]byte("picture"))
	}))
	defer server.Close()
	j := &job{state: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	client, meeting := j.downloader()
	get := func(ctx context.Context, path string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(body, []byte("picture")) {
			t.Errorf("%s: %q, %v", path, body, err)
		}
		return nil
	}
	const workers = 4
	var wg sync.WaitGroup
	fetch := func(path string) {
		wg.Go(func() {
			if err := get(t.Context(), path); err != nil {
				t.Error(err)
			}
		})
	}
	fetch("/same")
	<-begun
	for i := range workers - 1 {
		fetch("/same#" + string(rune('a'+i)))
	}
	if err := get(t.Context(), "/other"); err != nil {
		t.Error(err)
	}
	for meeting().Waits < workers-1 { // until all have come
		runtime.Gosched()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := get(ended, "/same"); err == nil {
		t.Error("somebody who has gone waits")
	}
	close(let)
	wg.Wait()
	if same.Load() != 1 || other.Load() != 1 {
		t.Errorf("fetched %d and %d times, want once each", same.Load(), other.Load())
	}
	if m := meeting(); m.Contended != 1 || m.Waits != workers-1 || m.Calls < workers+1 {
		t.Errorf("%+v", m)
	}
}

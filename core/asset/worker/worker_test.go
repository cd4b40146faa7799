package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/internal/child"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// role says in the environment what the test binary is to be.
const role = "CONVERTER_TEST_WORKER"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "good":
		if err := Serve(context.Background(), os.Stdin, os.Stdout, 256); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	case "panics":
		_, _ = read(os.Stdin, &request{})
		panic("the codec stumbled")
	case "greedy":
		_, _ = read(os.Stdin, &request{})
		if err := child.LimitMemory(300 << 20); err != nil {
			panic(err)
		}
		var held [][]byte
		for range 128 {
			held = append(held, bytes.Repeat([]byte{1}, 16<<20))
		}
		fmt.Println(len(held))
	case "hangs":
		_, _ = read(os.Stdin, &request{})
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "burns":
		_, _ = read(os.Stdin, &request{})
		for {
			runtime.Gosched()
		}
	case "babbles":
		_, _ = read(os.Stdin, &request{})
		fmt.Print("no message at all, and a long one")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "forgets": // dies of the second picture, and of no other
		_, _ = read(os.Stdin, &request{})
	}
}

func pool(t *testing.T, as string) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(role, as)
	p := New(Config{Command: []string{self}})
	t.Cleanup(p.Close)
	return p
}

func drawing(t *testing.T, seed byte) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 60, 40))
	for i := range 60 * 40 {
		m.SetNRGBA(i%60, i/60, color.NRGBA{R: seed, G: byte(i), B: byte(i >> 8), A: byte(200 + i%56)})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withoutTimes is a result without what differs from call to call.
func withoutTimes(r asset.Result) asset.Result {
	r.Times = asset.Times{}
	return r
}

// TestRenderIsTheSame: what comes from a process is what would be made in this one, errors too.
func TestRenderIsTheSame(t *testing.T) {
	p := pool(t, "good")
	whole := drawing(t, 1)
	for name, data := range map[string][]byte{
		"picture": whole, "cut": whole[:len(whole)/2], "sound": []byte("OggS\x00"), "text": []byte("words"), "empty": {},
		"vector": []byte(`<svg viewBox="0 0 9 8"/>`), "broken": bytes.Replace(bytes.Clone(whole), []byte("IDAT"), []byte("IDAT\xff"), 1),
	} {
		c := asset.Config{Resolutions: []asset.Resolution{{Name: "small", Box: 20}, {Name: "large", Box: 100}, {Name: "huge", Box: 200}}}
		want, wantErr := asset.Render(t.Context(), data, c)
		got, err := p.Render(t.Context(), data, c)
		if !reflect.DeepEqual(withoutTimes(got), withoutTimes(want)) || asset.CodeOf(err) != asset.CodeOf(wantErr) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %+v, %v\nwant %+v, %v", name, got, err, want, wantErr)
		}
	}
	if len(p.idle) != 1 {
		t.Errorf("%d processes for one picture after the other", len(p.idle))
	}
}

// TestHostile: each file of the hostile set gets its outcome, and the process lives on.
func TestHostile(t *testing.T) {
	p := pool(t, "good")
	dir := testdata.Dir(t, "images", "hostile")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(dir + "/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 1<<19 {
			continue // sound, and slow with the built-in encoder
		}
		_, err = p.Render(t.Context(), data, asset.Config{Resolutions: []asset.Resolution{{Name: "a", Box: 64}}})
		if err != nil && (asset.CodeOf(err) == "" || asset.CodeOf(err) == asset.CodeQuarantined) {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
	if len(p.idle) != 1 {
		t.Errorf("%d processes are left", len(p.idle))
	}
}

func TestQuarantine(t *testing.T) {
	data := drawing(t, 2)
	for as, cause := range map[string]string{
		"panics": "the codec stumbled", "greedy": "memory", "babbles": "a part of", "forgets": "EOF",
	} {
		if as == "greedy" && runtime.GOOS != "linux" {
			continue
		}
		t.Run(as, func(t *testing.T) {
			p := pool(t, as)
			res, err := p.Render(t.Context(), data, asset.Config{})
			if asset.CodeOf(err) != asset.CodeQuarantined || !strings.Contains(err.Error(), cause) {
				t.Errorf("got %v, want something about %q", err, cause)
			}
			if len(res.Renditions) != 1 || !bytes.Equal(res.Renditions[0].Data, data) || !res.Renditions[0].Kept || res.Width != 60 {
				t.Errorf("the original is not kept: %+v", res)
			}
			if len(p.idle) != 0 {
				t.Error("a dead process is kept")
			}
		})
	}
}

func TestNoProgram(t *testing.T) {
	p := New(Config{Command: []string{"/nowhere/converter"}})
	defer p.Close()
	if _, err := p.Render(t.Context(), drawing(t, 3), asset.Config{}); asset.CodeOf(err) != asset.CodeFailed || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
}

// TestDeadline: a process that does not come back is killed when the time is up, and nobody is blamed for it.
func TestDeadline(t *testing.T) {
	p := pool(t, "hangs")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	res, err := p.Render(ctx, drawing(t, 4), asset.Config{})
	if !errors.Is(err, context.DeadlineExceeded) || res.Renditions != nil {
		t.Errorf("got %+v, %v", res, err)
	}
}

// TestLimit: a process that keeps a core busy is killed when it has used what it may, and one that only waits is left to the clock.
func TestLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux says what a process has used")
	}
	for as, busy := range map[string]bool{"burns": true, "hangs": false} {
		t.Run(as, func(t *testing.T) {
			p := pool(t, as)
			p.config.Limit = func(h asset.Header) time.Duration {
				if h.Width != 60 {
					t.Errorf("it is asked for a picture of %d pixels", h.Width)
				}
				return 600 * time.Millisecond
			}
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if !busy {
				ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
			}
			defer cancel()
			res, err := p.Render(ctx, drawing(t, 6), asset.Config{})
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errBusy) != busy || res.Renditions != nil {
				t.Errorf("got %+v, %v", res, err)
			}
			if len(p.idle) != 0 {
				t.Error("a dead process is kept")
			}
		})
	}
}

// TestManyAtOnce: each caller gets its own picture back.
func TestManyAtOnce(t *testing.T) {
	p := pool(t, "good")
	c := asset.Config{Resolutions: []asset.Resolution{{Name: "a", Box: 30}}}
	var group sync.WaitGroup
	for seed := range byte(4) {
		group.Go(func() {
			data := drawing(t, seed)
			want, err := asset.Render(t.Context(), data, c)
			if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				got, err := p.Render(t.Context(), data, c)
				if err != nil || !reflect.DeepEqual(withoutTimes(got), withoutTimes(want)) {
					t.Errorf("picture %d: %v", seed, err)
				}
			}
		})
	}
	group.Wait()
	if n := len(p.idle); n < 1 || n > 4 {
		t.Errorf("%d processes", n)
	}
}

func TestClosed(t *testing.T) {
	p := pool(t, "good")
	p.Close()
	if _, err := p.Render(t.Context(), drawing(t, 5), asset.Config{}); asset.CodeOf(err) != asset.CodeFailed {
		t.Errorf("got %v", err)
	}
}

// TestMessages: what is written is read, and what was not is refused without taking its word for how long it is.
func TestMessages(t *testing.T) {
	var b bytes.Buffer
	if err := write(&b, request{Encoder: "x"}, []byte("one"), nil, []byte("three")); err != nil {
		t.Fatal(err)
	}
	whole := bytes.Clone(b.Bytes())
	var q request
	blobs, err := read(&b, &q)
	if err != nil || q.Encoder != "x" || len(blobs) != 3 || string(blobs[2]) != "three" || len(blobs[1]) != 0 {
		t.Errorf("got %q, %+v, %v", blobs, q, err)
	}
	if _, err := read(&b, &q); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	for n := 1; n < len(whole); n++ {
		if _, err := read(bytes.NewReader(whole[:n]), &q); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut off after %d: %v", n, err)
		}
	}
	if _, err := read(strings.NewReader("\xff\xff\xff\xff"), &q); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an endless message: %v", err)
	}
}

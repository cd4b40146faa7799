package child

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// role says in the environment what the test binary is to be.
const role = "CONVERTER_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "greedy":
		if err := LimitMemory(300 << 20); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		held := bytes.Repeat([]byte{1}, 600<<20)
		fmt.Fprintln(os.Stderr, "has", len(held))
	case "parent":
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), role+"=deaf")
		c.Stdout = os.Stdout // which stays open as long as one of the two lives
		Bind(c)
		if err := c.Start(); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("started")
		_ = c.Wait()
	case "deaf":
		time.Sleep(time.Minute)
	}
}

func as(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux sees to it that a process dies with another, and keeps to its memory")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(os.Environ(), role+"="+what)
	return c
}

// TestBind: a process that listens to nobody dies with the one that started it.
func TestBind(t *testing.T) {
	c := as(t, "parent")
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout = in
	if err := errors.Join(c.Start(), in.Close(), out.SetReadDeadline(time.Now().Add(30*time.Second))); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("started\n"))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "started\n" {
		t.Fatalf("it says %q, %v", said, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil { // it comes to its end when both are gone
		t.Errorf("something lives on: %v", err)
	}
	_ = c.Wait() // it was killed
}

// TestLimitMemory: a process gets no more than it allowed itself.
func TestLimitMemory(t *testing.T) {
	said, err := as(t, "greedy").CombinedOutput()
	// Of what it dies Go's runtime says in several ways, and its collector may stumble first.
	if _, died := errors.AsType[*exec.ExitError](err); !died || strings.Contains(string(said), "has ") {
		t.Errorf("%v, it says %s", err, said)
	}
}

// TestCPU: what a process does counts, and of one that is not there nothing is known.
func TestCPU(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux says what a process has used")
	}
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for now, sum := before, 0; now < before+50*time.Millisecond; {
		for i := range 1 << 20 {
			sum += i
		}
		if now, err = CPU(os.Getpid()); err != nil || sum == 0 {
			t.Fatal(err)
		}
	}
	if _, err := CPU(1 << 30); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

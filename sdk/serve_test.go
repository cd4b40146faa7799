package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// role is the variable that makes the test binary a plugin, or the parent of one.
const role = "SDK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "plugin":
		Serve(reads(func(context.Context, ReadRequest, Writer) error { return nil }))
	case "parent":
		beParent()
	default:
		os.Exit(m.Run())
	}
}

// beParent starts a plugin as a host would, prints its process id and ends without it.
func beParent() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=plugin", sourcepb.CookieKey+"="+sourcepb.CookieValue,
		fmt.Sprintf("%s=%d", sourcepb.HostKey, os.Getpid()))
	out, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|1|") {
		panic(line)
	}
	fmt.Println(cmd.Process.Pid)
}

// self runs the test binary in a role.
func self(t *testing.T, what string, arguments ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], arguments...)
	cmd.Env = append(os.Environ(), role+"="+what, "GORACE=atexit_sleep_ms=0")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func TestServeFromAShell(t *testing.T) {
	stdout, stderr, status := self(t, "plugin")
	if status != 2 || stdout != "" {
		t.Errorf("status %d, printed %q", status, stdout)
	}
	for _, want := range []string{"test 1.0.0 is a source plugin", "plugin: test", "describe"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("it does not say %q:\n%s", want, stderr)
		}
	}
}

func TestDescribe(t *testing.T) {
	stdout, stderr, status := self(t, "plugin", "describe")
	if status != 0 || stderr != "" {
		t.Errorf("status %d, said %q", status, stderr)
	}
	var d description
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	if d.Name != "test" || len(d.Protocols) != 1 || !bytes.Contains(d.Options, []byte("additionalProperties")) {
		t.Errorf("described as %s", stdout)
	}
}

func TestPluginEndsWithItsParent(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a parent's end does not show on Windows")
	}
	stdout, stderr, status := self(t, "parent")
	if status != 0 {
		t.Fatal(stderr)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	proc := "/proc/" + strings.TrimSpace(stdout) + "/stat"
	for range 3000 {
		stat, err := os.ReadFile(proc)
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		<-tick.C
	}
	t.Errorf("process %s lives on without its parent", stdout)
}

func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, "debug").With("page", 3).WithGroup("http")
	log.Warn("slow \xff", "time", "3s", "level", "deep")
	log.Log(t.Context(), slog.LevelDebug-4, "not shown")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["@level"] != "warn" || line["@message"] != "slow \uFFFD" || line["page"] != 3.0 || line["@timestamp"] == "" {
		t.Errorf("line = %s", out.String())
	}
	if group, ok := line["http"].(map[string]any); !ok || group["time"] != "3s" || group["level"] != "deep" {
		t.Errorf("group = %v", line["http"])
	}
	out.Reset()
	newLogger(&out, "nonsense").Debug("not shown")
	if out.Len() > 0 {
		t.Errorf("line = %s", out.String())
	}
}

// TestTutorial builds and starts the program in the package's documentation.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	program := firstBlock(file.Doc)
	if n := strings.Count(strings.TrimSpace(program), "\n") + 1; n > 25 {
		t.Errorf("the first program has %d lines", n)
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "converter-plugin-guard")
	if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, program)
	}
	out, err := exec.CommandContext(t.Context(), binary, "describe").Output()
	if err != nil || !bytes.Contains(out, []byte(`"name": "guard"`)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// firstBlock returns the first indented part of a comment.
func firstBlock(doc *ast.CommentGroup) string {
	var block strings.Builder
	for line := range strings.Lines(doc.Text()) {
		switch {
		case strings.HasPrefix(line, "\t"):
			block.WriteString(line[1:])
		case strings.TrimSpace(line) == "" && block.Len() > 0:
			block.WriteString("\n")
		case block.Len() > 0:
			return block.String()
		}
	}
	return block.String()
}

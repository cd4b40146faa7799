package leveldb

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// classicWriter writes as Foundry does, with the library it uses: without a pause, batches that set the same number in two keys
// far apart, and a small buffer so that tables and MANIFESTs come and go all the time. It ends when its input does.
const classicWriter = `
const { ClassicLevel } = require("classic-level");
const db = new ClassicLevel(process.argv[1], { writeBufferSize: 64 << 10, maxFileSize: 64 << 10 });
let running = true;
process.stdin.on("end", () => { running = false; }).resume();
(async () => {
  await db.open();
  for (let i = 0; running; i++) {
    const n = String(i);
    await db.batch([
      { type: "put", key: "a", value: n },
      { type: "put", key: "key" + String(i % 500).padStart(8, "0"), value: "filler".repeat(50) },
      { type: "put", key: "z", value: n },
    ]);
    if (i == 1000) console.log("begun");
  }
  await db.close();
})();`

// TestClassicWriter reads while Foundry's own library writes: every reading is of one moment, or says that the folder is busy.
func TestClassicWriter(t *testing.T) {
	modules := os.Getenv("CONVERTER_CLASSIC_LEVEL")
	if modules == "" {
		t.Skip("SKIPPED: CONVERTER_CLASSIC_LEVEL does not name a node_modules with classic-level in it; .ci/run fetches it")
	}
	dir := t.TempDir()
	node := exec.CommandContext(t.Context(), "node", "-e", classicWriter, dir)
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var noise strings.Builder
	node.Stderr = &noise
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "begun\n" {
		_ = node.Process.Kill()
		t.Fatalf("the writer said %q, %v: %s", line, err, noise.String())
	}
	lowest, reads, busy, retried := 0, 0, 0, 0
	for range 50 {
		n, err := readTwins(dir)
		if errors.Is(err, ErrBusy) {
			if busy++; !strings.Contains(err.Error(), "copy the folder") {
				t.Errorf("no advice: %v", err)
			}
			continue
		}
		if err != nil || n < lowest {
			t.Errorf("state %d after %d: %v", n, lowest, err)
			continue
		}
		if n > lowest {
			retried++
		}
		lowest = n
		reads++
	}
	if err := errors.Join(stdin.Close(), node.Wait()); err != nil {
		t.Errorf("the writer: %v: %s", err, noise.String())
	}
	if reads < 10 {
		t.Errorf("%d of 50 reads came through, %d found the folder busy", reads, busy)
	}
	t.Logf("%d reads of %d states up to %d, %d found the folder busy", reads, retried, lowest, busy)
	if _, err := readTwins(dir); err != nil {
		t.Errorf("at rest: %v", err)
	}
}

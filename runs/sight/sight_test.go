package sight

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// desk is a file that is read, and what is remembered.
type desk struct {
	t          *testing.T
	file, kept string
	seen       *Files
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("SKIPPED: the system does not tell files apart")
	}
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "ein \"Bild\"\n.png"), kept: filepath.Join(t.TempDir(), "deep", "seen")}
	d.seen = In(d.kept)
	d.write("one")
	return d
}

func (d *desk) write(text string) {
	d.t.Helper()
	if err := os.WriteFile(d.file, []byte(text), 0o666); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) info() os.FileInfo {
	d.t.Helper()
	info, err := os.Stat(d.file)
	if err != nil {
		d.t.Fatal(err)
	}
	return info
}

// read notes the file as read a while after it was written.
func (d *desk) read(sum string) {
	d.seen.Read(d.file, d.info(), d.info(), time.Now().Add(time.Minute), sum)
}

func (d *desk) want(sum string) {
	d.t.Helper()
	if got, known := d.seen.Holds(d.file, d.info()); got != sum || known != (sum != "") {
		d.t.Errorf("it holds %q, %v; want %q", got, known, sum)
	}
}

func sumFor(n int) string { return fmt.Sprintf("%064x", n) }

func TestRemembers(t *testing.T) {
	d := newDesk(t)
	d.want("")
	d.read(sumFor(1))
	d.want(sumFor(1))
	if err := d.seen.Save(); err != nil {
		t.Fatal(err)
	}
	d.seen = In(d.kept) // the next run
	d.want(sumFor(1))
	if n, size, err := d.seen.Amount(); n != 1 || size == 0 || err != nil {
		t.Error(n, size, err)
	}
	if err := d.seen.Forget(); err != nil {
		t.Fatal(err)
	}
	d.want("")
	d.seen = In(d.kept)
	d.want("")
}

// TestChanges: whatever is done to a file, even where its size and its time are put back.
func TestChanges(t *testing.T) {
	for name, change := range map[string]func(d *desk){
		"other size":   func(d *desk) { d.write("three") },
		"same size":    func(d *desk) { d.write("two") },
		"written anew": func(d *desk) { d.write("one") },
		"same size and time": func(d *desk) {
			was := d.info().ModTime()
			d.write("two")
			if err := os.Chtimes(d.file, was, was); err != nil {
				d.t.Fatal(err)
			}
			if !d.info().ModTime().Equal(was) {
				d.t.Fatal("the time could not be put back")
			}
		},
		"another file in its place": func(d *desk) {
			was, other := d.info().ModTime(), d.file+"2"
			if err := errors.Join(os.WriteFile(other, []byte("two"), 0o666), os.Chtimes(other, was, was), os.Rename(other, d.file)); err != nil {
				d.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.read(sumFor(1))
			d.want(sumFor(1))
			before := d.info()
			for state := d.mustState(before); state == d.mustState(d.info()); { // the system's clock has ticks
				change(d)
			}
			d.want("")
			d.seen.Read(d.file, before, d.info(), time.Now().Add(time.Minute), sumFor(1)) // it was changed while it was read
			d.want("")
		})
	}
}

func (d *desk) mustState(info os.FileInfo) state {
	s, ok := stateOf(info)
	if !ok {
		d.t.Fatal("the system does not tell files apart")
	}
	return s
}

// TestFresh: what was written a moment before it was read may be written to once more without a trace.
func TestFresh(t *testing.T) {
	d := newDesk(t)
	changed := time.Unix(0, d.mustState(d.info()).changed)
	for after, remembered := range map[time.Duration]bool{0: false, 2 * time.Second: false, 2*time.Second + 1: true, -time.Hour: false} {
		d.read(sumFor(1))
		d.seen.Read(d.file, d.info(), d.info(), changed.Add(after), sumFor(2))
		want := ""
		if remembered {
			want = sumFor(2)
		}
		d.want(want)
	}
	future := time.Now().Add(time.Hour)
	if err := os.Chtimes(d.file, future, future); err != nil {
		t.Fatal(err)
	}
	d.read(sumFor(1))
	d.want("")
}

// TestUnused: what nobody has asked for in a month goes.
func TestUnused(t *testing.T) {
	d := newDesk(t)
	d.read(sumFor(1))
	e := d.seen.known[d.file]
	e.day -= 31
	d.seen.known["/gone"] = e
	if err := d.seen.Save(); err != nil {
		t.Fatal(err)
	}
	d.seen = In(d.kept)
	if n, _, err := d.seen.Amount(); n != 1 || err != nil {
		t.Error(n, err)
	}
	d.want(sumFor(1))
}

// TestDamaged: no byte of what is kept may be another one.
func TestDamaged(t *testing.T) {
	d := newDesk(t)
	d.read(sumFor(1))
	if err := d.seen.Save(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(d.kept)
	if err != nil {
		t.Fatal(err)
	}
	damaged := [][]byte{nil, whole[:len(whole)/2], whole[:len(whole)-1], append(slices.Clone(whole), 'x'), []byte(mark), []byte("converter sight 2\n")}
	for i := range whole {
		other := bytes.Clone(whole)
		other[i] ^= 1
		damaged = append(damaged, other)
	}
	for i, text := range damaged {
		if err := os.WriteFile(d.kept, text, 0o600); err != nil {
			t.Fatal(err)
		}
		d.seen = In(d.kept)
		d.want("")
		if !errors.Is(d.seen.Fault(), ErrDamaged) {
			t.Errorf("%d: %v", i, d.seen.Fault())
		}
	}
	d.read(sumFor(1)) // and it is written anew
	if err := d.seen.Save(); err != nil {
		t.Fatal(err)
	}
	d.seen = In(d.kept)
	d.want(sumFor(1))
}

func TestVerify(t *testing.T) {
	d := newDesk(t)
	d.read(sumFor(1)) // which is not its sum
	for range 2 {
		if wrong, err := d.seen.Verify(false); !slices.Equal(wrong, []string{d.file}) || err != nil {
			t.Error(wrong, err)
		}
	}
	if wrong, err := d.seen.Verify(true); !slices.Equal(wrong, []string{d.file}) || err != nil {
		t.Error(wrong, err)
	}
	d.want("")
	sum, err := sumOf(d.file)
	if err != nil {
		t.Fatal(err)
	}
	d.read(sum)
	if wrong, err := d.seen.Verify(false); len(wrong) > 0 || err != nil {
		t.Error(wrong, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mark)
	f.Add(mark + sealOf(mark))
	f.Fuzz(func(t *testing.T, text string) {
		for _, whole := range []string{text, mark + text + sealOf(mark+text)} {
			if known, err := parse(whole); (known == nil) != (err != nil) {
				t.Error(known, err)
			}
		}
	})
}

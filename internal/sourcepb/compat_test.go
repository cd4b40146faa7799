package sourcepb_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

var update = flag.Bool("update", false, "write what the protocol has gained to testdata/v1.txt")

// TestOnlyGrows holds the protocol to its promise: within major version 1 nothing that plugins rely on is taken away or
// changed. Everything that was ever part of it stands in testdata/v1.txt, a line each; -update adds what is new and never
// removes a line.
func TestOnlyGrows(t *testing.T) {
	path := filepath.Join("testdata", "v1.txt")
	text, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	promised := strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
	now := elements(sourcepb.File_converter_source_v1_source_proto)
	for _, line := range promised {
		if !slices.Contains(now, line) {
			t.Errorf("the protocol has no more: %s\nA plugin built before would break. Give the new thing a new name and number.", line)
		}
	}
	gained := slices.DeleteFunc(slices.Clone(now), func(line string) bool { return slices.Contains(promised, line) })
	switch {
	case len(gained) > 0 && *update:
		all := append(slices.Clone(promised), gained...)
		slices.Sort(all)
		if err := os.WriteFile(path, []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	case len(gained) > 0:
		t.Errorf("the protocol has gained what is not promised yet; run go test ./internal/sourcepb -update and commit it:\n%s", strings.Join(gained, "\n"))
	}
}

// elements lists all that the two ends of the wire have to agree on.
func elements(file protoreflect.FileDescriptor) []string {
	lines := []string{"package " + string(file.Package())}
	for i := range file.Services().Len() {
		methods := file.Services().Get(i).Methods()
		for j := range methods.Len() {
			m := methods.Get(j)
			lines = append(lines, fmt.Sprintf("rpc %s(%s) returns (%s) streaming client=%v server=%v",
				m.FullName(), m.Input().FullName(), m.Output().FullName(), m.IsStreamingClient(), m.IsStreamingServer()))
		}
	}
	lines = append(lines, enums(file.Enums())...)
	return append(lines, messages(file.Messages())...)
}

func messages(all protoreflect.MessageDescriptors) (lines []string) {
	for i := range all.Len() {
		m := all.Get(i)
		for j := range m.Fields().Len() {
			lines = append(lines, field(m.Fields().Get(j)))
		}
		lines = append(lines, enums(m.Enums())...)
		lines = append(lines, messages(m.Messages())...)
	}
	return lines
}

func field(f protoreflect.FieldDescriptor) string {
	kind := f.Kind().String()
	switch {
	case f.Message() != nil:
		kind = string(f.Message().FullName())
	case f.Enum() != nil:
		kind = string(f.Enum().FullName())
	}
	oneof := ""
	if f.ContainingOneof() != nil {
		oneof = " in " + string(f.ContainingOneof().Name())
	}
	return fmt.Sprintf("field %s = %d %s %s%s", f.FullName(), f.Number(), f.Cardinality(), kind, oneof)
}

func enums(all protoreflect.EnumDescriptors) (lines []string) {
	for i := range all.Len() {
		values := all.Get(i).Values()
		for j := range values.Len() {
			lines = append(lines, fmt.Sprintf("value %s = %d", values.Get(j).FullName(), values.Get(j).Number()))
		}
	}
	return lines
}

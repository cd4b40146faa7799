package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestEntriesSplitsWhatADocumentHolds(t *testing.T) {
	got := mustEntries(t, map[string]string{"lamp.yaml": `
_id: actor00000000001
_key: "!actors!actor00000000001"
name: <Lamp> & "oil"
size: 0.5
items:
  - _id: item000000000001
    _key: "!actors.items!actor00000000001.item000000000001"
    effects:
      - {_id: effect0000000001, _key: "!actors.items.effects!actor00000000001.item000000000001.effect0000000001"}
effects: []
text: >-
  one line
  of words

  and another
`})
	want := []entry{
		{"!actors!actor00000000001", []byte(`{"_id":"actor00000000001","name":"<Lamp> & \"oil\"","size":0.5,"items":["item000000000001"],"effects":[],"text":"one line of words\nand another"}`)},
		{"!actors.items!actor00000000001.item000000000001", []byte(`{"_id":"item000000000001","effects":["effect0000000001"]}`)},
		{"!actors.items.effects!actor00000000001.item000000000001.effect0000000001", []byte(`{"_id":"effect0000000001"}`)},
	}
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			if g.key == w.key {
				found = true
				if string(g.value) != string(w.value) {
					t.Errorf("%s\n got %s\nwant %s", w.key, g.value, w.value)
				}
			}
		}
		if !found {
			t.Errorf("no entry %s", w.key)
		}
	}
}

func TestADeltaIsOneDocumentOrNone(t *testing.T) {
	got := mustEntries(t, map[string]string{"scene.yaml": `
_id: scene00000000001
_key: "!scenes!scene00000000001"
tokens:
  - {_id: token00000000001, _key: "!scenes.tokens!scene00000000001.token00000000001", delta: null}
  - _id: token00000000002
    _key: "!scenes.tokens!scene00000000001.token00000000002"
    delta: {_id: delta00000000001, _key: "!scenes.tokens.delta!scene00000000001.token00000000002.delta00000000001", items: []}
`})
	values := map[string]string{}
	for _, e := range got {
		values[e.key] = string(e.value)
	}
	for key, want := range map[string]string{
		"!scenes.tokens!scene00000000001.token00000000001":                        `{"_id":"token00000000001","delta":null}`,
		"!scenes.tokens!scene00000000001.token00000000002":                        `{"_id":"token00000000002","delta":"delta00000000001"}`,
		"!scenes.tokens.delta!scene00000000001.token00000000002.delta00000000001": `{"_id":"delta00000000001","items":[]}`,
	} {
		if values[key] != want {
			t.Errorf("%s: %s, want %s", key, values[key], want)
		}
	}
}

func TestWrongDocumentsAreRefused(t *testing.T) {
	good := "_id: item000000000001\n_key: \"!items!item000000000001\"\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"not YAML":         {map[string]string{"a.yaml": "{"}, "a.yaml"},
		"not a document":   {map[string]string{"a.yaml": "- 1"}, "a.yaml"},
		"a name twice":     {map[string]string{"a.yaml": good + "img: a\nimg: b\n"}, "a.yaml"},
		"no key":           {map[string]string{"a.yaml": "_id: item000000000001\n"}, "_key"},
		"key of a child":   {map[string]string{"a.yaml": "_id: b\n_key: \"!actors.items!a.b\"\n"}, "_key"},
		"key of another":   {map[string]string{"a.yaml": "_id: item000000000001\n_key: \"!items!item000000000002\"\n"}, "should be"},
		"short id":         {map[string]string{"a.yaml": "_id: item\n_key: \"!items!item\"\n"}, "16 letters"},
		"the same twice":   {map[string]string{"a.yaml": good, "b.yaml": good}, "two places"},
		"children no list": {map[string]string{"a.yaml": good + "effects: 1\n"}, "items.effects"},
		"child no map":     {map[string]string{"a.yaml": good + "effects: [1]\n"}, "items.effects"},
		"child has no id":  {map[string]string{"a.yaml": good + "effects: [{name: a}]\n"}, "items.effects"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := packOf(c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an error with %q in it", err, c.want)
			}
		})
	}
}

func mustEntries(t *testing.T, files map[string]string) []entry {
	t.Helper()
	out, err := packOf(files)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func packOf(files map[string]string) ([]entry, error) {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree["pack/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	documents, err := readPack(tree, "pack")
	if err != nil {
		return nil, err
	}
	return entries(documents)
}

package entity

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func sumOf(t *testing.T, doc string) [sha256.Size]byte {
	t.Helper()
	if !json.Valid([]byte(doc)) {
		t.Fatalf("the test's document is no JSON: %s", doc)
	}
	sum, _ := digest([]byte(doc))
	return sum
}

const goblin = `{"_id":"a","name":"Goblin","system":{"hp":[7,{"max":1e1}],"note":"a \"b\" ü \u00fc"},"items":[]}`

func TestTwins(t *testing.T) {
	for name, doc := range map[string]string{
		"white space": "{ \"_id\" : \"a\" ,\n\t\"name\":\"Goblin\",\r\n \"system\" : { \"hp\" : [ 7 , { \"max\" : 1e1 } ] , " +
			"\"note\":\"a \\\"b\\\" ü \\u00fc\" } , \"items\" : [ ] } ",
		"other id":             strings.Replace(goblin, `"_id":"a"`, `"_id":"zzz"`, 1),
		"no id":                strings.Replace(goblin, `"_id":"a",`, ``, 1),
		"place first":          strings.Replace(goblin, `{"_id"`, `{"folder":null,"sort":1,"_id"`, 1),
		"place last":           strings.TrimSuffix(goblin, "}") + `,"flags":{"x":[1,{"y":"}"}]},"ownership":{"default":0},"permission":{}}`,
		"place in between":     strings.Replace(goblin, `"items"`, `"_stats":{"coreVersion":"12"},"items"`, 1),
		"place inside":         strings.Replace(goblin, `{"max"`, `{"_id":"q","_key":"!items!q","_stats":{},"max"`, 1),
		"place inside, behind": strings.Replace(goblin, `"max":1e1`, `"max":1e1,"_id":"q"`, 1),
		"place escaped":        strings.Replace(goblin, `{"_id":"a"`, `{"\u005fid":"q","s\u006Frt":5`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if doc == goblin {
				t.Fatal("the test changes nothing")
			}
			if sumOf(t, doc) != sumOf(t, goblin) {
				t.Errorf("not a twin: %s", doc)
			}
		})
	}
}

func TestNoTwins(t *testing.T) {
	for name, change := range map[string][2]string{
		"other name":           {`Goblin`, `goblin`},
		"number written other": {`1e1`, `10`},
		"order of members":     {`"name":"Goblin","system"`, `"items":[],"name":"Goblin","system"`},
		"escape":               {`ü \u00fc`, `ü ü`},
		"folder inside":        {`{"max"`, `{"folder":"x","max"`},
		"sort inside":          {`{"max"`, `{"sort":1,"max"`},
		"space in a string":    {`a \"b`, `a  \"b`},
		"array for object":     {`"items":[]`, `"items":{}`},
		"nesting":              {`[7,{"max":1e1}]`, `[7,[{"max":1e1}]]`},
		"one more":             {`[7,`, `[7,7,`},
		"place as a value":     {`"Goblin"`, `"_id"`},
		"not quite a place":    {`"items"`, `"_ids":1,"items"`},
		"place in other case":  {`"items"`, `"Flags":1,"items"`},
		"null is something":    {`"items"`, `"x":null,"items"`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(goblin, change[0], change[1], 1)
			if doc == goblin {
				t.Fatal("the test changes nothing")
			}
			if sumOf(t, doc) == sumOf(t, goblin) {
				t.Errorf("taken for a twin: %s", doc)
			}
		})
	}
}

func TestDigestSurvivesDeepNesting(t *testing.T) {
	const depth = 9990
	doc := []byte(`{"a":` + strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) + `}`)
	if !json.Valid(doc) {
		t.Fatal("encoding/json allows less nesting than thought")
	}
	sum, _ := digest(doc)
	if sum != sha256.Sum256(doc) {
		t.Error("a document without spaces and places is not hashed as it is")
	}
}

func TestDigestOfManyBackslashes(t *testing.T) {
	for n := range 9 {
		doc := fmt.Sprintf(`{"a":"%s","_id":"%[1]s","b":1}`, strings.Repeat(`\\`, n)+strings.Repeat(`\"`, n%3))
		if got, want := sumOf(t, doc), sha256.Sum256(reference([]byte(doc), 0)); got != want {
			t.Errorf("wrong for %s", doc)
		}
	}
}

// TestDigestOfRandomDocuments holds the digest against a slow one that encoding/json does the reading for.
func TestDigestOfRandomDocuments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		g := generator{random: random}
		g.object(0)
		doc := g.out.Bytes()
		if !json.Valid(doc) {
			t.Fatalf("the generator made no JSON: %s", doc)
		}
		compare(t, doc)
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, doc, " ", "\t"); err != nil {
			t.Fatal(err)
		}
		one, _ := digest(doc)
		if other, _ := digest(pretty.Bytes()); one != other {
			t.Fatalf("indenting made another content of %s", doc)
		}
	}
}

func FuzzDigest(f *testing.F) {
	f.Add([]byte(goblin))
	f.Add([]byte(` {"name":"\\\"","name":{},"title":null,"_id":[[],[{}]]}`))
	f.Add([]byte("{\"\\u005fid\":1,\"\\ud800\":2,\"\\n\":\"\u2028<>&\"}\n"))
	f.Add([]byte(`{"":"","\\":{"\"":-0.0e-0},"a":true,"b":false}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !json.Valid(doc) || !isObject(doc) {
			t.Skip()
		}
		compare(t, doc)
	})
}

// compare holds the digest of a document and the members found in it against the reference.
func compare(t *testing.T, doc []byte) {
	t.Helper()
	before := bytes.Clone(doc)
	sum, top := digest(doc)
	if want := reference(doc, 0); sum != sha256.Sum256(want) {
		t.Fatalf("the digest of %s is not that of %s", doc, want)
	}
	if !bytes.Equal(before, doc) {
		t.Fatalf("the document was written to: %s", before)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range nameMembers {
		if !bytes.Equal(top[name], members[name]) {
			t.Fatalf("member %q of %s: got %s, want %s", name, doc, top[name], members[name])
		}
	}
}

// reference is what digest hashes, made the slow way.
func reference(doc []byte, depth int) []byte {
	doc = bytes.TrimSpace(doc)
	if doc[0] != '{' && doc[0] != '[' {
		return doc
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	next := func() string {
		from := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			panic(err)
		}
		word, ok := token.(string)
		if !ok {
			return ""
		}
		quoted := bytes.TrimLeft(doc[from:d.InputOffset()], ", \n\r\t")
		return string(quoted) + "\x00" + word
	}
	next()
	var parts [][]byte
	for d.More() {
		quoted, word := "", ""
		if doc[0] == '{' {
			quoted, word, _ = strings.Cut(next(), "\x00")
			quoted += ":"
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			panic(err)
		}
		switch word {
		case "_id", "_key", "_stats":
			continue
		case "folder", "sort", "ownership", "permission", "flags":
			if depth == 0 {
				continue
			}
		}
		parts = append(parts, append([]byte(quoted), reference(value, depth+1)...))
	}
	return slices.Concat(doc[:1], bytes.Join(parts, []byte(",")), doc[len(doc)-1:])
}

// generator writes random documents that are full of what matters.
type generator struct {
	random *rand.Rand
	out    bytes.Buffer
}

func (g *generator) pick(words ...string) { g.out.WriteString(words[g.random.IntN(len(words))]) }

func (g *generator) space() { g.pick("", "", "", " ", "\n", "\t\r\n ") }

func (g *generator) object(depth int) {
	g.out.WriteByte('{')
	g.space()
	for i := range g.random.IntN(6) {
		if i > 0 {
			g.out.WriteByte(',')
			g.space()
		}
		g.pick(`"_id"`, `"_key"`, `"_stats"`, `"folder"`, `"sort"`, `"flags"`, `"ownership"`, `"permission"`, `"name"`, `"title"`,
			`"\u005fid"`, `"n\u0061me"`, `"system"`, `"a\"b"`, `"\\"`, `""`, `"ü"`, `"<&>"`)
		g.space()
		g.out.WriteByte(':')
		g.space()
		g.value(depth + 1)
		g.space()
	}
	g.out.WriteByte('}')
}

func (g *generator) value(depth int) {
	switch n := g.random.IntN(10); {
	case n < 2 && depth < 6:
		g.object(depth)
	case n < 4 && depth < 6:
		g.out.WriteByte('[')
		g.space()
		for i := range g.random.IntN(4) {
			if i > 0 {
				g.out.WriteByte(',')
				g.space()
			}
			g.value(depth + 1)
			g.space()
		}
		g.out.WriteByte(']')
	default:
		g.pick(`null`, `true`, `false`, `0`, `-1.50`, `1e5`, `1E+400`, `12345678901234567890`, `"_id"`, `""`, `"\\"`, `"\\\""`,
			`"]}"`, `", :"`, `"\ud83d\ude00"`, `"\ud800"`, `"<b>\u2028"`)
	}
}

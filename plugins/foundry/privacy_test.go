package foundry

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWithoutPasswords(t *testing.T) {
	for doc, want := range map[string]string{
		`{}`:                        `{}`,
		`{"name":"password"}`:       `{"name":"password"}`,
		`{"password":"x"}`:          `{}`,
		`{"password":"x","a":1.50}`: `{"a":1.50}`,
		`{"a":1.50,"password":"x"}`: `{"a":1.50}`,
		`{ "a" : 1 , "password" : "x" , "b" : 2 }`:                              `{ "a" : 1 , "b" : 2 }`,
		`{"password":"x","passwordSalt":"y"}`:                                   `{}`,
		`{"a":1,"password":"x","passwordSalt":{"n":[1]},"b":2}`:                 `{"a":1,"b":2}`,
		`{"password":"x","a":1,"passwordSalt":"y"}`:                             `{"a":1}`,
		`{"flags":{"m":[{"Password":"x","b":[]},{"PASSWORD_OLD":1}]},"z":null}`: `{"flags":{"m":[{"b":[]},{}]},"z":null}`,
		`{"\u0070assword":"x","b":1}`:                                           `{"b":1}`,
		`{"a":"{\"password\":\"x\"}"}`:                                          `{"a":"{\"password\":\"x\"}"}`,
		`{"compassword":1,"pass":2,"myPassword":3}`:                             `{"compassword":1,"pass":2,"myPassword":3}`,
	} {
		if got := string(withoutPasswords("users", []byte(doc))); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", doc, got, want)
		}
	}
}

func TestPasswordsInSettings(t *testing.T) {
	for doc, want := range map[string]string{
		`{"key":"m.x","value":"{\"password\":\"hunter2\",\"b\":1}"}`:             `{"key":"m.x","value":"{\"b\":1}"}`,
		`{"key":"m.x","value":"[{\"a\":1,\"passwordHash\":\"hunter2\"}]","z":1}`: `{"key":"m.x","value":"[{\"a\":1}]","z":1}`,
		`{"key":"m.password","value":"\"hunter2\""}`:                             `{"key":"m.password"}`,
		`{"value":"\"hunter2\"","key":"m.passwordForGM","a":1}`:                  `{"key":"m.passwordForGM","a":1}`,
		`{"key":"m.x","value":"{\"password\": no JSON"}`:                         `{"key":"m.x","value":"{\"password\": no JSON"}`,
	} {
		got := string(withoutPasswords("settings", []byte(doc)))
		if got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, want %s", doc, got, want)
		}
	}
}

// FuzzPasswords: what comes out is JSON without such a member, and everything else is still there.
func FuzzPasswords(f *testing.F) {
	for _, doc := range []string{`{"a":1,"password":"x","b":[{"passwordSalt":null}]}`, `{"Password":{},"passwords":[]}`, `{"a":{"a":1,"\u0050assword":2,"c":3}, "password":1 }`} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		var before map[string]any
		if json.Unmarshal([]byte(doc), &before) != nil || before == nil || strings.Count(doc, "[")+strings.Count(doc, "{") > 100 {
			return
		}
		got := withoutPasswords("users", []byte(strings.TrimSpace(doc)))
		var after map[string]any
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q became %q: %v", doc, got, err)
		}
		a, _ := json.Marshal(strip(before))
		b, _ := json.Marshal(after)
		if string(a) != string(b) {
			t.Fatalf("%q became %q, want %s", doc, got, a)
		}
	})
}

func strip(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	case map[string]any:
		for name := range v {
			if v[name] = strip(v[name]); isSecret(name) {
				delete(v, name)
			}
		}
	}
	return v
}

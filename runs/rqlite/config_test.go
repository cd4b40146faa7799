package rqlite

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	urls := []string{"http://localhost"}
	for _, test := range []struct {
		config Config
		want   string // a part of the error; empty: none
	}{
		{Config{}, "exactly one of URLs and Endpoints"},
		{Config{URLs: urls, Endpoints: func() []string { return nil }}, "exactly one of"},
		{Config{URLs: urls}, ""},
		{Config{URLs: []string{"https://a:1", "http://[::1]/"}}, ""},
		{Config{URLs: []string{"localhost:4001"}}, "http://"},
		{Config{URLs: []string{"http://"}}, "no host"},
		{Config{URLs: []string{"http://a", "http://u:p@b"}}, "password"},
		{Config{URLs: []string{"http://a/path"}}, "only scheme"},
		{Config{URLs: []string{"http://a?b"}}, "only scheme"},
		{Config{URLs: []string{"http://a b"}}, "not a URL"},
		{Config{URLs: urls, Password: "p"}, "without a user"},
		{Config{URLs: urls, User: "a:b"}, "colon"},
		{Config{URLs: urls, CA: []byte("no PEM")}, "certificate"},
		{Config{URLs: urls, RetryFor: -1}, "negative"},
		{Config{URLs: urls, ReadLevel: Linearizable}, ""},
		{Config{URLs: urls, ReadLevel: "none"}, "weak or linearizable"},
	} {
		err := test.config.Validate()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%+v: %v", test.config.URLs, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%+v: %v, want …%s…", test.config.URLs, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "u:p@") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestNodeURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://localhost":      "http://localhost:4001",
		"https://a.example/":    "https://a.example:4001",
		"http://[::1]:5000":     "http://[::1]:5000",
		"https://10.0.0.1:4001": "https://10.0.0.1:4001",
	} {
		if got, err := nodeURL(raw); got != want || err != nil {
			t.Errorf("%s: %s, %v", raw, got, err)
		}
	}
}

package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// staleLimit is how long an answer that is too old may stand in for a server that is away, where it does not say.
	staleLimit = 24 * time.Hour
	// longestLife bounds what a server may say of the life of its answers.
	longestLife = 365 * 24 * time.Hour
)

// answer is what a server said, as it is kept.
type answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Stored time.Time   `json:"stored"` // or confirmed
	SHA256 string      `json:"sha256"` // of the body

	body   []byte
	length int64 // as announced
}

// cacheable returns whether a request may be answered from the cache: a GET without anything that may be a credential.
func cacheable(r *http.Request) bool {
	if r.Method != "" && r.Method != http.MethodGet || r.Body != nil && r.Body != http.NoBody || r.URL.User != nil {
		return false
	}
	for name := range r.Header {
		switch name {
		case "Accept", "Accept-Language", "Cache-Control", "Pragma", "Referer", "User-Agent":
		default:
			return false
		}
	}
	_, never := directives(r.Header)["no-store"]
	return !never
}

// keyOf names a request: a hash of what the answer depends on.
func keyOf(r *http.Request) string {
	address := *r.URL
	address.Fragment, address.RawFragment = "", ""
	sum := sha256.Sum256([]byte(strings.Join([]string{
		address.String(), r.Host, strings.Join(r.Header.Values("Accept"), ","),
		strings.Join(r.Header.Values("Accept-Language"), ","),
	}, "\n")))
	return hex.EncodeToString(sum[:])
}

// asksAnew returns whether a request wants the server to be asked.
func asksAnew(r *http.Request) bool {
	said := directives(r.Header)
	_, anew := said["no-cache"]
	return anew || said["max-age"] == "0" || r.Header.Get("Pragma") == "no-cache"
}

// conditional asks for an answer only where it differs from the one kept.
func conditional(r *http.Request, kept *answer) *http.Request {
	if kept == nil {
		return r
	}
	r = r.Clone(r.Context())
	if tag := kept.Header.Get("ETag"); tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	if date := kept.Header.Get("Last-Modified"); date != "" {
		r.Header.Set("If-Modified-Since", date)
	}
	return r
}

// directives are the parts of the Cache-Control header.
func directives(h http.Header) map[string]string {
	all := map[string]string{}
	for _, line := range h.Values("Cache-Control") {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			all[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return all
}

// storable returns whether an answer may be kept.
func (a *answer) storable() bool {
	_, never := directives(a.Header)["no-store"]
	return a.Status == http.StatusOK && !never && !slices.Contains(a.Header.Values("Vary"), "*")
}

// reusable returns whether a kept answer can spare something while its server can be had.
func (a *answer) reusable() bool {
	return a.life() > 0 || a.Header.Get("ETag") != "" || a.Header.Get("Last-Modified") != ""
}

// life is how long an answer holds from when it was stored.
func (a *answer) life() time.Duration {
	said := directives(a.Header)
	if _, always := said["no-cache"]; always {
		return 0
	}
	var life time.Duration
	if age, ok := said["max-age"]; ok {
		life = seconds(age)
	} else if end, err := http.ParseTime(a.Header.Get("Expires")); err == nil {
		if from, err := http.ParseTime(a.Header.Get("Date")); err == nil {
			life = min(end.Sub(from), longestLife)
		}
	}
	return max(life-seconds(a.Header.Get("Age")), 0)
}

// seconds reads a number of them; what is none is 0.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestLife)
}

func (a *answer) fresh(now time.Time) bool {
	return !now.Before(a.Stored) && now.Before(a.Stored.Add(a.life()))
}

// usable returns whether an answer may stand in for a server that is away. The limit is for those that do not say.
func (a *answer) usable(now time.Time, limit time.Duration) bool {
	said := directives(a.Header)
	for _, never := range []string{"no-cache", "must-revalidate"} {
		if _, ok := said[never]; ok {
			return false
		}
	}
	if text, ok := said["stale-if-error"]; ok {
		limit = seconds(text)
	}
	return now.Before(a.Stored.Add(a.life() + limit))
}

// confirm takes over what a server says of an answer that has not changed.
func (a *answer) confirm(h http.Header) {
	a.Header = a.Header.Clone()
	a.Header.Del("Age")
	for name, values := range h {
		if !strings.HasPrefix(name, "Content-") {
			a.Header[name] = values
		}
	}
}

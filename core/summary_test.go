package core_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// What was kept of runs before caches had levels is read as it was, and what has none is written as it was.
func TestCacheCountsOfOlderRuns(t *testing.T) {
	const old = `{"cache":"pictures","hits":30,"misses":10,"evictions":0}`
	var c core.CacheCounts
	if err := json.Unmarshal([]byte(old), &c); err != nil || c != (core.CacheCounts{Cache: "pictures", Hits: 30, Misses: 10}) || c.Leveled() {
		t.Errorf("%+v, %v", c, err)
	}
	if text, err := json.Marshal(c); err != nil || string(text) != old {
		t.Errorf("%s, %v", text, err)
	}
	c.L1, c.L2 = core.LevelCounts{Hits: 18, Misses: 22, Evictions: 3}, core.LevelCounts{Hits: 12, Misses: 10}
	text, err := json.Marshal(c)
	if err != nil || !strings.HasSuffix(string(text), `"l1":{"hits":18,"misses":22,"evictions":3},"l2":{"hits":12,"misses":10,"evictions":0}}`) {
		t.Errorf("%s, %v", text, err)
	}
	var back core.CacheCounts
	if err := json.Unmarshal(text, &back); err != nil || back != c || !back.Leveled() {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestFactAsJSON(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]core.Fact{
		`{"name":"n","number":0}`: {Name: "n"},
		`{"name":"n","label":"N","text":"t","unit":"u","notable":true}`: {Name: "n", Label: "N", Text: "t", Unit: "u", Notable: true},
	} {
		text, err := json.Marshal(f)
		if err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
		var back core.Fact
		if err := json.Unmarshal(text, &back); err != nil || back != f {
			t.Errorf("%+v, %v, want %+v", back, err, f)
		}
	}
}

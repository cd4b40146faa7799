package engine

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

// The bounds of looking for pictures that look alike: how far a hash may be off, how much it has to say (of flat pictures it says
// nothing), how many pictures are compared with each other, and how many are named.
const (
	alikeBits  = 4
	alikeLeast = 8
	alikeMost  = 50_000
	alikeNamed = 8
)

// lookAlikes reports pictures that look alike and are not the same: copies in another size or format. Nothing is done about
// them. Mappings are in order.
func (r *run) lookAlikes(mappings []core.AssetMapping) {
	if r.Images == nil || !r.Images.LookAlikes {
		return
	}
	pictures := likenesses(mappings)
	if len(pictures) > alikeMost {
		r.Log.Warn("there are too many pictures to look for those that look alike", "pictures", len(pictures), "limit", alikeMost)
		return
	}
	for _, group := range alike(pictures) {
		first, others := group[0].m, make([]string, 0, alikeNamed)
		for _, p := range group[1:] {
			if len(others) == alikeNamed {
				others = append(others, fmt.Sprintf("and %d more", len(group)-1-alikeNamed))
				break
			}
			others = append(others, p.m.URI)
		}
		r.Recorder.Failure(core.Failure{
			Stage: core.StageAssets, Code: "image.look_alike", Source: first.Source, Item: first.URI, Warning: true,
			Message: "pictures look alike and are not the same", Detail: "like it: " + strings.Join(others, ", "),
			Suggestion: "if they are copies of one picture, let documents refer to the best of them",
		})
	}
}

// likeness is a picture by the first reference to it.
type likeness struct {
	m    core.AssetMapping
	hash uint64
}

func likenesses(mappings []core.AssetMapping) []likeness {
	hashes := map[string]uint64{}
	for _, m := range mappings {
		if m.Asset == nil {
			continue
		}
		if hash, err := strconv.ParseUint(m.Asset.Likeness, 16, 64); err == nil && bits.OnesCount64(hash) >= alikeLeast {
			hashes[m.Asset.ID] = hash
		}
	}
	var list []likeness
	for _, m := range mappings {
		if hash, known := hashes[m.AssetID]; known {
			list = append(list, likeness{m, hash})
			delete(hashes, m.AssetID)
		}
	}
	return list
}

// alike puts together what looks alike, in the order in which it stands. A picture is compared with the first of a group, so
// that no chain of small steps brings together what is far apart.
func alike(list []likeness) [][]likeness {
	var groups [][]likeness
	taken := make([]bool, len(list))
	for i, p := range list {
		if taken[i] {
			continue
		}
		group := []likeness{p}
		for j := i + 1; j < len(list); j++ {
			if !taken[j] && bits.OnesCount64(p.hash^list[j].hash) <= alikeBits {
				taken[j] = true
				group = append(group, list[j])
			}
		}
		if len(group) > 1 {
			groups = append(groups, group)
		}
	}
	return groups
}

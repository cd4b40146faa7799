package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// recipeVersion is raised when Render makes other bytes of the same asset and config.
const recipeVersion = 4

// Recipe names everything besides an asset's bytes that decides what Render makes of it: same bytes, same recipe, same
// renditions.
func (c Config) Recipe() string {
	c = c.withDefaults()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %v %s %d %d %d %d %s",
		recipeVersion, c.Resolutions, c.Original, c.QualityOriginal, c.QualityResolution, c.EffortOriginal, c.EffortResolution,
		c.Encoder.Name()))
	return hex.EncodeToString(sum[:8])
}

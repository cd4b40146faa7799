package main

import (
	"bytes"
	"fmt"
	"math"
)

// drawLampIcon writes the one vector picture: a lantern with a ray for each of the eight lamps, and a ninth, fainter.
func drawLampIcon() []byte {
	var out bytes.Buffer
	out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512">
  <title>The ninth lamp</title>
  <defs>
    <radialGradient id="glow" cx="256" cy="290" r="210" gradientUnits="userSpaceOnUse">
      <stop offset="0" stop-color="#fff7d6"/>
      <stop offset="0.35" stop-color="#ffc44d"/>
      <stop offset="1" stop-color="#ffc44d" stop-opacity="0"/>
    </radialGradient>
  </defs>
  <circle cx="256" cy="256" r="248" fill="#173a4a"/>
  <circle cx="256" cy="290" r="210" fill="url(#glow)"/>
`)
	for i := range 9 {
		sin, cos := math.Sincos(radians(float64(i)*22.5 - 180))
		tone := `stroke="#ffe7a6"`
		if i == 8 {
			tone = `stroke="#9ff0dc" stroke-opacity="0.75"`
		}
		fmt.Fprintf(&out, "  <line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s stroke-width=\"12\" stroke-linecap=\"round\"/>\n",
			256+cos*172, 290+sin*172, 256+cos*206, 290+sin*206, tone)
	}
	out.WriteString(`  <path d="M212 178 C 212 112 300 112 300 178" fill="none" stroke="#2b211b" stroke-width="14" stroke-linecap="round"/>
  <path d="M236 158 h40 l44 42 h-128 z" fill="#c99a4b" stroke="#2b211b" stroke-width="8" stroke-linejoin="round"/>
  <path d="M204 200 h104 l14 176 h-132 z" fill="#fff3c4" stroke="#2b211b" stroke-width="8" stroke-linejoin="round"/>
  <path d="M256 222 C 280 262 300 290 292 326 C 286 352 226 352 220 326 C 212 290 232 262 256 222 z" fill="#f59b2f"/>
  <path d="M256 272 C 268 296 276 306 272 326 C 268 342 244 342 240 326 C 236 306 244 296 256 272 z" fill="#fff7d6"/>
  <path d="M256 200 v176" stroke="#2b211b" stroke-width="6" stroke-opacity="0.55"/>
  <rect x="176" y="376" width="160" height="30" rx="8" fill="#c99a4b" stroke="#2b211b" stroke-width="8"/>
</svg>
`)
	return out.Bytes()
}

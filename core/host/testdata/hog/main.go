// Command hog is a plugin that takes memory until it gets no more. It is a program of its own, because a program with the
// race detector takes more than any limit before it begins.
package main

import (
	"context"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

const piece = 8 << 20

func main() {
	sdk.Serve(sdk.Define(sdk.Plugin[struct{}]{
		Name: "hog", Version: "0.1.0", Summary: "Takes all memory.",
		Read: func(ctx context.Context, _ struct{}, _ sdk.ReadRequest, _ sdk.Writer) error {
			var all [][]byte
			for ctx.Err() == nil && len(all) < 512 { // 4 GiB: should the limit not hold, the test fails, not the machine
				b := make([]byte, piece)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				all = append(all, b)
				time.Sleep(time.Millisecond)
			}
			_ = all
			return ctx.Err()
		},
	}))
}

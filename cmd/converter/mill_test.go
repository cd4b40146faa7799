package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strconv"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

const (
	// milled is how many records a mill sends in each of its two streams.
	milled = 120
	// step is how many come between two checkpoints; after each it takes a nap, so that it can be killed at any time.
	step = 20
	nap  = 5 * time.Millisecond
)

// mill is a plugin with a bit of everything: checkpoints, records that cannot be read, assets. It does nothing wrong.
func mill() sdk.Source {
	return sdk.Define(sdk.Plugin[millOptions]{
		Name: "mill", Version: "1.0.0", Summary: "Grinds.", Kinds: []string{"creature"}, Resumable: true,
		Open: sdk.NewOpener(func(_ context.Context, o millOptions, _ sdk.Environment) (*grist, error) { return &grist{o}, nil }),
	})
}

type millOptions struct {
	Seed   int `json:"seed"`
	RestMS int `json:"rest_ms,omitempty"` // default: nap
}

func (o millOptions) rest() time.Duration {
	return cmp.Or(time.Duration(o.RestMS)*time.Millisecond, nap)
}

type grist struct{ millOptions }

func (g *grist) Discover(context.Context) ([]sdk.Stream, error) { //nolint:unparam // sdk.Discoverer has the error
	count := sdk.Estimate{Count: milled, Quality: sdk.Exact}
	return []sdk.Stream{{Name: "corn", Records: count}, {Name: "rye", Records: count}}, nil
}

func (g *grist) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	for _, stream := range request.Streams {
		from, _ := strconv.Atoi(string(request.State[stream])) // no state: 0
		for i := from; i < milled; i++ {
			if i > from && i%step == 0 {
				if err := out.Checkpoint(stream, []byte(strconv.Itoa(i))); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(g.rest()):
				}
			}
			if err := g.grind(out, stream, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// grind sends one item: every 70th is a failure, every 80th has a picture.
func (g *grist) grind(out sdk.Writer, stream string, i int) error {
	id := fmt.Sprintf("%s-%d-%d", stream, g.Seed, i)
	if i%70 == 69 {
		return out.Skip(stream, id, &sdk.Diagnostic{Kind: sdk.Invalid, Code: "mill.stone", Summary: "a stone was in it"})
	}
	r := sdk.Record{ID: id, JSON: fmt.Appendf(nil, `{"name": "Grain %s"}`, id)}
	if i%80 == 79 {
		r.Assets = []sdk.AssetRef{{URI: id + ".png", Status: sdk.Present, Key: fmt.Sprint(g.Seed*milled + i)}}
	}
	return out.Record(stream, r)
}

// FetchAsset draws a picture of one colour, which its key decides.
func (g *grist) FetchAsset(_ context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	key, err := strconv.Atoi(ref.Key)
	if err != nil {
		return sdk.Asset{}, err
	}
	picture := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.RGBA{uint8(key >> 16), uint8(key >> 8), uint8(key), 255}})
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return sdk.Asset{}, err
	}
	return sdk.Asset{Body: io.NopCloser(&b), MediaType: "image/png", Size: int64(b.Len())}, nil
}

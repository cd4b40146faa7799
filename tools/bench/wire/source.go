package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/seed-98789ff7/converter/sdk"
)

const (
	recordBytes = 2 << 10
	largeAsset  = 2 << 20
	smallAsset  = 200_000
)

// The keys of assets, beside numbers, which are answered with so many bytes.
const (
	accountKey = "account"  // of the process that is asked
	writtenKey = "written " // and a number: a file of so many bytes is written; the asset is its path
)

// options are the source's.
type options struct {
	Records int `json:"records"` // sent at each reading
}

// source sends one record over and over, so that what is measured is the sending.
type source struct {
	records int
	json    []byte
	bytes   []byte // of the largest asset; the others are its beginning
	folder  string
	sent    atomic.Int64 // records taken from it at this reading
	files   atomic.Int64
}

func newSource() sdk.Source {
	return sdk.Define(sdk.Plugin[options]{
		Name: "wire", Version: "1.0.0", Summary: "Sends what it is told to.",
		Open: sdk.NewOpener(func(_ context.Context, o options, env sdk.Environment) (*source, error) {
			s := &source{records: o.Records, json: document(), bytes: make([]byte, largeAsset), folder: env.WorkDir}
			_, err := rand.NewChaCha8([32]byte{}).Read(s.bytes) // pictures are not compressible
			return s, err
		}),
	})
}

// document is a JSON object of recordBytes bytes, of the sort that sources send.
func document() []byte {
	const (
		begin = `{"name":"Goblin","type":"npc","system":{"abilities":{"str":{"value":8},"dex":{"value":14},"con":{"value":10}},"details":{"cr":0.25}},"items":[`
		item  = `{"name":"Scimitar","type":"weapon","system":{"damage":{"dice":"1d6","bonus":2},"range":5,"equipped":true}}`
		words = `],"description":"`
		end   = `"}`
	)
	text := []byte(begin + item)
	for len(text)+len(","+item) < recordBytes*3/4 {
		text = append(text, ","+item...)
	}
	text = append(text, words...)
	text = append(text, bytes.Repeat([]byte("x"), recordBytes-len(text)-len(end))...)
	return append(text, end...)
}

// Read is that of [sdk.Reader].
func (s *source) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	s.sent.Store(0)
	for i := range s.records {
		if err := out.Record("all", sdk.Record{ID: strconv.Itoa(i), JSON: s.json}); err != nil {
			return err
		}
		s.sent.Add(1)
	}
	return nil
}

// FetchAsset is that of [sdk.Fetcher].
func (s *source) FetchAsset(_ context.Context, ref sdk.AssetRef) (sdk.Asset, error) {
	if ref.Key == accountKey {
		text, err := json.Marshal(s.account())
		return asset(text), err
	}
	number, written := strings.CutPrefix(ref.Key, writtenKey)
	size, err := strconv.Atoi(number)
	if err != nil || size > len(s.bytes) {
		return sdk.Asset{}, &sdk.Diagnostic{Kind: sdk.NotFound, Code: "wire.no_asset", Summary: fmt.Sprintf("no asset %q", ref.Key)}
	}
	if !written {
		return asset(s.bytes[:size]), nil
	}
	path := filepath.Join(s.folder, strconv.FormatInt(s.files.Add(1), 10))
	return asset([]byte(path)), os.WriteFile(path, s.bytes[:size], 0o600)
}

func asset(text []byte) sdk.Asset {
	return sdk.Asset{Body: io.NopCloser(bytes.NewReader(text)), Size: int64(len(text))}
}

// account is what a process has used so far.
type account struct {
	CPU  float64 `json:"cpu"`  // seconds, user and system
	Peak int64   `json:"peak"` // largest resident set
	Sent int64   `json:"sent"`
}

func (s *source) account() account {
	cpu, peak := usage()
	return account{CPU: cpu, Peak: peak, Sent: s.sent.Load()}
}

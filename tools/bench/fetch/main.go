// Command fetch reads recorded APIs from a server on this machine once, in one of several ways, and prints how many records
// came. It is what `./task bench -- api` measures, in processes of its own:
//
//	fetch ours URL     as the program does, three sources at the same time
//	fetch next URL     all lists at the same time, each from one page to the next, which is what most clients do
//	fetch paced URL    the monsters of the D&D 5e API one by one, at most 48 a second
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/goccy/go-yaml"

	"github.com/seed-98789ff7/converter/plugins/open5e"
	"github.com/seed-98789ff7/converter/plugins/rest"
	"github.com/seed-98789ff7/converter/sdk"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fetch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("say how, and where the server is")
	}
	var n int64
	var err error
	switch args[0] {
	case "ours":
		n, err = ours(ctx, args[1])
	case "next":
		n, err = next(ctx, args[1])
	case "paced":
		n, err = read(ctx, "dnd5e_api", args[1]+"/api/2014/", func(o *rest.Options) {
			o.Client.MaxInFlight, o.Client.RateLimit.Count = 16, 48
			o.Resources = keep(o.Resources, "monsters")
		})
	default:
		err = fmt.Errorf("there is no way %q to read", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(n)
}

// lists are what is read, by preset.
var lists = map[string][]string{
	"open5e_v2": {"spells", "weapons", "armor", "backgrounds", "feats", "conditions"},
	"open5e_v1": {"monsters", "classes", "races"},
	"dnd5e_api": {"rules", "rule_sections"},
}

var paths = map[string]string{"open5e_v2": "/v2/", "open5e_v1": "/v1/", "dnd5e_api": "/api/2014/"}

func ours(ctx context.Context, server string) (int64, error) {
	var sum atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for preset, names := range lists {
		group.Go(func() error {
			n, err := read(ctx, preset, server+paths[preset], func(o *rest.Options) {
				o.Client.RateLimit = rest.RateLimit{} // the other way has none
				o.Resources = keep(o.Resources, names...)
			})
			sum.Add(n)
			return err
		})
	}
	err := group.Wait()
	return sum.Load(), err
}

// keep leaves the lists of the names, and those that know their licences.
func keep(all []rest.Resource, names ...string) (kept []rest.Resource) {
	wanted := "," + strings.Join(names, ",") + ","
	for _, r := range all {
		switch {
		case strings.Contains(wanted, ","+r.Name+","):
		case strings.HasPrefix(r.Name, "documents"):
			r.Role = "reference"
		default:
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// read reads one preset.
func read(ctx context.Context, preset, address string, change func(*rest.Options)) (int64, error) {
	text, err := open5e.Preset(preset)
	if err != nil {
		return 0, err
	}
	var sources []struct {
		Options rest.Options `json:"options"`
	}
	plain, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = json.Unmarshal(plain, &sources)
	}
	if err != nil {
		return 0, err
	}
	o := sources[0].Options
	o.Client.BaseURL = address
	change(&o)
	source, err := rest.Open(ctx, o, sdk.Environment{})
	if err != nil {
		return 0, err
	}
	var c counter
	err = source.Read(ctx, sdk.ReadRequest{}, &c)
	return c.records.Load(), errors.Join(err, source.Close())
}

// counter counts records. What cannot be read is an error: what is compared must be whole.
type counter struct{ records atomic.Int64 }

func (c *counter) Record(string, sdk.Record) error { c.records.Add(1); return nil }

func (c *counter) Skip(stream, id string, reason error) error {
	return fmt.Errorf("%s: %s: %w", stream, id, reason)
}
func (c *counter) Checkpoint(string, []byte) error             { return nil }
func (c *counter) Progress(string, int64, int64, string) error { return nil }
func (c *counter) Report(sdk.Diagnostic)                       {}

// next reads all lists at the same time and follows their links.
func next(ctx context.Context, server string) (int64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var sum atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for preset, names := range lists {
		for _, name := range names {
			address := server + paths[preset] + name + "/"
			if preset == "dnd5e_api" {
				address = server + paths[preset] + strings.ReplaceAll(name, "_", "-")
			}
			group.Go(func() error {
				n, err := follow(ctx, client, server, address, preset == "dnd5e_api")
				sum.Add(n)
				return err
			})
		}
	}
	err := group.Wait()
	return sum.Load(), err
}

func follow(ctx context.Context, client *http.Client, server, address string, details bool) (n int64, err error) {
	for address != "" {
		var page struct {
			Next    string           `json:"next"`
			Results []map[string]any `json:"results"`
		}
		if err := get(ctx, client, address, &page); err != nil {
			return n, err
		}
		n += int64(len(page.Results))
		if details {
			var group sync.WaitGroup
			failures := make([]error, len(page.Results))
			for i, r := range page.Results {
				path, _ := r["url"].(string)
				group.Go(func() { failures[i] = get(ctx, client, server+path, &map[string]any{}) })
			}
			group.Wait()
			if err := errors.Join(failures...); err != nil {
				return n, err
			}
		}
		address = page.Next
	}
	return n, nil
}

func get(ctx context.Context, client *http.Client, address string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	return errors.Join(json.NewDecoder(response.Body).Decode(into), response.Body.Close())
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// webCache is the name of the cache of what was fetched by URL, in the numbers.
const webCache = "web"

// get fetches an asset by its URL.
func (g *gallery) get(ctx context.Context, address string) (io.ReadCloser, int64, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, 0, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "asset.bad_url", Summary: fmt.Sprintf("%q is not the address of a file in the web", address),
			Suggestion: "an address begins with https:// or http://",
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("User-Agent", "converter")
	response, err := g.run.Images.Web.Do(request)
	if err != nil {
		return nil, 0, unreached(ctx, u.Host, err)
	}
	g.run.Recorder.Cache(webCache, strings.Contains(response.Header.Get("Cache-Status"), "hit"))
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // nobody reads it
		return nil, 0, refusedBy(u.Host, response)
	}
	return response.Body, response.ContentLength, nil
}

// unreached says that no answer came, unless the client has its own words for it.
func unreached(ctx context.Context, host string, err error) error {
	if _, said := errors.AsType[*sdk.Diagnostic](err); said || ctx.Err() != nil {
		return err
	}
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "asset.unreachable", Summary: host + " cannot be reached", Cause: err,
		Suggestion: "look whether this machine is online, then run again",
	}
}

// refusedBy says what a server answered instead of a file.
func refusedBy(host string, response *http.Response) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "asset.refused", Summary: fmt.Sprintf("%s answers %s", host, response.Status),
		Suggestion: "run again later",
	}
	if response.StatusCode >= 400 && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests {
		d.Kind, d.Suggestion = sdk.NotFound, "open the address in a browser; if it leads nowhere, correct the document"
	}
	return d
}

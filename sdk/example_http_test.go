package sdk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// hesitant is a server that answers with a page for people before it answers.
func hesitant() *httptest.Server {
	asked := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			_, _ = io.WriteString(w, "<html>One moment, please</html>")
			return
		}
		_, _ = io.WriteString(w, `{"song": "Hail"}`)
	}))
}

// onlyJSON takes nothing else for an answer, and has it asked for again.
func onlyJSON(_ *http.Request, t sdk.Try) sdk.Verdict {
	switch {
	case t.Err != nil:
		return sdk.Verdict{Again: true}
	case t.Status == http.StatusOK && !json.Valid(t.Body):
		return sdk.Verdict{Again: true, Err: errors.New("the server sends no JSON")}
	}
	return sdk.Verdict{}
}

// A client for one server: two requests at a time, ten a second, and only JSON is an answer.
func ExampleEnvironment_HTTPWith() {
	server := hesitant()
	defer server.Close()
	client := sdk.Environment{}.HTTPWith(sdk.HTTPConfig{
		InFlight: 2, Interval: 100 * time.Millisecond, FirstPause: time.Millisecond, Judge: onlyJSON,
	})
	defer client.CloseIdleConnections()
	response, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(response.Body)
	fmt.Println(string(body), errors.Join(err, response.Body.Close()))
	// Output: {"song": "Hail"} <nil>
}

// What is kept without a validator stands in for a server that is away for a week, and answers requests that are not sent.
func ExampleHTTPConfig() {
	client := sdk.Environment{CacheDir: ""}.HTTPWith(sdk.HTTPConfig{KeepAll: true, StaleLimit: 7 * 24 * time.Hour, Tries: 2})
	request, err := http.NewRequest(http.MethodGet, "https://beasts.example/orc", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	request.Header.Set("Cache-Control", "only-if-cached, max-stale")
	response, err := client.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.StatusCode, response.Body.Close()) // nothing is kept without a folder
	// Output: 504 <nil>
}

func ExampleTry() {
	t := sdk.Try{Number: 1, Status: http.StatusOK, Body: []byte("<html>")}
	fmt.Println(json.Valid(t.Body))
	// Output: false
}

func ExampleVerdict() {
	v := onlyJSON(nil, sdk.Try{Number: 1, Status: http.StatusOK, Body: []byte("<html>")})
	fmt.Println(v.Again, v.Err)
	// Output: true the server sends no JSON
}

package sdktest

import (
	"bytes"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// paperSize is how much is kept of what sources say.
const paperSize = 1 << 20

// paper takes down what sources say, to be searched for what they must not say.
type paper struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write never fails.
func (p *paper) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(text[:max(0, min(len(text), paperSize-p.text.Len()))])
	return len(text), nil
}

// error takes down an error with its diagnostics.
func (p *paper) error(err error) {
	if err == nil {
		return
	}
	_, _ = p.Write([]byte(err.Error() + "\n"))
	for _, d := range sdk.Diagnose(err, "") {
		p.diagnostic(*d)
	}
}

func (p *paper) diagnostic(d sdk.Diagnostic) {
	_, _ = p.Write([]byte(strings.Join([]string{d.Error(), d.Detail, d.Suggestion, ""}, "\n")))
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

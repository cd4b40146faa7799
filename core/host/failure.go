package host

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/sdk"
)

// deathLimit is how long a broken connection waits for the process to be found dead. The connection breaks first, and a busy
// machine takes its time over the rest.
const deathLimit = 5 * time.Second

// fate says what became of the process, when a call broke and the plugin did not say why.
func (p *Process) fate(err error) error {
	broken := status.Code(err) == codes.Unavailable
	switch {
	case p.child.closing():
		return p.isClosed()
	case p.attached && broken:
		return p.lost(err)
	case p.child.ended(), broken && within(p.child.done, deathLimit):
		return p.died(true)
	case broken:
		return p.disconnected()
	}
	return nil
}

func (p *Process) disconnected() error {
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeDisconnected,
		Summary: fmt.Sprintf("the connection to plugin %q broke, but its process lives", p.config.Name),
	}
}

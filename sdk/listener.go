package sdk

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// ServeListener serves a source to whoever connects to a listener, and returns when ctx has ended and nobody is being
// answered any more. It is for tests and debuggers: there is no handshake, no certificate and no host that started the
// process, so a listener that others can reach gives the source to them. A plugin's main function calls [Serve].
//
// One host after the other may configure the source; before the next one does, the source is closed where it is an
// [io.Closer], and so it is at the end. The listener is closed too. The source logs to log; nil: nowhere. An error is the
// listener's, or what the source returned when it was closed.
func ServeListener(ctx context.Context, s Source, l net.Listener, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	service := newService(s, log)
	service.again = true
	server := newServer(service)
	sourcepb.RegisterSourceServiceServer(server, service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var err error
	select {
	case <-ctx.Done():
		server.Stop()
		if err = <-served; errors.Is(err, grpc.ErrServerStopped) { // before it began
			err = nil
		}
	case err = <-served: // nobody stopped it
		server.Stop()
	}
	return errors.Join(err, service.end(lastWords))
}

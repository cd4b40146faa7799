package host

import (
	"context"
	"log/slog"
	"net"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// clientConfig tells go-plugin what is left to it: the handshake, the certificates, and dialling.
func (c *child) clientConfig(ctx context.Context) *plugin.ClientConfig {
	out := func(line string) { c.talk.print(ctx, line) }
	stderr := func(line string) { c.talk.say(ctx, entry{level: slog.LevelInfo, text: line}) }
	config := &plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: sourcepb.CookieKey, MagicCookieValue: sourcepb.CookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			c.env = append(c.env, cmd.Env...)
			return c, nil
		},
		SkipHostEnv:      true,
		AutoMTLS:         true,
		StartTimeout:     time.Hour, // ours is shorter
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: c.folder},
		Logger:           hclog.NewNullLogger(),
		SyncStdout:       &splitter{do: out}, // what the plugin prints while it serves
		SyncStderr:       &splitter{do: stderr},
	}
	for _, major := range c.majors {
		config.VersionedPlugins[major] = plugin.PluginSet{sourcepb.PluginName: &plugin.NetRPCUnsupportedPlugin{}}
	}
	config.GRPCDialOptions = []grpc.DialOption{
		grpc.WithTransportCredentials(&security{child: c, config: config}),
		grpc.WithDefaultCallOptions(sourcepb.CallOptions()...),
	}
	return config
}

// security is TLS with the certificates that go-plugin has exchanged, or nothing at all where the plugin's handshake
// carried no certificate, as in languages whose libraries have no such thing. handshake.trusted has made sure then that
// the connection is a socket in a folder nobody else can enter.
type security struct {
	child  *child
	config *plugin.ClientConfig
}

var _ credentials.TransportCredentials = (*security)(nil)

func (s *security) chosen() credentials.TransportCredentials {
	if s.child.secure() {
		return credentials.NewTLS(s.config.TLSConfig)
	}
	return insecure.NewCredentials()
}

// ClientHandshake does the handshake of the kind chosen.
func (s *security) ClientHandshake(
	ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return s.chosen().ClientHandshake(ctx, authority, raw)
}

// ServerHandshake is not for clients.
func (s *security) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return s.chosen().ServerHandshake(raw)
}

// Info describes the kind chosen.
func (s *security) Info() credentials.ProtocolInfo { return s.chosen().Info() }

// Clone returns s, which does not change.
func (s *security) Clone() credentials.TransportCredentials { return s }

// OverrideServerName is of no use here: the certificate is known.
func (s *security) OverrideServerName(string) error { return nil }

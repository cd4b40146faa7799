package host

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-plugin"
)

// handshake is the first line of a plugin: CORE|PROTOCOL|NETWORK|ADDRESS|grpc|CERTIFICATE.
type handshake struct {
	network string
	address string
	secure  bool // a certificate came with it
}

// minCertificate is the length from which go-plugin takes the sixth field for a certificate.
const minCertificate = 51

// parseHandshake reads the line and returns a fault that the user can be shown.
func parseHandshake(name, program, line string, majors []int) (handshake, error) {
	fields := strings.Split(strings.TrimSpace(line), "|")
	if len(fields) < 4 {
		return handshake{}, notAPlugin(name, program, line)
	}
	core, coreErr := strconv.Atoi(fields[0])
	version, versionErr := strconv.Atoi(fields[1])
	if coreErr != nil || versionErr != nil || (fields[2] != "unix" && fields[2] != "tcp") {
		return handshake{}, notAPlugin(name, program, line)
	}
	switch {
	case core != plugin.CoreProtocolVersion:
		return handshake{}, foreignHandshake(name, fmt.Sprintf("its handshake is of version %d", core))
	case !slices.Contains(majors, version):
		return handshake{}, wrongProtocol(name, majors, []int{version})
	case len(fields) < 5 || fields[4] != string(plugin.ProtocolGRPC):
		return handshake{}, foreignHandshake(name, "it speaks net/rpc instead of gRPC")
	}
	h := handshake{network: fields[2], address: fields[3]}
	if len(fields) > 5 && len(fields[5]) >= minCertificate {
		h.secure = true
		if !certificate(fields[5]) {
			return handshake{}, insecurePlugin(name, "its certificate cannot be read")
		}
	}
	return h, nil
}

func certificate(field string) bool {
	der, err := base64.RawStdEncoding.DecodeString(field)
	if err != nil {
		return false
	}
	_, err = x509.ParseCertificate(der)
	return err == nil
}

// trusted holds that a connection without a certificate stays where nobody else can listen: a socket in our own folder.
func (h handshake) trusted(name, folder string) error {
	if h.network == "tcp" && !loopback(h.address) {
		return insecurePlugin(name, fmt.Sprintf("it listens at %s, not on this machine alone", h.address))
	}
	if h.secure {
		return nil
	}
	inside, err := filepath.Rel(folder, filepath.Clean(h.address))
	if h.network != "unix" || err != nil || !filepath.IsLocal(inside) {
		return insecurePlugin(name, fmt.Sprintf("it listens without a certificate at %s", h.address))
	}
	return nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

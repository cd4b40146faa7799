//go:build !((linux || darwin) && (amd64 || arm64)) || nonative

package asset

import "errors"

func findNative() (Encoder, error) {
	return nil, errors.New("this program was built without it")
}

package main

import (
	"testing"

	"github.com/seed-98789ff7/converter/sdk/sdktest"
)

func TestGreeter(t *testing.T) { sdktest.Run(t, greeter, map[string]any{"greeting": "Hi"}) }

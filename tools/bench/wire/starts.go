package main

import (
	"context"
	"os/exec"
	"slices"
	"time"

	"github.com/seed-98789ff7/converter/core/host"
)

// starting is a cell that starts plugins until they answer, and ends them.
type starting struct {
	command []string
	times   int // in a round; the sample is the median
}

func (c starting) measure(ctx context.Context) (sample, error) {
	var started, closed []float64
	for range c.times {
		began := time.Now()
		p, err := host.Start(ctx, host.Config{Name: "wire", Command: c.command})
		if err != nil {
			return sample{}, err
		}
		answered := time.Now()
		if err := p.Close(); err != nil {
			return sample{}, err
		}
		started = append(started, answered.Sub(began).Seconds())
		closed = append(closed, time.Since(answered).Seconds())
	}
	return sample{Seconds: middle(started), CloseSeconds: middle(closed)}, nil
}

// describing is the cell of the least that can be: the program says what it is, and ends.
type describing struct {
	command []string
	times   int
}

func (c describing) measure(ctx context.Context) (sample, error) {
	var took []float64
	for range c.times {
		began := time.Now()
		if err := exec.CommandContext(ctx, c.command[0], append(c.command[1:], "describe")...).Run(); err != nil {
			return sample{}, err
		}
		took = append(took, time.Since(began).Seconds())
	}
	return sample{Seconds: middle(took)}, nil
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

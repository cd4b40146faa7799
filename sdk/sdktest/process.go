package sdktest

import (
	"context"
	"io"
	"strings"
	"time"
)

// endLimit is how long a source may take to end.
const endLimit = 2 * time.Second

// checkKill kills the process in the middle of a reading; a new one has to read what the first one did.
func checkKill(ctx context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	if _, isProcess := b.source.(Process); !isProcess {
		return skipped("the source is no process of its own")
	}
	victim, err := b.open(ctx)
	if err == nil {
		err = b.configure(ctx, victim)
	}
	if err != nil {
		return failed("a plugin can run several times at once", "a second process: %v", err)
	}
	p, isProcess := victim.(Process)
	if !isProcess {
		return skipped("the source is no process of its own")
	}
	half := (b.first.records + 1) / 2
	if r, err := b.read(ctx, victim, b.all(), func(n int64) {
		if n == half {
			p.Kill()
		}
	}); err == nil && differs(b.first.streams, r.streams) != "" {
		return failed("", "the process was killed, and its reading still ended as if everything had been sent")
	}
	successor, err := b.open(ctx)
	if err == nil {
		err = b.configure(ctx, successor)
	}
	if err != nil {
		return failed("leave nothing behind that a new start stumbles over, such as locks", "after one was killed, a new process: %v", err)
	}
	return b.sameAs(ctx, successor, "the reading after one that was killed")
}

// checkEnd ends the source.
func checkEnd(ctx context.Context, b *bench) Result {
	closer, isCloser := b.source.(io.Closer)
	if !isCloser {
		return skipped("the source has nothing to close")
	}
	begun := time.Now()
	err := b.call(ctx, func(context.Context) error { return closer.Close() })
	took := time.Since(begun)
	const advice = "end what you have started when you are asked to end"
	if p, isProcess := b.source.(Process); isProcess && p.Forced() {
		return failed(advice, "the process did not end by itself within %s, and was killed", endLimit)
	}
	switch {
	case err != nil:
		return failed(advice, "%v", err)
	case took > endLimit+endLimit/4: // what is more than the limit is the machine's
		return failed(advice, "the source took %s to end", took.Round(time.Millisecond))
	}
	return ok("ended by itself in %s", took.Round(time.Millisecond))
}

// checkPrinted looks at what the process printed.
func checkPrinted(_ context.Context, b *bench) Result {
	p, isProcess := b.source.(Process)
	if !isProcess {
		return skipped("the source is no process of its own")
	}
	if printed := strings.TrimSpace(p.Printed()); printed != "" {
		line, _, _ := strings.Cut(printed, "\n")
		return failed("log to standard error; standard output is for the handshake alone", "it was printed on: %q", line)
	}
	return ok("nothing was printed on it")
}

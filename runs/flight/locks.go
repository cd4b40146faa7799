package flight

import (
	"context"
	"slices"
	"sync"
)

// Locks is a lock at each key, for many readers or one writer. The zero value is ready.
//
// Turns are taken in the order of asking: readers who come after a writer who waits wait behind it.
type Locks[K comparable] struct {
	meter

	mu    sync.Mutex
	rooms map[K]*room
}

// room is a key that somebody holds.
type room struct {
	readers int
	writing bool
	queue   []*turn
	joined  bool // somebody has waited
}

// turn is somebody who waits.
type turn struct {
	write bool
	come  chan struct{} // closed when it is theirs
}

// Lock waits until nobody else is at the key. The lock is held until the function it returns is called, once.
func (l *Locks[K]) Lock(ctx context.Context, key K) (unlock func(), err error) {
	return l.lock(ctx, key, true)
}

// RLock waits until no writer is at the key. The lock is held until the function it returns is called, once.
func (l *Locks[K]) RLock(ctx context.Context, key K) (unlock func(), err error) {
	return l.lock(ctx, key, false)
}

func (l *Locks[K]) lock(ctx context.Context, key K, write bool) (func(), error) {
	l.calls.Add(1)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	unlock := sync.OnceFunc(func() { l.leave(key, write) })
	t := l.enter(key, write)
	if t == nil {
		return unlock, nil
	}
	defer l.wait()()
	select {
	case <-t.come:
		return unlock, nil
	case <-ctx.Done():
	}
	if !l.resign(key, t) { // it came at the same moment
		unlock()
	}
	return nil, context.Cause(ctx)
}

// enter takes the lock, or returns the turn to wait for.
func (l *Locks[K]) enter(key K, write bool) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[key]
	if r == nil {
		if l.rooms == nil {
			l.rooms = map[K]*room{}
		}
		r = &room{}
		l.rooms[key] = r
	}
	if len(r.queue) == 0 && r.admits(write) {
		r.admit(write)
		return nil
	}
	if !r.joined {
		r.joined = true
		l.contended.Add(1)
	}
	t := &turn{write: write, come: make(chan struct{})}
	r.queue = append(r.queue, t)
	return t
}

func (l *Locks[K]) leave(key K, write bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[key]
	if write {
		r.writing = false
	} else {
		r.readers--
	}
	l.next(key, r)
}

// resign takes a turn out of the queue, and reports whether it was still in it.
func (l *Locks[K]) resign(key K, t *turn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[key]
	at := slices.Index(r.queue, t)
	if at < 0 {
		return false
	}
	r.queue = slices.Delete(r.queue, at, at+1)
	l.next(key, r) // readers behind a writer who left
	return true
}

// next lets those in whose turn has come, and forgets the key when nobody is left. It wants l.mu held.
func (l *Locks[K]) next(key K, r *room) {
	for len(r.queue) > 0 && r.admits(r.queue[0].write) {
		r.admit(r.queue[0].write)
		close(r.queue[0].come)
		r.queue = r.queue[1:]
	}
	if r.readers == 0 && !r.writing {
		delete(l.rooms, key)
	}
}

func (r *room) admits(write bool) bool { return !r.writing && (!write || r.readers == 0) }

func (r *room) admit(write bool) {
	if write {
		r.writing = true
	} else {
		r.readers++
	}
}

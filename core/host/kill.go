package host

import "os"

// Kill ends the process and all it has started at once, as the system does for lack of memory, and returns when it is
// gone. It is for those who test what happens then; Close is still to be called.
func (p *Process) Kill() {
	p.child.kill(byItself)
	p.child.wait()
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.child.pid() }

// Exit returns how the process ended; nil while it runs.
func (p *Process) Exit() *os.ProcessState {
	state, _ := p.child.exit()
	return state
}

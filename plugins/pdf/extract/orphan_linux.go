package extract

import "syscall"

// orphaned has the process killed when the one that started it is. It ends with its input too, but only from page to page where
// PDFium is at work.
func orphaned() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

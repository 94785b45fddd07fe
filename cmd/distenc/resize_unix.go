//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyResize tells when the terminal has another size.
func notifyResize(resized chan<- os.Signal) { signal.Notify(resized, syscall.SIGWINCH) }

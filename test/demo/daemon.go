//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// daemon is a process that the demo started: it is ended by this handle alone.
type daemon struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs a daemon in the background; its log goes into the demo's folder. One that ends by itself
// cancels the demo.
func (d *demo) start(command string, cancel context.CancelCauseFunc) error {
	name := fmt.Sprintf("%s-%d", command, len(d.daemons)+1)
	log, err := os.Create(filepath.Join(d.dir, name+".log"))
	if err != nil {
		return err
	}
	cmd := d.command(context.Background(), command)
	cmd.Stdout, cmd.Stderr = log, log
	// Ctrl-C is for the demo, which then stops its daemons in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	fmt.Printf("$ distenc %s &   # process %d\n", command, cmd.Process.Pid)
	p := &daemon{name: name, cmd: cmd, done: make(chan struct{})}
	d.daemons = append(d.daemons, p)
	go func() {
		defer close(p.done)
		ended := fmt.Errorf("%s ended by itself, see %s", name, log.Name())
		cancel(errors.Join(ended, cmd.Wait(), log.Close()))
	}()
	return nil
}

// stop asks all daemons to hand back their work and end, and insists after half a minute.
func (d *demo) stop() error {
	for _, p := range d.daemons {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	limit, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for _, p := range d.daemons {
		select {
		case <-p.done:
		case <-limit.Done():
			errs = append(errs, fmt.Errorf("%s did not stop in 30 s", p.name), p.cmd.Process.Kill())
			<-p.done
		}
	}
	return errors.Join(errs...)
}

//go:build linux

package farm_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A health check asks for the daemons of its own container.
func TestTheDaemonsOfThisHost(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	require.Contains(t, f.fails(1, "nodes", "--here"), "no master or worker of the host")

	var daemons []*daemon
	for _, role := range []string{"master", "master", "worker"} {
		daemons = append(daemons, f.start(role))
	}
	alive := func() (states string, ok bool) {
		out, err := f.command("nodes", "--here").Output()
		return string(out), err == nil
	}
	all := func() bool {
		states, ok := alive()
		return ok && strings.Contains(states, " leads, ") && strings.Contains(states, " stands by, ") &&
			strings.Contains(states, " idle, ")
	}
	f.eventually("a leader, a standby and a worker", all)

	signal := func(sig syscall.Signal) {
		for _, d := range daemons {
			_ = d.Process.Signal(sig) // one that has ended says so by what is asked for below
		}
	}
	defer signal(syscall.SIGCONT)
	signal(syscall.SIGSTOP) // they hang
	f.eventually("nobody is alive", func() bool {
		states, ok := alive()
		return !ok && strings.Count(states, " silent, ") == 3
	})
	signal(syscall.SIGCONT)
	f.eventually("they are alive again", all)
	for _, d := range daemons {
		d.stop(t)
	}
	f.eventually("all have left", func() bool { _, ok := alive(); return !ok })
}

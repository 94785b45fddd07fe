//go:build linux

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// uml is User Mode Linux: a kernel that is a process of the host.
type uml struct{}

func (uml) title() string { return "User Mode Linux" }

func (uml) command(n *Node, _ *os.File) (*exec.Cmd, error) {
	args := []string{
		fmt.Sprintf("mem=%dM", memory), "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "panic=1",
		"init=/bin/sh", "con0=null,fd:1", "con=null", "ssl=null",
		"umid=" + n.Name + strconv.FormatInt(time.Now().UnixNano(), 36), "uml_dir=" + n.lab.dir + "/uml/",
	}
	args = append(args, n.guestArgs("/usr/lib/uml/modules", "vec", "/dev/ubda", "hostfs", n.lab.Shared())...)
	for i, kind := range []string{"d", "m"} {
		// Without gro large frames are dropped, and the share runs at 0.2 MB/s.
		args = append(args, fmt.Sprintf("vec%d:transport=tap,ifname=%s,gro=1,mac=%s", i, n.tap(kind), n.mac(i)))
	}
	if n.number == 0 {
		args = append(args, "ubda="+n.lab.disk())
	}
	cmd := exec.Command("linux.uml", append(args, "--", filepath.Join(n.lab.dir, "guest/init"))...) // the shell's argument
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + guestRAM, "HOME=/root", "TERM=linux"}
	return cmd, nil
}

// umlFails says why User Mode Linux does not run on this machine, "" if it does.
func umlFails() string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// A kernel that gets as far as to miss its root could have run a guest.
	cmd := exec.CommandContext(ctx, "linux.uml", "mem=64M", "con=null", "con0=null,fd:1", "root=/dev/null", "panic=1")
	cmd.Env = append(os.Environ(), "TMPDIR="+guestRAM)
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("Unable to mount root")) {
		return ""
	}
	return fmt.Sprintf("User Mode Linux does not run here (%v); it says: %s", err, out[max(0, len(out)-500):])
}

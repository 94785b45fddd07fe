//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const insideVar = "DISTENC_LAB_INSIDE"

// Inside returns true in a process that can Boot labs. Elsewhere it runs this same process anew where it
// can, in namespaces of its own, and returns its exit code.
func Inside() (inside bool, code int) {
	if os.Getenv(insideVar) != "" {
		return true, 0
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return false, 1
	}
	args := append([]string{"--net", "--pid", "--fork", "--kill-child", "--mount-proc", self}, os.Args[1:]...)
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// It ends with us, and with it everything inside. The signal comes when this thread ends.
	runtime.LockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return false, 1
	}
	return false, cmd.ProcessState.ExitCode()
}

// Missing says in one line why no lab can be booted on this machine, "" if one can. ChooseKernel says the rest.
func Missing() string {
	if os.Geteuid() != 0 {
		return "a lab needs root"
	}
	for _, tool := range []string{"unshare", "ip", "mkfs.ext4", "insmod", "rpcbind", "rpc.nfsd", "mount.nfs", "smbd",
		"mount.cifs"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool + " is not installed; `make test-lab` installs it on Debian"
		}
	}
	var shm unix.Statfs_t
	if err := unix.Statfs(guestRAM, &shm); err != nil || shm.Bavail*uint64(shm.Bsize) < 4*memory<<20 {
		return fmt.Sprintf("%s has no room for four machines of %d MiB", guestRAM, memory)
	}
	if err := exec.Command("unshare", "--net", "sh", "-c", "ip tuntap add dev tap mode tap && ip link add name bridge "+
		"type bridge").Run(); err != nil {
		return "no tap device or bridge can be made: this machine lets no one make network devices"
	}
	return ""
}

//go:build linux

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// kernel runs the machines. Both kinds give a guest the host's root, read-only, the lab's shared folder, the server's
// disk and two network cards.
type kernel interface {
	// command makes a command that is the powered-on machine: the power is off when it ends. What it needs beside that
	// runs already, writes to console and ends with it.
	command(n *Node, console *os.File) (*exec.Cmd, error)
	// title is the kernel's name for people.
	title() string
}

// kernelVar names the kernel that the lab runs on: "uml", or the folder that cloud-kernel has made.
const kernelVar = "DISTENC_LAB_KERNEL"

// ChooseKernel chooses what the machines run on and prepares it, unless the environment names it: User Mode Linux where
// it boots, else QEMU without KVM. User Mode Linux of Debian 12 and 13 does not boot on processors whose extended
// state is larger than it knows, those with AMX. It needs the package registry, so it must run outside of the lab's
// network.
func ChooseKernel() error {
	if os.Getenv(kernelVar) != "" && os.Getenv(kernelVar) != "qemu" {
		return nil
	}
	chosen := "uml"
	if os.Getenv(kernelVar) == "qemu" || umlFails() != "" {
		prepare := exec.Command("./cloud-kernel")
		prepare.Stderr = os.Stderr
		out, err := prepare.Output()
		if err != nil {
			return fmt.Errorf("no kernel to run: User Mode Linux does not start, and QEMU's can't be had: %w", err)
		}
		chosen = strings.TrimSpace(string(out))
	}
	return os.Setenv(kernelVar, chosen)
}

func chosenKernel() kernel {
	if dir := os.Getenv(kernelVar); dir != "uml" {
		return qemu{dir}
	}
	return uml{}
}

// KernelTitle names what the machines run on, for people.
func KernelTitle() string { return chosenKernel().title() }

// Slow is how many times slower than on the host a guest's programs run, roughly: QEMU without KVM translates each
// instruction.
func Slow() int {
	if os.Getenv(kernelVar) == "uml" {
		return 1
	}
	return 15
}

// guestArgs is what guest/init must know, in the form of the kernel's command line. cards is the prefix of the network
// cards' names, disk the server's disk, share the type of the file system that brings the host's folder named shared.
func (n *Node) guestArgs(modules, cards, disk, share, shared string) []string {
	return []string{
		"NODE=" + n.Name, "DATA=" + n.data, "MGMT=" + n.mgmt(2), "DIR=" + n.lab.dir, "MODULES=" + modules, "CARDS=" + cards,
		"DISK=" + disk,
		"SHARE=" + share, "SHARED=" + shared,
	}
}

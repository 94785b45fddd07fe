//go:build linux

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// qemu is a whole machine in software: QEMU without KVM, with the kernel that cloud-kernel has unpacked into dir.
type qemu struct{ dir string }

func (qemu) title() string { return "QEMU without KVM" }

// virtiofsd serves a folder of the host to one guest. It is QEMU's own of version 7, or the later one in Rust.
var virtiofsd = []string{"/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"}

func (q qemu) command(n *Node, console *os.File) (*exec.Cmd, error) {
	modules, err := filepath.Glob(filepath.Join(q.dir, "modules/*"))
	if err != nil || len(modules) != 1 {
		return nil, fmt.Errorf("%s has the modules of %d kernels, not of one", q.dir, len(modules))
	}
	kernelArgs := append([]string{"console=ttyS0", "quiet", "panic=1", "GUEST=" + filepath.Join(n.lab.dir, "guest/init")},
		n.guestArgs(filepath.Dir(modules[0]), "eth", "/dev/vda", "virtiofs", "shared")...)
	ram := fmt.Sprintf("%dM", memory)
	args := []string{
		"-accel", "tcg", "-cpu", "max", "-machine", "q35", "-nographic", "-no-reboot", "-serial", "stdio", "-monitor", "none",
		// Virtio-fs reads and writes the guest's memory from another process.
		"-m", ram, "-object", "memory-backend-memfd,id=ram,share=on,size=" + ram, "-numa", "node,memdev=ram",
		"-kernel", filepath.Join(q.dir, "vmlinuz"), "-initrd", filepath.Join(q.dir, "initrd"), "-append",
		strings.Join(kernelArgs, " "),
	}
	for i, kind := range []string{"d", "m"} {
		args = append(args, "-netdev", fmt.Sprintf("tap,id=net%d,ifname=%s,script=no,downscript=no", i, n.tap(kind)),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=net%d,mac=%s", i, n.mac(i)))
	}
	if n.number == 0 {
		args = append(args, "-drive", "if=virtio,format=raw,cache=unsafe,file="+n.lab.disk())
	}
	for tag, folder := range map[string]string{"root": "/", "shared": n.lab.Shared()} {
		socket := filepath.Join(n.lab.dir, n.Name+"."+tag)
		if err := serveFolder(folder, socket, console); err != nil {
			return nil, err
		}
		args = append(args, "-chardev", "socket,id="+tag+",path="+socket, "-device", "vhost-user-fs-pci,chardev="+tag+",tag="+
			tag)
	}
	return exec.Command("qemu-system-x86_64", args...), nil
}

// serveFolder starts a server that ends when the machine that connects to it does.
func serveFolder(folder, socket string, console *os.File) error {
	_ = os.Remove(socket)
	program := virtiofsd[0]
	if _, err := os.Stat(program); err != nil {
		program = virtiofsd[1]
	}
	server := exec.Command(program, "--socket-path="+socket, "-o", "source="+folder, "-o", "cache=auto", "-o",
		"sandbox=chroot")
	server.Stdout, server.Stderr = console, console
	server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := server.Start(); err != nil {
		return err
	}
	go func() { _ = server.Wait() }()
	for range 1000 {
		if _, err := os.Stat(socket); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s does not serve %s", program, folder)
}

//go:build linux

package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Node is one machine.
type Node struct {
	Name string

	lab    *Lab
	number int    // 0: the server
	data   string // its address where the share is
	kernel *exec.Cmd
	ended  chan struct{} // closed when the kernel has ended
}

const (
	memory   = 512             // MiB a machine; it takes what it touches
	bootTime = 2 * time.Minute // for the slowest boot on a busy host
	guestRAM = "/dev/shm"      // where a guest keeps its memory, as a file
)

// tap names the host's end of the node's data (d) or management (m) network. The latter joins node and
// host alone, so that commands reach a node that is cut off.
func (n *Node) tap(kind string) string { return kind + n.Name }

// mac is the address of the node's data (0) or management (1) network card.
func (n *Node) mac(card int) string { return fmt.Sprintf("02:77:%02x:00:00:%02x", card, n.number+1) }

func (n *Node) mgmt(last int) string { return fmt.Sprintf("10.78.%d.%d", n.number, last) }

func (n *Node) plugIn() error {
	return sh("ip tuntap add dev %[1]s mode tap && ip link set %[1]s master %[3]s up && "+
		"ip tuntap add dev %[2]s mode tap && ip addr add %[4]s/30 dev %[2]s && ip link set %[2]s up",
		n.tap("d"), n.tap("m"), bridge, n.mgmt(1))
}

// PowerOn boots the machine after a power loss and mounts the share; a server serves it again.
func (n *Node) PowerOn() error {
	if err := n.boot(); err != nil || n.number == 0 {
		return err
	}
	return n.mountShare()
}

// boot starts the guest and waits until it takes commands.
func (n *Node) boot() error {
	console, err := os.OpenFile(filepath.Join(n.lab.dir, n.Name+".console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = console.Close() }()
	if n.kernel, err = n.lab.kernel.command(n, console); err != nil {
		return err
	}
	n.kernel.Stdout, n.kernel.Stderr = console, console
	n.kernel.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := n.kernel.Start(); err != nil {
		return err
	}
	n.ended = make(chan struct{})
	go func(kernel *exec.Cmd, ended chan struct{}) {
		_ = kernel.Wait()
		close(ended)
	}(n.kernel, n.ended)
	return n.booted(console.Name())
}

// booted waits until the guest takes commands.
func (n *Node) booted(console string) error {
	for end := time.Now().Add(bootTime); time.Now().Before(end); {
		if _, err := n.RunWithin(time.Second, "true"); err == nil {
			return nil
		}
		select {
		case <-n.ended:
			end = time.Now()
		case <-time.After(50 * time.Millisecond):
		}
	}
	log, _ := os.ReadFile(console)
	return fmt.Errorf("it did not boot; the end of its console:\n%s", log[max(0, len(log)-2000):])
}

func (n *Node) mountShare() error {
	if _, err := n.Run("sh", "-c", n.lab.Proto.before+"true"); err != nil {
		return err
	}
	return n.Mount("", "/mnt/share", "")
}

// Mount mounts a folder of the share, "" or "/" and its name, at point, with more options beside the usual
// ones ("": none).
func (n *Node) Mount(folder, point, options string) error {
	p := n.lab.Proto
	if options != "" {
		options = "," + options
	}
	_, err := n.Run("mount", "-t", p.kind, "-o", p.options+options, p.source+folder, point)
	return err
}

// PowerOff is a power loss: it ends all of the guest's processes at once. It is harmless on a machine that
// is off.
func (n *Node) PowerOff() {
	if n.kernel == nil {
		return
	}
	leader := n.kernel.Process.Pid
	_ = n.kernel.Process.Kill()
	names, _ := os.ReadDir("/proc")
	for _, name := range names {
		pid, err := strconv.Atoi(name.Name())
		if err != nil {
			continue
		}
		if sid, err := unix.Getsid(pid); err == nil && sid == leader {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	<-n.ended
	n.kernel = nil
}

// Freeze stops the machine's kernel, without which its processes get nowhere. All its clocks jump at Thaw.
func (n *Node) Freeze() error { return n.kernel.Process.Signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (n *Node) Thaw() error { return n.kernel.Process.Signal(syscall.SIGCONT) }

// Cut takes the machine off the network where the share is, silently; commands still reach it.
func (n *Node) Cut() error { return sh("ip link set %s nomaster", n.tap("d")) }

// Heal undoes Cut.
func (n *Node) Heal() error { return sh("ip link set %s master %s", n.tap("d"), bridge) }

// SetClock sets the wall clock to the host's and offset.
func (n *Node) SetClock(offset time.Duration) error {
	now := time.Now().Add(offset)
	_, err := n.Run("date", "-s", fmt.Sprintf("@%d.%03d", now.Unix(), now.Nanosecond()/1e6))
	return err
}

const (
	runTime  = time.Minute      // bounds a command that is given no time of its own
	lookTime = 10 * time.Second // bounds a listing: a machine that is off just does not answer
)

// Run runs a command to its end and returns its standard output.
func (n *Node) Run(argv ...string) (string, error) {
	return n.RunWithin(time.Duration(Slow())*runTime, argv...)
}

// RunWithin is Run with another limit, at which the command is killed.
func (n *Node) RunWithin(limit time.Duration, argv ...string) (string, error) {
	body, err := json.Marshal(argv)
	if err != nil {
		return "", err
	}
	out, err := n.ask(limit, http.MethodPost, "/run", bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("%s: %q: %w", n.Name, argv, err)
	}
	return out, nil
}

// Move renames a file on a share as distenc does, in a process of this machine, and returns the outcome.
func (n *Node) Move(share, src, dst string) (string, error) {
	form := url.Values{"share": {share}, "src": {src}, "dst": {dst}}
	return n.ask(runTime, http.MethodPost, "/move?"+form.Encode(), nil)
}

// Files lists all files below a folder by their names in it.
func (n *Node) Files(folder string) ([]string, error) {
	out, err := n.ask(lookTime, http.MethodGet, "/files?in="+url.QueryEscape(folder), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot list %q: %w", n.Name, folder, err)
	}
	return strings.FieldsFunc(out, func(r rune) bool { return r == '\n' }), nil
}

// ask sends the agent a request and returns its answer.
func (n *Node) ask(limit time.Duration, method, path string, body io.Reader) (string, error) {
	req, err := http.NewRequest(method, "http://"+n.mgmt(2)+":7000"+path, body)
	if err != nil {
		return "", err
	}
	// A connection each: one to a machine that lost power since would just hang.
	client := http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(out)))
	}
	return string(out), err
}

// Start starts a daemon whose output goes to the file log in Lab.Shared, and returns its process id.
func (n *Node) Start(log string, argv ...string) (pid int, err error) {
	script := `log=$1; shift; "$@" >>/lab/"$log" 2>&1 & echo $!`
	out, err := n.Run(append([]string{"sh", "-c", script, "sh", log}, argv...)...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

//go:build linux

// Package lab boots a few machines around one file server, to show that distenc holds on real network
// shares. Each is a guest, of User Mode Linux where that runs, else of QEMU: a kernel of its own with the real NFS
// and SMB clients and their caches, or the real servers. They can lose power, be cut off, stand still and have wrong
// clocks. Neither KVM nor a disk image is needed: the guests run what is installed on the host.
//
// Whoever uses it is root in a network and a PID namespace of its own (see Inside), so that nothing of a
// lab outlives its process.
package lab

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Proto is one way to mount the share. The options are those that the README advises.
type Proto struct {
	Name    string // as on the command line
	Title   string // as in a table
	kind    string // for mount(8), as are the next two
	source  string
	options string
	before  string // a command that a client needs once
}

// Protos are the protocols that distenc promises to work on.
var Protos = []Proto{
	{Name: "nfs4", Title: "NFSv4.2", kind: "nfs", source: "10.77.0.1:/share", options: "vers=4.2,hard"},
	// Locks want a status monitor on the client.
	{Name: "nfs3", Title: "NFSv3", kind: "nfs", source: "10.77.0.1:/export/share", options: "vers=3,hard",
		before: "rpcbind -w; rpc.statd; "},
	{Name: "smb3", Title: "SMB 3.1.1", kind: "cifs", source: "//10.77.0.1/share",
		options: "vers=3.1.1,hard,closetimeo=0,username=root,password=lab,file_mode=0664,dir_mode=02775"},
}

// Lab is a file server and its clients.
type Lab struct {
	Proto   Proto
	Server  *Node   // it has the share at /export/share, on a disk of its own
	Clients []*Node // c1, c2, ...: they have it at /mnt/share

	dir    string
	kernel kernel
}

// disk is the server's, as a file of the host.
func (l *Lab) disk() string { return filepath.Join(l.dir, "disk") }

//go:embed guest
var guest embed.FS

// bridge joins all machines; it is taken from a machine that is cut off.
const bridge = "labdata"

// Boot starts a server and clients and mounts the share on them. dir is an empty folder for their disk,
// consoles and logs, agent the compiled ./agent. The caller closes the Lab, which leaves the folder.
func Boot(dir, agent string, proto Proto, clients int) (*Lab, error) {
	l := &Lab{Proto: proto, dir: dir, kernel: chosenKernel()}
	l.Server = &Node{Name: "srv", data: "10.77.0.1", lab: l}
	hosts := l.Server.data + " srv\n"
	for i := 1; i <= clients; i++ {
		n := &Node{Name: fmt.Sprintf("c%d", i), number: i, data: fmt.Sprintf("10.77.0.%d", 10+i), lab: l}
		l.Clients = append(l.Clients, n)
		hosts += n.data + " " + n.Name + "\n"
	}
	if err := l.furnish(agent, hosts); err != nil {
		return nil, err
	}
	if err := l.start(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// furnish puts what the guests need into the lab's folder.
func (l *Lab) furnish(agent, hosts string) error {
	if err := os.CopyFS(l.dir, guest); err != nil {
		return err
	}
	if err := os.Mkdir(l.Shared(), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(l.Shared(), "hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	if err := os.Link(agent, filepath.Join(l.dir, "agent")); err != nil {
		return err
	}
	return sh("truncate -s 4G %[1]s && mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 %[1]s", l.disk())
}

// Shared is a folder of the host that is /lab in every guest.
func (l *Lab) Shared() string { return filepath.Join(l.dir, "shared") }

// Nodes are all machines, the server first.
func (l *Lab) Nodes() []*Node { return append([]*Node{l.Server}, l.Clients...) }

func (l *Lab) start() error {
	if err := sh("ip link add name %s type bridge forward_delay 0 && ip link set %s up", bridge, bridge); err != nil {
		return err
	}
	for _, n := range l.Nodes() {
		if err := n.plugIn(); err != nil {
			return err
		}
	}
	if err := each(l.Nodes(), (*Node).boot); err != nil {
		return err
	}
	return each(l.Clients, (*Node).mountShare)
}

// Close ends all machines.
func (l *Lab) Close() {
	for _, n := range l.Nodes() {
		n.PowerOff()
		_ = sh("ip link del %s; ip link del %s", n.tap("d"), n.tap("m"))
	}
	_ = sh("ip link del %s", bridge)
}

// each does something with several nodes at once and returns one of the errors.
func each(nodes []*Node, do func(n *Node) error) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Name, err)
		}
	}
	return nil
}

// sh runs a line of shell on the host.
func sh(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}

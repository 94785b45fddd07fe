package sim

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// client is one node's mount of the share: sharefs.Ops with latency, caches and faults.
type client struct {
	world  *world
	node   string
	mu     sync.Mutex
	absent map[string]time.Time
	known  map[string]sighting
	attrs  map[string]aged

	gate gate // shut while the node is frozen
	wire gate // shut while it is cut off
	dead chan struct{}
	once sync.Once
}

var errDead = errors.New("this node is dead")

func newClient(w *world, node string) *client {
	return &client{
		world: w, node: node, absent: map[string]time.Time{}, known: map[string]sighting{},
		attrs: map[string]aged{}, dead: make(chan struct{}),
	}
}

func (c *client) kill() { c.once.Do(func() { close(c.dead) }) }

func (c *client) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

// fate is what becomes of one call.
type fate struct {
	dice
	delay time.Duration
	err   error // what its caller is told
	done  bool  // although it is done
	late  time.Duration
}

// call takes one request to the server. do is the request; it is made once at most, perhaps late.
func (c *client) call(op, name string, do func(late bool) error) error {
	f := c.draw(op, name)
	if !c.awake(f.dice) {
		return errDead
	}
	if op != "read" && op != "write" && op != "close" && op != "fstat" {
		if !c.world.travel(f.delay) {
			return errDead
		}
	}
	if late := c.world.trap(c, op, name, false); late > 0 {
		f.err, f.late = syscall.EIO, late
	}
	reached := c.awake(f.of("again")) && c.reach(f.dice)
	if !reached {
		if !c.alive() {
			return errDead
		}
		f.err, f.late = syscall.EIO, 0
		if f.chance("cut", 3) { // a soft mount gave up, the request is still under way
			f.late = f.span("late", time.Second, 10*time.Minute)
		}
	}
	err := c.carry(f, op, name, do)
	c.world.trap(c, op, name, true)
	if !c.awake(f.of("after")) {
		return errDead
	}
	if err == nil {
		return nil
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return &fs.PathError{Op: op, Path: name, Err: errno}
	}
	return err
}

// awake waits while the node is frozen; false: it died.
func (c *client) awake(d dice) bool { return c.pass(&c.gate, d, time.Time{}) }

// reach waits until the server can be reached. A hard mount waits as long as it takes; a soft one gives up.
func (c *client) reach(d dice) bool {
	var end time.Time
	if soft := c.world.plan.soft; soft > 0 {
		end = time.Now().Add(soft)
	}
	return c.pass(&c.wire, d.of("wire"), end) && c.pass(&c.world.door, d.of("door"), end)
}

// pass waits at a gate. Those who have waited go on one after the other, as the seed says.
func (c *client) pass(g *gate, d dice, end time.Time) bool {
	shut := g.is()
	if !g.passUntil(c.dead, end) {
		return false
	}
	if shut {
		return c.world.travel(d.span("queue", 0, time.Millisecond))
	}
	return true
}

func (c *client) carry(f fate, op, name string, do func(late bool) error) error {
	switch {
	case f.err == nil:
		err := do(false)
		c.world.history.add(c.node, op, name, err, "")
		return err
	case f.done:
		_ = do(false)
		c.world.judge.tally("answer lost")
		c.world.history.add(c.node, op, name, f.err, "done, the answer is lost")
	case f.late > 0:
		c.world.history.add(c.node, op, name, f.err, "will land late")
		time.AfterFunc(f.late, func() {
			c.world.door.pass(nil)
			c.world.history.add(c.node, op, name, do(true), "landed late")
		})
	default:
		c.world.history.add(c.node, op, name, f.err, "fault")
	}
	return f.err
}

// Errors by operation.
var (
	always = []syscall.Errno{syscall.EINTR, syscall.ESTALE, syscall.EACCES, syscall.EAGAIN, syscall.EIO}
	room   = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO}
)

func errnos(op string) []syscall.Errno {
	switch op {
	case "write", "sync", "close":
		return room
	case "create", "link", "mkdir", "rename":
		return append(slices.Clone(always), syscall.ENOSPC, syscall.EDQUOT)
	}
	return always
}

// dice are those for a call, by what it is and when it is made, so that its fate does not depend on which
// of a node's goroutines comes first in one instant.
func (c *client) dice(call ...string) dice {
	d := c.world.dice(c.node)
	for _, part := range call {
		d = d.of(" ").of(part)
	}
	return d.of(" ").of(strconv.FormatInt(int64(time.Since(c.world.began)), 36)).of(" ")
}

// draw decides the fate of a call.
func (c *client) draw(op, name string) fate {
	f := fate{dice: c.dice(op, name)}
	w, p := c.world, &c.world.plan
	f.delay = f.span("delay", 100*time.Microsecond, p.latency)
	if w.calm() || c.node == people {
		return f
	}
	names := op == "rename" || op == "link" || op == "unlink" || op == "mkdir" || op == "create"
	switch {
	case (op == "create" || op == "write" || op == "sync") && w.full():
		f.err = syscall.ENOSPC
		w.judge.tally("disk full")
	case p.errors && f.chance("error", p.rate):
		list := errnos(op)
		f.err = list[f.pick("errno", len(list))]
	case names && p.lost && f.chance("lost", p.rate/4):
		f.err, f.done = lostAnswer(op, f.pick("answer", 3)), true
	case names && p.late && f.chance("late", p.rate):
		f.err, f.late = syscall.EIO, f.span("landing", time.Second, 10*time.Minute)
	}
	return f
}

// lostAnswer is what a client says of a request that was done: an error of the transport, or the answer to
// the request sent again, which finds its own work.
func lostAnswer(op string, pick int) error {
	switch {
	case pick == 0:
		return syscall.EIO
	case op == "rename", op == "unlink":
		return syscall.ENOENT
	case pick == 1:
		return syscall.EINTR
	}
	return syscall.EEXIST
}

// Rename and the others implement sharefs.Ops.
func (c *client) Rename(src, dst string) error {
	if c.absentNow(src) && c.world.flavour == nfs {
		return &os.LinkError{Op: "rename", Old: src, New: dst, Err: syscall.ENOENT}
	}
	err := c.call("rename", src+" -> "+dst, func(late bool) error { return c.world.server.rename(c.node, src, dst, late) })
	c.forget(src, dst)
	return err
}

// Link implements sharefs.Ops.
func (c *client) Link(src, dst string) error {
	err := c.call("link", src+" -> "+dst, func(late bool) error { return c.world.server.link(c.node, src, dst, late) })
	c.forget(dst)
	return err
}

// Mkdir implements sharefs.Ops.
func (c *client) Mkdir(name string, _ fs.FileMode) error {
	err := c.call("mkdir", name, func(bool) error { return c.world.server.mkdir(c.node, name) })
	c.forget(name)
	return err
}

// Unlink implements sharefs.Ops.
func (c *client) Unlink(name string) error {
	err := c.call("unlink", name, func(late bool) error { return c.world.server.unlink(c.node, name, late) })
	c.forget(name)
	return err
}

// Rmdir implements sharefs.Ops.
func (c *client) Rmdir(name string) error {
	err := c.call("rmdir", name, func(bool) error { return c.world.server.rmdir(c.node, name) })
	c.forget(name, name+"/.")
	return err
}

// SyncDir implements sharefs.Ops. It makes nothing durable on SMB.
func (c *client) SyncDir(name string) error {
	return c.call("syncdir", name, func(bool) error { return nil })
}

// Chtimes implements sharefs.Ops. No file here has a date of its own.
func (c *client) Chtimes(name string, _ time.Time) error {
	return c.call("chtimes", name, func(bool) error { return nil })
}

// OpenFile implements sharefs.Ops.
func (c *client) OpenFile(name string, flag int, _ fs.FileMode) (sharefs.File, error) {
	f := &file{client: c, name: name, writable: flag&(os.O_WRONLY|os.O_RDWR) != 0, boots: c.world.server.boots.Load()}
	op := "open"
	if flag&os.O_CREATE != 0 {
		op = "create"
	}
	err := c.call(op, name, func(bool) (err error) {
		if op == "create" {
			f.ino, err = c.world.server.create(c.node, name)
			return err
		}
		if f.ino, err = c.find(name); err == nil && f.ino.dir && f.writable {
			err = syscall.EISDIR
		}
		return err
	})
	if op == "create" {
		c.forget(name)
	}
	if err != nil {
		return nil, err
	}
	c.refresh(name) // an open asks the server
	f.data = c.world.server.snapshot(f.ino)
	return f, nil
}

func isStaging(name string) bool { return strings.HasSuffix(name, ".tmp") }

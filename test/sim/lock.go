package sim

import (
	"syscall"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
)

// locker is flock over the network as one client has it: good, excluding nobody, slow to answer, or such
// that a dead node's lock stays for good.
type locker struct{ client *client }

// TryLock implements lease.Locker.
func (l locker) TryLock(name string) (unlock func() error, err error) {
	w := l.client.world
	if w.plan.locks == "slow" && w.chance(l.client.node+" slow lock "+name, 2) {
		if !w.sleep(w.span(l.client.node+" lock "+name, time.Second, 60*time.Second)) {
			return nil, errDead
		}
	}
	err = l.client.call("lock", name, func(bool) error { return l.take(name) })
	if err != nil {
		return nil, err
	}
	return func() error {
		return l.client.call("unlock", name, func(bool) error { w.server.unlock(l.client.node, name); return nil })
	}, nil
}

func (l locker) take(name string) error {
	w := l.client.world
	if w.plan.locks == "nobody" {
		return nil
	}
	s := w.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[name] == nil {
		return syscall.ENOENT
	}
	holder := s.locks[name]
	if holder != "" && holder != l.client.node && (w.plan.locks == "stuck" || w.holds(holder)) {
		if w.flavour == smb {
			return syscall.EACCES
		}
		return lease.ErrHeld
	}
	s.locks[name] = l.client.node
	return nil
}

// holds tells whether a node's locks are still kept for it.
func (w *world) holds(node string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.clients[node]
	return c != nil && c.alive()
}

func (s *server) unlock(node, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[name] == node {
		delete(s.locks, name)
	}
}

// processes are those of one host, where everybody can see who has died.
type processes struct{ client *client }

// Self implements lease.Processes.
func (p processes) Self() string { return p.client.node }

// Gone implements lease.Processes.
func (p processes) Gone(name string) bool {
	return pipeline.NodeHost(name) == pipeline.NodeHost(p.client.node) && !p.client.world.holds(name)
}

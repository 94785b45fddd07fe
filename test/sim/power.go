package sim

import (
	"path"
	"time"
)

// durable tells whether name and content would outlast a power loss now.
func (s *server) durable(name string) bool {
	i := s.names[name]
	if i == nil || string(i.synced) != string(i.data) {
		return false
	}
	for _, c := range s.changes {
		if c.dst == name && c.ino == i && !c.durable && time.Since(c.at) < settled {
			return false
		}
	}
	return true
}

// settled is how long after a change the server's own write-back has made it durable at the latest.
const settled = 30 * time.Second

// powerLoss takes back what was not made durable: always the unsynced data; the names that fate picks.
func (s *server) powerLoss(fate func(n int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boots.Add(1)
	clear(s.locks)
	if s.flavour == smb {
		for n := len(s.changes) - 1; n >= 0; n-- {
			if c := s.changes[n]; !c.durable && time.Since(c.at) < settled && fate(n) {
				s.undo(c)
			}
		}
		for _, i := range s.names {
			if len(i.synced) != len(i.data) {
				i.data, i.mtime = i.synced, s.now()
			}
		}
	}
	s.changes = nil
}

func (s *server) undo(c change) {
	free := func(name string) bool { return s.names[name] == nil && s.kids[path.Dir(name)] != nil }
	switch {
	case c.op == "rename" && s.names[c.dst] == c.ino && free(c.src):
		s.put(c.src, c.ino)
		s.drop(c.dst)
		if c.over != nil {
			s.put(c.dst, c.over)
		}
	case c.op == "link" && s.names[c.dst] == c.ino, c.op == "create" && s.names[c.dst] == c.ino && c.ino.nlink == 1:
		s.drop(c.dst)
	case c.op == "unlink" && free(c.src):
		s.put(c.src, c.ino)
	default:
		return
	}
	s.judge.undone(c)
}

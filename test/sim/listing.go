package sim

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"
)

// list returns the sorted names in a folder and what they are, as a node sees them: what others changed
// since age is not in it.
func (s *server) list(node, dir string, age time.Duration) ([]info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kids := s.kids[dir]
	if kids == nil {
		return nil, syscall.ENOENT
	}
	kids = s.asSeen(node, dir, age)
	out := make([]info, 0, len(kids))
	for _, base := range slices.Sorted(maps.Keys(kids)) {
		out = append(out, s.info(base, kids[base]))
	}
	return out, nil
}

// asSeen returns a folder's names with what others changed since age taken back.
func (s *server) asSeen(node, dir string, age time.Duration) map[string]*inode {
	kids, own := s.kids[dir], map[string]bool{}
	for _, r := range slices.Backward(s.recent[dir]) {
		if r.node == node {
			own[r.base] = true
		}
		if own[r.base] || time.Since(r.at) >= age {
			continue
		}
		if s.judge.tally("stale listing"); r.was == nil {
			kids = maps.Clone(kids)
			delete(kids, r.base)
		} else {
			kids = maps.Clone(kids)
			kids[r.base] = r.was
		}
	}
	return kids
}

// below returns the names of files below dir, sorted.
func (s *server) below(dir string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name, i := range s.names {
		if !i.dir && strings.HasPrefix(name, dir+"/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// folders returns dir and those below it, the deepest first.
func (s *server) folders(dir string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name := range s.kids {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

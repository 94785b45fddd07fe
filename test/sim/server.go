package sim

import (
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// flavour is the protocol that the clients speak.
type flavour string

const (
	nfs flavour = "nfs"
	smb flavour = "smb"
)

// inode is a file or a folder. Its data is replaced, never changed in place, so that a reader may keep it.
type inode struct {
	ino    uint64
	dir    bool
	data   []byte
	synced []byte // what a power loss leaves
	mtime  time.Time
	nlink  int
	writer string // the node that made it
	source string // which of the people's files it is; "" for all others
	read   map[string]bool
}

// change is one change of names that a power loss may undo.
type change struct {
	at       time.Time
	op       string // create, rename, link, unlink
	src, dst string
	ino      *inode
	over     *inode // what a rename replaced
	durable  bool
}

// server is the file server: the truth. All methods are safe for concurrent use.
type server struct {
	mu      sync.Mutex
	flavour flavour
	names   map[string]*inode
	kids    map[string]map[string]*inode
	last    uint64        // inode
	offset  time.Duration // of its clock
	boots   atomic.Int64
	changes []change
	locks   map[string]string // name -> node
	judge   *judge

	by     string              // whose request is being carried out
	recent map[string][]recent // what changed in a folder lately
}

// recent is one change of a folder that others may not see yet.
type recent struct {
	at         time.Time
	node, base string
	was        *inode // nil: nothing
}

// listingAge is how old a listing may be at most.
const listingAge = 500 * time.Millisecond

func newServer(f flavour) *server {
	s := &server{flavour: f, names: map[string]*inode{}, kids: map[string]map[string]*inode{}, locks: map[string]string{},
		recent: map[string][]recent{}}
	s.names["."] = &inode{dir: true, nlink: 1}
	s.kids["."] = map[string]*inode{}
	return s
}

func (s *server) now() time.Time { return time.Now().Add(s.offset) }

func (s *server) put(name string, i *inode) {
	s.remember(name)
	s.names[name] = i
	s.kids[path.Dir(name)][path.Base(name)] = i
	i.nlink++
	if i.dir {
		s.kids[name] = map[string]*inode{}
	}
}

func (s *server) drop(name string) *inode {
	s.remember(name)
	i := s.names[name]
	delete(s.names, name)
	delete(s.kids[path.Dir(name)], path.Base(name))
	i.nlink--
	if i.dir {
		delete(s.kids, name)
		delete(s.recent, name)
	}
	return i
}

// remember keeps what a name was before it changes.
func (s *server) remember(name string) {
	dir := path.Dir(name)
	old := func(r recent) bool { return time.Since(r.at) > listingAge }
	s.recent[dir] = append(slices.DeleteFunc(s.recent[dir], old), recent{time.Now(), s.by, path.Base(name), s.names[name]})
}

// note remembers a change of names for a power loss. NFS servers make each durable before they answer.
func (s *server) note(op, src, dst string, i *inode) {
	if s.flavour == nfs {
		return
	}
	s.changes = append(s.changes, change{at: time.Now(), op: op, src: src, dst: dst, ino: i})
}

func (s *server) free(name string) error {
	if s.kids[path.Dir(name)] == nil {
		return syscall.ENOENT
	}
	if s.names[name] != nil {
		return syscall.EEXIST
	}
	return nil
}

func (s *server) lookup(name string) *inode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}

func (s *server) create(node, name string) (*inode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	if err := s.free(name); err != nil {
		return nil, err
	}
	s.last++
	i := &inode{ino: s.last, mtime: s.now(), writer: node, read: map[string]bool{}}
	s.put(name, i)
	s.note("create", "", name, i)
	s.judge.made(step{node: node, op: "create", name: name}, i)
	return i, nil
}

func (s *server) mkdir(node, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	if err := s.free(name); err != nil {
		return err
	}
	s.last++
	s.put(name, &inode{ino: s.last, dir: true, mtime: s.now()})
	return nil
}

func (s *server) rename(node, src, dst string, late bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	i := s.names[src]
	if i == nil || i.dir || s.kids[path.Dir(dst)] == nil {
		s.judge.lost(dst)
		return syscall.ENOENT
	}
	st := step{node: node, op: "rename", src: src, name: dst, late: late}
	old := s.names[dst]
	if old != nil {
		if old.dir {
			return syscall.EISDIR
		}
		s.drop(dst)
		s.judge.replaced(st, old)
	}
	s.put(dst, i)
	s.drop(src)
	s.note("rename", src, dst, i)
	if s.flavour == smb {
		s.changes[len(s.changes)-1].over = old
	}
	s.judge.made(st, i)
	return nil
}

func (s *server) link(node, src, dst string, late bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	i := s.names[src]
	if i == nil {
		return syscall.ENOENT
	}
	if err := s.free(dst); err != nil {
		return err
	}
	s.put(dst, i)
	s.note("link", src, dst, i)
	s.judge.made(step{node: node, op: "link", src: src, name: dst, late: late}, i)
	return nil
}

func (s *server) unlink(node, name string, late bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	i := s.names[name]
	if i == nil {
		return syscall.ENOENT
	}
	if i.dir {
		return syscall.EISDIR
	}
	s.drop(name)
	s.note("unlink", name, "", i)
	s.judge.gone(step{node: node, op: "unlink", name: name, late: late}, i)
	return nil
}

func (s *server) rmdir(node, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = node
	switch i := s.names[name]; {
	case i == nil:
		return syscall.ENOENT
	case !i.dir:
		return syscall.ENOTDIR
	case len(s.kids[name]) > 0:
		return syscall.ENOTEMPTY
	}
	s.drop(name)
	return nil
}

// write puts data at off, as the flush of a client's cache does.
func (s *server) write(node string, i *inode, off int, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, max(len(i.data), off+len(data)))
	copy(b, i.data)
	copy(b[off:], data)
	i.data, i.mtime = b, s.now()
	clear(i.read)
	s.judge.wrote(node, i)
}

// sync makes a file's data outlast a power loss, and through a descriptor that can write its names too.
func (s *server) sync(i *inode, writable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.synced = i.data
	for n := range s.changes {
		if c := &s.changes[n]; writable && (c.ino == i || c.op == "unlink") { // the journal keeps the order
			s.changes[n].durable = true
		}
	}
}

// own says which of the people's files an inode is.
func (s *server) own(i *inode, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i.source = source
}

// linked tells whether an inode has a name.
func (s *server) linked(i *inode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return i.nlink > 0
}

func (s *server) content(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.names[name]; i != nil {
		return i.data
	}
	return nil
}

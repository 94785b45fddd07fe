package sim

import (
	"io"
	"io/fs"
	"path"
	"syscall"

	"github.com/distenc/distenc/lease/sharefs"
)

// file is an open file. What is written stays in the client until it is synced or closed, and is lost with
// the client; what was read when it was opened may be old.
type file struct {
	client   *client
	name     string
	ino      *inode
	writable bool
	boots    int64
	data     []byte // as it was when it was opened
	at       int    // the next Read's or Write's place
	dirty    []chunk
}

// chunk is what was written and not yet sent.
type chunk struct {
	off  int
	data []byte
}

var _ sharefs.File = (*file)(nil)

// call is the client's, but on SMB no descriptor outlasts the server's power.
func (f *file) call(op string, do func() error) error {
	return f.client.call(op, f.name, func(bool) error {
		if f.client.world.flavour == smb && f.boots != f.client.world.server.boots.Load() {
			return syscall.EIO
		}
		return do()
	})
}

// Read and the others implement sharefs.File.
func (f *file) Read(b []byte) (n int, err error) {
	n, err = f.ReadAt(b, int64(f.at))
	f.at += n
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt implements sharefs.File.
func (f *file) ReadAt(b []byte, off int64) (n int, err error) {
	err = f.call("read", func() error {
		if off < int64(len(f.data)) {
			n = copy(b, f.data[off:])
		}
		f.client.world.server.seen(f.client.node, f.ino)
		return nil
	})
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// Write implements sharefs.File.
func (f *file) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, int64(f.at))
	f.at += n
	return n, err
}

// WriteAt implements sharefs.File.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	err := f.call("write", func() error {
		f.dirty = append(f.dirty, chunk{int(off), append([]byte(nil), b...)})
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *file) flush() {
	f.client.refresh(f.name)
	for _, d := range f.dirty {
		f.client.world.server.write(f.client.node, f.ino, d.off, d.data)
	}
	f.dirty = nil
}

// Sync implements sharefs.File. After an error the half of what was written is lost.
func (f *file) Sync() error {
	err := f.call("sync", func() error {
		f.flush()
		f.client.world.server.sync(f.ino, f.writable)
		return nil
	})
	if err != nil {
		f.dirty = f.dirty[:len(f.dirty)/2]
	}
	return err
}

// Close implements sharefs.File.
func (f *file) Close() error {
	return f.call("close", func() error { f.flush(); return nil })
}

// Stat implements sharefs.File.
func (f *file) Stat() (st fs.FileInfo, err error) {
	err = f.call("fstat", func() error {
		st = f.client.world.server.look(path.Base(f.name), f.ino)
		return nil
	})
	return st, err
}

func (s *server) snapshot(i *inode) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return i.data
}

func (s *server) seen(node string, i *inode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.read != nil {
		i.read[node] = true
	}
}

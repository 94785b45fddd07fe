package sharefstest

import (
	"bytes"
	"io/fs"
	"syscall"
	"testing/fstest"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Files returns a share in memory that can only be read, by the names of its files: for tests of what
// somebody has left on a share.
func Files(files map[string][]byte) *sharefs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return sharefs.New("/share", memory{m})
}

// memory is a sharefs.Ops of which nothing but reading works.
type memory struct{ fstest.MapFS }

func (m memory) OpenFile(name string, _ int, _ fs.FileMode) (sharefs.File, error) {
	info, err := m.Stat(name)
	if err != nil {
		return nil, err
	}
	file := memoryFile{info: info}
	if entry := m.MapFS[name]; entry != nil {
		file.Reader = bytes.NewReader(entry.Data)
	}
	return file, nil
}

func (m memory) Lstat(name string) (fs.FileInfo, error) { return m.Stat(name) }
func (memory) Rename(string, string) error              { return syscall.EROFS }
func (memory) Link(string, string) error                { return syscall.EROFS }
func (memory) Mkdir(string, fs.FileMode) error          { return syscall.EROFS }
func (memory) Unlink(string) error                      { return syscall.EROFS }
func (memory) Rmdir(string) error                       { return syscall.EROFS }
func (memory) SyncDir(string) error                     { return syscall.EROFS }

func (memory) Chtimes(string, time.Time) error { return syscall.EROFS }

type memoryFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (memoryFile) Write([]byte) (int, error)          { return 0, syscall.EROFS }
func (memoryFile) WriteAt([]byte, int64) (int, error) { return 0, syscall.EROFS }
func (memoryFile) Sync() error                        { return nil }
func (memoryFile) Close() error                       { return nil }
func (f memoryFile) Stat() (fs.FileInfo, error)       { return f.info, nil }

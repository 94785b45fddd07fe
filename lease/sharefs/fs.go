package sharefs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// FS is the share as one process sees it. It keeps nothing but the root's path and is safe for
// concurrent use.
type FS struct {
	root string
	ops  Ops
}

// ErrNotRegular is the error for a symbolic link, FIFO, device or directory where only a regular file
// will do: on a folder that anybody can write to, opening such a thing could hang or lead elsewhere.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is the error for a file of which not so much may be read.
var ErrTooLarge = errors.New("it is too large")

// Open returns the share at root, an existing directory, made absolute.
func Open(root string) (*FS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("cannot open share %q: %w", root, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("cannot open share %q: %w", root, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("cannot open share %q: not a directory", root)
	}
	return New(abs, OS(abs)), nil
}

// New returns a share that is reached through ops; root is only what Path puts before a name.
func New(root string, ops Ops) *FS { return &FS{root: root, ops: ops} }

// Path returns a name's absolute path, for a child process. It never leads out of the root.
func (f *FS) Path(name string) string { return filepath.Join(f.root, filepath.Clean("/"+name)) }

// List returns the names in dir, sorted, from a listing made now. A listing is not atomic: a name that
// is renamed meanwhile can be missing or appear under both names, so absence is no proof of anything
// by itself. A missing directory is fs.ErrNotExist.
func (f *FS) List(dir string) ([]string, error) {
	entries, err := f.Entries(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Entries is List with what each name is: a look at the type before anything is opened.
func (f *FS) Entries(dir string) ([]fs.DirEntry, error) {
	entries, err := f.ops.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list %q: %w", dir, err)
	}
	return entries, nil
}

const readFlags = os.O_RDONLY | plainOnly

// OpenRead opens a regular file for reading. Anything else is ErrNotRegular.
func (f *FS) OpenRead(name string) (File, error) {
	file, _, err := f.openRegular(name, readFlags)
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	return file, nil
}

// Regular is an error, ErrNotRegular among others, for what can't be opened as a regular file: a program that
// opened it by its path would follow a link that was put in its place.
func (f *FS) Regular(name string) error {
	file, err := f.OpenRead(name)
	if err != nil {
		return err
	}
	return file.Close()
}

// linkedPause is the wait before the first repetition of an open that linkedPauses have to get over; each
// next one is twice as long, 3 s in all.
const (
	linkedPause  = 100 * time.Millisecond
	linkedPauses = 5
)

// open opens what is there. On SMB the second name of a file can't be opened while the client keeps the
// file open under its first one, for a second after it was closed (mount.cifs(8), closetimeo): the server
// knows the client's lease by one name, and says EINVAL ([MS-SMB2] 3.3.5.9.11). That passes by itself.
func (f *FS) open(name string, flag int) (File, error) {
	file, err := f.ops.OpenFile(name, flag, 0)
	for i := 0; i < linkedPauses && errors.Is(err, syscall.EINVAL); i++ {
		time.Sleep(linkedPause << i)
		file, err = f.ops.OpenFile(name, flag, 0)
	}
	return file, err
}

func (f *FS) openRegular(name string, flag int) (File, fs.FileInfo, error) {
	file, err := f.open(name, flag)
	if errors.Is(err, syscall.ELOOP) { // open(2): O_NOFOLLOW and a symbolic link
		return nil, nil, ErrNotRegular
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		_ = file.Close() // nothing was written through it
		return nil, nil, err
	}
	return file, info, nil
}

// Read returns a small regular file's content; more than limit bytes is an error.
func (f *FS) Read(name string, limit int64) ([]byte, error) {
	data, _, err := f.ReadStat(name, limit)
	return data, err
}

// ReadStat is Read and Stat at once; the attributes are those at the opening.
func (f *FS) ReadStat(name string, limit int64) ([]byte, fs.FileInfo, error) {
	data, info, err := f.read(name, limit)
	if Stale(err) { // NFSv3, when the file was replaced between lookup and read
		data, info, err = f.read(name, limit)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	return data, info, nil
}

func (f *FS) read(name string, limit int64) ([]byte, fs.FileInfo, error) {
	file, info, err := f.openRegular(name, readFlags)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	// One byte more is asked for than the file should have: a read that brings none needs no second one to
	// find the end.
	b := make([]byte, 0, min(info.Size(), limit)+1)
	for {
		n, err := file.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		case err == io.EOF, err == nil && int64(len(b)) == info.Size():
			return b, info, nil
		case err != nil:
			return nil, nil, err
		}
		b = slices.Grow(b, 1)
	}
}

// Stat returns a file's attributes as they are now. It opens the file, because an open asks the server
// (close-to-open consistency, nfs(5)) where a stat may answer from a cache for up to a minute.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	info, err := f.stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot stat %q: %w", name, err)
	}
	return info, nil
}

func (f *FS) stat(name string) (fs.FileInfo, error) {
	file, err := f.open(name, readFlags)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return file.Stat()
}

// Root is the share's absolute path on this machine.
func (f *FS) Root() string { return f.root }

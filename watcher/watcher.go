// Package watcher says which files lie in a folder and how long each has stood still. It knows nothing
// of what is in them.
//
// The scan is the truth: nobody hears of another machine's writes to a network share, and a local watch can
// overflow. Notify only wakes a scan early.
package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// File is one name in the folder that is not ignored.
type File struct {
	Name    string    // relative to the share's root
	Size    int64     // bytes
	ModTime time.Time // by the share's clock: good for telling a change, not for telling an age
	// Still is how long the file has been seen unchanged by this Watcher, on this process's monotonic
	// clock: zero at first sight, whatever its times say.
	Still time.Duration
	Seen  time.Time // when it was looked at, on this process's clock
	// Changed is when the inode last changed (ctime, stat(2)), by the share's clock: no copy brings it along. For people.
	Changed time.Time
	// Reason says in a few words why the file must not be touched, as things are; empty for a plain file.
	Reason string
	// Linked reports that the reason is another name of the same file: whoever writes to that one would
	// change a source that is taken for complete.
	Linked bool
	// Companion: by its name, the file goes with a film of its folder and is not one itself.
	Companion bool
	// Film reports that it is a regular file and no companion, whether it can be taken or not.
	Film bool
}

// Watcher remembers between scans what each file looked like. It has one user at a time.
type Watcher struct {
	fs   *sharefs.FS
	dir  string
	seen map[string]sight
}

// sight is what a file looked like, and since when.
type sight struct {
	size    int64
	modTime time.Time
	inode   uint64 // the same name, size and mtime can be another file
	since   time.Time
}

// New returns a watcher of the folder dir, a name on the share, and of all folders below it.
func New(share *sharefs.FS, dir string) *Watcher {
	return &Watcher{fs: share, dir: dir, seen: map[string]sight{}}
}

// Scan looks at every file afresh and returns them in the order of their names. Symbolic links, FIFOs,
// sockets and devices are neither followed nor opened, and returned with a Reason, as is what can't be
// read: a folder that can't be listed, whatever the error, keeps nobody else waiting. Only the error of dir
// itself is returned. Nothing is forgotten of what could not be seen: the next scan goes on counting.
func (w *Watcher) Scan(ctx context.Context) ([]File, error) {
	s := scan{Watcher: w, now: map[string]sight{}}
	if err := s.walk(ctx, w.dir); err != nil {
		return nil, fmt.Errorf("cannot scan %q: %w", w.dir, err)
	}
	w.seen = s.now
	return s.files, nil
}

// scan is one walk.
type scan struct {
	*Watcher
	now   map[string]sight
	files []File
}

func (s *scan) walk(ctx context.Context, dir string) error {
	entries, err := s.fs.Entries(dir)
	if err != nil && dir != s.dir {
		s.unlisted(dir, err)
		return nil
	}
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, e := range entries {
		listed[e.Name()] = true
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, e.Name())
		switch unfinished := note(e.Name(), listed); {
		case Ignored(e.Name()), isNote(e.Name(), listed):
		case e.IsDir():
			if err := s.walk(ctx, name); err != nil {
				return err
			}
		case !e.Type().IsRegular():
			s.refuse(name, "it is "+kind(e.Type()))
		case unfinished != "":
			s.refuseFile(name, fmt.Sprintf("it is still being downloaded: %q lies beside it", unfinished))
		default:
			s.look(name)
		}
	}
	return nil
}

// unlisted passes over a folder below the watched one. It may have been replaced meanwhile, may be closed to
// us, or lie so deep that its path is too long for a system call.
func (s *scan) unlisted(dir string, err error) {
	if sharefs.Absent(err) {
		return
	}
	s.refuse(dir, "it can't be listed: "+s.cause(dir, err, "g+rwx,g+s"))
	for name, was := range s.seen {
		if strings.HasPrefix(name, dir+"/") {
			s.now[name] = was
		}
	}
}

// cause is an error without the names that were tried, which may be 4 KB long, and with what mends it.
func (s *scan) cause(name string, err error, mode string) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("permission denied; mend it with: chmod %s %s", mode, sharefs.Quote(s.fs.Path(name)))
	case sharefs.TooLong(err):
		return "its path is too long; move it further up, or rename the folders above it"
	}
	return sharefs.Cause(err).Error()
}

func (s *scan) refuse(name, reason string) {
	s.files = append(s.files, File{Name: name, Seen: time.Now(), Reason: reason})
}

// refuseFile is refuse for a regular file.
func (s *scan) refuseFile(name, reason string) {
	s.refuse(name, reason)
	f := &s.files[len(s.files)-1]
	f.Companion = Companion(name)
	f.Film = !f.Companion
}

// look opens the file, for attributes that are not a minute old.
func (s *scan) look(name string) {
	info, err := s.fs.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // gone since the listing
	case err != nil:
		s.refuseFile(name, "it can't be read: "+s.cause(name, err, "g+r"))
		return
	case !info.Mode().IsRegular():
		s.refuse(name, "it is "+kind(info.Mode()))
		return
	}
	f := File{Name: name, Size: info.Size(), ModTime: info.ModTime(), Seen: time.Now(), Companion: Companion(name)}
	f.Film = !f.Companion
	inode, ok := sharefs.InodeOf(info)
	if ok {
		f.Changed = inode.Changed
		if f.Linked = inode.Links > 1; f.Linked {
			f.Reason = fmt.Sprintf("it has %d names (hard links), and could be changed by another of them", inode.Links)
		}
	}
	since := s.since(name, sight{size: f.Size, modTime: f.ModTime, inode: inode.Number, since: f.Seen})
	f.Still = f.Seen.Sub(since)
	s.files = append(s.files, f)
}

// since notes what the file looks like now, and returns since when it has looked like that.
func (s *scan) since(name string, now sight) time.Time {
	before, ok := s.seen[name]
	if ok && before.size == now.size && before.modTime.Equal(now.modTime) && before.inode == now.inode {
		now.since = before.since
	}
	s.now[name] = now
	return now.since
}

// kind names what is not a regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "not a regular file"
}

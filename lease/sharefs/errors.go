package sharefs

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// What an error of the operating system means to those who decide by it. No other package knows an errno, but for
// the one that runs child processes.

// Full tells a full disk, one without inodes, or a used-up quota.
func Full(err error) bool { return isAny(err, unix.ENOSPC, unix.EDQUOT) }

// ReadOnly tells a file system that is mounted read-only.
func ReadOnly(err error) bool { return isAny(err, unix.EROFS) }

// Stale tells a mount or an open file that the file server no longer knows.
func Stale(err error) bool { return isAny(err, unix.ESTALE) }

// Unreadable tells that the disk below failed (EIO). It may be the disk, or the place where this one file lies.
func Unreadable(err error) bool { return isAny(err, unix.EIO) }

// Absent tells that there is no such name, or that what should be a folder on the way to it is a file.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || isAny(err, unix.ENOTDIR) }

// TooLong tells a name that the file system can't hold, which therefore isn't there.
func TooLong(err error) bool { return isAny(err, unix.ENAMETOOLONG) }

// NoMemory tells that memory was refused: the machine has too little, or what asked wanted too much.
func NoMemory(err error) bool { return isAny(err, unix.ENOMEM) }

// Trouble tells the machine's or the share's trouble from what may be the fault of one file: nothing is decided about
// a file, a result or a chunk by such an error. It may pass, and will not by itself where a person has to make room.
func Trouble(err error) bool { return isAny(err, troubles...) }

// Undecided tells an error by which nothing can be said of a file's content: trouble, or the file was not read.
func Undecided(err error) bool {
	return Trouble(err) || Unreadable(err) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// Cause is the operating system's own error in err, without the names that were tried; err itself where there is none.
func Cause(err error) error {
	if errno, system := errors.AsType[unix.Errno](err); system {
		return errno
	}
	return err
}

// System tells an error of the operating system, whichever it is.
func System(err error) bool {
	_, system := errors.AsType[unix.Errno](err)
	return system
}

// troubles are errors that say nothing of the file in hand. EIO, EACCES and ENOENT are none: they can be one file's own.
var troubles = []unix.Errno{
	unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENOBUFS, // fork(2), pthread_create(3), open(2)
	unix.ENOSPC, unix.EDQUOT, unix.EROFS,
	unix.ESTALE, unix.ETIMEDOUT, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETDOWN, unix.ENETUNREACH, unix.ENOTCONN,
	unix.ECONNREFUSED, unix.ECONNRESET, unix.ECONNABORTED, unix.ESHUTDOWN, unix.EREMOTEIO, unix.ENOLCK, // a network's share
	unix.EBUSY, unix.ETXTBSY, unix.EINTR,
}

// permanent errors of a rename need a person. All others may pass: EINTR, EACCES, EBUSY, ESTALE and EAGAIN were
// seen to, and ENOENT for a name that this node's cache knew as absent goes away with the listing.
func permanent(err error) bool { return isAny(err, unix.EPERM, unix.EROFS, unix.ENOSPC, unix.EDQUOT) }

// Said finds the error of the operating system that a program told in its own words; nil if it told none. They are
// strerror(3)'s in the C locale, but for a few.
func Said(words string) error {
	words = strings.ToLower(words)
	for phrase, errno := range phrases {
		if strings.Contains(words, phrase) {
			return errno
		}
	}
	for _, errno := range append(troubles, unix.EIO, unix.EACCES, unix.ENOENT) {
		if strings.Contains(words, errno.Error()) {
			return errno
		}
	}
	return nil
}

// phrases are those that are not strerror's, or that x/sys has another way.
var phrases = map[string]unix.Errno{
	"stale file handle":       unix.ESTALE,
	"no space left":           unix.ENOSPC, // mkvmerge: "No space left to write to"
	"quota exceeded":          unix.EDQUOT,
	"can't create thread":     unix.EAGAIN,
	"cannot create thread":    unix.EAGAIN,
	"failed to create thread": unix.EAGAIN,
	"pthread_create failed":   unix.EAGAIN,
	"std::bad_alloc":          unix.ENOMEM, // mkvmerge
	"failed to map segment":   unix.ENOMEM, // ld.so(8)
}

func isAny(err error, which ...unix.Errno) bool {
	for _, errno := range which {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// Immovable reports whether a rename was denied by rights or by a border, which a person has to mend.
func Immovable(err error) bool { return isAny(err, unix.EACCES, unix.EPERM, unix.EXDEV, unix.EROFS) }

package sharefs

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// What an error of the operating system means to those who decide by it. No other package knows an errno, except the
// one that runs child processes.

// Full reports a full disk, one without inodes, or a used-up quota.
func Full(err error) bool { return isAny(err, unix.ENOSPC, unix.EDQUOT) }

// ReadOnly reports a file system that is mounted read-only.
func ReadOnly(err error) bool { return isAny(err, unix.EROFS) }

// Stale reports a mount or an open file that the file server no longer knows.
func Stale(err error) bool { return isAny(err, unix.ESTALE) }

// Unreadable reports that the disk below failed (EIO): all of it, or only the place where this one file lies.
func Unreadable(err error) bool { return isAny(err, unix.EIO) }

// Absent reports that there is no such name, or that a file stands where a folder on the way to it should.
func Absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || isAny(err, unix.ENOTDIR) }

// NotFolder reports that a link, a file or the like stands where a folder of the share should.
func NotFolder(err error) bool { return isAny(err, unix.ENOTDIR, unix.ELOOP) }

// TooLong reports a name that the file system can't hold, which therefore isn't there.
func TooLong(err error) bool { return isAny(err, unix.ENAMETOOLONG) }

// NoMemory reports that memory was refused: the machine has too little, or the program wanted too much.
func NoMemory(err error) bool { return isAny(err, unix.ENOMEM) }

// Immovable reports that rights or a border between file systems forbid a rename, which a person has to mend.
func Immovable(err error) bool { return isAny(err, unix.EACCES, unix.EPERM, unix.EXDEV, unix.EROFS) }

// Trouble reports the machine's or the share's trouble. Nothing is decided about a file, a result or a chunk by such an
// error. It may pass; a full disk stays full until a person makes room.
func Trouble(err error) bool { return isAny(err, troubles...) }

// Undecided reports an error that says nothing about a file's content: trouble, or the file was not read.
func Undecided(err error) bool {
	return Trouble(err) || Unreadable(err) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// Cause returns the operating system's own error in err, without the names that were tried; err itself if it has none.
func Cause(err error) error {
	if errno, system := errors.AsType[unix.Errno](err); system {
		return errno
	}
	return err
}

// System reports whether an error is one of the operating system.
func System(err error) bool {
	_, system := errors.AsType[unix.Errno](err)
	return system
}

// troubles say nothing about the file in hand. EIO, EACCES and ENOENT are missing here: they can be one file's own.
var troubles = []unix.Errno{
	unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENOBUFS, // fork(2), pthread_create(3), open(2)
	unix.ENOSPC, unix.EDQUOT, unix.EROFS,
	// A share behind a network.
	unix.ESTALE, unix.ETIMEDOUT, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETDOWN, unix.ENETUNREACH, unix.ENOTCONN,
	unix.ECONNREFUSED, unix.ECONNRESET, unix.ECONNABORTED, unix.ESHUTDOWN, unix.EREMOTEIO, unix.ENOLCK,
	unix.EBUSY, unix.ETXTBSY, unix.EINTR,
}

// permanent reports an error of a rename that needs a person. All others may pass: EINTR, EACCES, EBUSY, ESTALE and
// EAGAIN were seen to, and ENOENT for a name that this node's cache knew as absent goes away with the listing.
func permanent(err error) bool { return isAny(err, unix.EPERM, unix.EROFS, unix.ENOSPC, unix.EDQUOT) }

// Said returns the operating system's error that a program reported in its own words; nil if it reported none. Most are
// strerror(3)'s words in the C locale.
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

// phrases are those that are not strerror's, or that x/sys words differently.
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

package sharefs

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// What an error of the operating system means to those who decide by it. No other package knows an errno, except the
// one that runs child processes. The names here are POSIX's, which Go has on every system; what a system says besides
// stands in its own table, native.

// errnos are the errors that one system has besides POSIX's, by what they mean.
type errnos struct {
	full, readOnly, stale, unreadable, notFolder, tooLong, noMemory, immovable []syscall.Errno

	troubles []syscall.Errno // that are none of these
}

// Full reports a full disk, one without inodes, or a used-up quota.
func Full(err error) bool { return isAny(err, native.full, syscall.ENOSPC, syscall.EDQUOT) }

// ReadOnly reports a file system that is mounted read-only.
func ReadOnly(err error) bool { return isAny(err, native.readOnly, syscall.EROFS) }

// Stale reports a mount or an open file that the file server no longer knows.
func Stale(err error) bool { return isAny(err, native.stale, syscall.ESTALE) }

// Unreadable reports that the disk below failed (EIO): all of it, or only the place where this one file lies.
func Unreadable(err error) bool { return isAny(err, native.unreadable, syscall.EIO) }

// Absent reports that there is no such name, or that a file stands where a folder on the way to it should.
func Absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isAny(err, native.notFolder, syscall.ENOTDIR)
}

// NotFolder reports that a link, a file or the like stands where a folder of the share should.
func NotFolder(err error) bool { return isAny(err, native.notFolder, syscall.ENOTDIR, syscall.ELOOP) }

// TooLong reports a name that the file system can't hold, which therefore isn't there.
func TooLong(err error) bool { return isAny(err, native.tooLong, syscall.ENAMETOOLONG) }

// NoMemory reports that memory was refused: the machine has too little, or the program wanted too much.
func NoMemory(err error) bool { return isAny(err, native.noMemory, syscall.ENOMEM) }

// Immovable reports that rights or a border between file systems forbid a rename, which a person has to mend.
func Immovable(err error) bool {
	return isAny(err, native.immovable, syscall.EACCES, syscall.EPERM, syscall.EXDEV) || ReadOnly(err)
}

// Trouble reports the machine's or the share's trouble. Nothing is decided about a file, a result or a chunk by such an
// error. It may pass; a full disk stays full until a person makes room.
func Trouble(err error) bool {
	return isAny(err, native.troubles, troubles...) || Full(err) || ReadOnly(err) || Stale(err) || NoMemory(err)
}

// Undecided reports an error that says nothing about a file's content: trouble, or the file was not read.
func Undecided(err error) bool {
	return Trouble(err) || Unreadable(err) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
}

// Cause returns the operating system's own error in err, without the names that were tried; err itself if it has none.
func Cause(err error) error {
	if errno, system := errors.AsType[syscall.Errno](err); system {
		return errno
	}
	return err
}

// System reports whether an error is one of the operating system.
func System(err error) bool {
	_, system := errors.AsType[syscall.Errno](err)
	return system
}

// troubles say nothing about the file in hand. EIO, EACCES and ENOENT are missing here: they can be one file's own.
var troubles = []syscall.Errno{
	syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, // fork(2), pthread_create(3), open(2)
	syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS,
	// A share behind a network.
	syscall.ESTALE, syscall.ETIMEDOUT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.ENETUNREACH,
	syscall.ENOTCONN, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ESHUTDOWN, syscall.ENOLCK,
	syscall.EBUSY, syscall.ETXTBSY, syscall.EINTR,
}

// permanent reports an error of a rename that needs a person. All others may pass: EINTR, EACCES, EBUSY, ESTALE and
// EAGAIN were seen to, and ENOENT for a name that this node's cache knew as absent goes away with the listing.
func permanent(err error) bool { return isAny(err, nil, syscall.EPERM) || Full(err) || ReadOnly(err) }

// Said returns the operating system's error that a program reported in its own words; nil if it reported none. Most are
// strerror(3)'s words in the C locale.
func Said(words string) error {
	words = strings.ToLower(words)
	for phrase, errno := range phrases {
		if strings.Contains(words, phrase) {
			return errno
		}
	}
	own := []syscall.Errno{syscall.EIO, syscall.EACCES, syscall.ENOENT} // after those that say more
	for _, errno := range slices.Concat(troubles, native.troubles, own) {
		if strings.Contains(words, strings.ToLower(errno.Error())) { // Linux: "remote I/O error"
			return errno
		}
	}
	return nil
}

// phrases are those that are not strerror's, or that Go words differently.
var phrases = map[string]syscall.Errno{
	"stale file handle":       syscall.ESTALE,
	"no space left":           syscall.ENOSPC, // mkvmerge: "No space left to write to"
	"quota exceeded":          syscall.EDQUOT,
	"can't create thread":     syscall.EAGAIN,
	"cannot create thread":    syscall.EAGAIN,
	"failed to create thread": syscall.EAGAIN,
	"pthread_create failed":   syscall.EAGAIN,
	"std::bad_alloc":          syscall.ENOMEM, // mkvmerge
	"failed to map segment":   syscall.ENOMEM, // ld.so(8)
}

func isAny(err error, more []syscall.Errno, which ...syscall.Errno) bool {
	is := func(errno syscall.Errno) bool { return errors.Is(err, errno) }
	return slices.ContainsFunc(which, is) || slices.ContainsFunc(more, is)
}

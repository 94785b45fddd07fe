package sharefs

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTroubleIsNoFilesFault(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{
		unix.EAGAIN: true, unix.ENOMEM: true, unix.ETIMEDOUT: true, unix.EHOSTDOWN: true, unix.ENOSPC: true,
		unix.ESTALE: true,
		unix.EIO:    false, unix.EACCES: false, unix.ENOENT: false, unix.EINVAL: false, unix.ENAMETOOLONG: false,
		unix.EPERM: false,
	} {
		err := fmt.Errorf("cannot do it: %w", &fs.PathError{Op: "open", Path: "x", Err: errno})
		require.Equal(t, want, Trouble(err), "%v", errno)
		require.True(t, System(err))
	}
	require.False(t, Trouble(nil))
	require.False(t, Trouble(errors.New("no space left on device")),
		"words are a child's, and become an error where it ends")
	require.True(t, Undecided(unix.EIO))
	require.False(t, Undecided(unix.EINVAL))
}

// The words are those that the tools were seen to print.
func TestWordsBecomeErrors(t *testing.T) {
	for words, want := range map[string]error{
		"Error while opening decoder for input stream #0:0 : Resource temporarily unavailable": unix.EAGAIN,
		"pthread_create failed: Resource temporarily unavailable":                              unix.EAGAIN,
		"x264 [error]: can't create thread":                                                    unix.EAGAIN,
		"sh: 1: Cannot fork: Resource temporarily unavailable":                                 unix.EAGAIN,
		"file:a.mkv: Cannot allocate memory":                                                   unix.ENOMEM,
		"ffprobe: error while loading shared libraries: x.so: failed to map segment":           unix.ENOMEM,
		"file:a.mkv: Connection timed out":                                                     unix.ETIMEDOUT,
		"file:a.mkv: Host is down":                                                             unix.EHOSTDOWN,
		"file:a.mkv: Stale file handle":                                                        unix.ESTALE,
		"file:a.mkv: Input/output error":                                                       unix.EIO,
		"Error: No space left to write to.":                                                    unix.ENOSPC,
		"Disk quota exceeded":                                                                  unix.EDQUOT,
		"file:a.mkv: Invalid data found when processing input":                                 nil,
		"Error while decoding stream #0:0: Operation not permitted":                            nil,
		"": nil,
	} {
		require.ErrorIs(t, Said(words), want, words)
	}
}

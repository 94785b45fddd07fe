package sharefs

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTroubleIsNoFilesFault(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		syscall.EAGAIN: true, syscall.ENOMEM: true, syscall.ETIMEDOUT: true, syscall.EHOSTDOWN: true, syscall.ENOSPC: true,
		syscall.ESTALE: true,
		syscall.EIO:    false, syscall.EACCES: false, syscall.ENOENT: false, syscall.EINVAL: false,
		syscall.ENAMETOOLONG: false,
		syscall.EPERM:        false,
	} {
		err := fmt.Errorf("cannot do it: %w", &fs.PathError{Op: "open", Path: "x", Err: errno})
		require.Equal(t, want, Trouble(err), "%v", errno)
		require.True(t, System(err))
	}
	require.False(t, Trouble(nil))
	require.False(t, Trouble(errors.New("no space left on device")),
		"words are a child's, and become an error where it ends")
	require.True(t, Undecided(syscall.EIO))
	require.False(t, Undecided(syscall.EINVAL))
}

// The words are those that the tools were seen to print.
func TestWordsBecomeErrors(t *testing.T) {
	for words, want := range map[string]error{
		"Error while opening decoder for input stream #0:0 : Resource temporarily unavailable": syscall.EAGAIN,
		"pthread_create failed: Resource temporarily unavailable":                              syscall.EAGAIN,
		"x264 [error]: can't create thread":                                                    syscall.EAGAIN,
		"sh: 1: Cannot fork: Resource temporarily unavailable":                                 syscall.EAGAIN,
		"file:a.mkv: Cannot allocate memory":                                                   syscall.ENOMEM,
		"ffprobe: error while loading shared libraries: x.so: failed to map segment":           syscall.ENOMEM,
		"file:a.mkv: Connection timed out":                                                     syscall.ETIMEDOUT,
		"file:a.mkv: Host is down":                                                             syscall.EHOSTDOWN,
		"file:a.mkv: Stale file handle":                                                        syscall.ESTALE,
		"file:a.mkv: Input/output error":                                                       syscall.EIO,
		"Error: No space left to write to.":                                                    syscall.ENOSPC,
		"Disk quota exceeded":                                                                  syscall.EDQUOT,
		"file:a.mkv: Invalid data found when processing input":                                 nil,
		"Error while decoding stream #0:0: Operation not permitted":                            nil,
		"": nil,
	} {
		require.ErrorIs(t, Said(words), want, words)
	}
}

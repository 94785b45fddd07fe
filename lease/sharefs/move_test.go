package sharefs_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// share returns a share with a/x and an empty b, and hook called before every later operation.
func share(t *testing.T, hook sharefstest.Hook) *sharefs.FS {
	t.Helper()
	dir := t.TempDir()
	plain, err := sharefs.Open(dir)
	require.NoError(t, err)
	require.NoError(t, plain.MkdirAll("a"))
	require.NoError(t, plain.MkdirAll("b"))
	require.NoError(t, plain.Create("a/x", []byte("content")))
	return sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), hook))
}

// faulty fails the operations whose "op name" starts with prefix, the first times of them.
func faulty(prefix string, times int, err error) (sharefstest.Hook, *int) {
	seen := new(int)
	return func(op, name string) error {
		if !strings.HasPrefix(op+" "+name, prefix) {
			return nil
		}
		if *seen++; *seen <= times {
			return err
		}
		return nil
	}, seen
}

func list(t *testing.T, s *sharefs.FS, dir string) []string {
	t.Helper()
	names, err := s.List(dir)
	require.NoError(t, err)
	return names
}

func TestMoveAnswerLostIsWon(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOENT, syscall.EIO, syscall.EINTR, syscall.ETIMEDOUT, syscall.EPERM} {
		hook, renames := faulty("rename", 1, sharefstest.AnswerLost(errno))
		outcome, err := share(t, hook).Move(t.Context(), "a/x", "b/y")
		require.NoError(t, err, "%v", errno)
		require.Equal(t, sharefs.Won, outcome)
		require.Equal(t, 1, *renames, "never renamed twice")
	}
}

// A success is believed by MoveTrusting alone, which makes one call; an answer that was lost by nobody.
func TestMoveTrustingBelievesASuccess(t *testing.T) {
	calls := []string{}
	s := share(t, func(op, _ string) error {
		calls = append(calls, op)
		return nil
	})
	outcome, err := s.MoveTrusting(t.Context(), "a/x", "b/y")
	require.NoError(t, err)
	require.Equal(t, sharefs.Won, outcome)
	require.Equal(t, []string{"rename"}, calls)
	outcome, err = s.Move(t.Context(), "b/y", "a/x")
	require.NoError(t, err)
	require.Equal(t, sharefs.Won, outcome)
	require.Equal(t, []string{"rename", "rename", "lstat"}, calls)

	hook, renames := faulty("rename", 1, sharefstest.AnswerLost(syscall.EIO))
	outcome, err = share(t, hook).MoveTrusting(t.Context(), "a/x", "b/y")
	require.NoError(t, err)
	require.Equal(t, sharefs.Won, outcome)
	require.Equal(t, 1, *renames)
	hook, _ = faulty("rename", 1, syscall.ENOSPC)
	outcome, err = share(t, hook).MoveTrusting(t.Context(), "a/x", "b/y")
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, sharefs.Unknown, outcome)
}

func TestMoveRepeatsWhatMayPass(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EINTR, syscall.EACCES, syscall.EBUSY, syscall.ESTALE, syscall.EAGAIN,
		syscall.ENOENT} {
		synctest.Test(t, func(t *testing.T) {
			hook, renames := faulty("rename", 8, errno)
			outcome, err := share(t, hook).Move(t.Context(), "a/x", "b/y")
			require.NoError(t, err, "%v", errno)
			require.Equal(t, sharefs.Won, outcome)
			require.Equal(t, 9, *renames)
		})
	}
}

func TestMoveGivesUpAfterEightRepetitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook, renames := faulty("rename", 100, syscall.ESTALE)
		s := share(t, hook)
		began := time.Now()
		outcome, err := s.Move(t.Context(), "a/x", "b/y")
		require.ErrorIs(t, err, syscall.ESTALE)
		require.Equal(t, sharefs.Unknown, outcome)
		require.Equal(t, 9, *renames)
		require.Less(t, time.Since(began), 10*time.Second)
		require.Equal(t, []string{"x"}, list(t, s, "a"))
	})
}

func TestMoveOnceDoesNotRepeat(t *testing.T) {
	hook, renames := faulty("rename", 1, syscall.EIO)
	outcome, err := share(t, hook).MoveOnce(t.Context(), "a/x", "b/y")
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, sharefs.Unknown, outcome)
	require.Equal(t, 1, *renames)
}

func TestMovePermanentErrorsEndAtOnce(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT} {
		hook, renames := faulty("rename", 100, errno)
		outcome, err := share(t, hook).Move(t.Context(), "a/x", "b/y")
		require.ErrorIs(t, err, errno)
		require.Equal(t, sharefs.Unknown, outcome)
		require.Equal(t, 1, *renames)
	}
}

func TestMoveWithoutListingIsUnknown(t *testing.T) {
	for _, dir := range []string{"a", "b"} {
		rename, _ := faulty("rename", 100, syscall.EIO)
		readdir, _ := faulty("readdir "+dir, 100, syscall.EIO)
		s := share(t, func(op, name string) error {
			if err := rename(op, name); err != nil {
				return err
			}
			return readdir(op, name)
		})
		outcome, err := s.Move(t.Context(), "a/x", "b/y")
		require.ErrorIs(t, err, syscall.EIO)
		require.Equal(t, sharefs.Unknown, outcome)
	}
	readdir, _ := faulty("readdir b", 1, syscall.EIO)
	s := share(t, readdir)
	outcome, err := s.Claim(t.Context(), "a/x", "b/y")
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, sharefs.Unknown, outcome, "a claim that could not be seen is not owned")
}

// What a server that lost power has undone is renamed again. A client may answer that with success, without
// asking the server, until it looks at the name that it still knows.
func TestMoveWithoutEffectIsRepeated(t *testing.T) {
	for name, move := range map[string]func(s *sharefs.FS, ctx context.Context, src, dst string) (sharefs.Outcome, error){
		"move": (*sharefs.FS).Move, "claim": (*sharefs.FS).Claim,
	} {
		synctest.Test(t, func(t *testing.T) {
			stale := &staleName{Ops: sharefs.OS(share(t, func(string, string) error { return nil }).Path(".")), name: "b/y"}
			s := sharefs.New("", stale)
			stale.touched = time.Now()
			outcome, err := move(s, t.Context(), "a/x", "b/y")
			require.NoError(t, err, name)
			require.Equal(t, sharefs.Won, outcome, name)
			require.Equal(t, []string{"y"}, list(t, s, "b"), name)
		})
	}
}

// staleName is a client that knows name as another name of the one file. It asks the server about it when
// the file was not looked at for a second.
type staleName struct {
	sharefs.Ops
	name    string
	touched time.Time
}

func (s *staleName) Rename(src, dst string) error {
	s.touched = time.Now()
	if dst == s.name {
		return nil
	}
	return s.Ops.Rename(src, dst)
}

func (s *staleName) Lstat(name string) (fs.FileInfo, error) {
	if name == s.name && time.Since(s.touched) > time.Second {
		s.name = ""
	}
	s.touched = time.Now()
	return s.Ops.Lstat(name)
}

func TestMoveThatNeverHasAnEffectIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sharefs.New("", undone{sharefs.OS(share(t, func(string, string) error { return nil }).Path("."))})
		outcome, err := s.Move(t.Context(), "a/x", "b/y")
		require.Error(t, err)
		require.Equal(t, sharefs.Fenced, outcome)
		outcome, err = s.MoveOnce(t.Context(), "a/x", "b/y")
		require.Error(t, err)
		require.Equal(t, sharefs.Fenced, outcome)
	})
}

type undone struct{ sharefs.Ops }

func (undone) Rename(string, string) error { return nil }

func TestMoveEndsWithItsContext(t *testing.T) {
	hook, renames := faulty("rename", 100, syscall.EAGAIN)
	s := share(t, hook)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcome, err := s.Move(ctx, "a/x", "b/y")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, sharefs.Unknown, outcome)
	require.Zero(t, *renames)

	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		outcome, err := s.Move(ctx, "a/x", "b/y")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, syscall.EAGAIN)
		require.Equal(t, sharefs.Unknown, outcome)
		require.Less(t, *renames, 9)
	})
}

// For every operation of a claim, and every error, before it is done and with its answer lost: nobody
// believes to own what is not there, the name is in one place, and a second claimant gets it exactly if
// it was not moved.
func TestClaimWithEveryFault(t *testing.T) {
	errnos := []syscall.Errno{
		syscall.EINTR, syscall.EACCES, syscall.EBUSY, syscall.ESTALE, syscall.EAGAIN, syscall.ENOENT, syscall.EIO,
		syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ETIMEDOUT,
	}
	for _, errno := range errnos {
		for _, fault := range []error{errno, sharefstest.AnswerLost(errno)} {
			for fail := 1; ; fail++ {
				done := false
				synctest.Test(t, func(t *testing.T) { done = claimWithFault(t, fail, fault) })
				if done {
					break
				}
			}
		}
	}
}

func claimWithFault(t *testing.T, fail int, fault error) (beyond bool) {
	nth := &sharefstest.Nth{Fail: fail, Err: fault}
	s := share(t, nth.Hook)
	outcome, err := s.Claim(t.Context(), "a/x", "b/y")
	beyond = len(nth.Done()) < fail
	s, openErr := sharefs.Open(s.Path("."))
	require.NoError(t, openErr)
	what := fmt.Sprintf("%d of %v: %#v", fail, nth.Done(), fault)
	moved := len(list(t, s, "b")) == 1
	require.Equal(t, !moved, len(list(t, s, "a")) == 1, what)
	require.NotEqual(t, sharefs.Lost, outcome, what)
	require.Equal(t, outcome == sharefs.Won, err == nil, what)
	if outcome == sharefs.Won {
		require.True(t, moved, what)
	}
	second, _ := s.Claim(t.Context(), "a/x", "b/z")
	require.Equal(t, !moved, second == sharefs.Won, what)
	return beyond
}

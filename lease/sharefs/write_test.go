package sharefs_test

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

func TestPublishAnswerLost(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EEXIST, syscall.EIO, syscall.EINTR, syscall.EPERM} {
		hook, _ := faulty("link", 1, sharefstest.AnswerLost(errno))
		s := share(t, hook)
		ours, err := s.Publish("a/x", "b/plan")
		require.NoError(t, err)
		require.True(t, ours)

		hook, _ = faulty("link", 1, sharefstest.AnswerLost(errno))
		s = share(t, hook)
		winner, ours, err := s.PublishData("b/plan", []byte("ours"))
		require.NoError(t, err)
		require.True(t, ours)
		require.Equal(t, "ours", string(winner))
	}
}

func TestPublishRefused(t *testing.T) {
	hook, _ := faulty("link", 1, syscall.EPERM)
	s := share(t, hook)
	_, err := s.Publish("a/x", "b/plan")
	require.ErrorIs(t, err, syscall.EPERM)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.Empty(t, list(t, s, "b"))
}

// A client that knew the name as absent goes on saying so until it lists the directory.
func TestPublishLooksBehindANegativeCache(t *testing.T) {
	listed := false
	s := share(t, func(op, name string) error {
		listed = listed || op == "readdir" && name == "b"
		if op == "open" && name == "b/plan" && !listed {
			return syscall.ENOENT
		}
		return nil
	})
	ours, err := s.Publish("a/x", "b/plan")
	require.NoError(t, err)
	require.True(t, ours)
}

// Whatever operation fails, what stands under the name is whole, and who is told ours is right.
func TestPublishDataWithEveryFault(t *testing.T) {
	for _, fault := range []error{syscall.EIO, sharefstest.AnswerLost(syscall.EIO), syscall.ENOSPC} {
		for fail := 1; ; fail++ {
			nth := &sharefstest.Nth{Fail: fail, Err: fault}
			s := share(t, nth.Hook)
			winner, ours, err := s.PublishData("b/plan", []byte("ours"))
			if len(nth.Done()) < fail {
				require.NoError(t, err)
				break
			}
			if err == nil {
				require.True(t, ours)
				require.Equal(t, "ours", string(winner))
			}
			if data, err := s.Read("b/plan", 100); err == nil {
				require.Equal(t, "ours", string(data))
			}
			again, ours, err := s.PublishData("b/plan", []byte("a second"))
			require.NoError(t, err)
			require.Equal(t, string(again) == "a second", ours)
		}
	}
}

func TestCreateLeavesNothingHalf(t *testing.T) {
	for _, op := range []string{"write", "sync", "close"} {
		for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO} {
			hook, _ := faulty(op, 1, errno)
			s := share(t, hook)
			require.ErrorIs(t, s.Create("b/y", []byte("text")), errno)
			require.Empty(t, list(t, s, "b"), op)
			if op == "sync" { // Jot makes none
				continue
			}
			hook, _ = faulty(op, 1, errno)
			s = share(t, hook)
			require.ErrorIs(t, s.Jot("b/y", []byte("text")), errno)
			require.Empty(t, list(t, s, "b"), op)
		}
	}
}

func TestJotMakesTwoCallsThatSomebodyWaitsFor(t *testing.T) {
	calls := []string{}
	s := share(t, func(op, _ string) error {
		calls = append(calls, op)
		return nil
	})
	require.NoError(t, s.Jot("b/y", []byte("text")))
	require.Equal(t, []string{"open", "write", "close"}, calls)
	require.ErrorIs(t, s.Jot("b/y", nil), fs.ErrExist)
	text, err := s.Read("b/y", 10)
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
}

func TestReplaceWithEveryFault(t *testing.T) {
	for _, fault := range []error{syscall.EIO, sharefstest.AnswerLost(syscall.EIO)} {
		for fail := 1; ; fail++ {
			nth := &sharefstest.Nth{Fail: fail, Err: fault}
			s := share(t, nth.Hook)
			err := s.Replace("a/x", []byte("new"))
			data, readErr := s.Read("a/x", 100)
			if len(nth.Done()) < fail {
				break
			}
			if readErr == nil && err == nil {
				require.Equal(t, "new", string(data))
			} else if readErr == nil {
				require.Contains(t, []string{"content", "new"}, string(data))
			}
		}
	}
	hook, _ := faulty("rename", 1, sharefstest.AnswerLost(syscall.EIO))
	require.NoError(t, share(t, hook).Replace("a/x", []byte("new")))
}

func TestOverwriteTellsOfEveryFault(t *testing.T) {
	for _, op := range []string{"open", "write", "sync", "close"} {
		hook, _ := faulty(op, 1, syscall.EIO)
		require.ErrorIs(t, share(t, hook).Overwrite("a/x", []byte("CONTENT")), syscall.EIO)
	}
}

func TestDurable(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOTSUP} {
		hook, _ := faulty("syncdir", 1, errno)
		require.NoError(t, share(t, hook).Durable("a/x"), "some file systems can't sync a folder")
	}
	for _, op := range []string{"open", "sync a/x", "close", "syncdir"} {
		hook, _ := faulty(op, 1, syscall.EIO)
		require.ErrorIs(t, share(t, hook).Durable("a/x"), syscall.EIO, op)
	}
	hook, opens := faulty("open", 1, syscall.EACCES)
	require.NoError(t, share(t, hook).DurableForeign("a/x"), "another user's file")
	require.Equal(t, 2, *opens)
	require.ErrorIs(t, share(t, hook).DurableForeign("a/missing"), fs.ErrNotExist)
	hook, _ = faulty("open", 1, syscall.EACCES)
	require.ErrorIs(t, share(t, hook).Durable("a/x"), fs.ErrPermission, "our own file must be synced for writing")
}

func TestMkdirThatExistsWhateverTheAnswer(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EROFS, syscall.EEXIST} {
		hook, _ := faulty("mkdir", 10, errno)
		s := share(t, hook)
		created, err := s.Mkdir("a")
		require.NoError(t, err)
		require.False(t, created)
		_, err = s.Mkdir("new")
		require.ErrorIs(t, err, errno)
	}
}

func TestReadTwiceAfterStale(t *testing.T) {
	hook, _ := faulty("read", 1, syscall.ESTALE)
	data, err := share(t, hook).Read("a/x", 100)
	require.NoError(t, err)
	require.Equal(t, "content", string(data))
	hook, _ = faulty("read", 2, syscall.ESTALE)
	_, err = share(t, hook).Read("a/x", 100)
	require.ErrorIs(t, err, syscall.ESTALE)
}

// One read is enough for a file that stays as it is; one that grows or shrinks while it is read is read to its end.
func TestReadIsOneCall(t *testing.T) {
	for now, reads := range map[string]int{"content": 1, "more content": 3, "less": 2, "": 1} {
		var s *sharefs.FS
		hook, seen := faulty("read", 0, nil)
		s = share(t, func(op, name string) error {
			if op == "read" && *seen == 0 {
				require.NoError(t, os.WriteFile(s.Path(name), []byte(now), 0o600))
			}
			return hook(op, name)
		})
		data, info, err := s.ReadStat("a/x", 100)
		require.NoError(t, err)
		require.Equal(t, now, string(data))
		require.EqualValues(t, len("content"), info.Size())
		require.Equal(t, reads, *seen, now)
	}
}

func TestCreateFrom(t *testing.T) {
	s := share(t, func(string, string) error { return nil })
	n, err := s.CreateFrom(t.Context(), "b/y", strings.NewReader("text"))
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
	_, err = s.CreateFrom(t.Context(), "b/y", strings.NewReader("other"))
	require.ErrorIs(t, err, fs.ErrExist)
	for _, op := range []string{"write", "sync", "close"} {
		hook, _ := faulty(op, 1, syscall.ENOSPC)
		s := share(t, hook)
		_, err := s.CreateFrom(t.Context(), "b/y", strings.NewReader("text"))
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.Empty(t, list(t, s, "b"), op)
	}
}

// noTrunc fails the test when a file is opened in a way that lets SMB stamp it with the client's clock.
type noTrunc struct {
	sharefs.Ops
	t *testing.T
}

func (n noTrunc) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	require.Zero(n.t, flag&os.O_TRUNC, name)
	require.Equal(n.t, flag&os.O_CREATE != 0, flag&os.O_EXCL != 0, name)
	return n.Ops.OpenFile(name, flag, perm)
}

func TestNothingIsTruncated(t *testing.T) {
	dir := t.TempDir()
	s := sharefs.New(dir, noTrunc{sharefs.OS(dir), t})
	require.NoError(t, s.Create("x", []byte("1")))
	require.NoError(t, s.Overwrite("x", []byte("2")))
	require.NoError(t, s.Replace("x", []byte("3")))
	require.NoError(t, s.Durable("x"))
	_, ours, err := s.PublishData("y", []byte("4"))
	require.NoError(t, err)
	require.True(t, ours)
	data, err := s.Read("x", 1)
	require.NoError(t, err)
	require.Equal(t, "3", string(data))
}

// SMB says EINVAL to an open of a file's second name for a second after the first was closed.
func TestPublishOpensTheSecondNameWhenItCan(t *testing.T) {
	for _, times := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			hook, opens := faulty("open b/plan", times, syscall.EINVAL)
			ours, err := share(t, hook).Publish("a/x", "b/plan")
			require.NoError(t, err)
			require.True(t, ours)
			require.Greater(t, *opens, times)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		hook, _ := faulty("open b/plan", 1000, syscall.EINVAL)
		_, err := share(t, hook).Publish("a/x", "b/plan")
		require.ErrorIs(t, err, syscall.EINVAL, "it does not try for ever")
	})
}

func TestPublishMakingMakesTheFolder(t *testing.T) {
	s, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, s.PublishMaking("a/b/note", []byte("first")))
	require.NoError(t, s.PublishMaking("a/b/note", []byte("second")))
	b, err := s.Read("a/b/note", 100)
	require.NoError(t, err)
	require.Equal(t, "first", string(b))
}

package status

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// finishedJob makes a job that is decided, published and closed, and returns its id. A plan of it can't be read.
func finishedJob(t *testing.T, fs *sharefs.FS, n int, close func(id string)) string {
	t.Helper()
	id := pipeline.NewJobID(fmt.Sprintf("%08x", n))
	name := pipeline.RawName(fmt.Sprintf("film%d.mkv", n))
	require.NoError(t, (&pipeline.Job{
		ID: id, Inbox: name, Source: "source.mkv", Size: 100, Settings: pipeline.Settings{Container: "mkv"},
		Created: time.Unix(int64(n), 0).UTC(),
	}).Create(fs))
	_, err := pipeline.Decide(fs, id, pipeline.Decision{Act: pipeline.ActPublish, Out: "abcdefghijkl"})
	require.NoError(t, err)
	published := fmt.Sprintf(`{"output": %q, "size": 40}`, name)
	require.NoError(t, fs.Create(pipeline.JobFile(id, pipeline.PublishedName), []byte(published)))
	require.NoError(t, fs.Create(pipeline.JobFile(id, "plan.json"), []byte("no plan")))
	close(id)
	return id
}

// Of a job that has ended one small file is read, and never its plan: a share's history can be long. What an
// older version closed takes a few more.
func TestOfAFinishedJobOneFileIsRead(t *testing.T) {
	const jobs = 20
	opened := map[string]int{}
	hook := func(op, name string) error {
		if strings.HasPrefix(name, pipeline.Jobs+"/") && (op == "open" || op == "readdir") {
			opened[name]++
		}
		return nil
	}
	plain := testShare(t)
	share := sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), hook))
	var ids []string
	for n := range jobs {
		ids = append(ids, finishedJob(t, plain, n, func(id string) {
			require.NoError(t, Close(plain, id, pipeline.Closed{Act: pipeline.ActPublish, Source: "archive/x"}))
		}))
	}
	old := finishedJob(t, plain, jobs, func(id string) {
		require.NoError(t, plain.Create(pipeline.JobFile(id, pipeline.ClosedName), []byte(`{"act":"publish"}`)))
	})
	known := NewCache()
	s, err := Read(share, known)
	require.NoError(t, err)
	require.Len(t, s.Jobs, jobs+1)
	require.EqualValues(t, 60*(jobs+1), s.Saved, "also by what an older version closed")
	for n, j := range s.Jobs {
		require.Equal(t, fmt.Sprintf("outbox/film%d.mkv", n), j.Output)
		require.Equal(t, pipeline.Done, j.State)
		require.True(t, j.Closed && j.Decided && j.Error == "" && !j.Ended.IsZero(), "%+v", j)
		require.Zero(t, opened[pipeline.JobFile(j.ID, "plan.json")])
	}
	for _, id := range ids {
		require.Equal(t, 1, opened[pipeline.JobFile(id, pipeline.ClosedName)])
		delete(opened, pipeline.JobFile(id, pipeline.ClosedName))
	}
	for name := range opened {
		require.Contains(t, name, old, "of the others nothing else is read")
	}
	clear(opened)
	for range recheck {
		_, err = Read(share, known)
		require.NoError(t, err)
	}
	require.Len(t, opened, jobs+1, "later nothing else")
	for name, times := range opened {
		require.Equal(t, pipeline.ClosedName, path.Base(name))
		require.Equal(t, 1, times, "in so many reads")
	}
}

// What lies on the share is the truth: a job's folder that a person put back from a snapshot, in which the job
// had not ended, is no finished job.
func TestAFolderThatWasPutBackIsLookedAtAgain(t *testing.T) {
	share := testShare(t)
	id := finishedJob(t, share, 1, func(id string) {
		require.NoError(t,
			Close(share, id, pipeline.Closed{Act: pipeline.ActPublish}))
	})
	known := NewCache()
	state := func() pipeline.JobState {
		s, err := Read(share, known)
		require.NoError(t, err)
		require.Len(t, s.Jobs, 1)
		return s.Jobs[0].State
	}
	require.Equal(t, pipeline.Done, state())
	for _, name := range []string{pipeline.ClosedName, pipeline.PublishedName, pipeline.DecisionName, "plan.json"} {
		require.NoError(t, os.Remove(share.Path(pipeline.JobFile(id, name))))
	}
	chunk := pipeline.ChunkFile{Job: id, Attempt: 1, Nonce: "abcdefgh", Kind: pipeline.KindRange, State: pipeline.Pending}
	require.NoError(t, share.MkdirAll(pipeline.PendingOf(id)))
	require.NoError(t, share.Create(chunk.Path(), nil))
	require.Equal(t, pipeline.Planning, state())
}

// Of the refused files the latest are read, not all that ever were.
func TestOfRefusedFilesTheLatestAreRead(t *testing.T) {
	plain := testShare(t)
	read := map[string]bool{}
	share := sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), func(op, name string) error {
		if op == "open" && strings.HasPrefix(name, pipeline.FailedDir) {
			read[name] = true
		}
		return nil
	}))
	for n := range 3 * maxRejected {
		folder := plain.Path(fmt.Sprintf("%s/film%d.mkv", pipeline.FailedDir, n))
		require.NoError(t, os.Mkdir(folder, 0o755))
		require.NoError(t, os.WriteFile(folder+"/"+pipeline.ReasonName, fmt.Appendf(nil, "reason %d", n), 0o644))
		then := time.Unix(int64(1e9+n), 0)
		require.NoError(t, os.Chtimes(folder+"/"+pipeline.ReasonName, then, then))
		require.NoError(t, os.Chtimes(folder, then, then))
	}
	s, err := Read(share, nil)
	require.NoError(t, err)
	require.Len(t, s.Rejected, maxRejected)
	require.Equal(t, fmt.Sprintf("reason %d", 3*maxRejected-1), s.Rejected[0].Reason)
	require.Len(t, read, maxRejected)
}

// A refused file that was put back is none any more, though a person keeps something in its folder; the next one of its
// name is told with its own reason.
func TestARefusedFileThatWasPutBackIsNotTold(t *testing.T) {
	share, known := testShare(t), NewCache()
	refuse := func(reason string) string {
		require.NoError(t, share.Create("inbox/film.mkv", []byte("x")))
		name, err := pipeline.Reject{Source: "inbox/film.mkv", Sidecar: pipeline.SidecarBeside("inbox/film.mkv"),
			Inbox: "film.mkv", Reason: reason}.PutAside(t.Context(), share)
		require.NoError(t, err)
		return string(name)
	}
	rejected := func() []Rejected {
		s, err := Read(share, known)
		require.NoError(t, err)
		return s.Rejected
	}
	name := refuse("one")
	require.Equal(t, "one", rejected()[0].Reason)
	note := path.Join(path.Dir(name), "note.md")
	require.NoError(t, share.Create(note, nil))
	back := "inbox/film.mkv"
	_, err := share.Move(t.Context(), name, back)
	require.NoError(t, errors.Join(err, pipeline.Tidy(share, path.Dir(name))))
	require.Empty(t, rejected())
	require.NoError(t, errors.Join(share.Remove(note), share.RemoveDir(path.Dir(name)), share.Remove(back)))
	require.Equal(t, name, refuse("two"))
	require.Equal(t, "two", rejected()[0].Reason)
}

// Each attempt that came to nothing counts once, whoever reports it, also where two files of a chunk have one number.
func TestAttemptsAreCountedOnce(t *testing.T) {
	attempts, expired := repeats([]pipeline.Failure{
		{Attempted: pipeline.Attempted{Chunk: "a.1", Attempt: 1, Node: "n1"}, By: "n1", Weight: pipeline.WeightFailed},
		{Attempted: pipeline.Attempted{Chunk: "a.1", Attempt: 1, Node: "n2"}, By: "m1", Weight: pipeline.WeightExpired},
		{Attempted: pipeline.Attempted{Chunk: "a.1", Attempt: 1, Node: "n2"}, By: "m2", Weight: pipeline.WeightExpired},
		{Attempted: pipeline.Attempted{Chunk: "a.1", Attempt: 2, Node: "n1"}, By: "n1", Weight: pipeline.WeightFailed},
		{Attempted: pipeline.Attempted{Chunk: "a.1", Attempt: 3, Node: "n1"}, By: "c", Retry: true},
	})
	require.Equal(t, []int{3, 1}, []int{attempts, expired})
}

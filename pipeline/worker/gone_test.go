package worker

import (
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A person removes jobs/<job> while its chunks are in work: a worker neither tries them again nor tells of it in a
// folder that it would have to make for that.
func TestTheChunksOfAJobThatIsGoneAreDropped(t *testing.T) {
	share, job := slowShare(t)
	w := New(Options{FS: share, Node: "pc1-waaaaa", Slots: 1, Poll: time.Second, Log: quiet()})
	w.agreed.Store(&agreement{Terms: lease.Terms{Heartbeat: time.Second, Expiry: 4 * time.Second}, attempts: 3})
	plan := &pipeline.Plan{Job: job, Chunks: make([]pipeline.Chunk, 2)}
	w.plans.plans = map[string]*pipeline.Plan{job: plan}
	w.plans.jobs = map[string]*pipeline.Job{job: {ID: job}}
	free := pipeline.ChunkFile{Job: job, Chunk: 0, Kind: pipeline.KindRange}.AsPending(1)
	mine := pipeline.ChunkFile{Job: job, Chunk: 1, Kind: pipeline.KindRange}.AsPending(1).AsClaimed(w.Node)
	for _, dir := range []string{pipeline.PendingOf(job), pipeline.DoneOf(job), pipeline.Leases} {
		require.NoError(t, share.MkdirAll(dir))
	}
	for _, c := range []pipeline.ChunkFile{free, mine} {
		require.NoError(t, share.Create(c.Path(), nil))
	}
	remove(t, share, pipeline.JobDir(job))

	task, err := w.claim(t.Context())
	require.NoError(t, err)
	require.Nil(t, task)
	w.failed(t.Context(), &Task{File: mine, Plan: plan, Chunk: &plan.Chunks[1]}, errors.New("the source is gone"))
	names, err := share.List(pipeline.PendingOf(job))
	require.NoError(t, err)
	require.Len(t, names, 1, "none is given back to be tried again at once")
	_, err = share.List(pipeline.JobDir(job))
	require.Error(t, err, "the folder is not made again")
}

// A file server that loses its power takes back a plan that a worker has read. What was to be measured for that plan is
// measured again.
func TestAPlanThatIsLostIsForgotten(t *testing.T) {
	share, job := slowShare(t)
	w := New(Options{FS: share, Node: "pc1-waaaaa", Log: quiet()})
	plan, err := pipeline.LoadPlan(share, job)
	require.NoError(t, err)
	remove(t, share, pipeline.JobDir(job))
	record := pipeline.Job{ID: job, Inbox: "film.mkv", Source: "source.mkv"}
	record.Settings.Crop.Auto = true
	require.NoError(t, record.Create(share))
	for _, plan.Analysis = range []pipeline.Analysis{pipeline.Bars, ""} {
		_, err = plan.Publish(share)
		require.NoError(t, err)
	}
	bars := pipeline.ChunkFile{Job: job, Analysis: pipeline.Bars, Kind: pipeline.KindRange}.AsPending(1)
	require.NoError(t, share.Create(bars.Path(), nil))
	free := func() []pipeline.ChunkFile {
		jobs, err := w.jobsInOrder()
		require.NoError(t, err)
		require.Equal(t, []string{job}, jobs)
		return w.free(job)
	}
	require.Empty(t, free(), "the plan after it is there")

	require.NoError(t, share.Remove(pipeline.JobFile(job, "plan.json")))
	require.Equal(t, []pipeline.ChunkFile{bars}, free())
}

// remove removes a folder as a person does.
func remove(t *testing.T, share *sharefs.FS, dir string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(share.Path(dir)))
}

func TestTheLeasesFolderIsMadeAgain(t *testing.T) {
	share, job := slowShare(t)
	w := New(Options{FS: share, Node: "pc1-waaaaa", Log: quiet()})
	remove(t, share, pipeline.Leases)
	c := pipeline.ChunkFile{Job: job, Kind: pipeline.KindRange}.AsPending(1).AsClaimed(w.Node)
	_, err := w.takeLease(t.Context(), c)
	require.Error(t, err)
	held, err := w.takeLease(t.Context(), c)
	require.NoError(t, err)
	held.Release()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

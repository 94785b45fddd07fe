package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Two slots that have nothing to do make one second copy between them.
func TestSlotsDoNotCopyTheSameChunk(t *testing.T) {
	share, job := slowShare(t)
	w := New(Options{FS: share, Node: "b-wbbbbb", Slots: 2, Log: quiet(), Poll: time.Second})
	w.speeds.jobs = map[string]pipeline.Speed{job: {Frames: 1000, Pixels: 1000, Seconds: 1}}
	claims := func() int {
		names, err := share.List(pipeline.ClaimedDir)
		require.NoError(t, err)
		return len(names)
	}
	w.copying.Lock()
	task, err := w.claimSecond(t.Context(), []string{job})
	w.copying.Unlock()
	require.NoError(t, err)
	require.Nil(t, task, "another slot is at it")
	require.Equal(t, 1, claims())

	task, err = w.claimSecond(t.Context(), []string{job})
	require.NoError(t, err)
	require.NotNil(t, task)
	defer task.lease.Release()
	require.Equal(t, 2, claims())
	again, err := w.claimSecond(t.Context(), []string{job})
	require.NoError(t, err)
	require.Nil(t, again, "this node has it")
}

// slowShare is a share with a job of one chunk, which a slow node has in work.
func slowShare(t *testing.T) (share *sharefs.FS, job string) {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	job = pipeline.NewJobID("00000001")
	for _, dir := range append(pipeline.Folders(), pipeline.JobDir(job), pipeline.PendingOf(job), pipeline.DoneOf(job)) {
		require.NoError(t, share.MkdirAll(dir))
	}
	frames := pipeline.NewTimestamps(0, 1, 2, 3)
	plan := &pipeline.Plan{
		Job: job, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: frames.Len(),
		Video:  pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 25}},
		Chunks: []pipeline.Chunk{{End: 4, PTS: frames, Kind: pipeline.KindRange}},
	}
	_, err = plan.Publish(share)
	require.NoError(t, err)
	slow := "a-waaaaa"
	c := pipeline.ChunkFile{Job: job, Kind: pipeline.KindRange}.AsPending(1).AsClaimed(slow)
	require.NoError(t, share.Create(c.Path(), nil))
	speed := map[string]pipeline.Speed{job: {Frames: 1, Pixels: 1, Seconds: 100}}
	require.NoError(t, (&pipeline.Node{Node: slow, Hardware: pipeline.Hardware{Slots: 1}, Speed: speed}).Write(share))
	return share, job
}

package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// The last chunks get all cores, so that no core is idle while one slot is still at its chunk.
func TestTheLastChunksGetMoreThreads(t *testing.T) {
	share, jobs := freeShare(t, 4)
	w := twoSlots(share, 1e9)
	require.Equal(t, []int{1, 1, 2, 2}, threadsOf(t, w, 4))
	require.Equal(t, 6, w.running.threads())
	require.Equal(t, int64(6*100), w.running.owed(), "what they will take of memory")
	require.Len(t, jobs, 1)
}

// Not while another film follows, more chunks are about to come, or memory is short.
func TestChunksThatOthersFollowGetNoMoreThreads(t *testing.T) {
	share, _ := freeShare(t, 1, 3)
	require.Equal(t, []int{1, 1, 2, 2}, threadsOf(t, twoSlots(share, 1e9), 4))

	share, _ = freeShare(t, 2)
	_, err := share.Mkdir(pipeline.Soon)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, threadsOf(t, twoSlots(share, 1e9), 2))

	share, _ = freeShare(t, 2)
	require.Equal(t, []int{2, 1}, threadsOf(t, twoSlots(share, 350), 2), "the second has room for one thread")

	share, _ = freeShare(t, 1)
	w := twoSlots(share, 1e9)
	w.Machine.Cores, w.Slots = 16, 8
	w.Machine.Threads = 2
	require.Equal(t, []int{8}, threadsOf(t, w, 1), "with more an encode gains nothing")
}

func twoSlots(share *sharefs.FS, memory int64) *Worker {
	return New(Options{FS: share, Node: "b-wbbbbb", Slots: 2, Encoder: idleEncoder{}, Log: quiet(), Poll: time.Second,
		Machine: Machine{Cores: 2, Threads: 1, Memory: func() (free, most int64) { return memory, memory }}})
}

// threadsOf claims that many chunks and returns the threads of their encodes.
func threadsOf(t *testing.T, w *Worker, claims int) (threads []int) {
	t.Helper()
	for range claims {
		task, err := w.claim(t.Context())
		require.NoError(t, err)
		require.NotNil(t, task)
		t.Cleanup(task.lease.Release)
		threads = append(threads, task.Threads)
	}
	return threads
}

// freeShare is a share with jobs of so many free chunks, each of which needs 100 bytes a thread.
func freeShare(t *testing.T, chunks ...int) (share *sharefs.FS, jobs []string) {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	for i, n := range chunks {
		j := &pipeline.Job{ID: pipeline.NewJobID("00000001"), Inbox: "film.mkv", Source: "source.mkv", CRC32: "00000001",
			Created: time.Unix(int64(i), 0), Settings: pipeline.Settings{Encoder: "x264", Container: pipeline.MKV}}
		jobs = append(jobs, j.ID)
		require.NoError(t, j.Create(share))
		for _, dir := range []string{pipeline.PendingOf(j.ID), pipeline.DoneOf(j.ID)} {
			require.NoError(t, share.MkdirAll(dir))
		}
		plan := &pipeline.Plan{Job: j.ID, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: n,
			Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 25}}, Memory: pipeline.Memory{Thread: 100}}
		for at := range n {
			plan.Chunks = append(plan.Chunks, pipeline.Chunk{Index: at, Start: int64(at), End: int64(at) + 1, First: at,
				PTS: pipeline.NewTimestamps(int64(at)), Kind: pipeline.KindRange})
		}
		_, err := plan.Publish(share)
		require.NoError(t, err)
		for at := range n {
			c := pipeline.ChunkFile{Job: j.ID, Chunk: at, Kind: pipeline.KindRange}.AsPending(1)
			text, err := plan.RangeText(at)
			require.NoError(t, err)
			require.NoError(t, share.Create(c.Path(), text))
		}
	}
	return share, jobs
}

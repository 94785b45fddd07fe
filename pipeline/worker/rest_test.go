package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// endlessEncoder encodes until it is stopped.
type endlessEncoder struct{ idleEncoder }

func (endlessEncoder) Encode(ctx context.Context, t *Task) (*pipeline.Record, error) {
	done := make(chan struct{})
	go func() { // a sign of life
		for ; ctx.Err() == nil; time.Sleep(time.Second) {
			t.Progress(1, 1)
		}
		close(done)
	}()
	<-done
	return nil, context.Cause(ctx)
}

// A worker whose machine people want claims nothing, goes on with what it encodes or hands it back, and says why. A
// worker that starts there later does the same, and both go on when they are woken.
func TestAWorkerRestsWhenAsked(t *testing.T) {
	share, other := slowShare(t)
	require.NoError(t, share.Create(pipeline.Cluster, []byte(`{"share":"s","heartbeat":"1s","expiry":"5s","attempts":3}`)))
	plan, err := pipeline.LoadPlan(share, other)
	require.NoError(t, err)
	job := pipeline.NewJobID("00000002")
	plan.Job = job
	j := &pipeline.Job{ID: job, Inbox: "a.mkv", Source: plan.Source, CRC32: "00000002"}
	j.Settings.Container = "mkv"
	require.NoError(t, j.Create(share))
	for _, dir := range []string{pipeline.PendingOf(job), pipeline.DoneOf(job)} {
		require.NoError(t, share.MkdirAll(dir))
	}
	_, err = plan.Publish(share)
	require.NoError(t, err)
	names, err := share.List(pipeline.ClaimedDir)
	require.NoError(t, err)
	require.NoError(t, share.Remove(pipeline.ClaimedDir+"/"+names[0]))
	require.NoError(t, share.Create(pipeline.ChunkFile{Job: job, Kind: pipeline.KindRange}.AsPending(1).Path(), nil))

	synctest.Test(t, func(t *testing.T) {
		fs, err := sharefs.Open(share.Path(""))
		require.NoError(t, err)
		start := func(node string) (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = New(Options{FS: fs, Node: node, Slots: 1, Encoder: endlessEncoder{}, Log: quiet(), Poll: time.Second}).Run(ctx)
			}()
			return func() { cancel(); <-ended }
		}
		claimed := func() int {
			names, err := fs.List(pipeline.ClaimedDir)
			require.NoError(t, err)
			return len(names)
		}
		state := func(node string) (state, why string) {
			n, err := pipeline.LoadNode(fs, node)
			require.NoError(t, err)
			return n.State, n.Why
		}
		ask := func(now bool) {
			require.NoError(t, (&pipeline.Rest{Host: "pc-2", By: "alice on desk-5", At: time.Now(), Now: now}).Write(fs))
			time.Sleep(time.Minute)
		}
		stop := start("pc-2-waaaaa")
		time.Sleep(10 * time.Second)
		require.Equal(t, 1, claimed())

		ask(false)
		require.Equal(t, 1, claimed(), "what runs is finished")
		is, why := state("pc-2-waaaaa")
		require.Equal(t, pipeline.NodeEncoding, is)
		require.Contains(t, why, "asked to rest by alice on desk-5")
		ask(true)
		require.Zero(t, claimed())
		is, why = state("pc-2-waaaaa")
		require.Equal(t, pipeline.NodeResting, is)
		require.Contains(t, why, "`distenc nodes wake pc-2` ends it")
		stop()
		stop = start("pc-2-wbbbbb")
		defer func() { stop() }()
		stopOther := start("pc-22-wccccc")
		time.Sleep(time.Minute)
		require.Equal(t, 1, claimed(), "of another machine")
		is, _ = state("pc-2-wbbbbb")
		require.Equal(t, pipeline.NodeResting, is)
		is, _ = state("pc-22-wccccc")
		require.Equal(t, pipeline.NodeEncoding, is)

		stopOther()
		time.Sleep(time.Minute)
		require.Zero(t, claimed())
		require.NoError(t, pipeline.WithdrawRest(fs, "pc-2"))
		time.Sleep(time.Minute)
		require.Equal(t, 1, claimed())
		is, why = state("pc-2-wbbbbb")
		require.Equal(t, pipeline.NodeEncoding, is)
		require.Empty(t, why)
		reports, err := fs.List(pipeline.LogDir(job))
		require.True(t, err != nil || len(reports) == 0, "handing back is no failure: %v", reports)
	})
}

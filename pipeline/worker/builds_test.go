package worker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

var (
	oldBuild = pipeline.Build{Encoder: "x265", Version: "x265 3.5", Headers: "a"}
	newBuild = pipeline.Build{Encoder: "x265", Version: "x265 3.6", Headers: "b"}
)

// builtEncoder has a build, and never comes to an end with another one.
type builtEncoder struct {
	Encoder
	build   pipeline.Build
	fault   error
	metrics []pipeline.Metric
}

func (e *builtEncoder) Metrics(context.Context) []pipeline.Metric { return e.metrics }
func (e *builtEncoder) Measures(_ context.Context, m pipeline.Metric) error {
	if !slices.Contains(e.metrics, m) {
		return errors.New("no such filter")
	}
	return nil
}

func (e *builtEncoder) Version() string { return "none" }
func (e *builtEncoder) Builds(context.Context) []pipeline.Offer {
	return []pipeline.Offer{{Build: e.build}}
}
func (e *builtEncoder) Build(context.Context, string, string) (pipeline.Build, error) {
	return e.build, e.fault
}

// Encode implements Encoder: the machine was upgraded since the claim.
func (e *builtEncoder) Encode(context.Context, *Task) (*pipeline.Record, error) {
	e.build = newBuild
	return nil, ErrOtherBuild
}

// builtShare is a share with a job of one free chunk, whose plan has the old build, and one node that has it.
func builtShare(t *testing.T) (*sharefs.FS, *pipeline.Plan) {
	t.Helper()
	return builtShareFor(t, pipeline.Quality{})
}

// builtShareFor wants a quality of the film, which the node can measure.
func builtShareFor(t *testing.T, wanted pipeline.Quality) (*sharefs.FS, *pipeline.Plan) {
	t.Helper()
	share, other := slowShare(t)
	require.NoError(t, share.Create(pipeline.Cluster, []byte(`{"share":"s","heartbeat":"1s","expiry":"5s","attempts":3}`)))
	plan, err := pipeline.LoadPlan(share, other)
	require.NoError(t, err)
	remove(t, share, pipeline.JobDir(other))
	remove(t, share, pipeline.PendingOf(other))
	remove(t, share, pipeline.ClaimedDir)
	require.NoError(t, share.MkdirAll(pipeline.ClaimedDir))
	plan.Job, plan.Build = pipeline.NewJobID("00000002"), oldBuild
	plan.Settings.Encoder, plan.Settings.Container, plan.Settings.Quality = "x265", "mkv", wanted
	job := &pipeline.Job{ID: plan.Job, Inbox: "a.mkv", Source: plan.Source, CRC32: "00000002", Settings: plan.Settings}
	require.NoError(t, job.Create(share))
	for _, dir := range []string{pipeline.PendingOf(plan.Job), pipeline.DoneOf(plan.Job)} {
		require.NoError(t, share.MkdirAll(dir))
	}
	_, err = plan.Publish(share)
	require.NoError(t, err)
	require.NoError(t, share.Create(pipeline.ChunkFile{Job: plan.Job, Kind: pipeline.KindRange}.AsPending(1).Path(), nil))
	peer := &pipeline.Node{
		Node: "a-waaaaa", Hardware: pipeline.Hardware{Slots: 1},
		Software: pipeline.Software{Builds: []pipeline.Offer{{Build: oldBuild}}, Metrics: []pipeline.Metric{pipeline.VMAF}},
	}
	require.NoError(t, peer.Write(share))
	return share, plan
}

// claimer returns a worker, and a function that tells whether it claims a chunk, which is handed back.
func claimer(t *testing.T, share *sharefs.FS, own *builtEncoder) (w *Worker, claims func() bool) {
	t.Helper()
	w = New(Options{FS: share, Node: "b-wbbbbb", Slots: 1, Encoder: own, Log: quiet(), Poll: time.Second})
	require.NoError(t, w.agree(""))
	return w, func() bool {
		task, err := w.claim(t.Context())
		require.NoError(t, err)
		if task != nil {
			task.lease.Release()
			w.running.remove(task)
			w.handBack(t.Context(), task)
		}
		return task != nil
	}
}

func TestANodeLeavesFilmsThatItCannotMeasure(t *testing.T) {
	share, plan := builtShareFor(t, pipeline.Quality{Metric: pipeline.VMAF, Target: 95})
	own := &builtEncoder{build: oldBuild, metrics: []pipeline.Metric{pipeline.SSIM}}
	w, claims := claimer(t, share, own)
	require.False(t, claims())
	state, why := w.idleState(time.Now())
	require.Equal(t, pipeline.NodeResting, state)
	require.Contains(t, why, "its ffmpeg can't measure VMAF, by which films in work are encoded: install an ffmpeg that "+
		"was built with libvmaf")
	require.True(t, w.leaves(plan.Job), "the other node can")
	require.Equal(t, own.metrics, w.node(t.Context(), time.Now()).Metrics)
	own.metrics = []pipeline.Metric{pipeline.SSIM, pipeline.VMAF}
	require.True(t, claims())
}

func TestANodeLeavesFilmsOfAnotherBuild(t *testing.T) {
	share, plan := builtShare(t)
	own := &builtEncoder{build: newBuild}
	w, claims := claimer(t, share, own)
	require.False(t, claims())
	state, why := w.idleState(time.Now())
	require.Equal(t, pipeline.NodeResting, state)
	require.Equal(t, "it has x265 3.6, and the films in work are encoded with x265 3.5", why)
	require.True(t, w.leaves(plan.Job), "the other node has it")
	require.NoError(t, share.Remove(pipeline.Nodes+"/a-waaaaa.json"))
	require.False(t, w.leaves(plan.Job), "it may become this node's")

	require.NoError(t, pipeline.Pin{Build: newBuild}.Publish(share, plan.Job, 1))
	require.True(t, claims(), "the film goes on with this build")
	state, _ = w.idleState(time.Now())
	require.Equal(t, pipeline.NodeIdle, state)
	own.build, own.fault = pipeline.Build{Encoder: "x265"}, errors.New("no such encoder")
	require.False(t, claims())
	_, why = w.idleState(time.Now())
	require.Equal(t, "it has no x265 for what is in work: no such encoder", why)
}

// An encoder that was replaced while it ran gives its chunk back, which is no failure of the chunk's.
func TestAnUpgradedNodeHandsBack(t *testing.T) {
	share, plan := builtShare(t)
	synctest.Test(t, func(t *testing.T) {
		fs, err := sharefs.Open(share.Path(""))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of virtual time
		defer cancel()
		w := New(Options{FS: fs, Node: "b-wbbbbb", Slots: 1, Encoder: &builtEncoder{build: oldBuild}, Log: quiet(),
			Poll: time.Second})
		require.NoError(t, w.Run(ctx))
	})
	names, err := share.List(pipeline.PendingOf(plan.Job))
	require.NoError(t, err)
	require.Len(t, names, 1)
	c, ok := pipeline.ParsePending(plan.Job, names[0])
	require.True(t, ok)
	require.Equal(t, 2, c.Attempt, "claimed once, and not again")
	failures, err := pipeline.JobFailures(share, plan.Job)
	require.NoError(t, err)
	require.Empty(t, failures)
}

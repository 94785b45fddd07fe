package worker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

func TestWhenNothingIsLeft(t *testing.T) {
	lacks := func(job string) bool { return job == "big" }
	back := func(job string) bool { return job == "sized" }
	foreign := func(job string) bool { return job == "later" }
	ended := pipeline.JobStatus{ID: "z", State: pipeline.JobFailed, Decided: true}
	ended.Chunks.Pending = 1
	paused := pipeline.JobStatus{ID: "p", State: pipeline.InWork, Asked: pipeline.Asked{Paused: true}}
	paused.Chunks.Pending = 1
	job := func(id string, state pipeline.JobState, pending int) pipeline.JobStatus {
		return pipeline.JobStatus{ID: id, State: state, Course: pipeline.Course{Chunks: pipeline.Counts{Pending: pending}}}
	}
	for name, c := range map[string]struct {
		jobs []pipeline.JobStatus
		want bool
	}{
		"no jobs":                    {nil, true},
		"all is in work":             {[]pipeline.JobStatus{job("a", pipeline.InWork, 0)}, true},
		"a free chunk":               {[]pipeline.JobStatus{job("a", pipeline.InWork, 1)}, false},
		"merged, and may come back":  {[]pipeline.JobStatus{job("sized", pipeline.Merging, 0)}, false},
		"in work, and may come back": {[]pipeline.JobStatus{job("sized", pipeline.InWork, 0)}, false},
		"merged":                     {[]pipeline.JobStatus{job("a", pipeline.Merging, 0)}, true},
		"one that is big":            {[]pipeline.JobStatus{job("big", pipeline.InWork, 1)}, true},
		"and one that fits": {[]pipeline.JobStatus{job("big", pipeline.InWork, 1), job("a", pipeline.InWork, 1)},
			false},
		"about to be cut":                {[]pipeline.JobStatus{job("big", pipeline.Splitting, 0)}, false},
		"about to be read":               {[]pipeline.JobStatus{job("a", pipeline.Planning, 0)}, false},
		"all of it is being measured":    {[]pipeline.JobStatus{job("a", pipeline.Analysing, 0)}, false},
		"measured by others":             {[]pipeline.JobStatus{job("big", pipeline.Analysing, 1)}, true},
		"of a later distenc":             {[]pipeline.JobStatus{job("later", pipeline.Planning, 0)}, true},
		"free beside what was set aside": {[]pipeline.JobStatus{job("a", pipeline.JobFailed, 1)}, false},
		"a paused job":                   {[]pipeline.JobStatus{paused}, true},
		"free beside a paused job":       {[]pipeline.JobStatus{paused, job("a", pipeline.InWork, 1)}, false},
		"all was set aside":              {[]pipeline.JobStatus{job("a", pipeline.JobFailed, 0)}, true},
		"failed":                         {[]pipeline.JobStatus{ended}, true},
	} {
		require.Equal(t, c.want, nothingLeft(c.jobs, foreign, lacks, back), name)
	}
}

// idleEncoder is never asked to encode.
type idleEncoder struct{ Encoder }

func (idleEncoder) Version() string { return "none" }
func (idleEncoder) Build(context.Context, string, string) (pipeline.Build, error) {
	return pipeline.Build{}, nil
}
func (idleEncoder) Builds(context.Context) []pipeline.Offer   { return nil }
func (idleEncoder) Metrics(context.Context) []pipeline.Metric { return nil }

// A worker that ends when nothing is left does not wait for memory that this machine doesn't have.
func TestAWorkerEndsBesideWhatDoesNotFit(t *testing.T) {
	share, job := slowShare(t)
	require.NoError(t, share.Create(pipeline.Cluster, []byte(`{"share":"s","heartbeat":"1s","expiry":"5s","attempts":3}`)))
	plan, err := pipeline.LoadPlan(share, job)
	require.NoError(t, err)
	plan.Job, plan.Memory = pipeline.NewJobID("00000002"), pipeline.Memory{Fixed: 4e9}
	big := &pipeline.Job{ID: plan.Job, Inbox: "a.mkv", Source: plan.Source, CRC32: "00000002"}
	big.Settings.Container = "mkv"
	require.NoError(t, big.Create(share))
	for _, dir := range []string{pipeline.PendingOf(plan.Job), pipeline.DoneOf(plan.Job)} {
		require.NoError(t, share.MkdirAll(dir))
	}
	_, err = plan.Publish(share)
	require.NoError(t, err)
	require.NoError(t, share.Create(pipeline.ChunkFile{Job: plan.Job, Kind: pipeline.KindRange}.AsPending(1).Path(), nil))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // of virtual time
		defer cancel()
		fs, err := sharefs.Open(share.Path(""))
		require.NoError(t, err)
		err = New(Options{
			FS: fs, Node: "b-wbbbbb", Slots: 2, Encoder: idleEncoder{}, Log: quiet(), Poll: time.Second, UntilIdle: true,
			Machine: Machine{Threads: 1, Memory: func() (free, most int64) { return 1e9, 2e9 }},
		}).Run(ctx)
		require.NoError(t, err)
		require.NoError(t, ctx.Err(), "it ended by itself")
		jobs, err := new(outlook).jobs(fs)
		require.NoError(t, err)
		require.Len(t, jobs, 1)
		require.Equal(t, 1, jobs[0].Chunks.Pending)
	})
}

// A worker that ends when nothing is left waits for what lies in the inbox, as long as a master is there to take it.
func TestAWorkerWaitsForTheInbox(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	require.NoError(t, share.Create(pipeline.Cluster, []byte(`{"share":"s","heartbeat":"1s","expiry":"5s","attempts":3}`)))
	const film, beat = pipeline.Inbox + "/film.mkv", pipeline.MasterDir + "/1.a-maaaaa.hb"
	require.NoError(t, share.Create(film, []byte("a film")))
	require.NoError(t, share.Create(pipeline.Inbox+"/film.en.srt", []byte("its subtitles")))
	ends := func(t *testing.T, log *bytes.Buffer, after time.Duration, meanwhile func(second int)) {
		t.Helper()
		log.Reset()
		synctest.Test(t, func(t *testing.T) {
			fs, err := sharefs.Open(share.Path(""))
			require.NoError(t, err)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = New(Options{
					FS: fs, Node: "b-wbbbbb", Slots: 2, Encoder: idleEncoder{}, UntilIdle: true, Poll: time.Second,
					Log: slog.New(slog.NewTextHandler(log, nil)),
				}).Run(t.Context())
			}()
			for second := range int(after / time.Second) {
				time.Sleep(time.Second)
				meanwhile(second)
				select {
				case <-ended:
					require.FailNow(t, "it ended", "after %d s", second)
				default:
				}
			}
			time.Sleep(10 * time.Second)
			<-ended
		})
	}
	var log bytes.Buffer
	ends(t, &log, 0, func(int) {})
	require.Contains(t, log.String(), "no master is there")
	require.Contains(t, log.String(), "film.mkv")

	require.NoError(t, share.Create(beat, nil))
	ends(t, &log, time.Minute, func(second int) { // a master leads, and dies with the film in the inbox
		require.NoError(t, share.Overwrite(beat, fmt.Appendf(nil, "%016d a\n", second)))
		later := time.Now().Add(time.Duration(second) * time.Second)
		require.NoError(t, os.Chtimes(share.Path(beat), later, later))
	})
	require.Contains(t, log.String(), "no master is there")

	left := []pipeline.LeftAlone{pipeline.TakeNothing("the share is full")}
	ends(t, &log, 20*time.Second, func(second int) { // it leads, and takes nothing any more
		later := time.Now().Add(time.Hour + time.Duration(second)*time.Second)
		require.NoError(t, os.Chtimes(share.Path(beat), later, later))
		if second == 19 {
			require.NoError(t, pipeline.WriteLeftAlone(share, left))
		}
	})
	require.Contains(t, log.String(), "the share is full")
	require.NoError(t, pipeline.WriteLeftAlone(share, nil))

	ends(t, &log, 20*time.Second, func(second int) { // it leads, and what is left in the inbox is no film
		later := time.Now().Add(2*time.Hour + time.Duration(second)*time.Second)
		require.NoError(t, os.Chtimes(share.Path(beat), later, later))
		if second == 19 {
			require.NoError(t, share.Remove(film))
		}
	})
	require.NotContains(t, log.String(), "no master is there")
}

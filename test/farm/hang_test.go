//go:build linux

package farm_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
	"github.com/distenc/distenc/pipeline/worker"
	"github.com/distenc/distenc/test/corpus"
)

// hurry makes seconds of the minutes and hours that a child is allowed: what does its work needs a fifth of them.
const hurry = 600

// fake writes a program that does something of its own when its arguments match, and is the real tool otherwise.
func fake(t *testing.T, tool, pattern, instead string) string {
	t.Helper()
	real, err := exec.LookPath(tool)
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), tool)
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in %s) %s;; esac\nexec %s \"$@\"\n", pattern, instead, real)
	require.NoError(t, os.WriteFile(name, []byte(script), 0o755))
	return name
}

// work runs a master and a worker with these tools in this process, until the test ends.
func (f *farm) work(tools media.Tools) {
	f.t.Helper()
	share, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	log := slog.New(slog.DiscardHandler)
	encoder, err := stages.NewEncoder(f.t.Context(), share, tools, stages.NewBuilds(tools, true), 10)
	require.NoError(f.t, err)
	m := master.New(master.Options{
		FS: share, Node: pipeline.NewNode("m"), Log: log, Stages: &stages.Media{FS: share, Tools: tools}, Attempts: 3,
		Terms: lease.Terms{Heartbeat: 400 * time.Millisecond, Expiry: 10 * time.Minute},
		Pace:  func() master.Pace { return master.Pace{Settle: time.Second, Poll: 500 * time.Millisecond} },
		Resolve: func(_, _ string, _ []byte) (master.Order, error) {
			return master.Order{Settings: pipeline.Settings{Encoder: "x264", Options: "--preset ultrafast", Container: "mkv",
				Chunk: 2, Pieces: "copy", Disposal: "archive"}}, nil
		},
	})
	w := worker.New(worker.Options{FS: share, Node: pipeline.NewNode("w"), Log: log, Slots: 2, Encoder: encoder,
		Poll: 500 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = m.Run(ctx) })
	wg.Go(func() { _ = w.Run(ctx) })
	f.t.Cleanup(func() { cancel(); wg.Wait() })
}

func hurriedTools(t *testing.T) media.Tools {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	tools.Hurry = hurry
	return tools
}

// A chunk at which the encoder hangs, asleep or burning time, is set aside after its attempts, and the reason is told.
// The job's other chunks and other jobs are done meanwhile.
func TestAHangingEncoderPoisonsItsChunkAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ hang, says string }{
		"asleep":  {"exec sleep 100000", "ffmpeg was stopped: it showed no sign of life for 1s"},
		"burning": {"while :; do :; done", "ffmpeg was stopped: it made no progress in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms)
			tools := hurriedTools(t)
			tools.FFmpeg = fake(t, "ffmpeg", "*.00001.a*.tmp*", c.hang)
			f.work(tools)
			f.drop(corpus.Make(t, "h264-open.mkv"), "hang.mkv")
			f.eventually("the chunk was set aside, all others are done", func() bool {
				s := f.status()
				return len(s.Jobs) == 1 && s.Jobs[0].Chunks.Failed == 1 && s.Jobs[0].Chunks.Done == s.Jobs[0].Chunks.Total-1
			})
			j := f.job(pipeline.JobFailed)
			require.Contains(t, j.Error, ".00001 was set aside: cannot encode chunk 1: "+c.says)
			require.GreaterOrEqual(t, len(j.Failures), 3) // a second copy of the chunk, made on a busy machine, has its own
			for _, f := range j.Failures {
				require.Contains(t, f.Reason, c.says)
			}
			f.drop(corpus.Make(t, "one-frame.mkv"), "next.mkv")
			f.eventually("the next job is done", func() bool {
				s := f.status()
				return len(s.Jobs) == 2 && s.Jobs[1].State == pipeline.Done
			})
		})
	}
}

// A file at which ffprobe hangs or crashes is refused with a sentence; the master lives meanwhile and takes the next.
func TestAHangingProbeRefusesItsFileAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ hang, says string }{
		"asleep": {"exec sleep 100000", "The file can't be used: ffmpeg can't read it as a video: ffprobe was stopped: it " +
			"showed no sign of life for 1s.\n"},
		"burning": {"while :; do :; done", "The file can't be used: ffmpeg can't read it as a video: ffprobe was stopped: " +
			"it took more than 500ms on processors.\n"},
		"crash": {"kill -SEGV $$", "The file can't be used: ffmpeg can't read it as a video: ffprobe crashed " +
			"(segmentation fault).\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms)
			tools := hurriedTools(t)
			tools.FFprobe = fake(t, "ffprobe", "*a-hang.mkv*", c.hang)
			f.work(tools)
			f.drop(corpus.Make(t, "one-frame.mkv"), "a-hang.mkv")
			f.drop(corpus.Make(t, "one-frame.mkv"), "b-good.mkv")
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			require.Equal(t, "b-good.mkv", j.Name)
			var reason []byte
			f.eventually("the file was refused", func() bool {
				reason, _ = os.ReadFile(filepath.Join(f.dir, "failed/a-hang.mkv/reason.txt"))
				return len(reason) > 0
			})
			require.Equal(t, c.says, string(reason))
			f.eventually("master and worker are heard of", func() bool {
				s := f.status()
				return s.Master != nil && !s.Master.Silent && len(s.Nodes) == 1 && s.Nodes[0].State == pipeline.NodeIdle
			})
		})
	}
}

package master

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// bench is a master with one job on a real folder, whose checks answer what the test wants.
type bench struct {
	*term
	*checker
	job *job
}

type checker struct {
	Stages
	checks atomic.Int32
	answer error
}

// Check implements Stages.
func (b *checker) Check(context.Context, *pipeline.Plan, pipeline.ChunkFile, *pipeline.Record, bool) error {
	b.checks.Add(1)
	return b.answer
}

func newBench(t *testing.T, chunks int) *bench {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	b := &bench{checker: &checker{}, job: liveJob(&pipeline.Job{ID: "abcdef01-k3f9z"})}
	b.job.plan = &pipeline.Plan{Job: b.job.ID, Chunks: make([]pipeline.Chunk, chunks)}
	b.term = newTerm(t.Context(), New(Options{
		FS: share, Node: "nas-m12345", Log: slog.New(slog.DiscardHandler), Attempts: 3, Stages: b.checker,
		Terms: lease.Terms{Heartbeat: time.Second, Expiry: 20 * time.Second},
		Pace:  func() Pace { return Pace{} },
	}))
	t.Cleanup(b.end)
	own := []string{pipeline.LogDir(b.job.ID), pipeline.PendingOf(b.job.ID), pipeline.DoneOf(b.job.ID)}
	for _, dir := range append(pipeline.Folders(), own...) {
		require.NoError(t, share.MkdirAll(dir))
	}
	return b
}

// commit puts a result there.
func (b *bench) commit(t *testing.T, chunk, attempt int, node string) pipeline.ChunkFile {
	free := pipeline.ChunkFile{Job: b.job.ID, Chunk: chunk, Attempt: attempt, Kind: pipeline.KindRange}
	c := free.AsClaimed(node).In(pipeline.Committed)
	for _, name := range []string{c.Path(), c.Result()} {
		require.NoError(t, b.FS.Create(name, []byte("x")))
	}
	record := fmt.Appendf(nil, `{"chunk": %q, "attempt": %d, "node": %q, "frames": 1}`, c.ID(), attempt, node)
	require.NoError(t, b.FS.Create(c.Record(), record))
	return c
}

// settle lets all tasks end.
func (b *bench) settle() {
	for !b.tasks.idle() {
		(<-b.tasks.results)()
	}
}

func (b *bench) look(t *testing.T) []pipeline.ChunkFile {
	survey, err := pipeline.TakeSurvey(b.FS)
	require.NoError(t, err)
	return survey.Job(b.job.ID)
}

// Bad results of two machines: the chunk that a free worker would claim at once is set aside where it is rejected.
func TestAResultThatIsRejectedTooOftenIsSetAside(t *testing.T) {
	b := newBench(t, 1)
	b.answer = errors.New("its frames are not the planned ones")
	for attempt := 1; attempt <= 3; attempt++ {
		b.commit(t, 0, attempt, []string{"pc-w11111", "tv-w22222"}[attempt%2])
		b.startAccept(b.job, b.look(t))
		b.settle()
		b.startReject(b.job)
		b.settle()
		files := b.look(t)
		require.Len(t, files, 1)
		require.Equal(t, attempt == 3, files[0].State == pipeline.Failed, "attempt %d: %v", attempt, files[0].State)
		if attempt < 3 { // a worker claims it before the master looks again
			require.NoError(t, b.FS.Remove(files[0].Path()))
		}
	}
}

// However many results are bad at once, each is decoded once.
func TestBadResultsAreDecodedOnce(t *testing.T) {
	b := newBench(t, 5)
	b.answer = errors.New("its frames are not the planned ones")
	for n := range 5 {
		b.commit(t, n, 1, "pc-w11111")
	}
	state := b.look(t)
	b.startAccept(b.job, state)
	b.settle()
	b.startAccept(b.job, state) // the next round begins before any is sent back
	b.startReject(b.job)
	b.settle()
	require.EqualValues(t, 5, b.checks.Load())
	for _, c := range b.look(t) {
		require.Equal(t, pipeline.Pending, c.State)
	}
	require.Empty(t, b.job.results.bad)
}

// A machine that can't start a decoder, or whose share does not answer, decides nothing, however long.
func TestTroubleRejectsNoResult(t *testing.T) {
	b := newBench(t, 1)
	c := b.commit(t, 0, 1, "pc-w11111")
	for _, trouble := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EHOSTDOWN} {
		b.answer = fmt.Errorf("cannot check the result: %w", trouble)
		v := b.taskFor(b.job).acceptAll(t.Context(), []pipeline.ChunkFile{c}, nil)[0]
		b.job.results.unseen.of(c.Stem()).since = time.Now().Add(-time.Hour)
		b.job.results.unseen.of(c.Stem()).last = time.Now()
		b.judge(b.job, c, v)
		require.Empty(t, b.job.results.bad, trouble)
	}
}

package master

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// limited is a job of two chunks with a size, both accepted with the highest CRF, of which each says that it takes so
// many bytes.
func limited(t *testing.T, size pipeline.Size, crf float64, video int64) (*bench, []pipeline.ChunkFile) {
	b := newBench(t, 2)
	curve := pipeline.Curve{{CRF: 20, Bytes: 4000}, {CRF: 30, Bytes: 1000}}
	b.job.plan.Settings.Size = size
	b.job.plan.Budget = &pipeline.Budget{
		Limit: 2000, Source: []int64{1, 1}, Range: pipeline.CRFs{Least: 8, Most: 50, Step: 0.25, Span: 6},
		Curves: []pipeline.Curve{curve, curve}, CRFs: []float64{30, 30},
	}
	state := make([]pipeline.ChunkFile, 2)
	for i := range state {
		state[i] = b.commit(t, i, 1, "pc-w11111").In(pipeline.Accepted)
		b.job.results.verified[state[i].Stem()] = &pipeline.Record{Video: video, Extradata: "x",
			Spent: pipeline.Spending{CRF: crf}}
	}
	return b, state
}

// records are those of a film's results.
func (b *bench) records(state []pipeline.ChunkFile) (all []pipeline.Record) {
	for _, c := range state {
		all = append(all, *b.job.results.verified[c.Stem()])
	}
	return all
}

// That a film can't have its size is decided by what is really there: the merge looks at each result.
func TestOnlyAnOutputTellsThatAFilmDoesNotFit(t *testing.T) {
	for _, size := range []pipeline.Size{{Amount: 2, Unit: "KB"}, {Amount: 16, Unit: "k"}} {
		b, state := limited(t, size, 50, 7000)
		require.True(t, b.watchBudget(b.job, state), "it is merged")
		require.True(t, b.tasks.idle())
		again, why, err := b.taskFor(b.job).misses(b.records(state), 14500)
		require.NoError(t, err)
		require.False(t, again)
		require.Contains(t, why, "--crf 50, too")
	}
}

func TestAFilmIsNotCorrectedForEver(t *testing.T) {
	for video, fits := range map[int64]bool{7000: false, 500: true} {
		b, state := limited(t, pipeline.Size{Amount: 2, Unit: "KB"}, 30, video)
		b.job.corrections = slices.Repeat(pipeline.Corrections{{CRFs: []float64{30, 30}}}, 99)
		require.True(t, b.watchBudget(b.job, state))
		require.True(t, b.tasks.idle())
		again, why, err := b.taskFor(b.job).misses(b.records(state), 2*video)
		require.NoError(t, err)
		require.False(t, again)
		require.Equal(t, fits, why == "", why)
	}
}

// A container never makes a film smaller: what says so counts packets otherwise.
func TestAnOutputSmallerThanItsVideoIsCorrectedAllTheSame(t *testing.T) {
	b, state := limited(t, pipeline.Size{Amount: 2, Unit: "KB"}, 30, 1500)
	again, why, err := b.taskFor(b.job).misses(b.records(state), 2900)
	require.NoError(t, err)
	require.Empty(t, why)
	require.True(t, again)
	all, err := pipeline.Corrections(nil).Load(b.FS, b.job.plan, pipeline.Folder{"budget-1": true})
	require.NoError(t, err)
	require.Zero(t, all[0].Rest)
}

package master

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

var someBuffer = pipeline.Buffer{Rate: 100, Size: 100, Start: 0.9, Seam: 0.5}

// flowing is a job's accepted chunks with these flows; nil: no result yet.
func flowing(flows ...*pipeline.Flow) (state []pipeline.ChunkFile, records []*pipeline.Record) {
	for i, f := range flows {
		c := pipeline.ChunkFile{Job: someJob, Chunk: i, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w11111")
		if f == nil {
			state, records = append(state, c), append(records, nil)
			continue
		}
		state = append(state, c.In(pipeline.Accepted))
		records = append(records, &pipeline.Record{Extradata: "x", Flow: *f})
	}
	return state, records
}

func TestWhoOverrunsTheBuffer(t *testing.T) {
	fits := &pipeline.Flow{Need: 40, Gain: 0, Low: 60, End: 100}
	drains := &pipeline.Flow{Need: 70, Gain: -70, Low: 30, End: 30}
	empties := &pipeline.Flow{Need: 88, Gain: -88, Low: 12, End: 12}
	hopeless := &pipeline.Flow{Need: 110, Gain: 0, Low: -10, End: 100}
	for name, c := range map[string]struct {
		flows []*pipeline.Flow
		want  []int // chunks
	}{
		"all fit":                         {[]*pipeline.Flow{fits, fits, fits}, nil},
		"the second finds too little":     {[]*pipeline.Flow{drains, fits, fits}, []int{1}},
		"the first leaves next to none":   {[]*pipeline.Flow{empties, fits}, []int{0}},
		"what comes before is not there":  {[]*pipeline.Flow{nil, fits, drains, fits}, []int{3}},
		"it fits behind none":             {[]*pipeline.Flow{nil, hopeless}, []int{1}},
		"behind one that is made anew":    {[]*pipeline.Flow{drains, fits, drains, nil}, []int{1}},
		"two that have nothing in common": {[]*pipeline.Flow{hopeless, nil, hopeless}, []int{0, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			state, records := flowing(c.flows...)
			r := &results{}
			var got []int
			for _, o := range r.overruns(someBuffer, state, records) {
				got = append(got, o.Chunk)
			}
			require.Equal(t, c.want, got)
		})
	}
	state, records := flowing(drains, fits)
	r := &results{borne: map[string]bool{state[1].Stem(): true}}
	require.Empty(t, r.overruns(someBuffer, state, records), "what no attempt mends is not tried for ever")
}

// Each attempt may count on less than the one before, and there is a last one.
func TestEachAttemptIsAllowedLess(t *testing.T) {
	m := newMaster(t, nil).Master
	require.NoError(t, m.FS.MkdirAll(pipeline.LogDir(someJob)))
	c := pipeline.ChunkFile{Job: someJob, Chunk: 1, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w11111")
	plan := &pipeline.Plan{Job: someJob, Buffer: someBuffer}
	w := &jobTask{Master: m, plan: plan}
	last := someBuffer.Allowed(true)
	for n := range bufferTries {
		found := w.tighten([]overrun{{ChunkFile: c, start: 0.3, why: "does not fit"}})
		require.Len(t, found, 1)
		require.NoError(t, found[0].err)
		require.False(t, found[0].borne, n)
		now := found[0].allowance
		require.True(t, now.Start < last.Start || now.Part < last.Part, "%v after %v", now, last)
		require.NoError(t, m.report(found[0].badResult))
		require.NoError(t, m.report(found[0].badResult), "as another master may do besides")
		last = now
		c = c.AsPending(c.Attempt + 1).AsClaimed("pc-w11111")
		told, times, err := pipeline.LoadAllowance(m.FS, c)
		require.NoError(t, err)
		require.Equal(t, now, told)
		require.Equal(t, n+1, times)
	}
	require.True(t, w.tighten([]overrun{{ChunkFile: c, start: 0.3}})[0].borne)

	require.NoError(t, pipeline.Failure{By: "someone", Retry: true}.Report(m.FS, c))
	told, times, err := pipeline.LoadAllowance(m.FS, c)
	require.NoError(t, err)
	require.Zero(t, told, "a person had it tried again")
	require.Zero(t, times)
}

// A report that went bad on the share does not decide how a chunk is encoded.
func TestAnAllowanceThatNobodyCanMeanIsPassedOver(t *testing.T) {
	m := newMaster(t, nil).Master
	require.NoError(t, m.FS.MkdirAll(pipeline.LogDir(someJob)))
	c := pipeline.ChunkFile{Job: someJob, Chunk: 1, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w11111")
	said := []pipeline.Allowance{{Start: 0.3, Part: -5}, {Start: 0.4}, {Start: 7, Part: 1}, {Start: -1, Part: 0.5},
		{Start: 0.2, Part: 2}, {Start: 0.45, Part: 0.9}}
	for n, a := range said {
		c.Attempt = n + 1
		require.NoError(t, m.report(badResult{ChunkFile: c, allowance: a}))
	}
	told, times, err := pipeline.LoadAllowance(m.FS, c)
	require.NoError(t, err)
	require.Equal(t, said[len(said)-1], told)
	require.Equal(t, 1, times)
}

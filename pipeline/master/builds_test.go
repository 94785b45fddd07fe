package master

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

var (
	oldBuild = pipeline.Build{Encoder: "x265", Version: "x265 3.5", Headers: "a"}
	newBuild = pipeline.Build{Encoder: "x265", Version: "x265 3.6", Headers: "b"}
)

// builtBench has a job that is encoded with the old build.
func builtBench(t *testing.T, chunks int) *bench {
	b := newBench(t, chunks)
	b.job.plan.Build = oldBuild
	b.job.plan.Settings.Encoder = "x265"
	b.pins(t)
	return b
}

// pins reads which builds the job was given.
func (b *bench) pins(t *testing.T) pipeline.Pins {
	dir, err := pipeline.ListFolder(b.FS, b.job.ID)
	require.NoError(t, err)
	require.True(t, b.loadPins(b.job, dir))
	return b.job.builds.pins
}

// encoded puts a result of a build there, with these parameter sets.
func (b *bench) encoded(t *testing.T, chunk int, build pipeline.Build, headers string) {
	c := b.commit(t, chunk, 1, "pc-w11111")
	r, err := pipeline.LoadRecord(b.FS, c)
	require.NoError(t, err)
	r.Build, r.Extradata = build, headers
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, b.FS.Replace(c.Record(), data))
}

// accept looks at all results, and sends those back that must be made anew.
func (b *bench) accept(t *testing.T) (alike bool) {
	state := b.look(t)
	b.startAccept(b.job, state)
	b.settle()
	alike = b.matchHeaders(b.job, b.look(t))
	b.startReject(b.job)
	b.settle()
	return alike
}

func (b *bench) node(t *testing.T, name string, build pipeline.Build) {
	n := pipeline.Node{Node: name, Hardware: pipeline.Hardware{Slots: 1}}
	n.Builds = []pipeline.Offer{{Build: build}}
	require.NoError(t, n.Write(b.FS))
	b.crew.looked = time.Time{}
}

func TestAFilmWaitsForItsBuild(t *testing.T) {
	b := builtBench(t, 3)
	free := map[pipeline.State]int{pipeline.Pending: 2, pipeline.Accepted: 1}
	look := func(count map[pipeline.State]int) pipeline.Build {
		b.crew.looked = time.Time{}
		b.watchBuild(b.job, count, false)
		b.settle()
		return b.pins(t).Now()
	}
	long := func() { // it has been so for the whole time
		b.job.builds.away.since = time.Now().Add(-pipeline.BuildPatience * b.Terms.Expiry)
	}
	b.node(t, "new-w1", newBuild)
	require.Equal(t, oldBuild, look(free), "not at once")
	long()
	b.node(t, "old-w1", oldBuild)
	require.Equal(t, oldBuild, look(free), "one is there")
	require.Zero(t, b.job.builds.away)
	require.NoError(t, b.FS.Remove(pipeline.Nodes+"/old-w1.json"))
	require.Equal(t, oldBuild, look(free))
	long()
	claimed := map[pipeline.State]int{pipeline.Pending: 1, pipeline.Claimed: 1, pipeline.Accepted: 1}
	require.Equal(t, oldBuild, look(claimed), "one is at it")
	require.Equal(t, oldBuild, look(free))
	long()
	require.Equal(t, newBuild, look(free))
	require.Equal(t, "no node with x265 3.5 had been there for 1m0s", b.job.builds.pins[1].Why)
}

func TestAFilmThatWasNotBegunWaitsForNoBuild(t *testing.T) {
	b := builtBench(t, 1)
	free := map[pipeline.State]int{pipeline.Pending: 1}
	b.watchBuild(b.job, free, false)
	b.settle()
	require.Equal(t, oldBuild, b.pins(t).Now(), "nobody is there")
	b.node(t, "new-w1", newBuild)
	b.watchBuild(b.job, free, true)
	b.settle()
	require.Equal(t, oldBuild, b.pins(t).Now(), "it is paused")
	b.watchBuild(b.job, free, false)
	b.settle()
	require.Equal(t, newBuild, b.pins(t).Now())
}

func TestResultsOfAnEarlierBuildStayIfTheyFit(t *testing.T) {
	b := builtBench(t, 4)
	b.encoded(t, 0, oldBuild, "a")
	b.encoded(t, 1, oldBuild, "b") // an option that makes them alike
	require.True(t, b.accept(t))
	require.NoError(t, pipeline.Pin{Build: newBuild, By: b.Node}.Publish(b.FS, b.job.ID, 1))
	require.Equal(t, newBuild, b.pins(t).Now())
	require.False(t, b.accept(t), "of the old build alone, the headers are those of the first")
	count := func(state pipeline.State) int {
		n := 0
		for _, c := range b.look(t) {
			if c.State == state {
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, count(pipeline.Accepted))
	b.encoded(t, 2, newBuild, "b")
	require.False(t, b.accept(t))
	require.True(t, b.accept(t))
	require.Equal(t, 1, count(pipeline.Accepted))
	require.Equal(t, 2, count(pipeline.Pending))
	failures, err := pipeline.JobFailures(b.FS, b.job.ID)
	require.NoError(t, err)
	require.Len(t, failures, 2)
	for _, f := range failures {
		require.Zero(t, f.Weight)
		require.Contains(t, f.Reason, "made anew: ")
	}
}

// A master that has accepted none of the results itself reads their records.
func TestAnotherMasterSortsTheResults(t *testing.T) {
	b := builtBench(t, 2)
	b.encoded(t, 0, oldBuild, "a")
	require.True(t, b.accept(t))
	require.NoError(t, pipeline.Pin{Build: newBuild, By: b.Node}.Publish(b.FS, b.job.ID, 1))
	b.pins(t)
	b.encoded(t, 1, newBuild, "b")
	b.startAccept(b.job, b.look(t))
	b.settle()
	b.job.results.verified = verifiedRecords{}
	require.False(t, b.matchHeaders(b.job, b.look(t)), "not known yet")
	b.settle()
	require.False(t, b.accept(t))
	require.True(t, b.accept(t))
	require.Equal(t, pipeline.Pending, b.look(t)[0].State)
}

func TestAResultOfAnotherBuildIsNotAccepted(t *testing.T) {
	b := builtBench(t, 1)
	b.encoded(t, 0, newBuild, "b")
	c := b.look(t)[0]
	v := b.taskFor(b.job).acceptAll(t.Context(), []pipeline.ChunkFile{c}, nil)[0]
	require.ErrorContains(t, v.err, "it was encoded with x265 3.6, and the film is not")
	require.False(t, v.isBad(time.Second, time.Minute), "the change may be out of sight")
	require.True(t, v.isBad(time.Minute, time.Minute))
	require.Zero(t, b.checks.Load())
}

package master

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// What a listing of a job's folder leads to, in the order of docs/protocol.md's transitions.
func TestPhases(t *testing.T) {
	folder := func(names ...string) pipeline.Folder {
		dir := pipeline.Folder{}
		for _, n := range names {
			dir[n] = true
		}
		return dir
	}
	const decision, closed = pipeline.DecisionName, pipeline.ClosedName
	cancel := pipeline.Control{Cancel: true}
	for _, c := range []struct {
		want    phase
		source  bool
		dir     pipeline.Folder
		control pipeline.Control
	}{
		{sourceless, false, folder(), pipeline.Control{}},
		{unplanned, true, folder(), pipeline.Control{Retry: true}},
		{inWork, true, folder("plan.json"), pipeline.Control{}},
		{sourceless, false, folder("plan.json"), pipeline.Control{}},
		{cancelling, false, folder(), cancel},
		{cancelling, true, folder("plan.json"), cancel},
		{decided, true, folder("plan.json", decision), cancel},
		{decided, true, folder("plan.json", decision, closed), pipeline.Control{}}, // its source came late
		{ended, false, folder("plan.json", decision, closed), cancel},
	} {
		require.Equal(t, c.want, phaseOf(c.source, c.dir.Plan(), c.dir, c.control), "%+v", c)
	}
}

func TestVerdicts(t *testing.T) {
	const limit = time.Minute
	bad := verdict{err: errors.New("its frames are not the planned ones")}
	require.True(t, bad.isBad(0, limit), "what was read and compared is bad at once")
	require.False(t, verdict{record: &pipeline.Record{}}.isBad(time.Hour, limit))
	unseen := notSeen(&fs.PathError{Op: "open", Err: syscall.EACCES})
	require.False(t, unseen.isBad(limit-1, limit), "it may be on its way")
	require.True(t, unseen.isBad(limit, limit))
	require.False(t, notSeen(syscall.EHOSTDOWN).isBad(time.Hour, limit), "the share's trouble says nothing about a result")
}

func TestDueResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claim := pipeline.ChunkFile{Job: someJob, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w11111")
		fresh, again := claim.In(pipeline.Committed), claim.AsClaimed("tv-w22222").In(pipeline.Committed)
		bad := claim.AsClaimed("pi-w33333").In(pipeline.Committed)
		r := &results{bad: []badResult{{ChunkFile: bad, why: "bad"}}}
		r.unseen.of(again.Stem()).seen(time.Hour)
		state := []pipeline.ChunkFile{claim, claim.In(pipeline.Accepted), fresh, again, bad}
		require.Equal(t, []pipeline.ChunkFile{fresh}, r.due(state, time.Second))
		time.Sleep(time.Second)
		require.Equal(t, []pipeline.ChunkFile{fresh, again}, r.due(state, time.Second))
		require.Len(t, state, 5)
		require.Equal(t, claim, state[0], "the state is not changed")
	})
}

func TestSecondCopies(t *testing.T) {
	j := liveJob(&pipeline.Job{ID: someJob})
	claim := pipeline.ChunkFile{Job: someJob, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w11111")
	another := claim.AsClaimed("pc-w22222")
	require.False(t, j.wantsCopy(claim, 1), "without a plan nothing can be made")
	j.plan = &pipeline.Plan{Chunks: make([]pipeline.Chunk, 1)}
	require.True(t, j.wantsCopy(claim, 1))
	require.False(t, j.wantsCopy(claim, 2), "another copy is there")
	look := claim
	look.Analysis = pipeline.Bars
	require.False(t, j.wantsCopy(look, 1), "the plan for it is past")
	j.chunks.copied[claim.Stem()] = true
	require.False(t, j.wantsCopy(claim, 1), "once for each claim")
	require.True(t, j.wantsCopy(another, 1))
	j.ending.begun = true
	require.False(t, j.wantsCopy(another, 1))

	require.False(t, shareIsLate(2, 2), "two nodes can die at once")
	require.False(t, shareIsLate(5, 20))
	require.True(t, shareIsLate(6, 20))
}

func TestSurplus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := liveJob(&pipeline.Job{ID: someJob})
		free := pipeline.ChunkFile{Job: someJob, Attempt: 2, Kind: pipeline.KindRange}.AsPending(2)
		accepted := free.AsClaimed("pc-w11111").In(pipeline.Accepted)
		surplus := func(c pipeline.ChunkFile) bool { return j.surplus(c, accepted, time.Hour) }
		require.False(t, surplus(free), "it may have just been sent back from there")
		time.Sleep(sharefs.StaleNames)
		require.True(t, surplus(free))
		require.True(t, surplus(free.AsClaimed("tv-w22222")), "it was encoded twice")
		require.False(t, surplus(free.AsPending(3).AsClaimed("tv-w22222")), "the accepted one was sent back since")
		require.False(t, surplus(accepted))
		require.False(t, j.surplus(free, free, time.Hour))
	})
}

func TestWhereACompanionGoes(t *testing.T) {
	films := func(names ...string) []string { return names }
	for _, c := range []struct {
		name            string
		here, published []string
		whole           bool
		owner           string
		stays           string
	}{
		{"a.en.srt", films("a.mkv"), films("a.mkv"), true, "", "it goes with a.mkv"},
		{"a.en.srt", films("b.mkv"), films("a.mkv"), false, "a.mkv", ""},
		{"poster.jpg", nil, films("a.mkv", "b.mkv"), true, "a.mkv", ""},
		{"poster.jpg", films("c.mkv"), films("a.mkv"), true, "", "the films of its folder"},
		{"poster.jpg", nil, nil, true, "", "there is none in its folder"},
		{"poster.jpg", nil, films("a.mkv"), false, "", "none in its folder has a name"},
	} {
		owner, why := companionFate(c.name, c.here, c.published, c.whole)
		require.Equal(t, c.owner, owner, "%+v", c)
		require.Equal(t, c.stays == "", why == "", "%+v", c)
		require.Contains(t, why, c.stays)
	}
}

func TestPace(t *testing.T) {
	p := pace{Pace: Pace{Settle: time.Minute, Poll: 10 * time.Second}, next: 10 * time.Second}
	p.within(time.Second)
	p.within(2 * time.Second)
	require.Equal(t, time.Second, p.next)
	require.Equal(t, maxEarly, p.early())
	require.Equal(t, time.Second, p.together())
	p.Settle, p.Poll = 4*time.Second, 0
	require.Equal(t, 2*time.Second, p.early())
	require.Equal(t, burst, p.together())
}

func TestOrderOfJobs(t *testing.T) {
	l := newLedger()
	now := time.Now()
	for id, p := range map[string]int{"c": 0, "a": 0, "urgent": 5} {
		l.adopt(liveJob(&pipeline.Job{ID: id, Priority: p, Created: now}))
	}
	l.adopt(liveJob(&pipeline.Job{ID: "older", Created: now.Add(-time.Hour)}))
	var ids []string
	for _, j := range l.inOrder() {
		ids = append(ids, j.ID)
	}
	require.Equal(t, []string{"urgent", "older", "a", "c"}, ids)

	for range maxRecent + 1 {
		l.close(l.live["a"], false)
		l.live["a"] = liveJob(&pipeline.Job{ID: "a"})
	}
	require.Len(t, l.recent, maxRecent)
	l.reopen("a")
	require.False(t, l.closed["a"])
}

// A job of a later version's plan waits for that version or for a person. It keeps nobody from being idle, but all did
// not end well.
func TestALaterVersionsPlanKeepsNobodyFromBeingIdle(t *testing.T) {
	m := newMaster(t, nil)
	_, err := m.round(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist, "a share that does not tell what was agreed on ends no lead")
	require.NoError(t, m.FS.Create(pipeline.Cluster, []byte(`{"share":"s"}`)))
	record := &pipeline.Job{ID: "abcdef01-k3f9z", Inbox: "film.mkv", Source: "source.mkv", CRC32: "ABCDEF01"}
	record.Settings.Container = "mkv"
	require.NoError(t, record.Create(m.FS))
	require.NoError(t, m.FS.Create(pipeline.JobFile(record.ID, record.Source), []byte("film")))
	require.NoError(t, m.FS.Create(pipeline.JobFile(record.ID, "plan.json"), []byte(`{"format":77}`)))
	for range 2 { // while it rests too
		idle, err := m.round(t.Context())
		require.NoError(t, err)
		require.True(t, idle)
	}
	require.ErrorIs(t, m.verdict(), ErrJobFailed)
	info, err := pipeline.LoadCluster(m.FS)
	require.NoError(t, err)
	require.Equal(t, "0s", info.Settle, "agreed on at the first chance")
}

package status

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// testShare is a share with the folders that a status is read from.
func testShare(t *testing.T) *sharefs.FS {
	t.Helper()
	fs, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, fs.MkdirAll(dir))
	}
	require.NoError(t, (&pipeline.ClusterInfo{Share: "s", Heartbeat: "10s", Expiry: "2m0s"}).Write(fs))
	return fs
}

// A job whose job.json or plan.json was cut short is shown, with what a person can do about it.
func TestAJobThatIsDamagedIsShown(t *testing.T) {
	fs := testShare(t)
	id := "0badcafe-aaaaa"
	require.NoError(t, (&pipeline.Job{ID: id, Inbox: "film.mkv", Source: "source.mkv"}).Create(fs))
	cut := func(name, text string) string {
		require.NoError(t, os.WriteFile(fs.Path(pipeline.JobFile(id, name)), []byte(text), 0o644))
		s, err := Read(fs, nil)
		require.NoError(t, err)
		require.Len(t, s.Jobs, 1)
		require.Equal(t, id, s.Jobs[0].ID)
		return s.Jobs[0].Error
	}
	require.Equal(t, "jobs/0badcafe-aaaaa/plan.json is not as it was written: it was cut short or changed (unexpected "+
		"end of JSON input); `distenc cancel 0badcafe-aaaaa`, then `distenc retry 0badcafe-aaaaa`, begins anew",
		cut("plan.json", `{"format":3,"job":"0bad`))
	require.Equal(t, "jobs/0badcafe-aaaaa/job.json is not as it was written: it was cut short or changed (unexpected end "+
		"of JSON input); move its source from jobs/0badcafe-aaaaa into the inbox, and remove that folder",
		cut("job.json", `{"id":"0badcafe-aa`))
}

// A node that missed a few heartbeats counts for nothing, long before its work is given to others.
func TestASilentNodeCountsForNothing(t *testing.T) {
	fs := testShare(t)
	job, chunk := "0badcafe-aaaaa", "0badcafe-aaaaa.00000"
	lost := "0badcafe-aaaaa.00001" // the last word of the silent one, but given to others since
	for name, age := range map[string]time.Duration{"a-waaaaa": 5 * time.Second, "b-wbbbbb": 40 * time.Second} {
		n := pipeline.Node{Node: name, Hardware: pipeline.Hardware{Host: pipeline.NodeHost(name), Slots: 1},
			State: pipeline.NodeEncoding, FPS: 5, Jobs: map[string]float64{job: 5},
			Chunks: map[string]pipeline.Encoding{chunk: {}, lost: {}}}
		require.NoError(t, n.Write(fs))
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(fs.Path(pipeline.Nodes+"/"+name+".json"), then, then))
	}
	claim := pipeline.ChunkFile{Job: job, Attempt: 1, Node: "b-wbbbbb", Nonce: "abcdefgh", Kind: pipeline.KindRange,
		State: pipeline.Claimed}
	require.NoError(t, os.WriteFile(fs.Path(claim.Path()), nil, 0o600))
	s, err := Read(fs, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.NodeEncoding, s.Nodes[0].State)
	require.Equal(t, []string{chunk}, s.Nodes[1].Chunks)
	require.InDelta(t, 5, s.Nodes[0].FPS, 0)
	require.Equal(t, pipeline.NodeSilent, s.Nodes[1].State)
	require.Zero(t, s.Nodes[1].FPS)
	require.Contains(t, s.Nodes[1].Why, "goes to others after 2m0s of silence")
	require.GreaterOrEqual(t, s.Nodes[1].Seen, 40)

	require.NoError(t, fs.Remove(claim.Path()))
	s, err = Read(fs, nil)
	require.NoError(t, err)
	require.Empty(t, s.Nodes[1].Chunks)
	require.NotContains(t, s.Nodes[1].Why, "goes to others")
}

// What was handed back is no retry, and an attempt that two masters reported is one.
func TestRetriesAreWhatCameToNothing(t *testing.T) {
	fs := testShare(t)
	id := pipeline.NewJobID("00000001")
	require.NoError(t, (&pipeline.Job{ID: id, Inbox: "film.mkv", Source: "source.mkv"}).Create(fs))
	c := pipeline.ChunkFile{Job: id, Chunk: 3, Attempt: 1, Node: "a-waaaaa", Nonce: "abcdefgh", Kind: pipeline.KindRange,
		State: pipeline.Claimed}
	report := func(attempt int, f pipeline.Failure) {
		c.Attempt = attempt
		require.NoError(t, f.Report(fs, c))
	}
	report(1, pipeline.Failure{By: "m1", Weight: pipeline.WeightExpired})
	report(1, pipeline.Failure{By: "m2", Weight: pipeline.WeightExpired})
	report(2, pipeline.Failure{By: "a-waaaaa", Weight: pipeline.WeightFailed})
	report(3, pipeline.Failure{By: "m1", Retry: true})
	j, err := ReadJob(fs, id)
	require.NoError(t, err)
	require.Equal(t, 2, j.Retries)
	require.Len(t, j.Failures, 4)

	b, err := json.Marshal(pipeline.Closed{Act: pipeline.ActCancelled, Reason: "x"})
	require.NoError(t, err)
	_, err = pipeline.Decide(fs, id, pipeline.Decision{Act: pipeline.ActCancelled})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(fs.Root(), pipeline.JobFile(id, pipeline.ClosedName)), b, 0o644))
	j, err = ReadJob(fs, id)
	require.NoError(t, err)
	require.Equal(t, 2, j.Retries, "a job that has ended still tells")
}
func TestStatusTellsWhatIsThere(t *testing.T) {
	f := testShare(t)
	j := &pipeline.Job{ID: pipeline.NewJobID("ABCDEF01"), Inbox: "sub/Show [ABCDEF01].mkv", Source: "source.mkv",
		CRC32: "ABCDEF01", Created: time.Now(), Settings: pipeline.Settings{Profile: "tablet"}}
	require.NoError(t, j.Create(f))
	job := func() pipeline.JobStatus {
		s, err := Read(f, nil)
		require.NoError(t, err)
		require.Len(t, s.Jobs, 1)
		return s.Jobs[0]
	}
	require.Equal(t, pipeline.Planning, job().State)
	plan := &pipeline.Plan{Job: j.ID, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: 5,
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}},
		Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0, 1)},
			{Index: 1, First: 2, PTS: pipeline.NewTimestamps(2, 3, 4)}}}
	_, err := plan.Publish(f)
	require.NoError(t, err)
	require.Equal(t, pipeline.Splitting, job().State)
	for _, dir := range []string{pipeline.PendingOf(j.ID), pipeline.DoneOf(j.ID)} {
		require.NoError(t, f.MkdirAll(dir))
	}
	c0 := pipeline.ChunkFile{Job: j.ID, Chunk: 0, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-wabcde")
	c1 := pipeline.ChunkFile{Job: j.ID, Chunk: 1, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-wabcde")
	require.NoError(t, f.Create(c0.In(pipeline.Accepted).Path(), nil))
	require.NoError(t, f.Create(c1.Path(), nil))
	n := pipeline.Node{Node: "pc-wabcde", Hardware: pipeline.Hardware{Host: "pc", Slots: 1}, State: "encoding",
		Chunks: map[string]pipeline.Encoding{c1.ID(): {Frames: 1, Total: 3, FPS: 2}}}
	require.NoError(t, n.Write(f))
	st := job()
	require.Equal(t, pipeline.InWork, st.State)
	require.Equal(t, pipeline.Counts{Total: 2, Claimed: 1, Done: 1}, st.Chunks)
	require.Equal(t, pipeline.Progress{Total: 5, Done: 3}, st.Frames)
	require.Equal(t, 2, st.ETA)
	_, err = pipeline.Decide(f, j.ID, pipeline.Decision{Act: pipeline.ActFailed, Reason: "because"})
	require.NoError(t, err)
	require.Equal(t, pipeline.JobFailed, job().State)
	require.Equal(t, "because", job().Error)
}

// A job that is analysed counts what is measured as chunks, and no frames: none is encoded yet.
func TestStatusOfAnAnalysis(t *testing.T) {
	f := testShare(t)
	j := &pipeline.Job{ID: pipeline.NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv", Created: time.Now(),
		Settings: pipeline.Settings{Crop: pipeline.Crop{Auto: true}}}
	require.NoError(t, j.Create(f))
	plan := &pipeline.Plan{Job: j.ID, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: 5,
		Settings: j.Settings, Analysis: pipeline.Bars,
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}},
		Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0, 1)},
			{Index: 1, First: 2, PTS: pipeline.NewTimestamps(2, 3, 4)}}}
	_, err := plan.Publish(f)
	require.NoError(t, err)
	require.NoError(t, f.MkdirAll(pipeline.DoneOf(j.ID)))
	c := pipeline.ChunkFile{Job: j.ID, Analysis: pipeline.Bars, Attempt: 1, Kind: pipeline.KindRange}.AsClaimed("pc-w1")
	require.NoError(t, f.Create(c.In(pipeline.Accepted).Path(), nil))
	known := NewCache()
	job := func() pipeline.JobStatus {
		s, err := Read(f, known)
		require.NoError(t, err)
		return s.Jobs[0]
	}
	st := job()
	require.Equal(t, pipeline.Analysing, st.State)
	require.Equal(t, pipeline.Counts{Total: 2, Pending: 1, Done: 1}, st.Chunks)
	require.Equal(t, pipeline.Progress{Total: 5}, st.Frames)
	require.Zero(t, st.ETA, "nobody has encoded anything like it")
	_, err = plan.After([]pipeline.ResultRef{{Stem: c.Stem(), CRC32: "00000000"},
		{Stem: strings.Replace(c.Stem(), "00000-", "00001-", 1), CRC32: "00000000"}}).Publish(f)
	require.NoError(t, err)
	st = job()
	require.Equal(t, pipeline.Splitting, st.State, st.Error)
	require.Equal(t, pipeline.Counts{Total: 2, Pending: 2}, st.Chunks, "what was measured is not encoded")
}

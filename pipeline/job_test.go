package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/distenc/distenc/lease/sharefs"
)

// newShare returns an empty share in a temporary folder.
func newShare(t *testing.T) *sharefs.FS {
	t.Helper()
	f, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range Folders() {
		require.NoError(t, f.MkdirAll(dir))
	}
	return f
}

func TestTimestampsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.Int64()).Draw(t, "pts")
		b, err := json.Marshal(NewTimestamps(in...))
		require.NoError(t, err)
		var out Timestamps
		require.NoError(t, json.Unmarshal(b, &out))
		require.Equal(t, NewTimestamps(in...), out)
		require.Equal(t, len(in), out.Len())
		require.True(t, slices.Equal(in, out.All()))
	})
}

func TestRawNamesComeBack(t *testing.T) {
	for _, name := range []string{"plain.mkv", "日本 é.mkv", "latin1-\xe9.mkv", "new\nline.mkv", "100%.mkv",
		"a/b [x] {y}.mkv", "-dash.mkv", "\xef\xbf\xbd.mkv", "gpj\u202evkm.mkv", "\u2066a\u2069.mkv", "a\u200db\u200c.mkv"} {
		b, err := json.Marshal(RawName(name))
		require.NoError(t, err)
		var back RawName
		require.NoError(t, json.Unmarshal(b, &back), "%s", b)
		require.Equal(t, name, string(back))
		require.False(t, bytes.ContainsAny(b, "\u202e\u2066\u2069"), "%s", b)
	}
	for _, evil := range []string{`"/etc/passwd"`, `"../x"`, `"a/../../x"`, `"..%2Fx"`, `"a//b"`} {
		var n RawName
		require.Error(t, json.Unmarshal([]byte(evil), &n), evil)
	}
}

func TestFirstDecisionHolds(t *testing.T) {
	f := newShare(t)
	j := &Job{ID: NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv"}
	require.NoError(t, j.Create(f))
	require.Error(t, j.Create(f), "a job's folder is made once")
	first, err := Decide(f, j.ID, Decision{Act: ActPublish, Out: "abc", By: "m1"})
	require.NoError(t, err)
	second, err := Decide(f, j.ID, Decision{Act: ActCancelled, By: "m2"})
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, ActPublish, second.Act)
}

func TestFirstPlanHolds(t *testing.T) {
	f := newShare(t)
	j := &Job{ID: NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv"}
	require.NoError(t, j.Create(f))
	plan := func(frames ...int64) *Plan {
		return &Plan{Job: j.ID, Input: Input{Source: "source.mkv", Original: "source.mkv"}, Frames: len(frames),
			Video: Video{TimeBase: Rational{1, 1000}}, Chunks: []Chunk{{PTS: NewTimestamps(frames...)}}}
	}
	broken := plan(0)
	broken.Settings.Size = Size{4, "GB"}
	_, err := broken.Publish(f)
	require.ErrorAs(t, err, new(*Refusal), "nobody could read it, and nothing would take its place")
	ours, err := plan(0, 42).Publish(f)
	require.NoError(t, err)
	require.True(t, ours)
	ours, err = plan(0).Publish(f)
	require.NoError(t, err)
	require.False(t, ours)
	p, err := LoadPlan(f, j.ID)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 42}, p.Chunks[0].PTS.All())
	b, err := json.Marshal(p)
	require.NoError(t, err)
	file := filepath.Join(f.Root(), JobFile(j.ID, planName))
	require.NoError(t, os.WriteFile(file, bytes.Replace(b, fmt.Appendf(nil, `"format":%d,`, plainFormat), nil, 1), 0o600))
	_, err = LoadPlan(f, j.ID)
	require.ErrorContains(t, err, "another version of distenc")
	wanting := &Job{ID: j.ID}
	require.NoError(t, p.For(wanting))
	wanting.Settings.Crop.Auto = true
	require.ErrorContains(t, p.For(wanting), "another version of distenc", "an earlier version does not know the key")
	_, err = LoadPlan(f, NewJobID("00000000"))
	require.Error(t, err)
}

func TestAPlanFromOutsideIsChecked(t *testing.T) {
	good := func() *Plan {
		return &Plan{Job: "j", Input: Input{Source: "source.mkv", Original: "source.mkv"}, Frames: 2,
			Video:  Video{TimeBase: Rational{1, 1000}},
			Chunks: []Chunk{{PTS: NewTimestamps(0)}, {Index: 1, First: 1, PTS: NewTimestamps(42)}}}
	}
	require.NoError(t, good().check("j"))
	for name, spoil := range map[string]func(*Plan){
		"another job's":   func(p *Plan) { p.Job = "k" },
		"source outside":  func(p *Plan) { p.Source = "../../etc/passwd" },
		"no time base":    func(p *Plan) { p.Video.TimeBase.Den = 0 },
		"no chunks":       func(p *Plan) { p.Chunks = nil },
		"out of order":    func(p *Plan) { p.Chunks[1].Index = 5 },
		"an empty chunk":  func(p *Plan) { p.Chunks[1].PTS = Timestamps{} },
		"a wrong count":   func(p *Plan) { p.Frames = 3 },
		"a wrong first":   func(p *Plan) { p.Chunks[1].First = 7 },
		"original abroad": func(p *Plan) { p.Original = "a/b" },
		"another source":  func(p *Plan) { p.Source = "job.json" },
		"a filter":        func(p *Plan) { p.Out.PixFmt = "yuv420p,movie=/etc/passwd" },
		"another option":  func(p *Plan) { p.Out.Fields = "stats" },
		"a kind abroad":   func(p *Plan) { p.Chunks[1].Kind = "x/../../../outbox/a" },
		"a huge picture":  func(p *Plan) { p.Video.Width = 1 << 40 },
		"times that fall": func(p *Plan) { p.Chunks[0].PTS = NewTimestamps(9, 8) },
	} {
		p := good()
		spoil(p)
		require.Error(t, p.check("j"), name)
	}
}

func TestFailuresAreTold(t *testing.T) {
	f := newShare(t)
	j := &Job{ID: NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv"}
	require.NoError(t, j.Create(f))
	c := ChunkFile{Job: j.ID, Chunk: 1, Attempt: 1, Kind: KindRange}.AsClaimed("pc-w1")
	r := Failure{By: "pc-w1", Weight: WeightFailed, Reason: "no"}
	require.NoError(t, r.Report(f, c))
	require.NoError(t, r.Report(f, c), "told twice")
	other := c
	other.Chunk = 2
	require.NoError(t, r.Report(f, other))
	got, err := Failures(f, c)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, "no", got[0].Reason)
	require.Equal(t, c.ID(), got[0].Chunk)
}

package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAnalysisHasChunksOfItsOwn(t *testing.T) {
	look := ChunkFile{Job: "abcdef01-k3f9z", Chunk: 3, Analysis: Bars, Attempt: 1, Kind: KindRange}.AsClaimed("pc-w1")
	encode := look
	encode.Analysis = ""
	require.Equal(t, "abcdef01-k3f9z.00003-bars", look.ID())
	require.Equal(t, Bars, look.AsPending(2).Analysis, "it is measured again, not encoded")
	plan := &Plan{Job: look.Job, Chunks: make([]Chunk, 4)}
	require.True(t, plan.Has(encode))
	require.False(t, plan.Has(look))
	require.Equal(t, JobChunks{encode}, JobChunks{look, encode}.Of(plan))
	require.Equal(t, 1, JobChunks{look, encode}.Copies(look))
	for _, name := range []string{"00003-light.a1.abcd.range", "00003-.a1.abcd.range", "00003bars.a1.abcd.range"} {
		_, ok := ParsePending(look.Job, name)
		require.False(t, ok, name)
	}
}

func TestOnePlanFollowsAnother(t *testing.T) {
	f := newShare(t)
	j := &Job{ID: NewJobID("ABCDEF01"), Inbox: "a.mkv", Source: "source.mkv", Settings: Settings{Crop: Crop{Auto: true}}}
	require.NoError(t, j.Create(f))
	latest := func() (Analysis, bool) {
		dir, err := ListFolder(f, j.ID)
		require.NoError(t, err)
		return dir.Latest(j.Settings)
	}
	_, planned := latest()
	require.False(t, planned)
	first := &Plan{
		Job: j.ID, Input: Input{Source: "source.mkv", Original: "source.mkv"}, Settings: j.Settings, Frames: 2,
		Analysis: j.Settings.First(), Video: Video{TimeBase: Rational{1, 1000}, Width: 320, Height: 180},
		Chunks: []Chunk{{PTS: NewTimestamps(0)}, {Index: 1, First: 1, PTS: NewTimestamps(1)}}, Notes: []string{"a"},
	}
	_, err := first.Publish(f)
	require.NoError(t, err)
	a, planned := latest()
	require.Equal(t, []any{Bars, true}, []any{a, planned})
	_, err = LoadPlan(f, j.ID)
	require.Error(t, err, "nothing is encoded by it")

	var results []ResultRef
	for i := range first.Chunks {
		c := ChunkFile{Job: j.ID, Chunk: i, Analysis: Bars, Attempt: 1, Kind: KindRange}.AsClaimed("pc-w1")
		results = append(results, RefTo(c, &Record{Size: 70, CRC32: "0123ABCD"}))
	}
	next := first.After(results)
	next.Note("b")
	require.Equal(t, []string{"a"}, first.Notes)
	require.Empty(t, next.Analysis)
	_, err = next.Publish(f)
	require.NoError(t, err)
	a, planned = latest()
	require.Equal(t, []any{Analysis(""), true}, []any{a, planned})
	read, err := LoadPlan(f, j.ID)
	require.NoError(t, err)
	require.Equal(t, []Analysed{{Bars, results}}, read.Analysed)
	require.True(t, j.Settings.Precedes(Bars, ""))
	require.False(t, j.Settings.Precedes("", Bars))
	require.Empty(t, Settings{}.First())

	other := ChunkFile{Job: NewJobID("ABCDEF01"), Analysis: Bars, Attempt: 1}.AsClaimed("pc-w1").Stem()
	file := filepath.Join(f.Root(), JobFile(j.ID, planName))
	for name, change := range map[string]func(p *Plan){
		"another job's":          func(p *Plan) { p.Analysed[0].Results[0].Stem = other },
		"another chunk's":        func(p *Plan) { p.Analysed[0].Results[0] = p.Analysed[0].Results[1] },
		"a path":                 func(p *Plan) { p.Analysed[0].Results[0].Stem = "../../etc/passwd" },
		"no checksum":            func(p *Plan) { p.Analysed[0].Results[0].CRC32 = "x" },
		"one is missing":         func(p *Plan) { p.Analysed[0].Results = p.Analysed[0].Results[:1] },
		"an unknown one":         func(p *Plan) { p.Analysed[0].Analysis = "light" },
		"a plan of an analysis":  func(p *Plan) { p.Analysis = Bars },
		"more than the pictures": func(p *Plan) { p.Out.Crop = Rect{Width: 320, Height: 132, Y: 50} },
	} {
		bad := *read
		bad.Analysed = []Analysed{{Bars, append([]ResultRef{}, results...)}}
		change(&bad)
		b, err := json.Marshal(bad)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, b, 0o600))
		_, err = LoadPlan(f, j.ID)
		require.Error(t, err, name)
	}
}

func TestCropIsReadOnce(t *testing.T) {
	for text, want := range map[string]Crop{
		"none": {}, "auto": {Auto: true}, "1920:800:0:140": {Rect: Rect{1920, 800, 0, 140}},
	} {
		var c Crop
		require.NoError(t, c.UnmarshalText([]byte(text)))
		require.Equal(t, want, c)
		require.Equal(t, text, c.String())
	}
	for _, bad := range []string{"", "1920:800", "1920:800:0:-1", "0:800:0:0", "1920:800:0:140 ", "99999:1:0:0", "a",
		"+1:1:0:0", "1920:800:0:140,movie=x"} {
		require.ErrorContains(t, new(Crop).UnmarshalText([]byte(bad)), "1920:800:0:140", bad)
	}
	a, b := Rect{Width: 10, Height: 4, X: 5, Y: 5}, Rect{Width: 3, Height: 20, X: 1, Y: 8}
	require.Equal(t, Rect{Width: 14, Height: 23, X: 1, Y: 5}, a.Union(b))
	require.Equal(t, a, a.Union(Rect{}))
	require.Equal(t, a, Rect{}.Union(a))
}

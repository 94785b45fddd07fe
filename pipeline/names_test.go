package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStemsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := ChunkFile{
			Job: NewJobID("ABCDEF01"), Chunk: rapid.IntRange(0, 9_999_999).Draw(t, "chunk"),
			Attempt: rapid.IntRange(1, 999_999_999).Draw(t, "attempt"), Node: NewNode("w"), Nonce: Nonce(nonceLen),
			Kind:     rapid.SampledFrom([]Kind{KindPiece, KindRange}).Draw(t, "kind"),
			Analysis: rapid.SampledFrom(append(analyses, "")).Draw(t, "analysis"),
		}
		for state, parse := range map[State]func(string) (ChunkFile, bool){Claimed: ParseClaimed, Committed: ParseDone,
			Accepted: ParseDone, Failed: ParseFailed} {
			want := c.In(state)
			name := want.Path()[strings.LastIndexByte(want.Path(), '/')+1:]
			require.LessOrEqual(t, len(name), 120)
			got, ok := parse(name)
			require.True(t, ok, name)
			require.Equal(t, want, got)
		}
		want := c.AsPending(c.Attempt)
		got, ok := ParsePending(c.Job, want.Path()[strings.LastIndexByte(want.Path(), '/')+1:])
		require.True(t, ok)
		require.Equal(t, want, got)
	})
}

func TestForeignNamesAreNoChunks(t *testing.T) {
	job := "abcdef01-k3f9z"
	stem := job + ".00012.a1.pc-2-wabcde.abcdefgh"
	for _, name := range []string{
		"", ".", "..", stem, stem + ".enc", stem + ".json", stem + ".tmp", stem + ".src", stem + ".txt", stem + ".src.avi",
		"../" + stem + ".src.mkv", stem + ".ok.mkv/x", "abcdef01-k3f9z.00012.a0.pc.abcd.src.mkv", job +
			".00012.a1.p c.abcd.src.mkv",
		job + ".99999999999999999999.a1.pc.abcd.src.mkv", "-rf.src.mkv", stem + ".src.mkv\n",
	} {
		_, ok := ParseDone(name)
		require.False(t, ok, name)
	}
	_, ok := ParsePending("../evil", "00001.a1.abcdefgh.mkv")
	require.False(t, ok)
	for _, id := range []string{"", "..", "abcdef01", "abcdef01-k3f9z/", "ABCDEF01-k3f9z", "abcdef01-k3f9z\n"} {
		require.False(t, ValidJob(id), id)
	}
}

func TestNextAttemptHasAFreshName(t *testing.T) {
	c := ChunkFile{Job: "abcdef01-k3f9z", Chunk: 3, Attempt: 1, Kind: KindPiece}.AsPending(1)
	a, b := c.AsClaimed("pc-w1"), c.AsClaimed("pc-w1")
	require.NotEqual(t, a.Path(), b.Path(), "two claims of one worker on one chunk")
	require.NotEqual(t, a.AsPending(2).Path(), a.AsPending(2).Path())
	require.Empty(t, a.AsPending(2).Node)
}

func TestNodeNames(t *testing.T) {
	a, b := NewNode("w"), NewNode("w")
	require.NotEqual(t, a, b)
	require.Equal(t, NodeHost(a), NodeHost(b))
	require.NotContains(t, a, ".")
}

func TestStrongestSpeaks(t *testing.T) {
	j := JobChunks{
		{Chunk: 0, Attempt: 2, State: Pending}, {Chunk: 0, Attempt: 1, State: Claimed},
		{Chunk: 1, Attempt: 1, State: Accepted}, {Chunk: 1, Attempt: 5, State: Pending}, {Chunk: 9, State: Accepted},
	}
	j = append(j, ChunkFile{Chunk: 2, Analysis: Bars, State: Accepted})
	plan := &Plan{Chunks: make([]Chunk, 3)}
	best := j.Strongest(plan)
	require.Equal(t, Claimed, best[0].State)
	require.Equal(t, Accepted, best[1].State)
	require.Equal(t, Nowhere, best[2].State)
	require.Equal(t, []int{2, 5, 0}, j.Attempts(plan))
}

func TestTags(t *testing.T) {
	for name, want := range map[string]string{
		"Show - 01 [abcdef01].mkv": "ABCDEF01", "Show [12345678] v2 [DEADBEEF].mkv": "DEADBEEF",
		"Show [1080p].mkv": "", "Show (ABCDEF01).mkv": "", "Show [ABCDEF012].mkv": "",
	} {
		require.Equal(t, want, Tag(name), name)
	}
	require.Equal(t, "Show [12345678] v2 [0BADF00D].mp4", OutputName("Show [12345678] v2 [DEADBEEF].mkv", "mp4",
		"0badf00d"))
	require.Equal(t, "plain.mkv", OutputName("plain.avi", "mkv", "0BADF00D"))
	require.Equal(t, "a (2).mkv", Numbered("a.mkv", 2))
}

func TestOutputsOfAForm(t *testing.T) {
	plan := &Plan{Out: Picture{Width: 1920, Height: 1080}}
	for _, c := range []struct{ form, source, want string }{
		{"{stem}", "Show [DEADBEEF].mkv", "Show [0BADF00D].mkv"},
		{"{stem} [{codec} {height}p]", "Film.avi", "Film [hevc 1080p].mkv"},
		{"{stem} [{codec} {height}p]", "Show - 01 [deadbeef] v2.mkv", "Show - 01 [0BADF00D] v2 [hevc 1080p].mkv"},
		{"{stem} [{crc}]", "Film.avi", "Film [0BADF00D].mkv"},
		{"{stem}.{width}x{height}.{crc}", "Show - 01 [deadbeef].mkv", "Show - 01.1920x1080.0BADF00D.mkv"},
		{"{stem} [{crc}]", "[deadbeef].mkv", "[deadbeef] [0BADF00D].mkv"},
		{"{profile} - {stem}", "a {height} b.mkv", "tablet - a {height} b.mkv"},
		{"{stem} [{crc}]", strings.Repeat("ä", 125) + ".mkv", strings.Repeat("ä", 120) + " [0BADF00D].mkv"},
		{"{stem} [{height}p]", strings.Repeat("z", 230) + "[deadbeef] v2.mkv",
			strings.Repeat("z", 230) + "[0BADF00D] v2 [1080p].mkv"},
		{"x {stem} [{crc}]", strings.Repeat("y", 300), "x " + strings.Repeat("y", 238) + " [0BADF00D].mkv"},
	} {
		j := &Job{Inbox: RawName("series/" + c.source), Settings: Settings{Container: MKV, Profile: "tablet"}}
		require.NoError(t, j.Settings.Name.UnmarshalText([]byte(c.form)))
		j.Settings.Name = j.Settings.Name.With("hevc")
		got := j.OutputName(plan, "0badf00d")
		require.Equal(t, c.want, got)
		require.LessOrEqual(t, len(got), 255)
		if !j.Settings.Name.NeedsPlan() {
			require.Equal(t, got, j.OutputName(nil, "0BADF00D"))
		}
	}
}

func TestFormsThatAreNone(t *testing.T) {
	for form, want := range map[string]string{
		"":                                  "must contain {stem}",
		"film":                              "must contain {stem}",
		"{stem} {crc} {crc}":                "has {crc} twice",
		"{stem} {stem}":                     "has {stem} twice",
		"{stem} {banana}":                   "there is no {banana}; there are {stem}, {codec}, {width}, {height}, {",
		"{stem} {Codec}":                    "there is no {Codec}",
		"{stem} {codec":                     "has a brace alone",
		"{{stem}}":                          "has a brace alone",
		"{stem}/{codec}":                    "can't hold control characters or any of /",
		"../{stem}":                         "can't hold control characters or any of /",
		"{stem}\n":                          "can't hold control characters",
		"{stem}\x00":                        "can't hold control characters",
		"{stem} \u202e":                     "can't hold control characters",
		"{stem} \xff":                       "can't hold control characters",
		"{stem} a:b":                        "can't hold control characters",
		".{stem}":                           "can't begin with a dot",
		" {stem}":                           "can't begin with a dot or a space",
		"{stem} [20260101]":                 "8 hex digits in brackets are a file's CRC-32: write [{crc}]",
		"{stem}" + strings.Repeat("x", 120): "has 126 bytes; with more than 120",
	} {
		var n Naming
		require.ErrorContains(t, n.UnmarshalText([]byte(form)), want, "%q", form)
		require.Empty(t, n)
	}
	var n Naming
	require.NoError(t, n.UnmarshalText([]byte("{stem}")))
	require.Empty(t, n, "as it is without")
	require.Equal(t, "{stem}", n.String())
}

func TestDates(t *testing.T) {
	var d Dates
	require.NoError(t, d.UnmarshalText([]byte("keep")))
	require.Equal(t, Dates(true), d)
	require.ErrorContains(t, d.UnmarshalText([]byte("old")), `must be keep or new, is "old"`)
	require.NoError(t, d.UnmarshalText([]byte("new")))
	require.Equal(t, Dates(false), d)
}

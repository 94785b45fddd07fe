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

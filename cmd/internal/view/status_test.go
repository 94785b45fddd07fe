package view

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

func tableOf(s *status.Status, style TerminalStyle) string {
	var b strings.Builder
	Table(&b, s, style, false)
	return b.String()
}

func TestTheTableSaysWhatPeopleAsk(t *testing.T) {
	for scene, c := range map[string]struct {
		state *status.Status
		has   []string
	}{
		"empty": {sceneEmpty(), []string{"Nothing is to be done: copy a video into /mnt/distenc/inbox.",
			"pc-2-w7f3ka  idle"}},
		"busy": {sceneBusy(), []string{
			"Show - 01 [ABCDEF01].mkv  abcdef01-k3f9z", " 51%  encoding  33/72 chunks  130.0 frames/s  3m37s left  2 failed " +
				"attempts",
			"paused", "camera  left alone: it is a symbolic link", "6m12s ago", "outside its hours 22:00-07:00",
			"  its memory, 7.9 GB, is enough for 2 of its 4 slots",
			"outbox/Old Film (1962) [7D1E22A4].mkv",
		}},
		"failed": {sceneFailed(), []string{
			"chunk bad00bad-q1w2e.00012 was set aside: ffmpeg: exit status 187", "`distenc retry bad00bad-q1w2e`",
			"Merging failed: the audio track can't be put into MP4.", "the content has 89ABCDEF",
		}},
	} {
		got := tableOf(c.state, TerminalStyle{})
		require.NotContains(t, got, "\x1b", scene)
		for _, want := range c.has {
			require.Contains(t, got, want, scene)
		}
	}
}

func TestTheTableFitsTheTerminal(t *testing.T) {
	colours := regexp.MustCompile("\x1b\\[[0-9]*m")
	for _, width := range []int{20, 40, 80, 200} {
		for _, s := range []*status.Status{sceneEmpty(), sceneBusy(), sceneFailed()} {
			s.Share = "/mnt/日本語の名前"
			for line := range strings.SplitSeq(tableOf(s, TerminalStyle{Width: width, Colour: true}), "\n") {
				require.LessOrEqual(t, uniseg.StringWidth(colours.ReplaceAllString(line, "")), width, line)
			}
		}
	}
}

func TestALongNameLeavesRoomForTheID(t *testing.T) {
	got := tableOf(sceneBusy(), TerminalStyle{Width: 60})
	require.Contains(t, got, "Conference/Day 1, the very long recording o…  5eed1234-zzzzz\n")
	require.NotContains(t, got, "\x1b")
}

func TestHostileNamesOnATerminal(t *testing.T) {
	for _, got := range []string{tableOf(sceneHostile(), TerminalStyle{}),
		strings.Join((&Changes{}).Since(sceneHostile()), "\n")} {
		require.NotContains(t, got, "\x1b")
		require.NotContains(t, got, "\u202E")
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	s := sceneBusy()
	require.Empty(t, newView(s).missing())
	s.Master.Silent, s.Master.Seen = true, 300
	require.Contains(t, newView(s).missing(), "nas-1-m4k2p9 was last seen 5m00s ago. If it does not come back, start it "+
		"again")
	require.Contains(t, tableOf(s, TerminalStyle{}), "master nas-1-m4k2p9 (last seen 5m00s ago), ")
	s.Master = nil
	require.Contains(t, newView(s).missing(), "start one with `distenc master`")
	s = sceneBusy()
	s.Nodes = s.Nodes[5:]
	require.Contains(t, newView(s).missing(), "start one with `distenc worker`")
	s = sceneBusy()
	s.Nodes = s.Nodes[4:5]
	s.Jobs[1].Chunks.Claimed = 0
	require.Contains(t, newView(s).missing(), "the list of nodes says why")
	s = sceneEmpty()
	s.Master, s.Nodes = nil, nil
	require.Empty(t, newView(s).missing(), "nothing is to be done")
}

func TestOneJobInFull(t *testing.T) {
	var b strings.Builder
	j := sceneFailed().Jobs[0]
	j.Notes = []string{"The source may be damaged\x1b[2J."}
	Job(&b, j, TerminalStyle{})
	require.Contains(t, b.String(), "  note: The source may be damaged")
	require.NotContains(t, b.String(), "\x1b")
	require.Contains(t, b.String(), "attempt 3 on pc-2-w7f3ka: ffmpeg: exit status 187")
	require.Contains(t, b.String(), "the last command: /usr/bin/ffmpeg -i source.mkv out.mkv")
}

func TestNodesInFull(t *testing.T) {
	var b strings.Builder
	Nodes(&b, sceneBusy(), TerminalStyle{})
	require.Contains(t, b.String(), "8 cores, distenc v1.0.0")
	require.Contains(t, b.String(), "8 cores, 7.9 GB of memory, for 2 of 4 slots, distenc v1.0.0")
	require.Contains(t, b.String(), "ffmpeg version 5.1.8")
}

func TestOnlyChangesAreTold(t *testing.T) {
	var c Changes
	s := sceneBusy()
	require.Len(t, c.Since(s), len(s.Jobs)+len(s.Nodes)+len(s.Inbox)+1)
	require.Empty(t, c.Since(s))
	s.Jobs[1].Frames.Done++
	s.Nodes[0].Seen++
	require.Empty(t, c.Since(s), "frames and ages change all the time")
	s.Jobs[1].Chunks.Done++
	s.Nodes = s.Nodes[:5]
	require.Equal(t, []string{"job abcdef01-k3f9z: encoding, 34 of 72 chunks: Show - 01 [ABCDEF01].mkv",
		"node laptop-w7f3ka: gone"}, c.Since(s))
}

func TestSpans(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": 0, "59s": 59 * time.Second, "3m37s": 217 * time.Second,
		"1h05m": 65 * time.Minute, "2d01h": 49 * time.Hour} {
		require.Equal(t, want, Span(d))
	}
}

// keeper returns one for a share in a folder of its own.
func keeper(t *testing.T) (*Keeper, *sharefs.FS) {
	t.Helper()
	fs, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, fs.MkdirAll(dir))
	}
	return &Keeper{FS: fs, Node: "nas-1-m4k2p9", Log: slog.New(slog.DiscardHandler)}, fs
}

func TestTheKeeperWritesWhatChanged(t *testing.T) {
	k, fs := keeper(t)
	s := sceneBusy()
	inode := func() os.FileInfo {
		info, err := os.Stat(fs.Path(pipeline.StatusPage))
		require.NoError(t, err)
		return info
	}
	require.NoError(t, k.write(s))
	first := inode()
	s.Read, s.Free, s.Nodes[0].Seen, s.Master.Seen = s.Read.Add(time.Second), 5, 9, 9
	require.NoError(t, k.write(s))
	require.True(t, os.SameFile(first, inode()), "only ages have changed")
	s.Jobs[1].Frames.Done++
	require.NoError(t, k.write(s))
	require.False(t, os.SameFile(first, inode()))
	first = inode()
	k.when = k.when.Add(-keepAlive)
	require.NoError(t, k.write(s))
	require.False(t, os.SameFile(first, inode()), "a page that stays as it is must not seem abandoned")
	require.Equal(t, 9, s.Master.Seen, "the state itself is left as it is")
}

func TestOnlyTheLeadersKeeperWrites(t *testing.T) {
	k, fs := keeper(t)
	k.refresh(t.Context(), status.NewReader(fs, nil, 0))
	require.NotNil(t, k.Latest())
	require.NoFileExists(t, fs.Path(pipeline.StatusPage))
	require.NoError(t, os.WriteFile(filepath.Join(fs.Root(), "master", "3.nas-1-m4k2p9.hb"),
		[]byte("1 2026-11-22T10:00:00Z\n"), 0o644))
	k.refresh(t.Context(), status.NewReader(fs, nil, 0))
	require.FileExists(t, fs.Path(pipeline.StatusPage))
	require.FileExists(t, fs.Path(pipeline.StatusJSON))
}

// The history of a share is read once, and then taken from status.json.
func TestWhatHasEndedComesFromStatusJSON(t *testing.T) {
	k, fs := keeper(t)
	s := sceneBusy()
	require.NoError(t, k.write(s))
	require.NoError(t, fs.MkdirAll(pipeline.JobDir("00c0ffee-a1b2c"))) // nothing in it could be read
	got, err := status.NewReader(fs, nil, 0).Read(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Jobs, 1)
	require.Equal(t, s.Jobs[0], got.Jobs[0])
}

func TestAnAnalysisCountsWhatIsMeasured(t *testing.T) {
	s := sceneBusy()
	s.Jobs = []pipeline.JobStatus{{ID: "abcdef01-k3f9z", Name: "a.mkv", State: pipeline.Analysing, Course: pipeline.Course{
		Chunks: pipeline.Counts{Total: 12, Done: 3}, Frames: pipeline.Progress{Total: 6000}}}}
	require.Contains(t, tableOf(s, TerminalStyle{}), " 25%  analysing  3/12 chunks")
}

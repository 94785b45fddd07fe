package media_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
)

// clip encodes a second of pictures, as H.264 if nothing else is asked for, and reads the file.
func clip(t *testing.T, name string, options ...string) (path string, c *media.Clip) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=1", "-c:v", "libx264", "-preset",
		"ultrafast", "-bf", "2", "-copyts"}
	out, err := exec.Command("ffmpeg", append(append(args, options...), path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c, err = read(t, path)
	require.NoError(t, err)
	return path, c
}

func read(t *testing.T, path string) (*media.Clip, error) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	return found(t).Clip(t.Context(), f, path)
}

func found(t *testing.T) media.Tools {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	return tools
}

// TestClipIsWhatFFprobeSays reads the same packets here and there.
func TestClipIsWhatFFprobeSays(t *testing.T) {
	for name, options := range map[string][]string{
		"a.mkv":      nil,
		"late.mkv":   {"-vf", "setpts=PTS+700/TB", "-avoid_negative_ts", "disabled"}, // many clusters from zero on
		"short.mkv":  {"-cluster_time_limit", "50"},
		"stream.mkv": {"-f", "matroska", "-live", "1"}, // lengths are not known
		"a.mp4":      {"-video_track_timescale", "12800"},
		"av1.mkv":    {"-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "keyint=9:hierarchical-levels=2"},
		// Key frames that are shown later than they come.
		"forward.mkv": {"-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "keyint=9:irefresh-type=1:" +
			"hierarchical-levels=2", "-flags", "-cgop"},
		"aom.mkv": {"-c:v", "libaom-av1", "-cpu-used", "8", "-g", "10"},
	} {
		t.Run(name, func(t *testing.T) {
			path, got := clip(t, name, options...)
			ctx, tools := context.Background(), found(t)
			f, err := tools.Probe(ctx, path)
			require.NoError(t, err)
			want, err := tools.Packets(ctx, path, 0)
			require.NoError(t, err)
			s := f.Streams[0]
			if filepath.Ext(name) == ".mkv" { // which wants no ffprobe
				file, err := os.Open(path)
				require.NoError(t, err)
				defer func() { _ = file.Close() }()
				own, err := media.Tools{}.Clip(ctx, file, path)
				require.NoError(t, err)
				require.Equal(t, got, own)
			}
			require.Equal(t, want.PTS, got.PTS)
			var keys []int64
			for i, flags := range want.Flags {
				if flags&media.Key != 0 {
					keys = append(keys, want.PTS[i])
				}
			}
			require.Equal(t, keys, got.Keys)
			require.Equal(t, []any{1, s.Codec, s.Width, s.Height, s.TimeBase, s.ExtradataSHA256},
				[]any{got.Streams, got.Codec, got.Width, got.Height, got.TimeBase, got.Extradata})
			require.EqualValues(t, media.Size(path), got.Size)
			if s.Codec == "h264" {
				require.Contains(t, string(got.Head), "x264 - core")
			}
			if name == "av1.mkv" || name == "aom.mkv" {
				require.Greater(t, len(keys), 1)
			}
		})
	}
}

// TestDigestTellsPayloads: the same packets in two containers, and one bit of them changed.
func TestDigestTellsPayloads(t *testing.T) {
	path, here := clip(t, "a.mkv")
	again := filepath.Join(t.TempDir(), "again.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-c", "copy", again).CombinedOutput()
	require.NoError(t, err, "%s", out)
	there, err := read(t, again)
	require.NoError(t, err)
	require.Equal(t, here.Digest, there.Digest)
	require.NotEqual(t, here.CRC32, there.CRC32)

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data[len(data)*3/4] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o600))
	spoilt, err := read(t, path)
	require.NoError(t, err)
	require.NotEqual(t, here.Digest, spoilt.Digest)
	require.NotEqual(t, here.CRC32, spoilt.CRC32)
}

func TestADamagedClipIsAnError(t *testing.T) {
	path, _ := clip(t, "a.mkv")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, spoilt := range [][]byte{data[:len(data)*8/10], nil, []byte("no video")} {
		require.NoError(t, os.WriteFile(path, spoilt, 0o600))
		_, err := read(t, path)
		require.Error(t, err, fmt.Sprint(len(spoilt)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = found(t).Clip(ctx, strings.NewReader("not read"), path)
	require.ErrorIs(t, err, context.Canceled)
}

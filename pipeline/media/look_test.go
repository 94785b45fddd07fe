package media_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// What one process tells of a film is what two tell. Of a film that is not as plain it tells nothing.
func TestOneLookTellsWhatTwoDo(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	for name, packets := range map[string]int{ // 0: not plain
		"h264-open.mkv": 8, "hevc-open.mkv": media.HeadPackets, "two-frames.mkv": 2, "odd-size.mkv": 8, "truncated.mkv": 8,
		"vfr.mkv": 0, "bframes.mp4": 0, "hi10p-fansub.mkv": 0, "av1.mkv": 0, "not-a-video.mkv": 0,
	} {
		path := corpus.Make(t, name)
		f, head, ok := tools.Look(t.Context(), path)
		require.Equal(t, packets > 0, ok, name)
		if !ok {
			continue
		}
		want, err := tools.Probe(t.Context(), path)
		require.NoError(t, err)
		require.Equal(t, want, f, name)
		wantHead, err := tools.Head(t.Context(), path, media.FirstVideo, packets)
		require.NoError(t, err)
		require.Equal(t, wantHead, head, name)
	}
}

// A few pictures are decoded only where the next ones could tell nothing new.
func TestFewPicturesTellAsMuchAsMany(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	do := func(program string, args ...string) {
		text, err := exec.Command(program, args...).CombinedOutput()
		require.NoError(t, err, "%s", text)
	}
	film := func(name, params string) {
		do("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=3", "-c:v", "libx264", "-x264-params", params,
			"-frames:v", map[bool]string{true: "12", false: "75"}[name == "frames.h264"], path(name))
	}
	film("plain.mkv", "colorprim=bt709:sar=4/3:fullrange=on:overscan=show:chromaloc=1")
	film("fields.mkv", "tff=1")
	film("said.mkv", "pic-struct=1")
	film("buffer.mkv", "nal-hrd=vbr:vbv-maxrate=100:vbv-bufsize=100")
	film("open.mkv", "open-gop=1:keyint=12:min-keyint=1")
	do("ffmpeg", "-v", "error", "-ss", "1", "-i", path("open.mkv"), "-c", "copy", path("leading.mkv"))
	film("frames.h264", "keyint=50")
	film("fields.h264", "tff=1")
	var joined []byte
	for _, name := range []string{"frames.h264", "fields.h264"} {
		b, err := os.ReadFile(path(name))
		require.NoError(t, err)
		joined = append(joined, b...)
	}
	require.NoError(t, os.WriteFile(path("later.h264"), joined, 0o600))
	do("mkvmerge", "-q", "-o", path("later.mkv"), path("later.h264"))
	for name, packets := range map[string]int{
		"plain.mkv": 8, "open.mkv": 8, "fields.mkv": media.HeadPackets, "said.mkv": media.HeadPackets,
		"buffer.mkv": media.HeadPackets, "leading.mkv": media.HeadPackets,
		"later.mkv": media.HeadPackets,
	} {
		_, head, ok := tools.Look(t.Context(), path(name))
		require.True(t, ok, name)
		require.Equal(t, packets, head.Packets, name)
		all, err := tools.Head(t.Context(), path(name), media.FirstVideo, media.HeadPackets)
		require.NoError(t, err)
		all.PTS, all.Packets = head.PTS, head.Packets
		require.Equal(t, all, head, name)
	}
}

package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// bothLists has our own reader and ffprobe list a file's packets, and returns how many they found alike; -1: our
// own reader leaves the file to ffprobe.
func bothLists(t *testing.T, path string) int {
	t.Helper()
	data, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = data.Close() }()
	listed := make(chan *media.Listing, 1)
	crc, err := media.ReadOnce(t.Context(), data, listed)
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%08X", crc32.ChecksumIEEE(whole)), crc)

	own := <-listed
	tools := found(t)
	f, err := tools.Probe(t.Context(), path)
	if own == nil || err != nil || len(f.Video()) == 0 {
		require.Nil(t, own, "ffprobe can't read it: %v", err)
		return -1
	}
	bothPackets(t, tools, path, f)
	got := own.Packets(f, f.Video()[0])
	if got == nil {
		return -1
	}
	want, err := tools.Packets(t.Context(), path, f.Video()[0].Index)
	require.NoError(t, err)
	require.Equal(t, want.PTS, got.PTS)
	require.Equal(t, want.Flags, got.Flags)
	require.Equal(t, want.Size, got.Size)
	require.Equal(t, want.Warnings, got.Warnings)
	last := int64(media.NoPTS)
	for i, dts := range want.DTS {
		require.GreaterOrEqual(t, max(dts, last), last, i)
		require.False(t, dts != media.NoPTS && dts < last, "DTS go back at %d: our own list does not tell", i)
		last = max(last, dts)
	}
	return got.Len()
}

// bothPackets does the same with the packets of all streams, of files whose sound and text ffmpeg leaves as they are.
// Some of its parsers hold a packet back, so that each stream is compared by itself.
// It returns false for what is left to ffprobe.
func bothPackets(t *testing.T, tools media.Tools, path string, f *media.File) bool {
	t.Helper()
	own, theirs := make([][]media.Packet, len(f.Streams)), make([][]media.Packet, len(f.Streams))
	comparable := func(lists [][]media.Packet) func(p media.Packet) error {
		return func(p media.Packet) error {
			p.Ticks = 0 // our own reader keeps that of the last picture alone
			if p.DTS = 0; f.Streams[p.Stream].Type != "video" || f.Streams[p.Stream].AttachedPic() {
				p.Flags = 0
			}
			lists[p.Stream] = append(lists[p.Stream], p)
			return nil
		}
	}
	if err := media.PlainPackets(t.Context(), path, f, comparable(own)); errors.Is(err, media.ErrUnusual) ||
		errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	} else if err != nil {
		require.NoError(t, err)
	}
	require.NoError(t, tools.EachPacket(t.Context(), path, comparable(theirs)))
	for i := range theirs {
		require.True(t, slices.Equal(theirs[i], own[i]), "stream %d, %s", i, f.Streams[i].Codec)
	}
	return true
}

// TestOwnListIsFFprobes: packet for packet, for all sources of the corpus, and in DISTENC_TEST_SOURCES for those
// in another folder.
func TestOwnListIsFFprobes(t *testing.T) {
	own := map[string]bool{}
	each := func(path string) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			n := bothLists(t, path)
			own[filepath.Base(path)] = n > 0
			t.Log(n)
		})
	}
	if dir := os.Getenv("DISTENC_TEST_SOURCES"); dir != "" {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			each(filepath.Join(dir, e.Name()))
		}
		return
	}
	for _, name := range corpus.Names() {
		each(corpus.Make(t, name))
	}
	for _, name := range []string{"h264-closed.mkv", "h264-open.mkv", "hi10p-fansub.mkv", "vfr.mkv", "infinite-gop.mkv",
		"one-frame.mkv", "hevc-open.mkv"} {
		require.True(t, own[name], "%s is plain enough", name)
	}
}

// TestOwnListLeavesTheRest: what looks alike and is listed in another way by ffprobe goes there.
func TestOwnListLeavesTheRest(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	encode := func(name string, options ...string) {
		args := []string{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-c:v", "libx264",
			"-preset", "ultrafast"}
		run(append(append(args, options...), path(name))...)
	}
	encode("plain.mkv", "-bf", "2")
	cut := []string{"-vf", `negate=enable=gte(n\,10)`, "-bf", "0", "-x264-params"} // too early for an IDR picture
	encode("i-slice.mkv", append(cut, "ref=3:min-keyint=25:keyint=50:scenecut=60")...)
	encode("one-ref.mkv", append(cut, "ref=1:min-keyint=25:keyint=50:scenecut=60")...)
	encode("open.mkv", "-bf", "2", "-x264-params", "ref=2:keyint=12:open-gop=1")
	encode("live.mkv", "-live", "1")
	run("ffmpeg", "-v", "error", "-i", path("plain.mkv"), "-map", "0", "-map", "0", "-c", "copy", path("two.mkv"))
	run("ffmpeg", "-v", "error", "-i", path("plain.mkv"), "-frames:v", "1", path("cover.jpg"))
	run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=2", "-c:a", "libopus", path("sound.mka"))
	run("mkvmerge", "-q", "--disable-lacing", "-o", path("merged.mkv"), path("plain.mkv"), path("sound.mka"),
		"--attach-file", path("cover.jpg"), "--attach-file", path("cover.jpg"))
	run("mkvmerge", "-q", "-o", path("zlib.mkv"), "--compression", "0:zlib", path("plain.mkv"))
	run("mkvmerge", "-q", "-o", path("ticks.mkv"), "--timestamp-scale", "100000", path("plain.mkv"))
	plain, err := os.ReadFile(path("plain.mkv"))
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"cut.mkv": plain[:len(plain)*8/10], "twice.mkv": append(bytes.Clone(plain), plain...),
		"more.mkv": append(bytes.Clone(plain), "more"...),
		"hole.mkv": append(bytes.Clone(plain[:len(plain)/2]), plain[len(plain)/2+100:]...),
	} {
		require.NoError(t, os.WriteFile(path(name), data, 0o600))
	}
	for name, want := range map[string]int{
		"plain.mkv": 50, "i-slice.mkv": 50, "open.mkv": 50, "live.mkv": 50, "merged.mkv": 50,
		"one-ref.mkv": -1, "two.mkv": -1, "zlib.mkv": -1, "ticks.mkv": -1, "cut.mkv": -1, "twice.mkv": -1, "more.mkv": -1,
		"hole.mkv": -1,
	} {
		require.Equal(t, want, bothLists(t, path(name)), name)
	}
	merged, err := found(t).Probe(t.Context(), path("merged.mkv"))
	require.NoError(t, err)
	require.True(t, bothPackets(t, found(t), path("merged.mkv"), merged), "as our own outputs are")
}

// TestReadOnceReadsAll: whatever the blocks that it comes in, and it ends with the reader or the context.
func TestReadOnceReadsAll(t *testing.T) {
	data := bytes.Repeat([]byte("no Matroska"), 200_000)
	want := fmt.Sprintf("%08X", crc32.ChecksumIEEE(data))
	for _, r := range []io.Reader{bytes.NewReader(data), iotest.HalfReader(bytes.NewReader(data)),
		iotest.DataErrReader(bytes.NewReader(data))} {
		listed := make(chan *media.Listing, 1)
		crc, err := media.ReadOnce(t.Context(), r, listed)
		require.NoError(t, err)
		require.Equal(t, want, crc)
		require.Nil(t, <-listed)
	}
	broken := errors.New("broken")
	_, err := media.ReadOnce(t.Context(), io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)),
		make(chan *media.Listing, 1))
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = media.ReadOnce(ctx, bytes.NewReader(data), make(chan *media.Listing, 1))
	require.ErrorIs(t, err, context.Canceled)
}

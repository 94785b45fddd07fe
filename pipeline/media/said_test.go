package media

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyFFmpegsOwnWordsCount(t *testing.T) {
	said := ownWords(`ERROR: ld.so: object 'libjemalloc.so' from LD_PRELOAD cannot be preloaded: ignored.
Warning: using insecure memory!
[libx264 @ 0x563fd6dd5040] [warning] Error parsing option 'foo = 1'.
    Last message repeated 3 times
[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55] [h264 @ 0x5598] [error] Invalid NAL unit size (1 > 0).
x264 [error]: baseline profile doesn't support 4:4:4
[vf#0:0 @ 0x555807a08700] [error] Task finished with error code: -22 (Invalid argument)
[error] Conversion failed!`)
	require.Equal(t, `[libx264] Error parsing option 'foo = 1'.
[h264] Invalid NAL unit size (1 > 0).
x264 [error]: baseline profile doesn't support 4:4:4
[vf#0:0] Task finished with error code: -22 (Invalid argument)
Conversion failed!`, said)
	require.Equal(t, "x264 [error]: baseline profile doesn't support 4:4:4", LastReason(said))
	require.Empty(t, ownWords("terminate called after throwing an instance of 'std::bad_alloc'"))
}

// The loader of a real ffmpeg complains. (A static one has none.)
func TestTheLoadersWordsAreNotFFmpegs(t *testing.T) {
	tools, err := Find(nil)
	require.NoError(t, err)
	t.Setenv("LD_PRELOAD", "/nowhere/library.so")
	args := append(BaseArgs(), "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2", "-f", "null", "-")
	said, err := tools.Run(t.Context(), Command{Program: tools.FFmpeg, Args: args})
	require.NoError(t, err)
	require.Empty(t, said)
	file, err := tools.Probe(t.Context(), clip(t, "a.mkv"))
	require.NoError(t, err)
	require.Empty(t, file.Warnings)
}

func TestEveryVersionsWordsAreKnown(t *testing.T) {
	for _, line := range []string{ // 5.1, 9.0
		"Error writing trailer of /dev/full: No space left on device",
		"[out#0/h264] Error writing trailer: No space left on device",
		"Error closing file file:/a b.mkv: Input/output error", "[out#0/h264] Error closing file: Input/output error",
	} {
		require.True(t, unwritten.MatchString(line), line)
	}
	for _, line := range []string{
		"Error while decoding stream #0:0: Invalid data found when processing input",
		"[dec:h264] Error submitting packet to decoder: Invalid data found when processing input",
	} {
		require.True(t, Damaged(line), line)
	}
	require.Equal(t, []string{"audio", "subtitle"}, LateStreams("New audio stream 0:1 at pos:5 and DTS:3s\n[in#0] New "+
		"subtitle stream with index 2 at pos:5 and DTS:3s"))
}

// Another ffmpeg than PATH's may be named; what the folder lacks is PATH's.
func TestToolsOfAnotherFolder(t *testing.T) {
	usual, err := Find(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"), 0o755))
	t.Setenv(ToolsDir, dir)
	t.Chdir(filepath.Dir(dir))
	for _, dir := range []string{dir, "./" + filepath.Base(dir)} {
		t.Setenv(ToolsDir, dir)
		named, err := Find(nil)
		require.NoError(t, err)
		require.True(t, filepath.IsAbs(named.FFmpeg))
		require.NotEqual(t, usual.FFmpeg, named.FFmpeg)
		require.Equal(t, "mkvmerge", filepath.Base(named.MKVMerge))
	}
}

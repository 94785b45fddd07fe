package media

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func tools(t testing.TB) Tools {
	t.Helper()
	tools, err := Find(nil)
	require.NoError(t, err)
	return tools
}

// generate makes a file with ffmpeg from lavfi sources; the last argument is its name.
func generate(t testing.TB, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), args[len(args)-1])
	args = append([]string{"-v", "error", "-nostdin", "-y"}, append(args[:len(args)-1:len(args)-1], URL(path))...)
	out, err := exec.Command("ffmpeg", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

func clip(t testing.TB, name string, opts ...string) string {
	t.Helper()
	args := append([]string{"-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-c:v", "libx264", "-preset", "ultrafast"}, opts...)
	return generate(t, append(args, name)...)
}

func TestProbeTellsStreams(t *testing.T) {
	path := clip(t, "a.mkv", "-color_primaries", "bt709", "-vf", "setsar=32/27")
	f, err := tools(t).Probe(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "matroska,webm", f.Format.Name)
	require.Len(t, f.Video(), 1)
	v := f.Video()[0]
	require.Equal(t, "h264", v.Codec)
	require.Equal(t, Rational{1, 1000}, v.TimeBase)
	require.Equal(t, Rational{32, 27}, v.SAR)
	require.Equal(t, Rational{25, 1}, v.FrameRate)
	require.Equal(t, "bt709", v.ColorPrimary)
	require.Empty(t, v.ColorTransfer)
	require.Len(t, v.ExtradataSHA256, 64)
}

func TestPacketsMatchFrames(t *testing.T) {
	path := clip(t, "a.mkv", "-bf", "2", "-g", "10", "-preset", "veryfast")
	p, err := tools(t).Packets(context.Background(), path, 0)
	require.NoError(t, err)
	require.Equal(t, 50, p.Len())
	require.Equal(t, Key, p.Flags[0])
	require.NotZero(t, p.Size[49])
}

// TestScanOfTwoHoursIsSmall feeds the scanner what ffprobe prints of 2 hours at 60 frames a second.
func TestScanOfTwoHoursIsSmall(t *testing.T) {
	const count = 2 * 3600 * 60
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := &packetScanner{}
	for i := range count {
		_, err := fmt.Fprintf(s, "packet|pts=%d|dts=%d|size=%d|flags=__|side_data|\n\n", i*16, i*16, 5000+i%100)
		require.NoError(t, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, count, s.out.Len())
	require.Less(t, after.HeapAlloc-before.HeapAlloc, uint64(16<<20))
	require.Less(t, after.HeapSys-before.HeapSys, uint64(40<<20))
}

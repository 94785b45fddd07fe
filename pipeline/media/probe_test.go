package media

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
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
	args := append([]string{"-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-c:v", "libx264", "-preset", "ultrafast"},
		opts...)
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
	require.Equal(t, pipeline.Rational{Num: 1, Den: 1000}, v.TimeBase)
	require.Equal(t, pipeline.Rational{Num: 32, Den: 27}, v.SAR)
	require.Equal(t, pipeline.Rational{Num: 25, Den: 1}, v.FrameRate)
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
	list := &Packets{}
	r, w := io.Pipe()
	go func() {
		for i := range count {
			_, _ = fmt.Fprintf(w,
				"[PACKET]\nstream_index=0\npts=%d\ndts=%d\nsize=%d\nflags=__\n[SIDE_DATA]\n[/SIDE_DATA]\n[/PACKET]\n", i*16, i*16,
				5000+i%100)
		}
		_ = w.Close()
	}()
	require.NoError(t, scanPackets(r, allFields, func(p Packet) error {
		list.add(p)
		return nil
	}))
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Equal(t, count, list.Len())
	require.Less(t, after.HeapAlloc-before.HeapAlloc, uint64(16<<20))
	require.Less(t, after.HeapSys-before.HeapSys, uint64(40<<20))
}

func TestScanPackets(t *testing.T) {
	const whole = "[PACKET]\nstream_index=1\npts=N/A\ndts=7\nsize=300\nflags=KD\n[SIDE_DATA]\nsize=9\n[/SIDE_DATA]\ndata_hash=CRC32:c7000001\n[/PACKET]\n"
	var got []Packet
	require.NoError(t, scanPackets(strings.NewReader(whole), allFields|fieldHash, func(p Packet) error {
		got = append(got, p)
		return nil
	}))
	require.Equal(t, []Packet{{Stream: 1, PTS: NoPTS, DTS: 7, Size: 300, Flags: Key | Discard, CRC: 0xc7000001}}, got)
	for _, spoilt := range []string{"[PACKET]\n[/PACKET]\n", "data_hash=MD5:00\n", whole[:len(whole)-10],
		strings.Replace(whole, "size=300\n", "", 1), strings.Repeat("x", 1<<17)} {
		require.Error(t, scanPackets(strings.NewReader(spoilt), allFields, func(Packet) error { return nil }))
	}
}

// TestACrashIsToldWhateverItLeaves: a child's own end counts, not what is wrong with its last line; and no CRC is no
// CRC of zero.
func TestACrashIsToldWhateverItLeaves(t *testing.T) {
	tools := Tools{FFprobe: filepath.Join(t.TempDir(), "ffprobe")}
	stub := func(script string) {
		require.NoError(t, os.WriteFile(tools.FFprobe, []byte("#!/bin/sh\n"+script), 0o755))
	}
	stub(`printf '[PACKET]\nstream_index=0\npts='; kill -SEGV $$`)
	_, err := tools.Packets(t.Context(), "/dev/null", 0)
	require.Equal(t, "ffprobe crashed (segmentation fault)", Fault(err), "%v", err)

	stub(`printf '[PACKET]\nstream_index=0\npts=0\ndts=0\nsize=1\nflags=K_\n[/PACKET]\n'`)
	_, err = tools.Packets(t.Context(), "/dev/null", 0)
	require.NoError(t, err)
	require.ErrorContains(t, tools.EachPacket(t.Context(), "/dev/null", func(Packet) error { return nil }),
		"without all of its fields")
}

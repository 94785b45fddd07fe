//go:build linux

package media_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// film is a source that is made once and kept under the machine's temporary folder.
type film struct {
	width, height int
	depth         int // bits
	seconds       float64
}

func (f film) String() string { return fmt.Sprintf("%dp, %d bit, %g s", f.height, f.depth, f.seconds) }

const filmRate = "24000/1001"

// path makes the film: scenes of some seconds with coarse and fine texture, panned slowly, something that
// moves in front, and grain; H.264 with a key frame at each cut, and sound.
func (f film) path(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("distenc-bench-%d", os.Getuid()))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	path := filepath.Join(dir, fmt.Sprintf("film2-%d-%d-%g.mkv", f.height, f.depth, f.seconds))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	pixels := map[int]string{8: "yuv420p", 10: "yuv420p10le"}[f.depth]
	tmp := path + ".tmp"
	run(t, "ffmpeg", "-v", "error", "-y", "-filter_complex", f.graph(pixels),
		"-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=r=48000:a=0.05:c=pink:d=%g,aformat=channel_layouts=stereo", f.seconds),
		"-map", "[v]", "-map", "0:a", "-c:a", "aac", "-b:a", "160k",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "19", "-x264-params", "keyint=240", "-f", "matroska", tmp)
	require.NoError(t, os.Rename(tmp, path))
	return path
}

func (f film) graph(pixels string) string { return f.scenes(pixels, 7) }

// scenes is the graph of scenes that the dice give.
func (f film) scenes(pixels string, seed uint64) string {
	dice := rand.New(rand.NewPCG(seed, seed))
	pick := func(values ...float64) float64 { return values[dice.IntN(len(values))] }
	w, h := f.width*5/4&^1, f.height*5/4&^1
	var graph, labels strings.Builder
	n := 0
	for at := 0.0; at < f.seconds; n++ {
		length := min(pick(2.5, 3.5, 4.2, 5.6, 7.3), f.seconds-at)
		at += length
		texture := func(label string, grain float64, strength int, colour string) {
			fmt.Fprintf(&graph,
				"color=c=%s:s=%dx%d:r=%s,noise=c0s=%d:c1s=%d:c2s=%d:all_seed=%d,trim=end_frame=1,"+
					"format=yuv444p,scale=%d:%d:flags=bicubic[%s%d];",
				colour, max(2, w/int(grain)&^1), max(2, h/int(grain)&^1), filmRate, strength, strength/4, strength/4,
				dice.IntN(1e6), w, h, label,
				n)
		}
		texture("c", pick(60, 120, 200), 100, fmt.Sprintf("0x%06x", 0x404040+dice.IntN(0x808080)))
		texture("f", pick(6, 10, 16), 70, "gray")
		dx, dy := (dice.Float64()-0.5)*0.06*float64(f.width), (dice.Float64()-0.5)*0.04*float64(f.height)
		fmt.Fprintf(&graph,
			"[c%[1]d][f%[1]d]blend=all_mode=overlay:all_opacity=0.7,loop=-1:1,setpts=N/(%[2]s)/TB,trim=duration=%[3]g,"+
				`crop=%[4]d:%[5]d:x=clip(%[6]d+t*%.1[8]f\,0\,%[6]d*2):y=clip(%[7]d+t*%.1[9]f\,0\,%[7]d*2)[b%[1]d];`,
			n, filmRate, length, f.width, f.height, (w-f.width)/2, (h-f.height)/2, dx, dy)
		fmt.Fprintf(&graph, "testsrc2=s=%dx%d:r=%s:d=%g[o%d];", f.width/4&^1, f.height/3&^1, filmRate, length, n)
		fmt.Fprintf(&graph,
			"[b%[1]d][o%[1]d]overlay=x=%[2]d+%[3]d*sin(t+%[1]d):y=%[4]d+%[5]d*cos(t*1.3):shortest=1,"+
				"noise=alls=%[6]g:allf=t:all_seed=%[1]d,"+
				"format=yuv420p,setsar=1,settb=1/90000[s%[1]d];", n, f.width/3, f.width/5, f.height/3, f.height/9, pick(2, 3, 4, 5))
		fmt.Fprintf(&labels, "[s%d]", n)
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d:v=1,fps=%s,format=%s[v]", labels.String(), n, filmRate, pixels)
	return graph.String()
}

// again is the film several times, one behind the other, without encoding it anew.
func (f film) again(t *testing.T, count int) string {
	t.Helper()
	once := f.path(t)
	path := strings.TrimSuffix(once, ".mkv") + fmt.Sprintf("-%dx.mkv", count)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	list := path + ".txt"
	require.NoError(t, os.WriteFile(list, []byte(strings.Repeat("file 'file:"+once+"'\n", count)), 0o600))
	run(t, "ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", list, "-map", "0", "-c", "copy", "-f",
		"matroska", path+".tmp")
	require.NoError(t, os.Rename(path+".tmp", path))
	return path
}

//go:build linux

package media_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// part is some seconds of a film that is tried, of one kind.
type part struct {
	kind    string
	seconds int
	seed    uint64 // other pictures of the kind
}

const (
	tryWidth, tryHeight = 320, 180
	trySize             = "320x180"
)

// graphs make each kind of part: filters that end in [v].
var graphs = map[string]func(s part) string{
	"texture": func(s part) string {
		return film{tryWidth, tryHeight, 8, float64(s.seconds)}.scenes("yuv420p", s.seed)
	},
	"still": func(s part) string {
		return fmt.Sprintf("testsrc2=s=%s:r=%s:d=0.04,loop=-1:1,noise=alls=2:allf=t,setpts=N/(%[2]s)/TB,"+
			"trim=duration=%[3]d[v]", trySize, filmRate, s.seconds)
	},
	"credits": func(s part) string {
		return fmt.Sprintf("cellauto=s=%s:rate=%s:rule=110:scroll=1,trim=duration=%d,format=yuv420p[v]", trySize, filmRate,
			s.seconds)
	},
	"fast": func(s part) string {
		return fmt.Sprintf("mandelbrot=s=%s:rate=%s:maxiter=300,trim=duration=%d,format=yuv420p[v]", trySize,
			filmRate, s.seconds)
	},
	"noise": func(s part) string {
		return fmt.Sprintf("color=gray:s=%s:r=%s:d=%d,noise=alls=60:allf=t[v]", trySize, filmRate, s.seconds)
	},
}

// path makes the part once.
func (s part) path(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("distenc-bench-%d", os.Getuid()))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	path := filepath.Join(dir, fmt.Sprintf("scene-%s-%s-%d-%d.mkv", trySize, s.kind, s.seconds, s.seed))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	run(t, "ffmpeg", "-v", "error", "-y", "-filter_complex", graphs[s.kind](s),
		"-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=r=48000:a=0.05:c=pink:d=%d,aformat=channel_layouts=stereo", s.seconds),
		"-map", "[v]", "-map", "0:a", "-c:a", "aac", "-b:a", "96k", "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-x264-params", "keyint=240", "-f", "matroska", path+".tmp")
	require.NoError(t, os.Rename(path+".tmp", path))
	return path
}

// tried is a film that is tried, for so many seconds, and then encoded.
type tried struct {
	name    string
	scenes  []part
	seconds int
	encoder string
	options string
}

// path joins the film's scenes without encoding them anew.
func (f tried) path(t *testing.T) string {
	t.Helper()
	var list strings.Builder
	for _, s := range f.scenes {
		fmt.Fprintf(&list, "file 'file:%s'\n", s.path(t))
	}
	path := filepath.Join(t.TempDir(), f.name+".mkv")
	require.NoError(t, os.WriteFile(path+".txt", []byte(list.String()), 0o600))
	run(t, "ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", path+".txt", "-map", "0", "-c", "copy", path)
	return path
}

// triedFilms are one of each kind: alike all over and not, with credits, with noise at its end, short, long.
var triedFilms = []tried{
	{"even", textures(1, 4), 10, "x264", "--preset veryslow --crf 22"},
	{"uneven", []part{{"texture", 40, 5}, {"still", 20, 0}, {"fast", 20, 0}, {"texture", 40, 6}, {"noise", 4, 0},
		{"still", 20, 0}, {"fast", 20, 0}}, 10, "x264", "--preset veryslow --crf 22"},
	{"credits", append(textures(7, 3), part{"credits", 40, 0}), 12, "x265", "--preset slow --crf 26"},
	{"noise at the end", append(textures(10, 3), part{"noise", 10, 0}), 10, "x264", "--preset veryslow --crf 24"},
	{"short", textures(13, 1), 60, "svtav1", "--preset 5 --crf 35"},
	{"long", slices.Concat(textures(1, 4), []part{{"fast", 20, 0}}, textures(5, 5), []part{{"still", 20, 0}},
		textures(10, 4), []part{{"credits", 40, 0}}), 20, "svtav1", "--preset 8 --crf 35"},
}

// textures are scenes of 40 s, each with pictures of its own.
func textures(seed uint64, n int) (all []part) {
	for i := range n {
		all = append(all, part{"texture", 40, seed + uint64(i)})
	}
	return all
}

// estimate is what `distenc try` prints of one.
type estimate struct{ Value, Low, High float64 }

func (e estimate) off(real float64) float64 { return e.Value/real - 1 }

func (e estimate) holds(real float64) bool { return e.Low <= real && real <= e.High }

// TestTry: what `distenc try` says of a film against what `distenc encode` then makes of it.
func TestTry(t *testing.T) {
	only(t)
	fmt.Print("\n### What `distenc try` says against what `distenc encode` makes\n\n" +
		"| film | | encoded of it | size | said | off | holds | time | said | off |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	var size, wall float64
	held := 0
	for _, f := range triedFilms {
		said, part := f.try(t)
		bytes, seconds := f.encode(t)
		size, wall = size+math.Abs(said[0].off(bytes)), wall+math.Abs(said[1].off(seconds))
		holds := "no"
		if said[0].holds(bytes) {
			holds, held = "yes", held+1
		}
		fmt.Printf("| %s | %s | %.1f%% | %.2f MB | %.2f (%.2f to %.2f) | %+.1f%% | %s | %.1f s | %.1f s | %+.1f%% |\n",
			f.name, f.encoder, 100*part, bytes/1e6, said[0].Value/1e6, said[0].Low/1e6, said[0].High/1e6,
			100*said[0].off(bytes), holds, seconds, said[1].Value, 100*said[1].off(seconds))
	}
	n := float64(len(triedFilms))
	fmt.Printf("| mean | | | | | %.1f%% | %d of %d | | | %.1f%% |\n", 100*size/n, held, len(triedFilms), 100*wall/n)
}

// try returns what is said of size and time, and the part of the film that was encoded.
func (f tried) try(t *testing.T) (said [2]estimate, part float64) {
	t.Helper()
	args := append([]string{"try", f.path(t), "--seconds", fmt.Sprint(f.seconds), "--json", "--page",
		filepath.Join(t.TempDir(), "page.html"), "--encoder", f.encoder, "--"}, strings.Fields(f.options)...)
	var report struct {
		Frames   int
		Profiles []struct {
			Size    estimate
			Time    estimate
			Sampled int `json:"sampled_frames"`
		}
	}
	require.NoError(t, json.Unmarshal(run(t, binary, args...), &report))
	require.Len(t, report.Profiles, 1)
	p := report.Profiles[0]
	return [2]estimate{p.Size, p.Time}, float64(p.Sampled) / float64(report.Frames)
}

// encode returns the output's size in bytes and the seconds that it took.
func (f tried) encode(t *testing.T) (size, seconds float64) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.mkv")
	began := time.Now()
	run(t, binary, append([]string{"encode", f.path(t), "-o", out, "--encoder", f.encoder, "--"},
		strings.Fields(f.options)...)...)
	took := time.Since(began)
	info, err := os.Stat(out)
	require.NoError(t, err)
	return float64(info.Size()), took.Seconds()
}

package films

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reported are small films after public bug reports, by name, and what has to come out of each. Of every one there is
// a test here that makes a film like it; these are the very files, where DISTENC_TEST_REPORTED names a folder of them.
var reported = map[string]func(f *film, source, out, said string){
	"twos.mov": func(f *film, source, out, _ string) {
		require.Subset(f.t, []string{"pcm_s16le", "flac"}, f.probe(out, "a", "stream=codec_name"))
		samples := func(file string) string {
			return f.run("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-map", "0:a", "-c:a", "pcm_s16le", "-f", "md5", "-")
		}
		require.Equal(f.t, samples(source), samples(out))
	},
	"pal28.mkv": func(f *film, _, out, _ string) {
		require.Equal(f.t, []string{"bt470bg"}, f.probe(out, "v", "stream=color_transfer"))
	},
	"tscale120000.mp4":         sameTimes(0.001),
	"vfrtiny.mp4":              sameTimes(0.00005),
	"mpeg2-sarchange.mkv":      length(50),
	"mpeg2-sarchange-late.mkv": length(75),
	"mjpegfirst.mkv": func(f *film, source, out, _ string) {
		require.Equal(f.t, []string{"1", "144"}, f.packets(out))
		payload := func(file string) string {
			return f.run("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-map", "0:V:1", "-c", "copy", "-f", "md5", "-")
		}
		require.NotEqual(f.t, payload(source), payload(out), "it is encoded")
	},
	"oc.mkv": func(f *film, source, out, _ string) {
		said := f.run("mkvmerge", "-J", out)
		require.Contains(f.t, said, `"segment_uid": "a1b2c3d4e5f60718293a4b5c6d7e8f90"`)
		require.Contains(f.t, said, `"next_segment_uid": "00112233445566778899aabbccddeeff"`)
		require.Equal(f.t, f.xmlOf(source, "chapters"), f.xmlOf(out, "chapters"))
	},
	"alpha.webm": func(f *film, _, out, said string) {
		require.Contains(f.t, said, "The source's transparency is not kept")
		require.NotContains(f.t, strings.ToUpper(f.run("ffprobe", "-v", "error", "-show_streams", out)), "ALPHA_MODE")
	},
	"android.mp4": func(f *film, _, out, _ string) {
		require.Contains(f.t, f.run("mkvmerge", "-J", out), `"date_utc": "2019-05-04T10:11:12Z"`)
	},
	"lastlong.mp4": func(f *film, _, out, _ string) {
		require.Equal(f.t, []string{"12.520000"}, f.probe(out, "", "format=duration"))
	},
	"anim.gif": sameLength,
	"raw.264":  sameLength,
	"vtags.mkv": func(f *film, source, out, _ string) {
		require.NotEmpty(f.t, ownTags(f.xmlOf(source, "tags")))
		require.Equal(f.t, ownTags(f.xmlOf(source, "tags")), ownTags(f.xmlOf(out, "tags")))
	},
	"latin1srt.mkv": nil, // is refused
}

func length(n int) func(*film, string, string, string) {
	return func(f *film, _, out, _ string) {
		require.Equal(f.t, n, frames(f.t, out))
		require.Equal(f.t, []string{fmt.Sprint(n)}, f.packets(out))
	}
}

func sameLength(f *film, source, out, said string) { length(frames(f.t, source))(f, source, out, said) }

// sameTimes requires every frame of the source at its time, and at most so many seconds off.
func sameTimes(off float64) func(*film, string, string, string) {
	return func(f *film, source, out, _ string) {
		want, got := f.times(source), f.times(out)
		require.NotEmpty(f.t, want)
		require.InDeltaSlice(f.t, want, got, off)
		require.Len(f.t, got, len(want))
	}
}

// times are those of the film's frames, in seconds.
func (f *film) times(file string) (list []float64) {
	for _, text := range f.probe(file, "v", "packet=pts_time") {
		at, err := strconv.ParseFloat(text, 64)
		require.NoError(f.t, err)
		list = append(list, at)
	}
	slices.Sort(list)
	return list
}

// packets counts those of each video stream.
func (f *film) packets(file string) []string {
	return f.probe(file, "v", "stream=nb_read_packets", "-count_packets")
}

func TestReported(t *testing.T) {
	dir := os.Getenv("DISTENC_TEST_REPORTED")
	if dir == "" {
		t.Skip("DISTENC_TEST_REPORTED names no folder of films that were reported")
	}
	films, err := filepath.Glob(filepath.Join(dir, "*.*"))
	require.NoError(t, err)
	for _, film := range films {
		if name := filepath.Base(film); name != "README.md" {
			require.Contains(t, reported, name)
		}
	}
	for name, judge := range reported {
		t.Run(name, func(t *testing.T) {
			f := newFilm(t)
			film, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(f.path(name), film, 0o600))
			if judge == nil {
				require.Contains(t, f.refused(name, "out.mkv"), "The subtitles of track 2 are not in UTF-8")
				return
			}
			out, said := encoded(t, f.path(name))
			judge(f, f.path(name), out, said)
		})
	}
}

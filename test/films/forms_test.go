package films

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pictures of another aspect, size or scan within one stream: a decoder that goes on there loses a picture.
func TestFilmOfSeveralForms(t *testing.T) {
	const mpeg2, mpeg4 = "-c:v mpeg2video -bf 2 -g 12 -b:v 1M -f mpeg2video", "-c:v mpeg4 -bf 2 -g 12 -f mpegts"
	for name, c := range map[string]struct {
		first, second string // filter and options
		options       string
		seconds       [2]int
	}{
		"aspect":       {"setsar=12/11", "setsar=16/11", mpeg2, [2]int{1, 1}},
		"aspect, late": {"setsar=12/11", "setsar=16/11", mpeg2, [2]int{2, 1}},
		"size":         {"scale=176:144", "scale=352:288", mpeg2, [2]int{2, 1}},
		"scan":         {"null", "null -flags +ildct+ilme", mpeg2, [2]int{2, 1}},
		"no B-frames":  {"setsar=12/11", "setsar=16/11", mpeg2 + " -bf 0", [2]int{2, 1}},
		"MPEG-4":       {"scale=176:144", "scale=352:288", mpeg4, [2]int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			joined := filepath.Join(dir, "joined.m2v")
			for i, filter := range []string{c.first, c.second} {
				part := filepath.Join(dir, "part.m2v")
				ffmpeg(t, fmt.Sprintf("-f lavfi -i testsrc2=s=176x144:r=25:d=%d -vf %s %s -output_ts_offset %d",
					c.seconds[i], filter, c.options, 3*i), part)
				appendFile(t, joined, part)
			}
			film := filepath.Join(dir, "film.mkv")
			if c.options == mpeg4 { // mkvmerge reads no bare stream of it
				ffmpeg(t, "-fflags +genpts -i", joined, "-c", "copy", film)
			} else {
				tool(t, "mkvmerge", "-q", "-o", film, joined)
			}
			out, _ := encoded(t, film)
			require.Equal(t, 25*(c.seconds[0]+c.seconds[1]), frames(t, out))

			mp4 := filepath.Join(dir, "film.mp4")
			ffmpeg(t, "-i", film, "-c", "copy", mp4)
			out, _ = encoded(t, mp4)
			require.Equal(t, streams(t, mp4)[0].Packets, fmt.Sprint(frames(t, out))) // ffmpeg leaves two of MPEG-4's out
		})
	}
}

func appendFile(t *testing.T, to, from string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	f, err := os.OpenFile(to, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = f.Write(b)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// What is no film stands in front of it: it is kept where it is.
func TestPictureInFrontOfTheFilm(t *testing.T) {
	for name, picture := range map[string]string{"mjpeg": "-c:v:0 mjpeg -q:v:0 3", "h264": "-c:v:0 libx264"} {
		for _, container := range []string{"mkv", "mp4"} {
			t.Run(name+" in "+container, func(t *testing.T) {
				t.Parallel()
				film := filepath.Join(t.TempDir(), "film."+container)
				ffmpeg(t, "-f lavfi -i testsrc=s=160x90:r=25:d=0.04 -f lavfi -i testsrc2=s=320x180:r=25:d=3 -f lavfi -i sine=d=3 "+
					"-map 0 -map 1 -map 2 "+picture+" -c:v:1 libx264 -preset:v ultrafast -c:a aac", film)
				out, _ := encoded(t, film)
				all := streams(t, out)
				require.Len(t, all, 3)
				require.Equal(t, []any{160, "1"}, []any{all[0].Width, all[0].Packets})
				require.Equal(t, []any{320, "75", "h264"}, []any{all[1].Width, all[1].Packets, all[1].Codec})
				require.Equal(t, "aac", all[2].Codec)
			})
		}
	}
}

// Of several programs that of the film is kept, and what belongs to the other one is told.
func TestOneOfSeveralPrograms(t *testing.T) {
	film := filepath.Join(t.TempDir(), "film.ts")
	ffmpeg(t, "-f lavfi -i testsrc2=s=320x180:r=25:d=3 -f lavfi -i sine=d=3 -f lavfi -i testsrc2=s=160x90:r=25:d=3 -f "+
		"lavfi -i sine=d=3 "+
		"-map 0 -map 1 -map 2 -map 3 -c:v libx264 -preset ultrafast -c:a:0 mp2 -c:a:1 ac3 -program title=One:st=0:st=1 "+
		"-program title=Two:st=2:st=3", film)
	out, said := encoded(t, film)
	require.Contains(t, said, `The file has 2 programs; 1 ("One"), that of the video that is encoded, is kept.`)
	for _, lost := range []string{"video track 2 (h264)", "audio track 3 (ac3)"} {
		require.Contains(t, said, lost+` is left out: it belongs to another program, 2 ("Two")`)
	}
	require.NotContains(t, said, "audio track 1 ", "it belongs to the film")
	all := streams(t, out)
	require.Len(t, all, 2)
	require.Equal(t, []any{320, "75"}, []any{all[0].Width, all[0].Packets})
	require.Equal(t, "mp2", all[1].Codec)
}

// What ffprobe calls bt470bg, ffmpeg takes as gamma28.
func TestColoursOfPAL(t *testing.T) {
	film := filepath.Join(t.TempDir(), "film.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=160x90:r=25:d=1 -c:v libx264 -color_primaries bt470bg -color_trc gamma28 "+
		"-colorspace bt470bg", film)
	out, _ := encoded(t, film)
	require.Equal(t, "bt470bg", streams(t, out)[0].Transfer)
	require.Equal(t, 25, frames(t, out))
}

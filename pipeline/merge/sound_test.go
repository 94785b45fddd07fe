package merge

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// clicks returns when an audio track clicks, in milliseconds from zero as the container counts.
func clicks(t *testing.T, path string, track int) (at []float64) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", path, "-map", fmt.Sprintf("0:a:%d", track),
		"-af", "aresample=48000:async=1:first_pts=0:min_hard_comp=0.001", "-ac", "1", "-f", "s16le", "-")
	cmd.Stdout = &out
	require.NoError(t, cmd.Run())
	quiet := 0
	for i := 0; i+1 < out.Len(); i += 2 {
		v := int16(binary.LittleEndian.Uint16(out.Bytes()[i:]))
		if quiet++; math.Abs(float64(v)) > 8000 {
			if quiet > 4800 || len(at) == 0 {
				at = append(at, float64(i/2)/48)
			}
			quiet = 0
		}
	}
	return at
}

// clicking makes a film with two audio tracks that click every two seconds, one of them 125 ms late, with a
// custom tag, and text.
func clicking(t *testing.T, dir string) string {
	in := func(name string) string { return filepath.Join(dir, name) }
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=7 -c:v libx264 -preset ultrafast -g 25 -bf 2", in("v.mkv"))
	for _, name := range []string{"a.flac", "b.wav"} {
		ffmpeg(t, `-f lavfi -i`, `aevalsrc='if(lt(mod(t,2),0.002),0.9,0)':s=44100:d=6.5`, in(name))
	}
	src := in("clicks.mkv")
	tags := `<?xml version="1.0"?><Tags><Tag><Simple><Name>MOOD</Name><String>glad</String></Simple></Tag></Tags>`
	run(t, "mkvmerge", "-q", "-o", src, "--tags", "0:"+write(t, in("mood.xml"), tags), in("v.mkv"), "--language",
		"0:pt-BR", "--track-name", "0:Dub",
		"--tags", "0:"+in("mood.xml"), "--sync", "0:125", in("a.flac"),
		write(t, in("s.srt"), "1\n00:00:02,000 --> 00:00:02,500\nHello\n"),
		"--language", "0:de", "--default-track-flag", "0:0", in("b.wav"))
	return src
}

func TestSoundIsEncodedWhereItWas(t *testing.T) {
	dir := t.TempDir()
	src := clicking(t, dir)
	mp4 := filepath.Join(dir, "clicks.mp4") // its audio begins late, by an empty edit
	ffmpeg(t, "-i", src, "-map", "0:v", "-map", "0:a", "-c:v", "copy", "-c:a", "aac", "-video_track_timescale", "1000",
		mp4)
	for _, source := range []string{src, mp4} {
		for _, container := range []string{containerMKV, containerMP4} {
			t.Run(filepath.Ext(source)+" to "+container, func(t *testing.T) {
				j := encode(t, source, container)
				j.req.Plan.Settings.Audio, j.req.Plan.Settings.Subtitles = pipeline.Audio{AAC: 96}, "none"
				out := j.merge(t)
				require.Contains(t, strings.Join(j.limits(t), "\n"), "becomes AAC with 96kbit/s: the profile asks for it")
				for track := range 2 {
					want, got := clicks(t, source, track), clicks(t, j.req.Out, track)
					require.Len(t, got, len(want))
					for i := range want {
						require.InDelta(t, want[i], got[i], 3, "click %d of track %d", i, track)
					}
				}
				f := probe(t, j.req.Out)
				var kinds []string
				for _, s := range f.Streams {
					kinds = append(kinds, s.Codec)
				}
				require.Equal(t, []string{"h264", "aac", "aac"}, kinds)
				require.Equal(t, probe(t, source).Streams[1].Tags["language"], f.Streams[1].Tags["language"])
				again, err := Verify(t.Context(), j.tools, source, j.req.Out,
					Asked{Audio: pipeline.Audio{AAC: 96}, Subtitles: "none"})
				require.NoError(t, err)
				require.True(t, again.OK(), again.Text())
				plain, err := Verify(t.Context(), j.tools, source, j.req.Out, Asked{})
				require.NoError(t, err)
				require.False(t, plain.OK(), "nobody asked for it")
				require.True(t, out.Report.OK())
			})
		}
	}
}

func TestTagsOfTracksAreKept(t *testing.T) {
	src := clicking(t, t.TempDir())
	j := encode(t, src, containerMKV)
	j.req.Plan.Settings.Audio = pipeline.Audio{AAC: 96}
	text := j.merge(t).Report.Text()
	require.NotContains(t, text, "tags lost")
	got, err := identify(t.Context(), j.tools, j.req.Out)
	require.NoError(t, err)
	require.Equal(t, []string{"pt-BR", "Dub", "true"}, []string{got.tracks[1].text("language_ietf"),
		got.tracks[1].text("track_name"), got.tracks[1].text("default_track")})
	require.Equal(t, []string{"video", "audio", "subtitles", "audio"},
		[]string{got.tracks[0].Type, got.tracks[1].Type, got.tracks[2].Type, got.tracks[3].Type})
	require.Equal(t, "false", got.tracks[3].text("default_track"))
	for _, i := range []int{0, 1} {
		require.Equal(t, map[string]string{"mood": "glad"}, trackTags(probe(t, j.req.Out).Streams[i]))
	}
	j.req.Plan.Settings.Container = containerMP4
	require.Contains(t, strings.Join(j.limits(t), "\n"), "MP4 holds no tags of a track, those of video track 0 (h264) "+
		"are left out: mood")
}

func TestWhatCannotBeConvertedIsToldFirst(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -preset ultrafast -c:a flac", src)
	f := probe(t, src)
	require.NoError(t, TryConverted(t.Context(), findTools(t), src, f,
		pipeline.Settings{Container: "mkv", Audio: pipeline.Audio{AAC: 160}}))
	f.Streams[1].Index = 7 // there is none
	err := TryConverted(t.Context(), findTools(t), src, f, pipeline.Settings{Container: "mkv",
		Audio: pipeline.Audio{AAC: 160}})
	var refusal *pipeline.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Contains(t, refusal.Reason, "The audio track 7 (flac) can't be converted to AAC (")
}

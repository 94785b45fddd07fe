package sample

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

func settings(encoder, options string) pipeline.Settings {
	return pipeline.Settings{Profile: encoder, Encoder: encoder, Options: options, Container: pipeline.MKV, Chunk: 5}
}

// made makes a film of 20 seconds: still pictures, moving ones, noise, and sound.
func made(t *testing.T) string {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "film.mkv")
	_, err = tools.RunFFmpeg(t.Context(), media.Limits{}, "-filter_complex",
		"testsrc2=s=128x96:r=25:d=0.04,loop=-1:1,setpts=N/25/TB,trim=duration=8,format=yuv420p[a];"+
			"mandelbrot=s=128x96:r=25,trim=duration=8,format=yuv420p,setsar=1[b];"+
			"color=gray:s=128x96:r=25:d=4,noise=alls=60:allf=t,format=yuv420p[c];[a][b][c]concat=n=3[v]",
		"-f", "lavfi", "-i", "sine=d=20", "-map", "[v]", "-map", "0:a", "-c:a", "flac", "-c:v", "libx264", "-preset",
		"ultrafast", "-g", "50", "-f", "matroska", media.URL(path))
	require.NoError(t, err)
	return path
}

func take(t *testing.T, path string, how time.Duration, all ...pipeline.Settings) *Sample {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	s, err := Take(t.Context(), tools, Request{
		Path: path, Dir: t.TempDir(), Settings: all, Time: how, Slots: 2, Threads: 1,
	})
	require.NoError(t, err)
	return s
}

// What there is no time for is estimated from one round; what there is time for is counted.
func TestASampleAndTheWhole(t *testing.T) {
	path := made(t)
	x264, x265 := settings("x264", "--preset ultrafast --crf 24"), settings("x265", "--preset ultrafast --crf 30")
	part := take(t, path, time.Nanosecond, x264, x265)
	whole := take(t, path, time.Hour, x264, x265)
	require.Equal(t, 500, part.Frames)
	require.InDelta(t, 20, part.Seconds, 0.1)
	for i, c := range part.Candidates {
		real := whole.Candidates[i]
		require.False(t, c.Whole)
		require.True(t, real.Whole)
		require.Equal(t, 500, real.Sampled())
		require.Less(t, c.Sampled(), 250)
		require.Less(t, c.Size.Low, c.Size.Value)
		require.Less(t, c.Size.Value, c.Size.High)
		require.Equal(t, real.Size.Low, real.Size.High, "it was counted")
		require.InDelta(t, 1, c.Size.Value/real.Size.Value, 0.5)
		require.InDelta(t, real.SSIM, c.SSIM, 0.1)
		require.LessOrEqual(t, real.Worst.SSIM, real.SSIM)
		require.Positive(t, c.Work.Value)
	}
}

// Films that are shorter than a cell are encoded whole, also one of a single picture.
func TestAShortFilm(t *testing.T) {
	for name, frames := range map[string]int{"one-frame.mkv": 1, "two-frames.mkv": 2} {
		set := settings("x264", "--preset ultrafast --crf 24")
		set.Crop.Auto = true
		s := take(t, corpus.Make(t, name), time.Hour, set)
		require.Equal(t, frames, s.Frames)
		require.Positive(t, s.Seconds)
		require.True(t, s.Candidates[0].Whole)
	}
}

// Each candidate's worst picture comes first, beside the source's, and all of them are pictures of that size.
func TestTheWorstPictures(t *testing.T) {
	tablet := settings("x264", "--preset ultrafast --crf 40")
	tablet.Scale = pipeline.Scale{Width: 64, Height: 64}
	s := take(t, made(t), time.Nanosecond, settings("x264", "--preset ultrafast --crf 20"), tablet)
	worst := map[int]bool{}
	for i, m := range s.Moments {
		require.Len(t, m.Results, 2)
		for _, r := range m.Results {
			if r.Worst {
				worst[r.Candidate] = true
				require.Equal(t, s.Candidates[r.Candidate].Worst.SSIM, r.SSIM)
				require.Less(t, i, 2, "the candidates' worst come first")
			}
		}
		for picture, width := range map[*[]byte]int{&m.Source: 128, &m.Results[0].Picture: 128, &m.Results[1].Picture: 64} {
			image, err := jpeg.DecodeConfig(bytes.NewReader(*picture))
			require.NoError(t, err)
			require.Equal(t, width, image.Width)
		}
	}
	require.Len(t, worst, 2)
}

// Settings that the film can't be encoded with are told apart from a film that can't be encoded at all.
func TestRefusals(t *testing.T) {
	small := settings("svtav1", "--preset 12")
	small.Scale = pipeline.Scale{Width: 32, Height: 32}
	s := take(t, made(t), time.Nanosecond, small, settings("x264", "--preset ultrafast"))
	require.Contains(t, s.Candidates[0].Refused, "svtav1 takes none below 64×64")
	require.Empty(t, s.Candidates[1].Refused)
	require.Positive(t, s.Candidates[1].Size.Value)

	junk := filepath.Join(t.TempDir(), "junk.mkv")
	require.NoError(t, os.WriteFile(junk, []byte("no film"), 0o600))
	tools, err := media.Find(nil)
	require.NoError(t, err)
	_, err = Take(t.Context(), tools, Request{Path: junk, Dir: t.TempDir(), Settings: []pipeline.Settings{small}})
	require.ErrorAs(t, err, new(*pipeline.Refusal))
}

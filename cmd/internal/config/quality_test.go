package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

var vmaf95 = pipeline.Quality{Metric: pipeline.VMAF, Target: 95}

// What says how many bits there are takes the place of what has said so before.
func TestAQualityStandsInPlaceOfARate(t *testing.T) {
	c, err := Load(Source{File: write(t, `
		[profiles.default]
		quality = "vmaf 95"
		[profiles.plain]
		quality = "none"
		[profiles.fixed]
		x264 = "-q30 --preset 'fast'"
		[profiles.av1]
		svtav1 = "--preset 6"
		[profiles.ssim]
		quality = "ssim 0.985"`)})
	require.NoError(t, err)
	for name, want := range map[string]pipeline.Settings{
		"default": {Options: "--preset slow --profile high", Quality: vmaf95},
		"plain":   {Options: "--preset slow --profile high"},
		"fixed":   {Options: "-q30 --preset 'fast'"},
		"av1":     {Encoder: "svtav1", Options: "--preset 6", Quality: vmaf95},
		"ssim":    {Options: "--preset slow --profile high", Quality: pipeline.Quality{Metric: "ssim", Target: 0.985}},
	} {
		p, _ := c.Profile(name)
		if want.Encoder == "" {
			want.Encoder = "x264"
		}
		require.Equal(t, want, pipeline.Settings{Encoder: p.Encoder, Options: p.Options, Quality: p.Quality}, name)
	}

	fixed, _ := c.Profile("fixed")
	wanted := Choices{"quality": "xpsnr 42"}.Over(fixed)
	require.Equal(t, "--preset fast", wanted.Options)
	require.Equal(t, pipeline.Quality{Metric: "xpsnr", Target: 42}, wanted.Quality)
	require.Equal(t, fixed, Choices{"quality": "none"}.Over(fixed))
	require.Empty(t, Choices{"x264": "--bitrate 900"}.Over(wanted).Quality)
	require.Equal(t, wanted.Quality, Choices{"x264": "--preset slower"}.Over(wanted).Quality)
	rated, scored := Choices{"x264": "--bitrate 900"}, Choices{"quality": "vmaf 95"}
	require.Equal(t, rated, scored.With(rated))
	require.Equal(t, Choices{"x264": "", "quality": "vmaf 95"}, rated.With(scored))
}

func TestAQualityAndARateAreAMistake(t *testing.T) {
	const both = "can't be set beside --bitrate among the encoder's options, which says that too: leave one out"
	file := write(t, "[profiles.P]\nx264 = '--preset fast -B 900'\n\nquality = 'vmaf 95'")
	_, err := Load(Source{File: file})
	require.EqualError(t, err, file+":4: profiles.p.quality: "+both)
	_, err = ParseSidecar("s", []byte("quality = 'vmaf 95'\nx264 = '-B 900'"))
	require.EqualError(t, err, "s:1: quality: "+both)
	require.EqualError(t, Choices{"quality": "vmaf 95", "x264": "-B 900"}.Check(), "quality "+both)
	require.NoError(t, Choices{"quality": "none", "x264": "-B 900"}.Check())
	for text, want := range map[string]string{
		"vmaf":     `s:1: quality: must be "none", or a metric and a score such as "vmaf 95"`,
		"psnr 40":  `s:1: quality: must be "none", or a metric`,
		"vmaf NaN": `s:1: quality: must be "none", or a metric`,
		"vmaf 1e1": `s:1: quality: must be "none", or a metric`,
		"ssim 98":  `s:1: quality: must be from 0.5 to 0.9999 for ssim, is 98`,
	} {
		_, err := ParseSidecar("s", []byte("quality = '"+text+"'"))
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, Choices{"quality": text}.Check(), "quality must be ")
	}
}

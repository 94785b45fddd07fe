package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// Of what decides how many bits there are, the latest word counts.
func TestASizeStandsInPlaceOfARateAndOfAQuality(t *testing.T) {
	c, err := Load(Source{File: write(t, `
		[profiles.default]
		size = "60%"
		[profiles.even]
		quality = "vmaf 95"
		[profiles.fixed]
		x264 = "-q30 --preset 'fast'"
		[profiles.plain]
		size = "none"`)})
	require.NoError(t, err)
	part, slow := pipeline.Size{Amount: 60, Unit: "%"}, "--preset slow --profile high"
	for name, want := range map[string]pipeline.Settings{
		"default": {Options: slow, Size: part},
		"even":    {Options: slow, Quality: vmaf95},
		"fixed":   {Options: "-q30 --preset 'fast'"},
		"plain":   {Options: slow},
	} {
		p, _ := c.Profile(name)
		require.Equal(t, want, pipeline.Settings{Options: p.Options, Quality: p.Quality, Size: p.Size}, name)
	}
	even, _ := c.Profile("even")
	sized := Choices{"size": "2500k"}.Over(even)
	require.Equal(t, pipeline.Size{Amount: 2500, Unit: "k"}, sized.Size)
	require.Empty(t, sized.Quality)
	require.Empty(t, Choices{"x264": "--bitrate 900"}.Over(sized).Size)
	require.Equal(t, Choices{"svtav1": "", "size": "4GB"},
		Choices{"x264": "--crf 9", "quality": "vmaf 95"}.With(Choices{"svtav1": "", "size": "4GB"}))
	require.Equal(t, Choices{"x264": "--preset fast", "size": "4GB"},
		Choices{"x264": "--crf 9 --preset fast", "quality": "vmaf 95"}.With(Choices{"size": "4GB"}))
}

func TestTwoWishesAreAMistake(t *testing.T) {
	file := write(t, "[profiles.P]\nx264 = '--preset fast -B 900'\n\nsize = '4GB'")
	_, err := Load(Source{File: file})
	require.ErrorContains(t, err, file+":4: profiles.p.size: can't be set beside --bitrate among the encoder's options")
	_, err = ParseSidecar("s", []byte("quality = 'vmaf 95'\nsize = '4GB'"))
	require.EqualError(t, err, "s:2: size: can't be set beside quality: either decides how many bits there are, "+
		"so leave one out")
	require.ErrorContains(t, Choices{"size": "4GB", "x264": "--crf 9"}.Check(), "size can't be set beside --crf")
}

// A file's announced size and the size that its film may have are both in a sidecar.
func TestAnAnnouncedSizeStandsBesideAWantedOne(t *testing.T) {
	for text, want := range map[string]Sidecar{
		"size = 123":                       {Size: 123},
		"bytes = 123":                      {Size: 123},
		"size = '4GB'":                     {Choices: Choices{"size": "4GB"}},
		"size = '4GB'\nbytes = 1234567890": {Choices: Choices{"size": "4GB"}, Size: 1234567890},
	} {
		s, err := ParseSidecar("s", []byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, s, text)
		b, err := s.Encode()
		require.NoError(t, err)
		again, err := ParseSidecar("s", b)
		require.NoError(t, err, "%s", b)
		require.Equal(t, want, again)
	}
	b, err := Sidecar{Size: 123}.Encode()
	require.NoError(t, err)
	require.Equal(t, "size = 123\n", string(b), "earlier versions read it so")
	_, err = ParseSidecar("s", []byte("size = -1"))
	require.ErrorContains(t, err, "must be at least 0")
}

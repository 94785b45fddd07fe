package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// standard is what [profiles.default] has where nothing is set.
func standard(name string) pipeline.Settings {
	return pipeline.Settings{
		Profile: name, Encoder: "x264", Options: "--preset slow --profile high --crf 18", Container: "mkv",
		Subtitles: "copy", Deinterlace: "no",
		Odd: "refuse", Pieces: "copy", Disposal: "archive",
	}
}

func TestProfilesInheritFromDefault(t *testing.T) {
	c, err := Load(Source{File: write(t, `
		[profiles.default]
		container = "mp4"
		[profiles.Tablet]
		x264 = "--crf 21"
		["profiles"."v1.2_x"]
		container = "mkv"
		x264 = ""`)})
	require.NoError(t, err)
	require.Equal(t, []string{"default", "tablet", "v1.2_x"}, c.ProfileNames())
	plain, tablet, third := standard("default"), standard("tablet"), standard("v1.2_x")
	plain.Container, tablet.Container, tablet.Options = "mp4", "mp4", "--crf 21"
	for name, want := range map[string]pipeline.Settings{"default": plain, "TABLET": tablet, "V1.2_x": third} {
		p, ok := c.Profile(name)
		require.True(t, ok, name)
		require.Equal(t, want, p)
	}
	_, ok := c.Profile("phone")
	require.False(t, ok)
}

func TestASidecarIsStrongerThanTheProfile(t *testing.T) {
	p := standard("tablet")
	require.Equal(t, p, Sidecar{Profile: "other", Priority: 3}.Over(p))
	want := p
	want.Options, want.Container, want.Audio = "--crf 1", "mp4", pipeline.Audio{AAC: 96}
	require.Equal(t, want, Choices{"x264": "--crf 1", "container": "mp4", "audio": "aac 96k"}.Over(p))
}

// One encoder's options are nothing to another one.
func TestAProfileOfAnotherEncoderInheritsNoOptions(t *testing.T) {
	share := shareWith(t, `
		[profiles.default]
		audio = "aac 96k"
		[profiles.small]
		x265 = ""
		[profiles.mine]
		x265 = "--crf 26"`)
	c, err := Load(Source{File: write(t, `
		share = "`+share+`"
		[profiles.mine]
		x264 = "--crf 20"`)})
	require.NoError(t, err)
	small, _ := c.Profile("small")
	require.Equal(t, []string{"x265", "", "aac 96k"}, []string{small.Encoder, small.Options, small.Audio.String()})
	mine, _ := c.Profile("mine")
	require.Equal(t, []string{"x264", "--crf 20"}, []string{mine.Encoder, mine.Options}, "the machine's file is stronger")

	small.Options = "--preset fast"
	require.Equal(t, small, Choices{"x265": ""}.Over(small), "the same encoder keeps its options")
	require.Empty(t, Choices{"x264": ""}.Over(small).Options)
}

func TestAVideoHasOneEncoder(t *testing.T) {
	file := write(t, "[profiles.P]\naudio = 'copy'\nx265 = '--crf 1'\n\nx264 = ''")
	_, err := Load(Source{File: file})
	require.EqualError(t, err, file+":5: profiles.p.x264: can't be set beside x265: a video has one encoder")
	require.ErrorAs(t, err, new(*Error))
	_, err = ParseSidecar("s", []byte("x264 = ''\nx265 = ''"))
	require.EqualError(t, err, "s:2: x265: can't be set beside x264: a video has one encoder")
	_, err = Load(Source{File: write(t, "share = '"+shareWith(t, "profiles.P = {x264 = '', x265 = ''}")+"'")})
	require.ErrorContains(t, err, "distenc.toml:1: profiles.p.x265: can't be set beside x264: a video has one encoder")
	_, err = Load(Source{File: write(t, "[profiles.p]\nx266 = ''")})
	require.ErrorContains(t, err, ":2: profiles.p.x266: unknown key; did you mean profiles.p.x26")
}

package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProfilesInheritFromDefault(t *testing.T) {
	c, err := Load(Source{File: write(t, `
		[profiles.default]
		container = "mp4"
		[profiles.Tablet]
		x264 = "--crf 21"
		["profiles"."v1.2_x"]
		container = "mkv"`)})
	require.NoError(t, err)
	require.Equal(t, []string{"default", "tablet", "v1.2_x"}, c.ProfileNames())
	for name, want := range map[string]Profile{
		"default": {Name: "default", X264: profileDefaults.X264, Container: "mp4", Audio: "copy", Subtitles: "copy", Scale: "none", Deinterlace: "no", Odd: "refuse"},
		"TABLET":  {Name: "tablet", X264: "--crf 21", Container: "mp4", Audio: "copy", Subtitles: "copy", Scale: "none", Deinterlace: "no", Odd: "refuse"},
		"V1.2_x":  {Name: "v1.2_x", X264: profileDefaults.X264, Container: "mkv", Audio: "copy", Subtitles: "copy", Scale: "none", Deinterlace: "no", Odd: "refuse"},
	} {
		p, ok := c.Profile(name)
		require.True(t, ok, name)
		require.Equal(t, want, p)
	}
	_, ok := c.Profile("phone")
	require.False(t, ok)
}

func TestASidecarIsStrongerThanTheProfile(t *testing.T) {
	p := Profile{Name: "tablet", X264: "--crf 21", Container: "mkv", Audio: "copy"}
	require.Equal(t, p, p.With(Sidecar{Profile: "other", Priority: 3}))
	require.Equal(t, Profile{Name: "tablet", X264: "--crf 1", Container: "mp4", Audio: "copy"},
		p.With(Sidecar{X264: "--crf 1", Container: "mp4"}))
}

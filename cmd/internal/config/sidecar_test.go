package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

func TestNobodyTakesASidecarForASource(t *testing.T) {
	require.True(t, watcher.Ignored(pipeline.SidecarBeside("a.mkv")))
}

func TestSidecarSurvivesEncoding(t *testing.T) {
	for _, s := range []Sidecar{
		{},
		{
			Choices: Choices{
				"x264": `--crf 20 --x "q\"`, "container": "mp4", "audio": "aac 96k", "subtitles": "none",
				"crop": "auto", "scale": "640x480 enlarge", "deinterlace": "yes", "odd": "pad",
				"quality": "none", "size": "4.3GB", "max_size": "95%",
			},
			Profile: "Tablet", Priority: -3, Again: true, Nonce: "abcd1234", Size: 1 << 40,
		},
	} {
		data, err := s.Encode()
		require.NoError(t, err)
		back, err := ParseSidecar("x", data)
		require.NoError(t, err)
		require.Equal(t, s, back)
	}
}

func TestSidecarMistakes(t *testing.T) {
	for toml, want := range map[string]string{
		"\nprofil = 'a'":     `s.toml:2: profil: unknown key; did you mean profile?`,
		"zzzzzz = 1":         `s.toml:1: zzzzzz: unknown key; known are again, audio, bytes, container, crop, dates, deinterlace, max_size, name, nonce, odd, paused, priority, profile, quality, scale, size, subtitles, svtav1, x264`,
		"profile = '../etc'": `s.toml:1: profile: is no profile name`,
		"x264 = 3":           `s.toml:1: x264: wants a text in quotes`,
		"container = 'avi'":  `s.toml:1: container: must be mkv or mp4, is "avi"`,
		"audio = 'aac'":      `s.toml:1: audio: must be "copy" or "aac" and a bit rate from 32k to 512k`,
		"again = 'yes'":      `s.toml:1: again: wants true or false`,
		"Priority = 1001":    `s.toml:1: priority: must be between -1000 and 1000, is 1001`,
		"priority = '1'":     `s.toml:1: priority: wants a whole number, without quotes`,
		"nonce = 'A b'":      `s.toml:1: nonce: must be 4 to 16`,
		"size = -1":          `s.toml:1: size: must be at least 0, is -1`,
		"x264":               `s.toml:1: `,
		"# " + strings.Repeat("x", pipeline.MaxSidecar): `is larger than`,
	} {
		_, err := ParseSidecar("s.toml", []byte(toml))
		require.ErrorContains(t, err, want)
		require.ErrorAs(t, err, new(*Error))
	}
}

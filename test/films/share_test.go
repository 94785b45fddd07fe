package films

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/test/corpus"
)

// published is an output, the certificate that says how it was made, and where its chunks begin, as frames.
type published struct {
	file, certificate string
	seams             []int
}

// farmed sends a film of that many seconds through a share, with each encoder into each container, and returns the
// outputs by names such as "x264.mp4".
func farmed(t *testing.T, seconds int) map[string]published {
	t.Helper()
	share := filepath.Join(t.TempDir(), "share")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), distenc, args...)
		cmd.Env = append(os.Environ(), "DISTENC_SHARE="+share, "DISTENC_SPLIT_CHUNK=3s")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "distenc %q\n%s", args, out)
	}
	run("init", share)
	var text strings.Builder
	for _, e := range encoder.All() {
		for _, container := range []string{"mkv", "mp4"} {
			fmt.Fprintf(&text, "[profiles.%s-%s]\ncontainer = %q\n%s = ''\n", e.Name(), container, container, e.Name())
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(share, "distenc.toml"), []byte(text.String()), 0o644))
	for _, e := range encoder.All() {
		for _, container := range []string{"mkv", "mp4"} {
			run("add", corpus.Film(t, seconds), "--again", "--profile", e.Name()+"-"+container, "--", "--preset",
				fastest[e.Name()])
		}
	}
	run("run", "--until-idle")
	all := map[string]published{}
	certificates, err := filepath.Glob(filepath.Join(share, "jobs", "*", "certificate.json"))
	require.NoError(t, err)
	for _, name := range certificates {
		var c struct {
			Settings struct{ Encoder, Options, Container string }
			Encoder  string
			Chunks   []struct {
				Frames  int
				Encoder string
			}
		}
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &c))
		p, first := published{certificate: name}, 0
		require.Greater(t, len(c.Chunks), 1)
		for _, chunk := range c.Chunks {
			require.Equal(t, c.Encoder, chunk.Encoder)
			if first += chunk.Frames; len(p.seams) < len(c.Chunks)-1 {
				p.seams = append(p.seams, first)
			}
		}
		require.Regexp(t, versions[c.Settings.Encoder], c.Encoder)
		require.Equal(t, "--preset "+fastest[c.Settings.Encoder], c.Settings.Options)
		report, err := os.ReadFile(filepath.Join(filepath.Dir(name), "report.txt"))
		require.NoError(t, err)
		require.Contains(t, string(report), fmt.Sprintf("settings  profile %s-%s: %s %s\n", c.Settings.Encoder,
			c.Settings.Container, c.Settings.Encoder, c.Settings.Options))
		var where struct{ Output string }
		data, err = os.ReadFile(filepath.Join(filepath.Dir(name), "published"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &where))
		p.file = filepath.Join(share, "outbox", where.Output)
		all[c.Settings.Encoder+"."+c.Settings.Container] = p
	}
	require.Len(t, all, 2*len(encoder.All()))
	return all
}

// fastest is the preset with which each encoder takes least time.
var fastest = map[string]string{"x264": "veryfast", "x265": "veryfast", "svtav1": "10"}

// versions are how the encoders' versions begin in a certificate.
var versions = map[string]string{"x264": "^x264 core [0-9]", "x265": "^x265 [0-9]", "svtav1": "^SVT-AV1 v?[0-9]"}

// ffprobe finds each encoder's codec under the name that players want, and the program finds nothing wrong.
func TestEachEncoderOnAShare(t *testing.T) {
	outputs := farmed(t, 6)
	for _, e := range encoder.All() {
		for _, container := range []string{"mkv", "mp4"} {
			p := outputs[e.Name()+"."+container]
			video := streams(t, p.file)[0]
			require.Equal(t, e.Codec(), video.Codec)
			require.Equal(t, "144", video.Packets)
			if container == "mp4" {
				require.Equal(t, map[string]string{"x264": "avc1", "x265": "hvc1", "svtav1": "av01"}[e.Name()], video.Tag)
			}
			said := tool(t, distenc, "verify", corpus.Film(t, 6), p.file, "--certificate", p.certificate)
			require.NotContains(t, said, "FAIL")
		}
	}
}

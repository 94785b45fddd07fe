package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/steer"
)

// Whoever names an encoder, in a profile, beside a film or on the command line, has none of another one's options.
func TestOneEncodersOptionsAreNothingToAnother(t *testing.T) {
	file := filepath.Join(t.TempDir(), "distenc.toml")
	require.NoError(t, os.WriteFile(file, []byte(`
		[profiles.default]
		x264 = "--crf 18"
		[profiles.archive]
		x265 = "--crf 26"
		[profiles.bare]
		x265 = ""
		[profiles.loud]
		audio = "aac 96k"`), 0o644))
	cfg, err := config.Load(config.Source{File: file})
	require.NoError(t, err)
	f := &farm{live: holding(cfg)}
	for _, c := range []struct{ folder, sidecar, wished, options, want string }{
		{"", "", "", "", "x264 --crf 18"},
		{"archive", "", "", "", "x265 --crf 26"},
		{"bare", "", "", "", "x265 "},
		{"loud", "", "", "", "x264 --crf 18"},
		{"archive", "x264 = ''", "", "", "x264 "},
		{"archive", "x265 = '--crf 30'", "", "", "x265 --crf 30"},
		{"archive", "x265 = ''", "", "", "x265 --crf 26"},
		{"", "profile = 'archive'", "", "", "x265 --crf 26"},
		{"", "x264 = '--crf 1'", "x265", "", "x265 "},
		{"archive", "x264 = '--crf 1'", "x265", "--crf 2", "x265 --crf 2"},
		{"archive", "x264 = '--crf 1'", "x265", "", "x265 --crf 26"},
		{"", "", "x265", "--preset fast", "x265 --preset fast"},
	} {
		w := steer.Wishes{}
		if c.wished != "" {
			w.Settings = map[string]string{c.wished: c.options}
		}
		sidecar, err := sidecars{}.Amend("film.mkv", []byte(c.sidecar), w)
		require.NoError(t, err, "%v", c)
		order, err := f.resolve(c.folder, "film.mkv.distenc.toml", sidecar)
		require.NoError(t, err, "%v", c)
		require.Equal(t, c.want, order.Settings.Encoder+" "+order.Settings.Options, "%v", c)
	}
}

// What is wrong with a film's own settings is told with the name of their file.
func TestARefusedSidecarIsNamed(t *testing.T) {
	f := &farm{live: holding(config.Config{})}
	_, err := f.resolve("", "film.mkv.distenc.toml", []byte("\ncrf = 20"))
	require.ErrorContains(t, err, "film.mkv.distenc.toml:2: crf")
}

// What stands behind "--" is for the encoder that is named, else for the profile's, and refused if that can't read it.
func TestOptionsAreForOneEncoder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "distenc.toml")
	require.NoError(t, os.WriteFile(file, []byte("[profiles.archive]\nx265 = '--crf 26'"), 0o644))
	cfg, err := config.Load(config.Source{File: file})
	require.NoError(t, err)
	for _, c := range []struct {
		profile, encoder, options string
		want                      map[string]string
		refused                   string
	}{
		{"", "", "", nil, ""},
		{"", "", "--crf 1", map[string]string{"x264": "--crf 1"}, ""},
		{"archive", "", "--crf 1", map[string]string{"x265": "--crf 1"}, ""},
		{"archive", "x264", "", map[string]string{"x264": ""}, ""},
		{"archive", "x264", "--crf 1", map[string]string{"x264": "--crf 1"}, ""},
		{"archive", "", "--partitions all", nil, "x265 option --partitions"},
		{"", "x265", "--direct auto", nil, "x265 option --direct"},
	} {
		a := asked{encoder: c.encoder, options: c.options}
		a.Profile = c.profile
		err := a.check(cfg)
		if c.refused != "" {
			require.ErrorContains(t, err, c.refused)
			require.Equal(t, 2, exitCode(err))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, a.Settings, "%v", c)
	}
}

// A chunk is as long as its encoder wants it, unless a person says how long.
func TestEachEncoderHasItsChunk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "distenc.toml")
	for text, person := range map[string]time.Duration{"": 0, "[split]\nchunk = '7s'": 7 * time.Second} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		cfg, err := config.Load(config.Source{File: file})
		require.NoError(t, err)
		f := &farm{live: holding(cfg)}
		for _, e := range encoder.All() {
			want := e.Chunk()
			if person > 0 {
				want = person
			}
			order, err := f.resolve("", "film.mkv.distenc.toml", []byte(e.Name()+" = ''"))
			require.NoError(t, err)
			require.Equal(t, e.Name(), order.Settings.Encoder)
			require.InDelta(t, want.Seconds(), order.Settings.Chunk, 0)
		}
	}
}

// What slots = 0 chooses of so many cores is told in docs/performance.md; who says a number has that.
func TestCoresAreDividedAmongEncodes(t *testing.T) {
	for cores, want := range map[int][2]int{
		1: {1, 1}, 2: {2, 1}, 4: {4, 1}, 8: {8, 1}, 9: {3, 3}, 16: {4, 4}, 32: {8, 4}, 64: {16, 4},
	} {
		slots, threads := divide(0, cores)
		require.Equal(t, want, [2]int{slots, threads}, "%d cores", cores)
	}
	slots, threads := divide(8, 16)
	require.Equal(t, [2]int{8, 2}, [2]int{slots, threads})
	slots, threads = divide(4, 2)
	require.Equal(t, [2]int{4, 1}, [2]int{slots, threads})
}

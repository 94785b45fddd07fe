package encoder

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func parsed(t *testing.T, name, options string) Options {
	t.Helper()
	e, err := Named(name)
	require.NoError(t, err)
	o, err := e.Parse(options)
	require.NoError(t, err)
	return o
}

func TestBufferThatIsAskedFor(t *testing.T) {
	narrow := pipeline.Buffer{Rate: 300e3, Size: 600e3, Start: 0.9, Seam: 0.5}
	own := narrow
	own.Start, own.Seam = 0.25, 0.25
	for _, name := range []string{"x264", "x265"} {
		for options, want := range map[string]pipeline.Buffer{
			"--crf 20": {},
			"--crf 20 --vbv-maxrate 300 --vbv-bufsize 600":                 narrow,
			"--bitrate 300 --vbv-bufsize 600":                              narrow,
			"--bitrate 200 --vbv-bufsize 600 --vbv-maxrate=300":            narrow,
			"--vbv-maxrate 300 --vbv-bufsize 600 --vbv-init 0.25":          own,
			"--vbv-maxrate 300 --vbv-bufsize 600 --vbv-init 150":           own,
			"--vbv-maxrate 300":                                            {},
			"--crf 20 --vbv-bufsize 300":                                   {},
			"--qp 20 --vbv-maxrate 300 --vbv-bufsize 600":                  {},
			"--qp 20 --crf 20 --vbv-maxrate 300 --vbv-bufsize 600":         narrow,
			"--vbv-maxrate 300 --vbv-bufsize 600 --vbv-init 0.25 --qp 0":   {},
			"--vbv-maxrate 0 --vbv-bufsize 0 --crf 18 --vbv-init 0.25":     {},
			"--vbv-maxrate -300 --vbv-bufsize 600 --crf 18":                {},
			"--bitrate 100 --crf 20 --vbv-maxrate 300 --vbv-bufsize 600":   narrow,
			"--vbv-bufsize 1 --vbv-maxrate 300 --vbv-bufsize 600 --crf 18": narrow,
		} {
			require.Equal(t, want, parsed(t, name, options).Buffer(), "%s %s", name, options)
		}
	}
	require.Zero(t, parsed(t, "svtav1", "--crf 30 --mbr 300").Buffer())
}

// What a chunk may count on reaches the encoder; without a buffer, and in the first chunk, nothing is said.
func TestWhatAChunkIsToldOfTheBuffer(t *testing.T) {
	const narrow = "--crf 20 --vbv-maxrate 300 --vbv-bufsize 600"
	told := func(name, options string, s Stream) (said []string) {
		s.Buffer = parsed(t, name, options).Buffer()
		for _, arg := range parsed(t, name, options).Args(s) {
			for p := range strings.SplitSeq(arg, ":") {
				if strings.HasPrefix(p, "vbv-") {
					said = append(said, p)
				}
			}
		}
		return said
	}
	usual := []string{"vbv-maxrate=300", "vbv-bufsize=600"}
	for _, name := range []string{"x264", "x265"} {
		require.Empty(t, told(name, "--crf 20", Stream{Later: true}), name)
		require.Empty(t, told(name, "--crf 20", Stream{Later: true, Allowance: pipeline.Allowance{Start: 0.3, Part: 1}}))
		require.Equal(t, usual, told(name, narrow, Stream{}), name)
		require.Equal(t, append(usual, "vbv-init=0.500"), told(name, narrow, Stream{Later: true}), name)
		require.Equal(t, append(usual, "vbv-init=0.8"), told(name, narrow+" --vbv-init 0.8", Stream{Later: true}), name)
		require.Equal(t, append(usual, "vbv-init=0.300"), told(name, narrow+" --vbv-init 0.8",
			Stream{Later: true, Allowance: pipeline.Allowance{Start: 0.3, Part: 1}}), name)
		require.Equal(t, []string{"vbv-maxrate=270", "vbv-bufsize=540", "vbv-init=0.333"}, told(name, narrow,
			Stream{Allowance: pipeline.Allowance{Start: 0.4, Part: 0.9}}), name)
		old := strings.Join(parsed(t, name, narrow).Args(Stream{Later: true}), " ")
		require.NotContains(t, old, "vbv-init", "%s: nobody follows the buffer through a plan that has none", name)
	}
}

func TestBuffersThatDoNothing(t *testing.T) {
	film := pipeline.Video{FrameRate: pipeline.Rational{Num: 25, Den: 1}}
	for _, name := range []string{"x264", "x265"} {
		unfit := parsed(t, name, "--vbv-maxrate 9000 --vbv-bufsize 300").Unfit(film, pipeline.Picture{Width: 64, Height: 64})
		require.Contains(t, unfit, "set --vbv-bufsize to that at least", name)
		require.Contains(t, unfit, "360 kbit", name)
		require.Empty(t, parsed(t, name, "--vbv-maxrate 9000 --vbv-bufsize 360").Unfit(film,
			pipeline.Picture{Width: 64, Height: 64}))
		slides := pipeline.Video{FrameRate: pipeline.Rational{Num: 2, Den: 5}}
		require.Empty(t, parsed(t, name, "--vbv-maxrate 9000 --vbv-bufsize 18000").Unfit(slides,
			pipeline.Picture{Width: 64, Height: 64}), "a slideshow with a usual buffer")
		require.NotEmpty(t, parsed(t, name, "--vbv-maxrate 9000 --vbv-bufsize 300").Unfit(slides,
			pipeline.Picture{Width: 64, Height: 64}))
		for options, note := range map[string]string{
			"--vbv-maxrate 300":                           "without --vbv-bufsize",
			"--vbv-bufsize 300":                           "without --vbv-maxrate",
			"--qp 20 --vbv-maxrate 300 --vbv-bufsize 300": "constant quantizer",
		} {
			require.Contains(t, strings.Join(parsed(t, name, options).Notes(), " "), note, "%s %s", name, options)
		}
	}
}

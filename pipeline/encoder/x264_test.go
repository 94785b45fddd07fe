package encoder

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestParseX264(t *testing.T) {
	for text, want := range map[string]string{
		"": "-c:v libx264 -x264-params stitchable=1:fps=0/0",
		"--preset slow --profile high --crf 18": "-c:v libx264 -preset slow -profile:v high -x264-params " +
			"stitchable=1:fps=0/0:crf=18",
		"--crf=18 --level 4.1":               "-c:v libx264 -level:v 4.1 -x264-params stitchable=1:fps=0/0:crf=18",
		"--deblock -1:-1 --psy-rd '1.0:0.2'": `-c:v libx264 -x264-params stitchable=1:fps=0/0:deblock=-1\:-1:psy-rd=1.0\:0.2`,
		"-b 5 -r4 -q 20":                     "-c:v libx264 -x264-params stitchable=1:fps=0/0:bframes=5:ref=4:qp=20",
		"--no-mbtree --mbtree":               "-c:v libx264 -x264-params stitchable=1:fps=0/0:mbtree=1",
		"--crf 10 --crf 20":                  "-c:v libx264 -x264-params stitchable=1:fps=0/0:crf=20",
		`--tune film,fastdecode "--keyint" infinite`: "-c:v libx264 -tune film,fastdecode -x264-params " +
			"stitchable=1:fps=0/0:keyint=infinite",
		"--nf":                             "-c:v libx264 -x264-params stitchable=1:fps=0/0:no-deblock=1",
		"--sar 32:27 --quiet --stitchable": `-c:v libx264 -x264-params stitchable=1:fps=0/0:sar=32\:27`,
	} {
		x, err := parseX264(text)
		require.NoError(t, err, text)
		require.Equal(t, want+" -threads 2", strings.Join(x.Args(Stream{Threads: 2}), " "), text)
	}
}

func TestParseX264Refuses(t *testing.T) {
	for text, mention := range map[string]string{
		"--output /etc/passwd":        "--output can't be used",
		"-o x":                        "--output can't be used",
		"--pass 2":                    "use --crf",
		"--stats=/tmp/x":              "--stats",
		"--dump-yuv x":                "--dump-yuv",
		"--qpfile x":                  "--qpfile",
		"--zones 0,10,q=1":            "--zones",
		"--cqm /etc/passwd":           "flat, jvt",
		"--cqmfile x":                 "--cqm4",
		"--opencl-clbin x":            "--opencl-clbin",
		"--preset turbo":              "ultrafast",
		"--crf":                       "needs a value",
		"--crf eighteen":              "a number",
		"--crf 18:stats=x":            "a number",
		"--no-mbtree=1":               "takes no value",
		"--made-up 3":                 "--made-up is not known",
		"input.mkv":                   "begin with --",
		"--crf '18":                   "not closed",
		"-Z":                          "not known",
		"--profile ultra":             "baseline, main",
		"--fps 25":                    "timestamp",
		"--mastering-display G(1,2)x": "G(x,y)",
		"-":                           "begin with --",
		"--":                          "is not known",
		"--crf \"\"":                  "a number",
	} {
		_, err := parseX264(text)
		require.ErrorContains(t, err, mention, text)
	}
}

func TestX264NotesWhatIsDifferentHere(t *testing.T) {
	x, err := parseX264("--bitrate 2000 --threads 4 --bitrate 1000")
	require.NoError(t, err)
	require.Len(t, x.Notes(), 2)
	require.Equal(t, []param{{"bitrate", "1000"}}, x.params)
}

func TestOwnParamsYieldToTheUsers(t *testing.T) {
	x, err := parseX264("--sar 1:1")
	require.NoError(t, err)
	args := x.Args(Stream{Out: pipeline.Picture{SAR: pipeline.Rational{Num: 32, Den: 27}}})
	require.Contains(t, args, `stitchable=1:fps=0/0:sar=1\:1`)
}

func TestPixFmt(t *testing.T) {
	for _, c := range []struct{ options, source, want string }{
		{"--profile high", "yuv420p10le", "yuv420p"},
		{"--profile high", "yuv444p", "yuv420p"},
		{"--profile high10", "yuv420p", "yuv420p10le"},
		{"--profile high422", "yuv422p10le", "yuv422p10le"},
		{"--profile high422", "yuv444p", "yuv422p"},
		{"--profile high444", "yuv420p", "yuv420p"},
		{"", "yuvj420p", "yuv420p"},
		{"", "yuv420p10le", "yuv420p10le"},
		{"", "yuv422p12be", "yuv422p10le"},
		{"", "gbrp", "yuv444p"},
		{"", "rgb24", "yuv444p"},
		{"", "gray", "gray"},
		{"", "gray12le", "gray10le"},
		{"", "yuv410p", "yuv420p"},
		{"", "nv16", "yuv422p"},
		{"--output-depth 8", "yuv420p10le", "yuv420p"},
		{"--output-csp i444 --output-depth 10", "yuv420p", "yuv444p10le"},
	} {
		x, err := parseX264(c.options)
		require.NoError(t, err)
		require.Equal(t, c.want, x.PixFmt(c.source), "%v", c)
	}
}

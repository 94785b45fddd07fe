package encoder

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

const x265Always = "log-level=info:info=0:repeat-headers=1:fps=0/0:open-gop=0:pools=2"

func TestParseX265(t *testing.T) {
	for text, want := range map[string]string{
		"": "-x265-params " + x265Always,
		"--preset slow --profile main10 --crf 18": "-preset slow -profile:v main10 -x265-params " + x265Always + ":crf=18",
		"-p fast -D 10 -P main10 -t grain -s32": "-preset fast -tune grain -profile:v main10 -x265-params " + x265Always +
			":ctu=32",
		"--deblock -1:-1 --psy-rd '1.0'": "-x265-params " + x265Always + `:deblock=-1\:-1:psy-rd=1.0`,
		"-b 5 -I250 -q 20 -w":            "-x265-params " + x265Always + ":bframes=5:keyint=250:qp=20:weightp=1",
		"--no-sao --sao --no-sao":        "-x265-params " + x265Always + ":no-sao=1",
		"--open-gop":                     "-x265-params " + strings.Replace(x265Always, ":open-gop=0", "", 1) + ":open-gop=1",
		"--sar 32/27 --no-progress":      "-x265-params " + x265Always + `:sar=32\:27`,
		"--range full --no-interlace":    "-x265-params " + x265Always,
	} {
		x, err := parseX265(text)
		require.NoError(t, err, text)
		require.Equal(t, "-c:v libx265 "+want+" -threads 1", strings.Join(x.Args(Stream{Threads: 2}), " "), text)
	}
}

// The lookahead never has four threads: with them it would decide otherwise.
func TestX265LookaheadHasFewThreads(t *testing.T) {
	for threads, want := range map[int]string{0: "lookahead-threads=1", 1: "pools=1", 3: "pools=3",
		4: "pools=4:lookahead-threads=1", 8: "pools=8:lookahead-threads=2", 64: "pools=64:lookahead-threads=3"} {
		require.Equal(t, want, joinParams(x265Threads(threads)))
	}
}

func TestX265CarriesHDR10(t *testing.T) {
	x, err := parseX265("")
	require.NoError(t, err)
	args := strings.Join(x.Args(Stream{Video: pipeline.Video{HDR10: pipeline.HDR10{
		MasterDisplay: "G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10)", MaxCLL: "1000,400",
	}}}), " ")
	require.Contains(t, args, ":hdr10=1:master-display=G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10):max-cll=1000,400")
}

func TestX265PixFmt(t *testing.T) {
	for _, c := range []struct{ options, source, want string }{
		{"--profile main", "yuv420p10le", "yuv420p"},
		{"--profile main10", "yuv420p", "yuv420p10le"},
		{"--profile main10-intra", "yuv444p", "yuv420p10le"},
		{"--profile main422-10", "yuv444p12le", "yuv422p10le"},
		{"--profile main422-12", "yuv420p", "yuv420p12le"},
		{"--profile main444-8", "yuv422p10le", "yuv444p"},
		{"--profile main444-8", "yuv420p10le", "yuv420p"},
		{"--profile main444-8", "gray10le", "gray"},
		{"--profile main444-intra", "gbrp", "yuv444p"},
		{"--profile main12", "gray", "yuv420p12le"},
		{"--profile main444-12", "gray", "gray12le"},
		{"", "yuvj420p", "yuv420p"},
		{"", "yuv422p12be", "yuv422p12le"},
		{"", "yuv444p16le", "yuv444p12le"},
		{"", "p010le", "yuv420p10le"},
		{"", "gray", "gray"},
		{"--output-depth 10", "yuv420p", "yuv420p10le"},
		{"--input-csp i444 -D 12", "yuv420p", "yuv444p12le"},
		{"--input-csp 2", "yuv420p", "yuv422p"},
	} {
		x, err := parseX265(c.options)
		require.NoError(t, err)
		require.Equal(t, c.want, x.PixFmt(c.source), "%v", c)
	}
}

func TestX265Unfit(t *testing.T) {
	fits := pipeline.Picture{Width: 320, Height: 180}
	for _, c := range []struct {
		options, fields string
		out             pipeline.Picture
		want            string
	}{
		{"", "tt", fits, `deinterlace = "yes"`},
		{"", "bt", pipeline.Picture{Width: 320, Height: 180, Deinterlace: true}, ""},
		{"--no-interlace", "bb", fits, ""},
		{"", "progressive", fits, ""},
		{"", "", pipeline.Picture{Width: 320, Height: 14}, "less than 16 pixels"},
		{"", "", pipeline.Picture{Width: 16880, Height: 180}, ""},
	} {
		x, err := parseX265(c.options)
		require.NoError(t, err)
		unfit := x.Unfit(pipeline.Video{FieldOrder: c.fields}, c.out)
		if c.want == "" {
			require.Empty(t, unfit)
		} else {
			require.Contains(t, unfit, c.want)
		}
	}
}

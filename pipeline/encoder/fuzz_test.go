package encoder

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// harmless are all names that may stand in ffmpeg's arguments: none of them takes a file.
var harmless = regexp.MustCompile(`^(-c:v|-preset|-tune|-profile:v|-level:v|-x264-params)$`)

// fileKeys are libx264's parameters that open files (x264_param_parse, encoder.c).
var fileKeys = []string{"stats", "dump-yuv", "cqmfile", "opencl-clbin", "qpfile", "log-file"}

// No text that is accepted opens a file or sets another option than it says, and what was understood can be
// said again.
func FuzzParseX264(f *testing.F) {
	for _, s := range []string{
		"--crf 18", "-b3", "--cqm x", "--stats x", `--deblock '-1:-1'`, "--crf=18:stats=a", `--sar 1\:1`, "--zones a",
		"--preset slow --tune film,grain --profile high --level 4.1 --no-mbtree --partitions p8x8,none --cqm4 1,2,3 --nf --direct auto",
		"--mastering-display G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10) --cll 1000,400 --keyint infinite --output-csp i444 --range pc",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ParseX264(text)
		if err != nil {
			return
		}
		args := x.FFmpegArgs()
		for i := 0; i < len(args); i += 2 {
			require.Regexp(t, harmless, args[i])
			require.Regexp(t, `^[a-zA-Z0-9.,:=()/\\-]+$`, args[i+1])
		}
		again := ""
		for _, p := range x.Params {
			require.False(t, slices.Contains(fileKeys, p.Key))
			require.NotContains(t, strings.ReplaceAll(p.String(), `\:`, ""), ":")
			if p.Key == "cqm" {
				require.Contains(t, []string{"flat", "jvt"}, p.Value)
			}
			if rule, known := x264Options[p.Key]; known && rule.form == flag {
				again += " --" + p.Key
			} else if known {
				again += " --" + p.Key + "=" + p.Value
			}
		}
		if y, err := ParseX264(again); !slices.ContainsFunc(x.Params, func(p Param) bool { return p.Key == "no-tff" }) {
			require.NoError(t, err)
			require.Equal(t, len(x.Params), len(y.Params))
			for i := range x.Params {
				require.Equal(t, x.Params[i], y.Params[i])
			}
		}
	})
}

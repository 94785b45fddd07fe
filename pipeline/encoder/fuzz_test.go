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
		"--preset slow --tune film,grain --profile high --level 4.1 --no-mbtree --partitions p8x8,none --cqm4 1,2,3 --nf " +
			"--direct auto",
		"--mastering-display G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10) --cll 1000,400 --keyint infinite --output-csp i444 --range pc",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseX264(text)
		if err != nil {
			return
		}
		args := x.Args(Stream{})
		for i := 0; i < len(args); i += 2 {
			require.Regexp(t, harmless, args[i])
			require.Regexp(t, `^[a-zA-Z0-9.,:=()/\\-]+$`, args[i+1])
		}
		again := ""
		for _, p := range x.params {
			require.False(t, slices.Contains(fileKeys, p.key))
			require.NotContains(t, strings.ReplaceAll(joinParams([]param{p}), `\:`, ""), ":")
			if p.key == "cqm" {
				require.Contains(t, []string{"flat", "jvt"}, p.value)
			}
			if rule, known := x264Options[p.key]; known && rule.form == flag {
				again += " --" + p.key
			} else if known {
				again += " --" + p.key + "=" + p.value
			}
		}
		if y, err := parseX264(again); !slices.ContainsFunc(x.params, func(p param) bool { return p.key == "no-tff" }) {
			require.NoError(t, err)
			require.Equal(t, len(x.params), len(y.params))
			for i := range x.params {
				require.Equal(t, x.params[i], y.params[i])
			}
		}
	})
}

// What the encoder says and writes is read without a surprise: a reason is one line of it, a version one of x264's.
func FuzzWhatTheEncoderSays(f *testing.F) {
	f.Add("[libx264 @ 0x1] Error parsing option 'crf = x'.\nx264 [error]: broken",
		[]byte("\x00\x00\x01\x67\x64x264 - core 164 r3095 baee400 - H.264"))
	f.Add("ffmpeg: Conversion failed!", []byte("\x00\x00\x01\x67"))
	f.Fuzz(func(t *testing.T, messages string, head []byte) {
		reason := x264{}.Complaint(messages, false)
		require.Contains(t, messages, reason)
		require.NotContains(t, x264{}.Complaint(messages, true), "\n")
		version := x264{}.Version(head, "")
		require.True(t, version == "" || strings.HasPrefix(version, "x264 core ") && len(version) < 64, version)
		asked, err := parseX264("--profile high")
		require.NoError(t, err)
		_, _ = asked.Contradiction(head)
	})
}

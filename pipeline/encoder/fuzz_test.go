package encoder

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// harmless are all names that may stand in ffmpeg's arguments: none of them takes a file.
var harmless = regexp.MustCompile(`^(-c:v|-preset|-tune|-profile:v|-level:v|-(x26[45]|svtav1)-params|-threads)$`)

// fileKeys are the parameters of libx264 (x264_param_parse, encoder.c) and libx265 (param.cpp: those that end at a
// fopen) that open files.
var fileKeys = []string{"stats", "dump-yuv", "cqmfile", "opencl-clbin", "qpfile", "log-file", "csv", "analysis-save",
	"analysis-load", "analysis-reuse-file", "lambda-file", "nalu-file", "dhdr10-info", "zonefile"}

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
		harmlessArgs(t, x)
		sameAgain(t, x.params, x264Options, func(text string) ([]param, error) {
			y, err := parseX264(text)
			return y.params, err
		})
	})
}

func FuzzParseX265(f *testing.F) {
	for _, s := range []string{
		"--crf 18", "-b3", "--scaling-list x", "--csv x", `--deblock '-1:-1'`, "--crf=18:csv=a", `--sar 1\:1`, "--zones a",
		"--preset slow --tune grain --profile main10 --level-idc 4.1 --no-cutree --me star --hme-search umh,hex,2 --no-sao",
		"--master-display G(1,2)B(3,4)R(5,6)WP(7,8)L(9,10) --max-cll 1000,400 --keyint -1 --input-csp i444 --range full",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseX265(text)
		if err != nil {
			return
		}
		harmlessArgs(t, x)
		sameAgain(t, x.params, x265Table.options, func(text string) ([]param, error) {
			y, err := parseX265(text)
			return y.params, err
		})
	})
}

func FuzzParseSVT(f *testing.F) {
	for _, s := range []string{
		"--crf 18", "-q18", "--qpfile x", "--crf=18:qpfile=x", "--qindex-offsets -1,2 --tbr 2000k", "--keyint 10s",
		"--preset 5 --tune 0 --level 4.1 --film-grain 8 --ac-bias 1.5 --rc vbr --color-primaries hlg",
		"--mastering-display G(0.1,2)B(3,4)R(5,6)WP(7,8)L(9,10) --content-light 1000,400 --input-depth 10 --color-range full",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseSVT(text)
		if err != nil {
			return
		}
		harmlessArgs(t, x)
		sameAgain(t, x.params, svtTable.options, func(text string) ([]param, error) {
			y, err := parseSVT(text)
			return y.params, err
		})
	})
}

func harmlessArgs(t *testing.T, o Options) {
	args := o.Args(Stream{})
	for i := 0; i < len(args); i += 2 {
		require.Regexp(t, harmless, args[i])
		require.Regexp(t, `^[a-zA-Z0-9.,:=()/\\-]+$`, args[i+1])
	}
}

// sameAgain says again what was understood.
func sameAgain(t *testing.T, params []param, options map[string]option, parse func(string) ([]param, error)) {
	again := ""
	for _, p := range params {
		require.False(t, slices.Contains(fileKeys, p.key))
		require.NotContains(t, strings.ReplaceAll(joinParams([]param{p}), `\:`, ""), ":")
		if p.key == "cqm" || p.key == "scaling-list" {
			require.Contains(t, []string{"flat", "jvt", "off", "default"}, p.value)
		}
		if rule, known := options[p.key]; known && rule.form == flag {
			again += " --" + p.key
		} else if known {
			again += " --" + p.key + "=" + p.value
		}
	}
	if params2, err := parse(again); !slices.ContainsFunc(params, func(p param) bool { return p.key == "no-tff" }) {
		require.NoError(t, err)
		require.Equal(t, params, params2)
	}
}

// What the encoder says and writes is read without a surprise: a reason is one line of it, a version one of x264's.
func FuzzWhatTheEncoderSays(f *testing.F) {
	f.Add("[libx264 @ 0x1] Error parsing option 'crf = x'.\nx264 [error]: broken",
		[]byte("\x00\x00\x01\x67\x64x264 - core 164 r3095 baee400 - H.264"))
	f.Add("ffmpeg: Conversion failed!", []byte("\x00\x00\x01\x67"))
	f.Add("x265 [info]: HEVC encoder version 3.5+1-f0c1022b6\n[libx265] Unknown option: x.", []byte("\x00\x00\x01\x40\x01\x0c"))
	f.Add("Svt[info]: SVT [version]:\tSVT-AV1 Encoder Lib v1.4.1\n[libsvtav1] Error parsing option crf: 30.5.\n"+
		"Svt[error]: Instance 1: CRF must be [0 - 63]", []byte{0x12, 0})
	f.Fuzz(func(t *testing.T, messages string, head []byte) {
		reason := x264{}.Complaint(messages, false)
		require.Contains(t, messages, reason)
		require.NotContains(t, x264{}.Complaint(messages, true), "\n")
		version := x264{}.Version(head, "")
		require.True(t, version == "" || strings.HasPrefix(version, "x264 core ") && len(version) < 64, version)
		asked, err := parseX264("--profile high")
		require.NoError(t, err)
		_, _ = asked.Contradiction(head)
		reason = x265{}.Complaint(messages, false)
		require.Contains(t, messages, reason)
		require.NotContains(t, x265{}.Complaint(messages, true), "\n")
		version = x265{}.Version(nil, messages)
		require.True(t, version == "" || strings.HasPrefix(version, "x265 ") && len(version) < 64, version)
		reason = svtav1{}.Complaint(messages, false)
		require.Contains(t, messages, reason)
		require.NotContains(t, svtav1{}.Complaint(messages, true), "\n")
		version = svtav1{}.Version(nil, messages)
		require.True(t, version == "" || strings.HasPrefix(version, "SVT-AV1 ") && len(version) < 64, version)
		hevc, err := parseX265("--profile main422-10 --level-idc 4")
		require.NoError(t, err)
		_, _ = hevc.Contradiction(head)
	})
}

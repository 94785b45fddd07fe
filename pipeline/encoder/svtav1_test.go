package encoder

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

const svtAlways = "lp=2:pin=0:fps-num=24000:fps-denom=1001"

var svtFilm = Stream{Threads: 2, Video: pipeline.Video{FrameRate: pipeline.Rational{Num: 24000, Den: 1001}}}

func TestParseSVT(t *testing.T) {
	for text, want := range map[string]string{
		"":                                        ":keyint=257",
		"--preset 5 --crf 30 --film-grain 8":      ":keyint=257:preset=5:crf=30:film-grain=8",
		"--preset 5 --preset=6 -q 30 -q31":        ":keyint=257:preset=6:qp=31",
		"--keyint 240":                            ":keyint=240",
		"--keyint 5s":                             ":keyint=120",
		"--keyint -1":                             ":keyint=-1",
		"--tile-rows 01 --qm-min 010":             ":keyint=257:tile-rows=1:qm-min=10",
		"--crf 30.25 --level 5.1":                 ":keyint=257:crf=30.25:level=51",
		"--qindex-offsets -12,-8,-4,0":            ":keyint=257:qindex-offsets=-12,-8,-4,0",
		"--rc vbr --tbr 2000k --lp 9 --pin 1":     ":keyint=257:rc=vbr:tbr=2000k",
		"--color-format 1 --input-depth 10":       ":keyint=257",
		"--content-light 1000,400":                ":keyint=257:content-light=1000,400",
		"--color-primaries bt2020 --enable-hdr 1": ":keyint=257",
		"--mastering-display 'G(0.2650,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001)'": ":keyint=257:" +
			"mastering-display=G(0.2650,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.0001)",
	} {
		x, err := parseSVT(text)
		require.NoError(t, err, text)
		require.Equal(t, "-c:v libsvtav1 -svtav1-params "+svtAlways+want, strings.Join(x.Args(svtFilm), " "), text)
	}
}

// What is refused names its option, and says why or what it takes.
func TestSVTRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"--mastering-display junk":   "--mastering-display can't be",
		"--content-light junk":       "--content-light can't be",
		"--keyint junk":              "--keyint can't be",
		"--preset -2":                "from -1 to 13",
		"--crf 30.1":                 "steps of 0.25",
		"--crf 71":                   "from 1 to 70",
		"--irefresh-type 1":          "--irefresh-type can't be",
		"--rc 2":                     "--rc can't be",
		"--qpfile /etc/passwd":       "files are chosen by the job",
		"--stats /tmp/x":             "one pass",
		"--svtav1-params crf=30":     "each option for itself",
		"--superres-mode 1":          "scale",
		"--force-key-frames 10f":     "every frame",
		"--color-format 2":           "it takes 1, 420",
		"--profile 1":                "it takes 0, main",
		"--no-such-thing":            "SvtAv1EncApp --help",
		"-o /tmp/x":                  "--recon",
		"--qindex-offsets 1:2":       "--qindex-offsets can't be",
		"--lambda-scale-factors a":   "--lambda-scale-factors can't be",
		"--chroma-sample-position 3": "--chroma-sample-position can't be",
	} {
		_, err := parseSVT(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestSVTPixFmtAndUnfit(t *testing.T) {
	for _, c := range []struct {
		options, source, fields string
		width                   int
		pixFmt, unfit           string
	}{
		{"", "yuv420p", "", 320, "yuv420p", ""},
		{"", "yuvj420p", "progressive", 320, "yuv420p", ""},
		{"", "p010le", "", 320, "yuv420p10le", ""},
		{"", "yuv420p9le", "", 320, "yuv420p10le", ""},
		{"", "yuv422p10le", "", 320, "yuv420p10le", "--color-format 1"},
		{"", "gray", "", 320, "yuv420p", "--color-format 1"},
		{"", "gbrp", "", 320, "yuv420p", "--color-format 1"},
		{"--color-format 1", "yuv444p", "", 320, "yuv420p", ""},
		{"--profile 0", "gbrp", "", 320, "yuv420p", ""},
		{"", "yuv420p12le", "", 320, "yuv420p10le", "--input-depth 10"},
		{"--input-depth 10", "yuv420p12le", "", 320, "yuv420p10le", ""},
		{"--input-depth 8", "yuv420p10le", "", 320, "yuv420p", ""},
		{"--input-depth 10", "yuv420p", "", 320, "yuv420p10le", ""},
		{"", "yuv420p", "tt", 320, "yuv420p", `deinterlace = "yes"`},
		{"", "yuv420p", "", 62, "yuv420p", `scale = "64x186 enlarge"`},
	} {
		x, err := parseSVT(c.options)
		require.NoError(t, err)
		require.Equal(t, c.pixFmt, x.PixFmt(c.source), "%v", c)
		unfit := x.Unfit(pipeline.Video{Width: c.width, Height: 180, PixFmt: c.source, FieldOrder: c.fields},
			pipeline.Picture{Width: c.width, Height: 180, PixFmt: c.pixFmt})
		if c.unfit == "" {
			require.Empty(t, unfit, "%v", c)
		}
		require.Contains(t, unfit, c.unfit, "%v", c)
	}
	x, err := parseSVT("")
	require.NoError(t, err)
	require.Empty(t, x.Unfit(pipeline.Video{PixFmt: "yuv420p", FieldOrder: "bb"},
		pipeline.Picture{Width: 720, Height: 576, Deinterlace: true}))
}

func TestSVTCarriesHDR10(t *testing.T) {
	x, err := parseSVT("")
	require.NoError(t, err)
	film := svtFilm
	film.Video.HDR10 = pipeline.HDR10{
		MasterDisplay: "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)", MaxCLL: "1000,400"}
	require.Contains(t, strings.Join(x.Args(film), " "), ":mastering-display=G(0.26500,0.69000)B(0.15000,0.06000)"+
		"R(0.68000,0.32000)WP(0.31270,0.32900)L(1000.0000,0.0001):content-light=1000,400")
}

// The names are ffprobe's, which ffmpeg's options have numbers for.
func TestSVTLook(t *testing.T) {
	x, err := parseSVT("--color-primaries 9 --transfer-characteristics hlg --matrix-coefficients bt2020-ncl " +
		"--color-range full --chroma-sample-position colocated")
	require.NoError(t, err)
	require.Equal(t, Look{Range: "pc", Primaries: "bt2020", Transfer: "arib-std-b67", Matrix: "bt2020nc",
		ChromaPlace: "topleft"}, x.Look())
	for _, names := range []svtNames{svtPrimaries, svtTransfers, svtMatrices} {
		for _, word := range strings.Fields(names.words()) {
			look := Look{}
			switch names {
			case svtPrimaries:
				look.Primaries = names.ffprobe(word)
				require.NotEmpty(t, look.Colours(pipeline.Video{}).Primaries, word)
			case svtTransfers:
				look.Transfer = names.ffprobe(word)
				require.NotEmpty(t, look.Colours(pipeline.Video{}).Transfer, word)
			default:
				look.Matrix = names.ffprobe(word)
				require.NotEmpty(t, look.Colours(pipeline.Video{}).Matrix, word)
			}
		}
	}
}

// The rate is for bits and seconds, and the library ends at what it can't take.
func TestSVTRate(t *testing.T) {
	for rate, want := range map[pipeline.Rational]string{
		{Num: 25, Den: 1}: "fps-num=25:fps-denom=1:keyint=257", {Num: 60, Den: 1}: "fps-num=60:fps-denom=1:keyint=609",
		{Num: 1000, Den: 1}: "fps-num=240:fps-denom=1:keyint=2401", {Num: 1, Den: 10}: "fps-num=1:fps-denom=10:keyint=33",
		{}: "fps-num=240:fps-denom=1:keyint=2401",
	} {
		x, err := parseSVT("")
		require.NoError(t, err)
		require.Contains(t, strings.Join(x.Args(Stream{Video: pipeline.Video{FrameRate: rate}}), " "), want)
	}
	require.Equal(t, []string{"0", "1", "3", "3", "4", "5", "6"}, []string{svtParallel(0), svtParallel(1), svtParallel(3),
		svtParallel(5), svtParallel(8), svtParallel(16), svtParallel(64)})
}

func TestSVTSays(t *testing.T) {
	const said = "Svt[info]: SVT [version]:\tSVT-AV1 Encoder Lib v4.2.0-151-g5ed9ffbcb\n" +
		"[libsvtav1] Error parsing option pin: 0.\nSvt[warn]: Preset M12 is mapped to M11."
	require.Equal(t, "SVT-AV1 v4.2.0-151-g5ed9ffbcb", svtav1{}.Version(nil, said))
	require.Empty(t, svtav1{}.Version(nil, "Svt[info]: -----"))
	require.Empty(t, svtav1{}.Complaint(said, false))
	require.Equal(t, "crf: 30.5", svtav1{}.Complaint(said+"\n[libsvtav1] Error parsing option crf: 30.5.", false))
	require.Equal(t, "CRF must be [0 - 63]", svtav1{}.Complaint("Svt[error]: Instance 1: CRF must be [0 - 63]\n"+
		"[libsvtav1] Error setting encoder parameters: bad parameter (0x80001005)", true))
}

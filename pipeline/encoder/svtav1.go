package encoder

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// svtav1 makes AV1.
type svtav1 struct{}

func (svtav1) Name() string    { return "svtav1" }
func (svtav1) Library() string { return "libsvtav1" }
func (svtav1) Codec() string   { return "av1" }
func (svtav1) Bare() string    { return "obu" }
func (svtav1) AnySize() string { return "" }

func (svtav1) Chunk() time.Duration { return 20 * time.Second }

// CRF goes in quarters from 4.0 on; earlier versions take whole numbers.
func (svtav1) CRF(version string) CRF {
	crf := CRF{CRFs: pipeline.CRFs{Least: 8, Most: 60, Step: 1, Span: 10}, Worst: 63, First: 32}
	var major int
	if n, _ := fmt.Sscanf(version, "SVT-AV1 v%d.", &major); n == 1 && major >= 4 {
		crf.Step = 0.25
	}
	return crf
}

func (svtav1) Rate(options string) (first, rest string) {
	return svtTable.without(options, "crf", "cqp", "qp", "rc", "tbr", "lossless")
}

// svtVersion is what the library says when it begins, at SVT_LOG=3.
var svtVersion = regexp.MustCompile(`SVT \[version\]:\s*SVT-AV1 Encoder Lib (v?[0-9][0-9A-Za-z.+-]{0,40})`)

func (svtav1) Version(_ []byte, messages string) string {
	m := svtVersion.FindStringSubmatch(messages)
	if m == nil {
		return ""
	}
	return "SVT-AV1 " + m[1]
}

// svtComplaints are what libsvtav1 and the library say of settings that they don't take; the first group is the reason.
// libsvtav1 goes on without an option that the library can't read.
var svtComplaints = complaints{
	said: []*regexp.Regexp{
		regexp.MustCompile(`Error parsing option (.+)$`),
		regexp.MustCompile(`^Svt\[error\]: (?:Instance [0-9]+ ?: )?(.+)$`),
	},
	remarks: []*regexp.Regexp{
		regexp.MustCompile(`^\[libsvtav1\] (.+)$`),
		regexp.MustCompile(`^(?:ffmpeg: )?(.+)$`),
	},
}

// svtUnpinned is what versions that pin no threads say of our pin=0.
var svtUnpinned = regexp.MustCompile(`(?m)^.*Error parsing option pin: 0\..*$`)

func (svtav1) Complaint(messages string, failed bool) string {
	return svtComplaints.reason(svtUnpinned.ReplaceAllString(messages, ""), failed)
}

// svtAsked is what a user asked of SVT-AV1: made by Parse alone.
type svtAsked struct {
	asked         // what goes through -svtav1-params
	look   Look   // from the options that describe colours
	keyint string // from --keyint; empty: not said
	depth  int    // from --input-depth: 8 or 10; 0: not said
	to420  bool   // --color-format 1 or --profile 0: other sampling of colours is to become 4:2:0
}

func (svtav1) Parse(text string) (Options, error) { return parseSVT(text) }

func parseSVT(text string) (x svtAsked, err error) {
	err = svtTable.parse(text, x.set)
	return x, err
}

// set takes one option under its long name.
func (x *svtAsked) set(name, value string, rule option) {
	x.note(rule)
	if n, err := strconv.Atoi(value); err == nil && rule.form == integer {
		value = strconv.Itoa(n) // the library would read 010 as eight
	}
	switch name {
	case "keyint":
		x.keyint = value
	case "input-depth":
		x.depth, _ = strconv.Atoi(value)
	case "color-format", "profile":
		x.to420 = true
	case "color-primaries":
		x.look.Primaries = svtPrimaries.ffprobe(value)
	case "transfer-characteristics":
		x.look.Transfer = svtTransfers.ffprobe(value)
	case "matrix-coefficients":
		x.look.Matrix = svtMatrices.ffprobe(value)
	case "color-range":
		x.look.Range = svtRanges.ffprobe(value)
	case "chroma-sample-position":
		x.look.ChromaPlace = svtChromaPlaces.ffprobe(value)
	case "level": // the library counts in tenths
		x.setParam(name, strings.ReplaceAll(value, ".", ""), rule)
	default:
		if !rule.ignored {
			x.setParam(name, value, rule)
		}
	}
}

// PixFmt implements Options, as do the next ones. SVT-AV1 has 4:2:0 alone, in 8 and 10 bit.
func (x svtAsked) PixFmt(source string) string {
	_, depth := pixelForm(source, 10)
	return pixFmt(420, cmp.Or(x.depth, depth))
}

// Fields is empty: AV1 has none.
func (x svtAsked) Fields(string) string { return "" }

func (x svtAsked) Multiples(pipeline.Picture) (w, h int) { return 2, 2 }

func (x svtAsked) Unfit(source pipeline.Video, out pipeline.Picture) string {
	const least = 64 // older versions take no less; what newer ones take they code without some of their tools
	chroma, depth := pixelForm(source.PixFmt, 12)
	switch {
	case inFields(source) && !out.Deinterlace:
		return `The video is interlaced, and AV1 has no fields: set deinterlace = "yes" in the profile.`
	case out.Width < least || out.Height < least:
		return fmt.Sprintf("The picture is %d×%d, and svtav1 takes none below %d×%d: %suse another encoder.", out.Width,
			out.Height, least, least, svtEnlarged(source, least))
	case chroma != 420 && !x.to420:
		return fmt.Sprintf("The pictures are %s, and svtav1 makes 4:2:0 alone: with --color-format 1 they become 4:2:0; "+
			"another encoder can keep them.", source.PixFmt)
	case depth > 10 && x.depth == 0:
		return fmt.Sprintf("The pictures are %s, and svtav1 has 10 bit at most: with --input-depth 10 they are rounded; "+
			"another encoder can keep them.", source.PixFmt)
	}
	return ""
}

// svtEnlarged says which scale brings a source's pictures to sides of least pixels or more; empty if none does.
func svtEnlarged(source pipeline.Video, least float64) string {
	w, h := float64(source.Width), float64(source.Height)
	if source.SAR.Valid() {
		w *= float64(source.SAR.Num) / float64(source.SAR.Den)
	}
	even := func(side float64) int { return 2 * int(math.Ceil(side*least/min(w, h)/2)) }
	box := pipeline.Scale{Width: even(w), Height: even(h), Enlarge: true}
	if box.UnmarshalText([]byte(box.String())) != nil {
		return ""
	}
	return fmt.Sprintf("set scale = %q in the profile, or ", box)
}

func (x svtAsked) Look() Look { return x.look }

// Sleeps is for Options: 1.4.1 does.
func (x svtAsked) Sleeps() bool { return true }

// Buffer is none: the library models one for a constant bitrate alone, which is not made here.
func (x svtAsked) Buffer() pipeline.Buffer { return pipeline.Buffer{} }

func (x svtAsked) Args(s Stream) []string {
	return []string{"-c:v", "libsvtav1", "-svtav1-params", x.withOwn(x.own(s))}
}

// own are the library's parameters that come from the source or from the work in chunks. What the user said goes before
// them.
func (x svtAsked) own(s Stream) []param {
	rate := svtRate(s.Video.FrameRate)
	out := []param{
		{"lp", svtParallel(s.Threads)},
		// Up to 2.x, lp=1 would put all encodes of a machine on its first core.
		{"pin", "0"},
		// ffmpeg guesses the rate from the first packets, which differ between a piece and the source.
		{"fps-num", strconv.FormatInt(rate.Num, 10)}, {"fps-denom", strconv.FormatInt(rate.Den, 10)},
		{"keyint", x.keyFrames(rate)},
	}
	if d := svtDisplay(s.Video.MasterDisplay); d != "" {
		out = append(out, param{"mastering-display", d})
	}
	if s.Video.MaxCLL != "" {
		out = append(out, param{"content-light", s.Video.MaxCLL})
	}
	return out
}

// svtRate is the rate by which the library shares out bits and counts seconds: it takes no more than 240.
func svtRate(r pipeline.Rational) pipeline.Rational {
	const most = 240
	if !r.Valid() || r.Num/r.Den >= most {
		return pipeline.Rational{Num: most, Den: 1}
	}
	return r
}

// svtParallel is the level at which 3.0 and later use this number of threads (Docs/Parameters.md, appendix A.1). To
// earlier ones it is a number of cores. The stream does not depend on it.
func svtParallel(threads int) string {
	level := min(threads, 3)
	for _, least := range []int{6, 12, 24} {
		if threads >= least {
			level++
		}
	}
	return strconv.Itoa(level)
}

// keyFrames is --keyint in frames, by which all chunks count alike. Unless it was asked for, it is ten seconds, and the
// pictures between two key frames are whole groups of 32, which the library codes together.
func (x svtAsked) keyFrames(rate pipeline.Rational) string {
	const usual, group = 10.0, 32
	perSecond := float64(rate.Num) / float64(rate.Den)
	if s, ok := strings.CutSuffix(x.keyint, "s"); ok {
		seconds, _ := strconv.Atoi(s) // its form was checked
		return strconv.Itoa(max(1, int(math.Round(float64(seconds)*perSecond))))
	}
	if x.keyint != "" {
		return x.keyint
	}
	return strconv.Itoa(group*int(math.Ceil(usual*perSecond/group)) + 1)
}

// KeyFrames is for Options: scenes get no key frames of their own, so it is all there are.
func (x svtAsked) KeyFrames(source pipeline.Video) int {
	n, _ := strconv.Atoi(x.keyFrames(svtRate(source.FrameRate))) // its form was checked
	return max(0, n)
}

// svtDisplay writes a mastering display in the library's units, of 1 and of cd/m²; empty if there is none.
func svtDisplay(steps string) string {
	var n [10]float64
	if _, err := fmt.Sscanf(steps, "G(%g,%g)B(%g,%g)R(%g,%g)WP(%g,%g)L(%g,%g)",
		&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9]); err != nil {
		return ""
	}
	const xy, cd = 50000, 10000
	for i := range n {
		n[i] /= xy
	}
	n[8], n[9] = n[8]*xy/cd, n[9]*xy/cd
	return fmt.Sprintf("G(%.5f,%.5f)B(%.5f,%.5f)R(%.5f,%.5f)WP(%.5f,%.5f)L(%.4f,%.4f)", n[0], n[1], n[2], n[3], n[4], n[5],
		n[6], n[7], n[8], n[9])
}

// svtCoarsening are the parameters that reach into the quantizers whatever the CRF.
var svtCoarsening = []string{"rc", "tbr", "mbr", "qp", "cqp", "max-qp", "min-qp", "use-fixed-qindex-offsets",
	"key-frame-qindex-offset", "qindex-offsets", "luma-y-dc-qindex-offset", "lambda-scale-factors", "startup-qp-offset",
	"enable-qm"}

// Coarse: only --crf, 35 where it is not given, tells how coarse pictures can get, and only if no other option reaches
// into their quantizers. From preset 10 on, 1.4 blends a key frame with the next picture, also across a cut.
func (x svtAsked) Coarse() bool {
	const worstFine, blending = 45, 10
	crf, err := strconv.ParseFloat(cmp.Or(x.param("crf"), "35"), 64)
	preset, unsaid := strconv.Atoi(x.param("preset"))
	blends := x.param("enable-tf") != "0" && (unsaid != nil || preset >= blending)
	return err != nil || crf > worstFine || blends || x.has(svtCoarsening...)
}

// Contradiction is always empty: no option promises what another could break.
func (x svtAsked) Contradiction([]byte) (string, error) { return "", nil }

package encoder

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// x264 makes H.264.
type x264 struct{}

func (x264) Name() string    { return "x264" }
func (x264) Library() string { return "libx264" }
func (x264) Codec() string   { return "h264" }
func (x264) Bare() string    { return "h264" }
func (x264) AnySize() string { return "--profile high444 --output-csp i444" }

func (x264) Chunk() time.Duration { return 20 * time.Second }

func (x264) CRF(string) CRF {
	return CRF{CRFs: pipeline.CRFs{Least: 8, Most: 42, Step: 0.25, Span: 6}, Worst: 51, First: 23}
}

func (x264) Rate(options string) (first, rest string) {
	return x264Table.without(options, "crf", "qp", "bitrate", "avcintra-class")
}

// x264 writes its version and all its settings into the first frame, as SEI user data.
var x264Version = regexp.MustCompile(`x264 - core ([0-9]{1,5})( r[0-9]{1,6}[a-zA-Z0-9 ]{0,20})?`)

func (x264) Version(head []byte, _ string) string {
	m := x264Version.FindSubmatch(head)
	if m == nil {
		return ""
	}
	return strings.TrimSpace("x264 core " + string(m[1]) + string(m[2]))
}

// What libx264 and ffmpeg say of settings that they don't take; the first group is the reason. libx264 goes on without
// an option that it can't read.
var x264Complaints = complaints{
	said: []*regexp.Regexp{
		regexp.MustCompile(`Error parsing option '?(.+?)'?\.?$`),
		regexp.MustCompile(`x264 \[error\]: (.+)$`),
	},
	remarks: []*regexp.Regexp{
		regexp.MustCompile(`^\[libx264\] (.*(?:requires?d?|must|not|invalid).*)$`),
		regexp.MustCompile(`^(?:ffmpeg: )?(.+)$`),
	},
}

func (x264) Complaint(messages string, failed bool) string {
	return x264Complaints.reason(messages, failed)
}

// x264Asked is what a user asked of x264: made by Parse alone.
type x264Asked struct {
	asked                               // what goes through -x264-params
	preset, tune, profile, level string // ffmpeg's own options; empty: x264's default
	chroma                       int    // from --output-csp: 400, 420, 422 or 444; 0: not said
	depth                        int    // from --output-depth: 8 or 10; 0: not said
	colourRange                  string // from --range: tv or pc; empty: not said
}

func (x264) Parse(text string) (Options, error) { return parseX264(text) }

func parseX264(text string) (x x264Asked, err error) {
	err = x264Table.parse(text, x.set)
	return x, err
}

// set takes one option under its long name.
func (x *x264Asked) set(name, value string, rule option) {
	x.note(rule)
	switch name {
	case "preset":
		x.preset = value
	case "tune":
		x.tune = value
	case "profile":
		x.profile = value
	case "level":
		x.level = value
	case "output-csp":
		x.chroma, _ = strconv.Atoi(strings.TrimPrefix(value, "i"))
	case "output-depth":
		x.depth, _ = strconv.Atoi(value)
	case "range":
		x.colourRange = strings.TrimPrefix(value, "auto")
	default:
		if !rule.ignored {
			x.setParam(name, value, rule)
		}
	}
}

// PixFmt implements Options, as do the next ones. It goes by --output-csp and --output-depth, else by the profile:
// baseline, main and high are 4:2:0 in 8 bit, high10 is 4:2:0 in 10 bit, high422 and high444 leave the source as it
// is as far as they allow. Without a profile the source's own form is kept as far as x264 has it.
func (x x264Asked) PixFmt(source string) string {
	chroma, depth := pixelForm(source, 10)
	switch x.profile {
	case "baseline", "main", "high":
		chroma, depth = 420, 8
	case "high10":
		chroma, depth = 420, 10
	case "high422":
		chroma = min(chroma, 422)
	}
	return pixFmt(cmp.Or(x.chroma, chroma), cmp.Or(x.depth, depth))
}

func (x x264Asked) Fields(source string) string {
	switch {
	case x.has("tff"):
		return "tff"
	case x.has("bff"):
		return "bff"
	case x.has("no-tff", "fake-interlaced"):
		return ""
	}
	return source
}

func (x x264Asked) Multiples(out pipeline.Picture) (w, h int) {
	w, h = ChromaSize(out.PixFmt)
	if out.Fields != "" || x.has("fake-interlaced") {
		h *= 2
	}
	return w, h
}

// Unfit knows of no pictures: x264 takes whatever PixFmt and Multiples make of a source.
func (x x264Asked) Unfit(source pipeline.Video, _ pipeline.Picture) string {
	return x.smallBuffer(source)
}

func (x x264Asked) Look() Look {
	return Look{
		Range: x.colourRange, SAR: strings.Replace(x.param("sar"), ":", "/", 1), Primaries: x.param("colorprim"),
		Transfer: x.param("transfer"),
		Matrix:   x.param("colormatrix"), ChromaPlace: chromaPlace(x.param("chromaloc")),
	}
}

func (x x264Asked) Args(s Stream) []string {
	args := []string{"-c:v", "libx264"}
	args = append(args, flags("-preset", x.preset, "-tune", x.tune, "-profile:v", x.profile, "-level:v", x.level)...)
	args = append(args, "-x264-params", x.within(s).withOwn(x.own(s)), "-threads", strconv.Itoa(s.Threads))
	return append(args, plainTiming(s)...)
}

// plainTiming has the stream's headers state the mean frame rate (two fields a frame, ITU-T H.264, E.2.1) where x264
// would state the ticks of a very fine time base: mkvmerge takes more than 100,000 a second for a mistake and writes
// headers of its own (measured with mkvtoolnix 74). No player of Matroska or MP4 goes by them.
func plainTiming(s Stream) []string {
	const fastest = 100_000 // ticks a second
	r := s.Video.FrameRate
	if s.Timescale <= fastest || !r.Valid() || r.Num > math.MaxInt32/2 {
		return nil
	}
	return []string{"-bsf:v", "h264_metadata=tick_rate=" + pipeline.Rational{Num: 2 * r.Num, Den: r.Den}.String()}
}

// own are libx264's parameters that come from the source or from the work in chunks. What the user said goes before
// them.
func (x x264Asked) own(s Stream) []param {
	out := []param{
		// Headers that don't depend on the content, so that chunks can be joined.
		{"stitchable", "1"},
		// ffmpeg guesses it from the first packets, which differ between a piece and the source, and it stands in the
		// headers.
		{"fps", s.Video.FrameRate.String()},
	}
	if sar := s.Out.SAR; sar.Num > 0 && sar.Den > 0 {
		out = append(out, param{"sar", sar.String()})
	}
	if s.Out.Fields != "" {
		out = append(out, param{s.Out.Fields, "1"})
	}
	if ratio := x.ipRatio(); s.Later && ratio > 0 {
		// With mbtree, x264 gives the first I frame of a stream the quantizer of a P frame, and all later ones a finer one
		// by this factor (measured: 2.9 steps at crf, for each preset with mbtree). In one whole encode this would be a
		// later one, as it was on real clips too (docs/performance.md). Without mbtree it changes nothing.
		out = append(out, param{"zones", fmt.Sprintf("0,0,b=%g", ratio)})
	}
	if s.Video.MasterDisplay != "" {
		out = append(out, param{"mastering-display", s.Video.MasterDisplay})
	}
	if s.Video.MaxCLL != "" {
		out = append(out, param{"cll", s.Video.MaxCLL})
	}
	return out
}

// ipRatio is how much finer than a P frame's the quantizer of an I frame is; 0 where it is not the quality (crf) that
// is asked for.
func (x x264Asked) ipRatio() float64 {
	if x.has("qp", "bitrate") {
		return 0
	}
	ratio := 1.4 // x264 --fullhelp
	if slices.Contains(strings.Split(x.tune, ","), "grain") {
		ratio = 1.1
	}
	if user := x.param("ipratio"); user != "" {
		ratio, _ = strconv.ParseFloat(user, 64) // the form of a number was checked
	}
	return ratio
}

// x264Coarsening are the parameters that reach into the quantizers whatever the CRF.
var x264Coarsening = []string{
	"qp", "bitrate", "vbv-maxrate", "vbv-bufsize", "crf-max", "qpmin", "qpmax", "qpstep", "ipratio", "qcomp",
	"aq-strength", "nr",
	"deadzone-intra", "deadzone-inter", "cqm", "cqm4", "cqm4i", "cqm4iy", "cqm4p", "cqm4py", "cqm8", "cqm8i", "cqm8p",
	"avcintra-class",
}

// Coarse: only --crf, 23 where it is not given, tells how coarse pictures can get, and only if no other option reaches
// into their quantizers.
func (x x264Asked) Coarse() bool {
	const worstFine = 30
	crf, err := strconv.ParseFloat(cmp.Or(x.param("crf"), "23"), 64)
	return err != nil || crf > worstFine || x.has(x264Coarsening...)
}

// h264Profiles are the profiles in their order, each with all that those before it have, by the number that stands in
// the stream (ITU-T H.264, A.2).
var h264Profiles = []struct {
	name string
	idc  byte
}{{"baseline", 66}, {"main", 77}, {"high", 100}, {"high10", 110}, {"high422", 122}, {"high444", 244}}

// spsStart is a start code and the type of a sequence parameter set; its profile is the next byte.
var spsStart = regexp.MustCompile(`\x00\x00\x01[\x27\x47\x67]`)

// Contradiction compares the profile that came out with the one asked for. The x264 command lets the profile override
// all else; ffmpeg lets single parameters override the profile, and a device that needs the profile could not play the
// result.
func (x x264Asked) Contradiction(head []byte) (string, error) {
	if x.profile == "" {
		return "", nil
	}
	sps := spsStart.FindIndex(head)
	if sps == nil || sps[1] == len(head) {
		return "", errors.New("the encoded picture has no sequence parameters")
	}
	for _, p := range h264Profiles {
		if p.idc == head[sps[1]] {
			return "", nil
		}
		if p.name == x.profile {
			break
		}
	}
	return fmt.Sprintf("profile %s lacks something that another option asks for (such as --qp 0, which is lossless)",
		x.profile), nil
}

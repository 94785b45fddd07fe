package encoder

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// x265 makes HEVC.
type x265 struct{}

func (x265) Name() string    { return "x265" }
func (x265) Library() string { return "libx265" }
func (x265) Codec() string   { return "hevc" }
func (x265) Bare() string    { return "hevc" }
func (x265) AnySize() string { return "--profile main444-8 --input-csp i444" }

func (x265) Chunk() time.Duration { return 20 * time.Second }

func (x265) CRF(string) CRF {
	return CRF{CRFs: pipeline.CRFs{Least: 8, Most: 42, Step: 0.25, Span: 6}, Worst: 51, First: 23}
}

func (x265) Rate(options string) (first, rest string) {
	return x265Table.without(options, "crf", "qp", "bitrate", "lossless")
}

// x265 says its version on stderr alone: what it would write of itself into the stream stands in the headers too
// (ITU-T H.265, 7.4.2.4.4: SEI of CodecPrivate), and with all its options, so that no two chunks were alike.
var x265Version = regexp.MustCompile(`(?m)^x265 \[info\]: HEVC encoder version ([0-9a-zA-Z.+_-]{1,40})$`)

func (x265) Version(_ []byte, messages string) string {
	m := x265Version.FindStringSubmatch(messages)
	if m == nil {
		return ""
	}
	return "x265 " + m[1]
}

// What libx265 and ffmpeg say of settings that they don't take; the first group is the reason. ffmpeg goes on without
// an option that is not known or can't be read.
var x265Complaints = complaints{
	said: []*regexp.Regexp{
		regexp.MustCompile(`(Unknown option: .+|Invalid value for .+)$`),
		regexp.MustCompile(`^x265 \[error\]: (.+)$`),
		regexp.MustCompile(`^x265 \[warning\]: (unable to parse .+|.*disabled\. Enable .+)$`),
	},
	remarks: []*regexp.Regexp{
		regexp.MustCompile(`^x265 \[warning\]: (.*(?:is non-compliant).*)$`),
		regexp.MustCompile(`^\[libx265\] \[?(?:error\] )?(.+)$`),
		regexp.MustCompile(`^(?:ffmpeg: )?(.+)$`),
	},
}

func (x265) Complaint(messages string, failed bool) string {
	return x265Complaints.reason(messages, failed)
}

// x265Asked is what a user asked of x265: made by Parse alone.
type x265Asked struct {
	asked                        // what goes through -x265-params
	preset, tune, profile string // ffmpeg's own options; empty: x265's default
	chroma                int    // from --input-csp: 400, 420, 422 or 444; 0: not said
	depth                 int    // from --output-depth: 8, 10 or 12; 0: not said
	colourRange           string // from --range: tv or pc; empty: not said
	progressive           bool   // --no-interlace: whatever the source says
}

func (x265) Parse(text string) (Options, error) { return parseX265(text) }

func parseX265(text string) (x x265Asked, err error) {
	err = x265Table.parse(text, x.set)
	return x, err
}

// set takes one option under its long name.
func (x *x265Asked) set(name, value string, rule option) {
	x.note(rule)
	switch name {
	case "preset":
		x.preset = value
	case "tune":
		x.tune = value
	case "profile":
		x.profile = value
	case "input-csp":
		x.chroma = map[string]int{"0": 400, "1": 420, "2": 422, "3": 444}[value]
		if csp, named := strings.CutPrefix(value, "i"); named {
			x.chroma, _ = strconv.Atoi(csp)
		}
	case "output-depth":
		x.depth, _ = strconv.Atoi(value)
	case "range":
		x.colourRange = map[string]string{"limited": "tv", "full": "pc"}[value]
	case "no-interlace":
		x.progressive = true
	case "sar":
		x.setParam(name, strings.Replace(value, "/", ":", 1), rule) // libx265 knows no other form
	default:
		if !rule.ignored {
			x.setParam(name, value, rule)
		}
	}
}

// x265Form is what a profile allows at most (ITU-T H.265, A.3): --profile chooses the depth, as in the command.
func x265Form(profile string) (chroma, depth int) {
	switch name := strings.TrimSuffix(profile, "-intra"); name {
	case "main":
		return 420, 8
	case "main10":
		return 420, 10
	case "main12":
		return 420, 12
	case "main444":
		return 444, 8
	default: // main422-10
		_, _ = fmt.Sscanf(name, "main%d-%d", &chroma, &depth)
		return chroma, depth
	}
}

// PixFmt implements Options, as do the next ones. It goes by --input-csp and --output-depth, else by the profile: its
// depth, and its chroma where the source's has more. Without a profile the source's own form is kept as far as x265 has
// it.
func (x x265Asked) PixFmt(source string) string {
	chroma, depth := pixelForm(source, 12)
	if x.profile != "" {
		most, deep := x265Form(x.profile)
		depth = deep
		switch chroma = min(chroma, most); {
		case chroma == 400 && most < 444:
			chroma = 420 // libx265 makes gray pictures in profiles of 4:4:4 alone
		case chroma == 422 && deep == 8:
			chroma = 444 // 4:2:2 in 8 bit is of the profiles with 10 (A.3.5, table A.2)
		}
	}
	return pixFmt(cmp.Or(x.chroma, chroma), cmp.Or(x.depth, depth))
}

// Fields is empty: libx265 codes interlaced pictures as fields, and ffmpeg hands it whole ones.
func (x x265Asked) Fields(string) string { return "" }

func (x x265Asked) Multiples(out pipeline.Picture) (w, h int) { return ChromaSize(out.PixFmt) }

func (x x265Asked) Unfit(source pipeline.Video, out pipeline.Picture) string {
	const least = 16 // pixels, of libx265.c
	switch {
	case !x.progressive && inFields(source) && !out.Deinterlace:
		return `The video is interlaced, and x265 makes progressive pictures alone: set deinterlace = "yes" in the ` +
			`profile, or say --no-interlace if its pictures are whole ones.`
	case min(out.Width, out.Height) < least:
		return fmt.Sprintf("The picture is %d×%d, and x265 takes none with less than %d pixels across or down: use another "+
			"encoder.", out.Width, out.Height, least)
	}
	return x.smallBuffer(source)
}

func (x x265Asked) Look() Look {
	said := func(key string) string { return strings.Replace(x.param(key), "unknown", "undef", 1) }
	return Look{
		Range: x.colourRange, SAR: strings.Replace(x.param("sar"), ":", "/", 1), Primaries: said("colorprim"),
		Transfer: said("transfer"), Matrix: said("colormatrix"), ChromaPlace: chromaPlace(x.param("chromaloc")),
	}
}

// Args has one frame thread: with more, what libx265 makes can depend on how busy the machine is. The threads of its
// pool, by which it works on the rows of a picture, change no bit.
func (x x265Asked) Args(s Stream) []string {
	args := []string{"-c:v", "libx265"}
	args = append(args, flags("-preset", x.preset, "-tune", x.tune, "-profile:v", x.profile)...)
	return append(args, "-x265-params", x.within(s).withOwn(x265Own(s)), "-threads", "1")
}

// x265Own are libx265's parameters that come from the source or from the work in chunks.
func x265Own(s Stream) []param {
	out := []param{
		{"log-level", "info"},
		// Headers that don't depend on the content, in front of each key picture, so that chunks can be joined as they
		// are: mkvmerge would put them there.
		{"info", "0"}, {"repeat-headers", "1"},
		// ffmpeg guesses it from the first packets, which differ between a piece and the source, and it stands in the
		// headers.
		{"fps", s.Video.FrameRate.String()},
		// A seek to a key picture shows all that come behind it.
		{"open-gop", "0"},
	}
	out = append(out, x265Threads(s.Threads)...)
	if s.Video.MasterDisplay != "" || s.Video.MaxCLL != "" {
		out = append(out, param{"hdr10", "1"})
	}
	if s.Video.MasterDisplay != "" {
		out = append(out, param{"master-display", s.Video.MasterDisplay})
	}
	if s.Video.MaxCLL != "" {
		out = append(out, param{"max-cll", s.Video.MaxCLL})
	}
	return out
}

// x265Threads divides threads between the pictures' rows and the lookahead: with --b-adapt 2, which medium and slower
// presets have, a lookahead of four threads and more decides otherwise than one of fewer (x265 3.5, slicetype.cpp,
// slicetypeAnalyse). It has three at most here, so that the same chunk comes of each machine.
func x265Threads(n int) (out []param) {
	const most = 3
	if n > 0 {
		out = append(out, param{"pools", strconv.Itoa(n)})
	}
	if n == 0 || n > most {
		out = append(out, param{"lookahead-threads", strconv.Itoa(min(max(n/4, 1), most))})
	}
	return out
}

// x265Coarsening are the parameters that reach into the quantizers whatever the CRF.
var x265Coarsening = []string{
	"qp", "bitrate", "vbv-maxrate", "vbv-bufsize", "crf-max", "qpmin", "qpmax", "qpstep", "ipratio", "qcomp",
	"aq-strength", "nr-intra", "nr-inter", "scaling-list", "cbqpoffs", "crqpoffs", "level-idc",
}

// Coarse: only --crf, 28 where it is not given, tells how coarse pictures can get, and only if no other option reaches
// into their quantizers.
func (x x265Asked) Coarse() bool {
	const worstFine = 34
	crf, err := strconv.ParseFloat(cmp.Or(x.param("crf"), "28"), 64)
	return err != nil || crf > worstFine || x.has(x265Coarsening...)
}

// What a stream says of itself in its first parameter set (ITU-T H.265, 7.3.2.1 and 7.3.3), by the bytes behind the
// start code.
const (
	vpsProfile     = 6  // general_profile_space, general_tier_flag, general_profile_idc
	vpsConstraints = 11 // general_progressive_source_flag and what follows
	vpsLevel       = 17 // general_level_idc, 30 times the level
	rangeExtension = 4  // general_profile_idc of all profiles beyond Main 10 and 8 bit
)

// Contradiction compares profile and level that came out with those that were asked for, where single parameters
// override them.
func (x x265Asked) Contradiction(head []byte) (string, error) {
	if x.profile == "" && !x.has("level-idc") {
		return "", nil
	}
	_, vps, found := bytes.Cut(head, []byte{0, 0, 1, 0x40, 1})
	vps = append([]byte{0x40, 1}, bytes.ReplaceAll(vps[:min(len(vps), 64)], []byte{0, 0, 3}, []byte{0, 0})...)
	if !found || len(vps) <= vpsLevel {
		return "", errors.New("the encoded picture has no video parameters")
	}
	if x.profile != "" && !x265Holds(x.profile, vps) {
		return fmt.Sprintf("profile %s lacks something that another option asks for", x.profile), nil
	}
	if level, err := strconv.ParseFloat(x.param("level-idc"), 64); err == nil {
		if level < 10 {
			level *= 10
		}
		if float64(vps[vpsLevel]) > 3*level {
			return fmt.Sprintf("the pictures or other options need a higher level than %s", x.param("level-idc")), nil
		}
	}
	return "", nil
}

// x265Holds reports whether a decoder of a profile is one of what a stream says it is.
func x265Holds(profile string, vps []byte) bool {
	chroma, depth := x265Form(profile)
	switch idc := int(vps[vpsProfile] & 0x1F); idc {
	case 1, 3: // Main, and a single picture of it
		return true
	case 2:
		return depth >= 10
	case rangeExtension:
		limits := uint16(vps[vpsConstraints])<<8 | uint16(vps[vpsConstraints+1]) // 4 flags, then the constraints
		isWithin := func(bit int) bool { return limits>>(15-bit)&1 == 1 }
		deep, sampled := 16, 444
		for i, d := range []int{12, 10, 8} {
			if isWithin(4 + i) {
				deep = d
			}
		}
		for i, c := range []int{422, 420, 400} {
			if isWithin(7 + i) {
				sampled = c
			}
		}
		return profile != "main" && profile != "main10" && deep <= depth && sampled <= chroma
	}
	return false
}

package encoder

import "strings"

// x265Table is what may be asked of x265 (x265 --fullhelp, 3.5).
var x265Table = table{command: "x265", help: "x265 --fullhelp", options: x265Options(), short: x265Short,
	refused: x265Refused}

// x265Flags are the parameters that are on or off: each with its no-.
const x265Flags = "high-tier allow-non-conformance wpp pmode pme ssim-rd rd-refine early-skip tskip-fast " +
	"splitrd-skip weightp weightb cu-lossless signhide tskip rect amp limit-modes temporal-mvp hme " +
	"strong-intra-smoothing constrained-intra b-intra fast-intra open-gop hist-scenecut fades b-pyramid lossless " +
	"analyze-src-pics hevc-aq aq-motion cutree rc-grain const-vbv sao sao-non-deblock limit-sao cll hdr10 hdr10-opt " +
	"idr-recovery-sei temporal-layers aud vui-timing-info vui-hrd-info opt-cu-delta-qp lowpass-dct"

// The parameters that take a whole number, a number, one of a few words.
const (
	x265Integers = "tu-intra-depth tu-inter-depth rskip-edge-threshold nr-intra nr-inter max-merge ref subme merange " +
		"keyint min-keyint gop-lookahead scenecut radl rc-lookahead lookahead-slices bframes bframe-bias qp vbv-maxrate " +
		"vbv-bufsize qpstep qpmin qpmax cbqpoffs crqpoffs min-luma max-luma atc-sei log2-max-poc-lsb slices"
	x265Numbers = "psy-rd psy-rdoq dynamic-rd scenecut-bias hist-threshold crf crf-max crf-min vbv-init vbv-end " +
		"min-vbv-fullness max-vbv-fullness aq-strength qp-adaptation-range ipratio pbratio qcomp max-ausize-factor"
	searches = "dia hex umh star sea full 0 1 2 3 4 5"
)

var x265Words = map[string]string{
	"ctu": "64 32 16", "min-cu-size": "64 32 16 8", "max-tu-size": "32 16 8 4", "limit-tu": "0 1 2 3 4",
	"rd": "1 2 3 4 5 6", "rdoq-level": "0 1 2", "rskip": "0 1 2", "limit-refs": "0 1 2 3", "me": searches,
	"rdpenalty": "0 1 2",
	"b-adapt":   "0 1 2", "aq-mode": "0 1 2 3 4", "qg-size": "64 32 16 8", "selective-sao": "0 1 2 3 4", "hash": "0 1 2 3",
	// libx265 takes any other word here for a file's name.
	"scaling-list": "off default",
	"overscan":     "unknown show crop", "videoformat": "unknown component pal ntsc secam mac",
	"colorprim": "bt709 unknown bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432",
	"transfer": "bt709 unknown bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e " +
		"iec61966-2-1 bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67",
	"colormatrix": "unknown bt709 fcc bt470bg smpte170m smpte240m gbr ycgco bt2020nc bt2020c smpte2085 " +
		"chroma-derived-nc chroma-derived-c ictcp",
	"chromaloc": "0 1 2 3 4 5",
	"level-idc": "1 1.0 2 2.0 2.1 3 3.0 3.1 4 4.0 4.1 5 5.0 5.1 5.2 6 6.0 6.1 6.2 8.5 " +
		"10 20 21 30 31 40 41 50 51 52 60 61 62 85",
	"preset": "ultrafast superfast veryfast faster fast medium slow slower veryslow placebo",
	"tune":   "psnr ssim grain zerolatency fastdecode animation", "profile": x265Profiles,
	"output-depth": "8 10 12", "range": "limited full",
}

const x265Profiles = "main main-intra main10 main10-intra main12 main12-intra main422-10 main422-10-intra main422-12 " +
	"main422-12-intra main444-8 main444-intra main444-10 main444-10-intra main444-12 main444-12-intra"

func x265Options() map[string]option {
	all := map[string]option{
		"deblock": {form: offsets}, "no-deblock": {form: flag}, "no-scenecut": {form: flag}, "no-psy-rd": {form: flag},
		"no-psy-rdoq": {form: flag}, "no-rdoq-level": {form: flag}, "intra-refresh": {form: flag},
		"hme-search": {form: list, words: searches}, "hme-range": {form: numbers}, "display-window": {form: numbers},
		"sar": {form: ratio}, "master-display": {form: display}, "max-cll": {form: light},
		"hdr-opt": {form: flag, key: "hdr10-opt"}, "no-hdr-opt": {form: flag, key: "no-hdr10-opt"},
		"bitrate": {form: integer, note: bitrateNote},
		"input-csp": {form: words, words: "i400 i420 i422 i444 0 1 2 3",
			note: "--input-csp: the pictures are converted to it, whatever the source's are"},
		"no-interlace": {form: flag}, "no-field": {ignored: true},

		"frame-threads": {form: count, ignored: true, note: "--frame-threads is not used: it is always 1, for with more of " +
			"them the pictures can depend on how busy the machine is"},
		"lookahead-threads": {form: count, ignored: true, note: "--lookahead-threads is not used: each worker chooses by " +
			"its cores"},
		"repeat-headers": {ignored: true}, // they always are
		"no-info":        {ignored: true},
		"no-progress":    {ignored: true}, "copy-pic": {ignored: true},
		"ssim": {ignored: true}, "no-ssim": {ignored: true}, "psnr": {ignored: true}, "no-psnr": {ignored: true},
	}
	for name := range strings.FieldsSeq(x265Flags) {
		all[name], all["no-"+name] = option{form: flag}, option{form: flag}
	}
	for name := range strings.FieldsSeq(x265Integers) {
		all[name] = option{form: integer}
	}
	for name := range strings.FieldsSeq(x265Numbers) {
		all[name] = option{form: number}
	}
	for name, allowed := range x265Words {
		all[name] = option{form: words, words: allowed}
	}
	return all
}

// x265Short are the command's one-letter options.
var x265Short = map[byte]string{
	'D': "output-depth", 'P': "profile", 'p': "preset", 't': "tune", 'F': "frame-threads", 's': "ctu", 'm': "subme",
	'I': "keyint", 'i': "min-keyint", 'b': "bframes", 'q': "qp", 'w': "weightp", 'o': "output", 'f': "frames",
	'r': "recon", 'h': "help", 'V': "version",
}

// Why options of the x265 command are refused, beside the reasons that x264 has too.
const (
	noReuse  = "it works with what another encode wrote down, and chunks are encoded once"
	noFields = "HEVC is encoded as whole pictures here; set deinterlace = \"yes\" for a source in fields"
	noBuffer = "a decoder's buffer can't be modelled across chunks"
	noHeader = "chunks can be joined only if their headers don't depend on their pictures"
	noVision = "dynamic metadata does not pass an encoder here"
)

var x265Refused = map[string]string{
	"output": noFile, "input": noFile, "y4m": noFile, "input-depth": noFile, "input-res": noFile, "dither": noFile,
	"csv": noFile, "csv-log-level": noFile, "recon": noFile, "recon-depth": noFile, "recon-y4m-exec": "it runs a program",
	"nalu-file": noFile, "lambda-file": noFile, "abr-ladder": noFile,
	"log-level":            "the daemon's own log has everything",
	"dolby-vision-profile": noVision, "dolby-vision-rpu": noVision, "dhdr10-info": noVision, "dhdr10-opt": noVision,
	"no-dhdr10-opt": noVision,
	"pass":          noTwoPass, "stats": noTwoPass, "slow-firstpass": noTwoPass, "no-slow-firstpass": noTwoPass,
	"multi-pass-opt-analysis": noTwoPass, "multi-pass-opt-distortion": noTwoPass, "vbv-live-multi-pass": noTwoPass,
	"multi-pass-opt-rps": noTwoPass, "no-multi-pass-opt-analysis": noTwoPass, "no-multi-pass-opt-distortion": noTwoPass,
	"no-vbv-live-multi-pass": noTwoPass, "no-multi-pass-opt-rps": noTwoPass, "scenecut-aware-qp": noTwoPass,
	"masking-strength": noTwoPass,
	"analysis-save":    noReuse, "analysis-load": noReuse, "analysis-reuse-file": noReuse, "analysis-reuse-level": noReuse,
	"analysis-save-reuse-level": noReuse, "analysis-load-reuse-level": noReuse, "refine-analysis-type": noReuse,
	"scale-factor": noReuse, "refine-intra": noReuse, "refine-inter": noReuse, "refine-mv": noReuse,
	"refine-ctu-distortion": noReuse, "dynamic-refine": noReuse, "no-dynamic-refine": noReuse, "ctu-info": noReuse,
	"fps": noTiming, "frame-dup": noTiming, "no-frame-dup": noTiming, "dup-threshold": noTiming, "pic-struct": noTiming,
	"frames": noFrames, "seek": noFrames, "frame-skip": noFrames, "qpfile": noFrames, "zones": noFrames,
	"zonefile": noFrames, "chunk-start": noFrames, "chunk-end": noFrames, "vbv-end-fr-adj": noFrames,
	"interlace": noFields, "field": noFields,
	"hrd": noBuffer, "no-hrd": noBuffer, "hrd-concat": noBuffer, "no-hrd-concat": noBuffer, "uhd-bd": noBuffer,
	"strict-cbr": noBuffer, "no-strict-cbr": noBuffer,
	"info": noHeader, "no-repeat-headers": noHeader, "opt-qp-pps": noHeader, "no-opt-qp-pps": noHeader,
	"opt-ref-list-length-pps": noHeader, "no-opt-ref-list-length-pps": noHeader,
	"pools": noMachine, "numa-pools": noMachine, "asm": noMachine, "no-asm": noMachine,
	"no-copy-pic": "ffmpeg needs it", "force-flush": "it is for live pictures",
	"help": "it encodes nothing", "fullhelp": "it encodes nothing", "version": "it encodes nothing",
}

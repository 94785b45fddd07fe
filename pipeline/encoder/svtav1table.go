package encoder

import (
	"slices"
	"strings"
)

// svtTable is what may be asked of SVT-AV1, in any version from 1.4 to 4.2 (Docs/Parameters.md): what this machine's
// does not know is told by the trial encode. A range is the widest that any of them takes.
var svtTable = table{command: "SvtAv1EncApp", help: "SvtAv1EncApp --help", options: svtOptions,
	short: svtShort, refused: svtRefused}

var svtOptions = map[string]option{
	"preset": {form: integer, least: -1, most: 13},
	"tune":   {form: integer, most: 5},
	"level": {form: words, words: "2.0 2.1 2.2 2.3 3.0 3.1 3.2 3.3 4.0 4.1 4.2 4.3 5.0 5.1 5.2 5.3 6.0 6.1 6.2 6.3 " +
		"7.0 7.1 7.2 7.3 20 21 22 23 30 31 32 33 40 41 42 43 50 51 52 53 60 61 62 63 70 71 72 73"},
	"profile": {form: words, words: "0 main"},
	"color-format": {form: words, words: "1 420", note: "--color-format: the pictures become 4:2:0, whatever the " +
		"source's are"},
	"input-depth": {form: words, words: "8 10"},

	"keyint":              {form: span},
	"irefresh-type":       {form: words, words: "2 kf"}, // forward key frames are no key packets
	"scd":                 {form: integer, most: 1},
	"lookahead":           {form: integer, most: 120},
	"hierarchical-levels": {form: integer, most: 5},
	"pred-struct":         {form: integer, least: 1, most: 2},
	"startup-mg-size":     {form: words, words: "0 2 3 4"},
	"enable-dg":           {form: integer, most: 1},

	"rc":  {form: words, words: "0 1 cqp crf vbr"},
	"crf": {form: quarters, least: 1, most: 70},
	"cqp": {form: quarters, least: 1, most: 70},
	"qp":  {form: integer, least: 1, most: 63},
	"tbr": {form: bitrate, note: "--tbr: each chunk is brought to this bitrate for itself, so quality varies more than " +
		"in one encode; --crf gives an even quality, and size in the profile does too"},
	"mbr": {form: bitrate, note: "--mbr caps the bitrate on the average; it is no bound of a decoder's buffer, which " +
		"x264 and x265 can keep to with --vbv-maxrate and --vbv-bufsize"},
	"max-qp":                         {form: integer, most: 63},
	"min-qp":                         {form: integer, most: 63},
	"aq-mode":                        {form: integer, most: 2},
	"enable-variance-boost":          {form: integer, most: 1},
	"variance-boost-strength":        {form: integer, least: 1, most: 4},
	"variance-octile":                {form: integer, least: 1, most: 8},
	"variance-boost-curve":           {form: integer, most: 3},
	"qp-scale-compress-strength":     {form: integer, most: 3},
	"ac-bias":                        {form: number, most: 8},
	"hbd-mds":                        {form: integer, least: -1, most: 2},
	"use-fixed-qindex-offsets":       {form: integer, most: 2},
	"key-frame-qindex-offset":        {form: integer, least: -64, most: 63},
	"key-frame-chroma-qindex-offset": {form: integer, least: -64, most: 63},
	"luma-y-dc-qindex-offset":        {form: integer, least: -64, most: 63},
	"chroma-u-dc-qindex-offset":      {form: integer, least: -64, most: 63},
	"chroma-u-ac-qindex-offset":      {form: integer, least: -64, most: 63},
	"chroma-v-dc-qindex-offset":      {form: integer, least: -64, most: 63},
	"chroma-v-ac-qindex-offset":      {form: integer, least: -64, most: 63},
	"hdr-chroma-deltaq":              {form: integer, most: 1},
	"qindex-offsets":                 {form: layers},
	"chroma-qindex-offsets":          {form: layers},
	"lambda-scale-factors":           {form: layers},
	"startup-qp-offset":              {form: integer, least: -63, most: 63},
	"undershoot-pct":                 {form: integer, most: 100},
	"overshoot-pct":                  {form: integer, most: 100},
	"mbr-overshoot-pct":              {form: integer, most: 100},
	"bias-pct":                       {form: integer, most: 100},
	"minsection-pct":                 {form: integer, most: 100},
	"maxsection-pct":                 {form: integer, most: 10000},
	"recode-loop":                    {form: integer, most: 4},
	"gop-constraint-rc":              {form: integer, most: 1},
	"enable-qm":                      {form: integer, most: 1},
	"qm-min":                         {form: integer, most: 15},
	"qm-max":                         {form: integer, most: 15},
	"chroma-qm-min":                  {form: integer, most: 15},
	"chroma-qm-max":                  {form: integer, most: 15},
	"luminance-qp-bias":              {form: integer, most: 100},
	"sharpness":                      {form: integer, least: -7, most: 7},
	"lossless":                       {form: integer, most: 1},

	"tile-rows":           {form: integer, most: 6},
	"tile-columns":        {form: integer, most: 4},
	"fast-decode":         {form: integer, most: 2},
	"enable-dlf":          {form: integer, most: 2},
	"enable-cdef":         {form: integer, least: -1, most: 1},
	"enable-restoration":  {form: integer, least: -1, most: 1},
	"enable-tpl-la":       {form: integer, most: 1},
	"enable-mfmv":         {form: integer, least: -1, most: 1},
	"enable-tf":           {form: integer, most: 2},
	"enable-kf-tf":        {form: integer, most: 1},
	"tf-strength":         {form: integer, most: 4},
	"enable-overlays":     {form: integer, most: 1},
	"enable-intrabc":      {form: integer, most: 1},
	"scm":                 {form: integer, most: 3},
	"rmv":                 {form: integer, most: 1},
	"max-tx-size":         {form: words, words: "32 64"},
	"film-grain":          {form: integer, most: 50},
	"film-grain-denoise":  {form: integer, most: 1},
	"adaptive-film-grain": {form: integer, most: 1},

	"color-primaries":          {form: words, words: svtPrimaries.words()},
	"transfer-characteristics": {form: words, words: svtTransfers.words()},
	"matrix-coefficients":      {form: words, words: svtMatrices.words()},
	"color-range":              {form: words, words: svtRanges.words()},
	"chroma-sample-position":   {form: words, words: svtChromaPlaces.words()},
	"mastering-display":        {form: realDisplay}, // what else it says the library reads for ever
	"content-light":            {form: light},
	"enable-hdr":               {form: integer, most: 1, ignored: true}, // metadata is written where there is some

	"lp":          {form: integer, most: 999, ignored: true, note: "--lp is not used: each worker chooses by its cores"},
	"pin":         {form: integer, most: 999, ignored: true},
	"progress":    {form: integer, most: 2, ignored: true},
	"no-progress": {form: integer, most: 1, ignored: true},
}

// svtShort are the command's one-letter options.
var svtShort = map[byte]string{'q': "qp", 'i': "input", 'b': "output", 'c': "config", 'o': "recon", 'w': "width",
	'h': "height", 'n': "frames"}

const (
	noResize = "the pictures have one size, which the profile's scale decides"
	noSwitch = "chunks are joined at key frames alone"
	noCBR    = "a constant bitrate can't be kept across chunks; use --mbr"
)

var svtRefused = map[string]string{
	"input": noFile, "output": noFile, "config": noFile, "errlog": noFile, "recon": noFile, "stat-file": noFile,
	"qpfile": noFile, "use-q-file": noFile, "roi-map-file": noFile, "fgs-table": noFile,
	"ivf": "the profile's container decides it", "obu": "the profile's container decides it",
	"enable-stat-report": "`distenc verify --quality` measures the pictures",
	"svtav1-params":      "give each option for itself",
	"pass":               noTwoPass, "passes": noTwoPass, "stats": noTwoPass,
	"fps": noTiming, "fps-num": noTiming, "fps-denom": noTiming, "inj": noTiming, "inj-frm-rt": noTiming,
	"frames": noFrames, "skip": noFrames, "nb": noFrames, "force-key-frames": noFrames, "sframe-posi": noFrames,
	"sframe-dist": noSwitch, "sframe-mode": noSwitch, "sframe-qp": noSwitch, "sframe-qp-offset": noSwitch,
	"width": noResize, "height": noResize, "forced-max-frame-width": noResize, "forced-max-frame-height": noResize,
	"resize-mode": noResize, "resize-denom": noResize, "resize-kf-denom": noResize, "frame-resz-events": noResize,
	"frame-resz-denoms": noResize, "frame-resz-kf-denoms": noResize, "superres-mode": noResize,
	"superres-denom": noResize, "superres-kf-denom": noResize, "superres-qthres": noResize,
	"superres-kf-qthres": noResize,
	"buf-sz":             noCBR, "buf-initial-sz": noCBR, "buf-optimal-sz": noCBR,
	"asm": noMachine, "ss": noMachine, "compressed-ten-bit-format": "no version needs it",
	"rtc": "it is for live pictures", "avif": "it is for still pictures",
	"help": "it encodes nothing", "color-help": "it encodes nothing", "version": "it encodes nothing",
}

// svtNames are what an option that describes pictures may say: the number that stands in the stream, SVT-AV1's name for
// it, and behind a '=' ffprobe's where that is another (Docs/Parameters.md, appendix A.2; ITU-T H.273).
type svtNames string

const (
	svtPrimaries svtNames = "1/bt709 2/=undef 4/bt470m 5/bt470bg 6/bt601=smpte170m 7/smpte240=smpte240m 8/film 9/bt2020 " +
		"10/xyz=smpte428 11/smpte431 12/smpte432 22/ebu3213"
	svtTransfers svtNames = "1/bt709 2/=undef 4/bt470m 5/bt470bg 6/bt601=smpte170m 7/smpte240=smpte240m 8/linear " +
		"9/log100 10/log100-sqrt10=log316 11/iec61966=iec61966-2-4 12/bt1361=bt1361e 13/srgb=iec61966-2-1 14/bt2020-10 " +
		"15/bt2020-12 16/smpte2084 17/smpte428 18/hlg=arib-std-b67"
	svtMatrices svtNames = "1/bt709 2/=undef 4/fcc 5/bt470bg 6/bt601=smpte170m 7/smpte240=smpte240m 8/ycgco " +
		"9/bt2020-ncl=bt2020nc 10/bt2020-cl=bt2020c 11/smpte2085 12/chroma-ncl=chroma-derived-nc " +
		"13/chroma-cl=chroma-derived-c 14/ictcp"
	svtRanges       svtNames = "0/studio=tv 1/full=pc"
	svtChromaPlaces svtNames = "0/unknown=undef 1/left 1/vertical=left 2/topleft 2/colocated=topleft"
)

// words are those that the option takes.
func (n svtNames) words() string {
	var all []string
	for _, entry := range strings.Fields(string(n)) {
		said, _, _ := strings.Cut(entry, "=")
		for word := range strings.SplitSeq(said, "/") {
			if word != "" && !slices.Contains(all, word) {
				all = append(all, word)
			}
		}
	}
	return strings.Join(all, " ")
}

// ffprobe gives ffprobe's name.
func (n svtNames) ffprobe(word string) string {
	for _, entry := range strings.Fields(string(n)) {
		said, name, other := strings.Cut(entry, "=")
		number, own, _ := strings.Cut(said, "/")
		if word != number && word != own {
			continue
		}
		if other {
			return name
		}
		return own
	}
	return ""
}

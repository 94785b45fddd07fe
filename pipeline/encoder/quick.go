package encoder

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/distenc/distenc/pipeline"
)

// Quick returns a job's encoder, and its options for a pass with a CRF that only counts bytes: it searches little, and
// what comes out is about as large as otherwise. The error is a *pipeline.Refusal.
func Quick(s pipeline.Settings, crf float64) (Encoder, Options, error) {
	e, err := Named(s.Encoder)
	if err == nil {
		s.Options = e.Quick(s.Options)
	}
	return At(s, crf)
}

var quickPresets = []string{"ultrafast", "superfast"}

// Quick has what x264's own first pass leaves out (encoder/encoder.c, x264_param_apply_fastfirstpass). The fastest
// presets leave out more.
func (x264) Quick(options string) string {
	if x, _ := parseX264(options); slices.Contains(quickPresets, x.preset) {
		return options
	}
	return options + " --ref 1 --no-8x8dct --partitions none --me dia --subme 2 --trellis 0 --fast-pskip"
}

// Quick has what x265's own first pass leaves out (common/param.cpp, x265_param_apply_fastfirstpass).
func (x265) Quick(options string) string {
	if x, _ := parseX265(options); slices.Contains(quickPresets, x.preset) {
		return options
	}
	return options + " --ref 1 --max-merge 1 --no-rect --no-amp --fast-intra --me dia --subme 2 --early-skip --rd 2"
}

// Quick has a faster preset, but none that is so fast that it makes another number of bytes: from 11 on it does.
func (svtav1) Quick(options string) string {
	const faster, fastest = 3, 10
	x, _ := parseSVT(options) // they were accepted
	preset, err := strconv.Atoi(cmp.Or(x.param("preset"), strconv.Itoa(fastest)))
	if err != nil || preset >= fastest {
		return options
	}
	return options + " --preset " + strconv.Itoa(min(preset+faster, fastest))
}

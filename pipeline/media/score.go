package media

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// Comparison is of two films' pictures, the first with the first and so on.
type Comparison struct {
	Inputs []string // ffmpeg's options and its two inputs
	Graph  string   // filters that end in [source] and [output], alike in size, pixel format and time
	Metric pipeline.Metric
	Pixels float64 // of an output's picture
	// Every tells VMAF to score every nth picture, n being Every; 0: each. Other metrics always score each.
	Every   int
	Threads int // of the metric; 0: one
	Nice    int
	Limits  Limits
	Started func(*Process) // as Command has it
}

// large is the size from which VMAF looks at pictures as people do at those of a television in 4K.
const large = 2560 * 1440

// filters measure and print each picture's score to standard output. A filter takes the pictures in the order that it
// was made for: XPSNR's weights come from the first.
func (c Comparison) filters() string {
	const together = "shortest=1:repeatlast=0"
	switch c.Metric {
	case pipeline.VMAF:
		model := "vmaf_v0.6.1"
		if c.Pixels > large {
			model = "vmaf_4k_v0.6.1"
		}
		return fmt.Sprintf("[output][source]libvmaf=%s:model=version=%s:n_threads=%d:n_subsample=%d:log_fmt=csv"+
			":log_path=/dev/stdout", together, model, max(1, c.Threads), max(1, c.Every))
	case pipeline.XPSNR:
		return "[source][output]xpsnr=" + together + ",metadata=mode=print:file=-"
	default:
		return "[output][source]ssim=" + together + ",metadata=mode=print:file=-"
	}
}

// Compare decodes both and returns the score of each picture, in VMAF's case of each that was looked at.
func (t Tools) Compare(ctx context.Context, c Comparison) (scores []float64, err error) {
	args := append(slices.Clone(c.Inputs), "-filter_complex", c.Graph+c.filters()+"[out]", "-map", "[out]",
		"-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "null", "-")
	command := Command{Program: t.FFmpeg, Args: args, Limits: c.Limits, Nice: c.Nice, Started: c.Started}
	_, err = t.Pipe(ctx, command, func(r io.Reader) error {
		scores, err = readScores(r, c.Metric)
		return err
	})
	if err == nil && len(scores) == 0 {
		err = errors.New("no picture came out of the decoders")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot measure %s: %w", c.Metric.Title(), err)
	}
	return scores, nil
}

// maxScores bounds what is kept of one comparison: ten hours at 240 pictures a second.
const maxScores = 10 * 3600 * 240

// readScores reads what the filters print: VMAF's a table with a line for each picture, the others "key=value" behind a
// line "frame:…".
func readScores(r io.Reader, m pipeline.Metric) (scores []float64, err error) {
	lines := bufio.NewScanner(r)
	column := -1
	for lines.Scan() && len(scores) < maxScores {
		line := strings.TrimSpace(lines.Text())
		key, value, _ := strings.Cut(line, "=")
		switch {
		case m != pipeline.VMAF && strings.HasPrefix(line, "frame:"):
			scores = append(scores, math.Inf(1))
			continue
		case m == pipeline.SSIM && key == "lavfi.ssim.All":
		case m == pipeline.XPSNR && strings.HasPrefix(key, "lavfi.xpsnr.xpsnr."):
		case m == pipeline.VMAF && column < 0:
			column = columnOf(line, "vmaf")
			continue
		case m == pipeline.VMAF:
			cells := strings.Split(line, ",")
			scores, value = append(scores, math.Inf(1)), cells[min(column, len(cells)-1)]
		default:
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(v) || v < -farthest || v > farthest && !math.IsInf(v, 1) || len(scores) == 0 {
			return nil, fmt.Errorf("not a score: %q", line)
		}
		last := &scores[len(scores)-1]
		*last = min(*last, v) // of XPSNR's planes the worst
	}
	return scores, lines.Err()
}

// farthest is a score that no metric gives.
const farthest = 1e6

// columnOf is the place of a column in a table's head; -1 if that is none.
func columnOf(head, name string) int {
	for i, cell := range strings.Split(head, ",") {
		if cell == name {
			return i
		}
	}
	return -1
}

// equal is the XPSNR in dB that equal pictures count as: there is no end to it.
const equal = 100

// MeanScore is the score of pictures together. XPSNR's is that of their mean distance, as ffmpeg sums it up.
func MeanScore(m pipeline.Metric, scores []float64) (mean float64) {
	for _, s := range scores {
		if m == pipeline.XPSNR {
			s = math.Pow(10, -min(s, equal)/20)
		}
		mean += s / float64(max(1, len(scores)))
	}
	if m == pipeline.XPSNR {
		return -20 * math.Log10(mean)
	}
	return mean
}

// CanMeasure tries a metric with one made-up picture. An error for which Settles is true says that this ffmpeg can't.
func (t Tools) CanMeasure(ctx context.Context, m pipeline.Metric) error {
	const picture = "color=s=192x192:r=24:d=0.1,format=yuv420p" // VMAF scales it down, and wants something left
	_, err := Recall(ctx, t, t.FFmpeg, "measure "+string(m), func() (bool, error) {
		_, err := t.Compare(ctx, Comparison{
			Inputs: append(BaseArgs(), "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", picture),
			Graph:  "[0:0]null[source];[1:0]null[output];", Metric: m, Limits: Reading(0),
		})
		return true, err
	})
	return err
}

// WithoutGrain are options in front of a result's Input: film grain that AV1 has the decoder make up is no part of what
// was encoded. libdav1d, which ffmpeg takes first, heeds them, and so do decoders in hardware; libaom makes grain all
// the same. Other codecs have none.
func WithoutGrain() []string { return []string{"-export_side_data", "film_grain"} }

package pipeline

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Metric is a way to say how near pictures are to their source's, in one number that grows with the likeness.
type Metric string

// The metrics.
const (
	// SSIM is the structural similarity of all planes, 0 to 1.
	SSIM Metric = "ssim"
	// VMAF is Netflix's, 0 to 100.
	VMAF Metric = "vmaf"
	// XPSNR is the perceptually weighted peak signal-to-noise ratio in dB, of whichever plane has the lowest.
	XPSNR Metric = "xpsnr"
)

// Metrics lists all of them: the first is one that every ffmpeg has.
func Metrics() []Metric { return []Metric{SSIM, VMAF, XPSNR} }

// Title is the metric's name as people write it.
func (m Metric) Title() string { return strings.ToUpper(string(m)) }

// Remedy is what a person can do where an ffmpeg does not have the metric.
func (m Metric) Remedy() string {
	which := map[Metric]string{
		VMAF:  " that was built with libvmaf, which Debian's was not",
		XPSNR: " of version 7.1 or later, which Debian 12 has not",
	}[m]
	return fmt.Sprintf("install an ffmpeg%s (a static build, in PATH or in the folder that DISTENC_TOOLS names), or ask "+
		"for ssim, which each has", which)
}

// Text writes a score of the metric with as many digits as mean anything.
func (m Metric) Text(score float64) string {
	if m == SSIM {
		return fmt.Sprintf("%.4f", score)
	}
	return fmt.Sprintf("%.2f", score)
}

// Quality is the score that each chunk's pictures are to have. The zero value asks for none.
type Quality struct {
	Metric Metric
	Target float64
}

// targets are the scores that can be asked for: below, nobody wants to look at it; above, no encoder gets there.
var targets = map[Metric][2]float64{SSIM: {0.5, 0.9999}, VMAF: {10, 99.9}, XPSNR: {15, 70}}

// None reports whether no quality is asked for.
func (q Quality) None() bool { return q == Quality{} }

func (q Quality) String() string {
	if q.None() {
		return "none"
	}
	return string(q.Metric) + " " + strconv.FormatFloat(q.Target, 'f', -1, 64)
}

// MarshalText implements encoding.TextMarshaler.
func (q Quality) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "none", "vmaf 95", "ssim 0.985" and "xpsnr 42".
func (q *Quality) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*q = Quality{}
		return nil
	}
	name, number, _ := strings.Cut(string(text), " ")
	target, err := strconv.ParseFloat(number, 64)
	limits, known := targets[Metric(name)]
	if err != nil || !known || !decimal(number) {
		return fmt.Errorf(`must be "none", or a metric and a score such as "vmaf 95", "ssim 0.985" or "xpsnr 42", is %q`,
			text)
	}
	if target < limits[0] || target > limits[1] {
		return fmt.Errorf("must be from %g to %g for %s, is %g", limits[0], limits[1], name, target)
	}
	*q = Quality{Metric(name), target}
	return nil
}

// decimal tells a plain number from what else strconv.ParseFloat takes.
func decimal(s string) bool { return len(s) <= 8 && strings.Trim(s, "0123456789.") == "" }

// Scored is the score of a chunk whose CRF was searched for.
type Scored struct {
	Asked  Quality `json:"asked"`
	Score  float64 `json:"score"`  // mean of its pictures
	CRF    float64 `json:"crf"`    // that it was encoded with
	Probes int     `json:"probes"` // encodes of the whole chunk, the best of which is the result
	// Limit tells that the score would need a CRF beyond those that are searched.
	Limit bool `json:"limit,omitempty"`
}

// Scores is how near a film came to the quality that was asked for.
type Scores struct {
	Asked  Quality   `json:"asked"`
	Mean   float64   `json:"mean"`             // of all pictures that are encoded
	Worst  int       `json:"worst"`            // the chunk with the lowest score
	Limits []int     `json:"limits,omitempty"` // the chunks whose CRF was at its limit
	Chunks []float64 `json:"chunks"`           // 0: not encoded yet
}

// ScoresOf sums up what the records of a plan's chunks say, in the plan's order; nil where no quality was asked for. A
// chunk that is not encoded yet has the zero Record.
func ScoresOf(p *Plan, records []Record) *Scores {
	if p.Settings.Quality.None() {
		return nil
	}
	s := &Scores{Asked: p.Settings.Quality, Chunks: make([]float64, len(records))}
	frames := 0
	for i, r := range records {
		score := r.Quality.Score
		if r.Quality.Asked != s.Asked || score == 0 {
			continue
		}
		s.Chunks[i] = round(score)
		s.Mean += score * float64(r.Frames)
		if frames == 0 || score < s.Chunks[s.Worst] {
			s.Worst = i
		}
		frames += r.Frames
		if r.Quality.Limit {
			s.Limits = append(s.Limits, i)
		}
	}
	s.Mean = round(s.Mean / float64(max(1, frames)))
	return s
}

// round keeps what means anything: there are many.
func round(score float64) float64 { return math.Round(score*1e4) / 1e4 }

// Known reports whether any chunk was scored.
func (s *Scores) Known() bool {
	return s != nil && !s.Asked.None() && s.Mean > 0 && s.Worst >= 0 && s.Worst < len(s.Chunks)
}

// Text says it in a line for a person.
func (s *Scores) Text() string {
	metric := s.Asked.Metric
	said := fmt.Sprintf("%s %s asked for", metric.Title(), strconv.FormatFloat(s.Asked.Target, 'f', -1, 64))
	if !s.Known() {
		return said
	}
	said += fmt.Sprintf(": mean %s, worst %s in chunk %05d", metric.Text(s.Mean), metric.Text(s.Chunks[s.Worst]),
		s.Worst)
	if n := len(s.Limits); n > 0 {
		said += fmt.Sprintf("; %d of %d chunks would need a CRF beyond its limits", n, len(s.Chunks))
	}
	return said
}

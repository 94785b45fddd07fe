package view

import (
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// plot is a film's scores, chunk by chunk, as a line in a box that is plotWide times plotHigh.
type plot struct {
	Text      string
	Line      string  // the path's data
	Target    float64 // the height of the wanted score
	Low, High string  // the scores at the bottom and at the top
}

const plotWide, plotHigh = 1000, 100

// leastSpan is how much of the scale is shown where all scores are alike.
var leastSpan = map[pipeline.Metric]float64{pipeline.VMAF: 4, pipeline.SSIM: 0.01, pipeline.XPSNR: 2}

// plotOf draws what is known; nil if nothing is. Whoever can write on the share can have written any number.
func plotOf(s *pipeline.Scores) *plot {
	if !s.Known() {
		return nil
	}
	low, high := s.Asked.Target, s.Asked.Target
	for _, score := range s.Chunks {
		if score != 0 {
			low, high = min(low, score), max(high, score)
		}
	}
	edge := max((high-low)/10, (leastSpan[s.Asked.Metric]-(high-low))/2)
	low, high = low-edge, high+edge
	height := func(score float64) float64 { return plotHigh * (high - score) / (high - low) }
	wide := plotWide / float64(len(s.Chunks))
	var line strings.Builder
	drawn := false
	for i, score := range s.Chunks {
		if score != 0 && !drawn {
			fmt.Fprintf(&line, "M%.1f %.1f", float64(i)*wide, height(score))
		} else if score != 0 {
			fmt.Fprintf(&line, "V%.1f", height(score))
		}
		if drawn = score != 0; drawn {
			fmt.Fprintf(&line, "H%.1f", float64(i+1)*wide)
		}
	}
	m := s.Asked.Metric
	return &plot{Text: s.Text(), Line: line.String(), Target: height(s.Asked.Target), Low: m.Text(low), High: m.Text(high)}
}

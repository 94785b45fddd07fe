package view

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline/history"
)

// A chart is drawn in a box that is chartWide times chartHigh; the plot in it leaves room for what stands at the axes.
const (
	chartWide, chartHigh  = 380, 170
	chartLeft, chartRight = 58, 372
	chartTop, chartBottom = 10, 146
	// chartLines is how many nodes have a line: as many as there are colours in history.css.
	chartLines = 6
)

// chart is numbers day by day, as a picture.
type chart struct {
	ID, Title, Text string
	Wide, High      int
	Left, Right     int
	Lines           []chartLine
	Ticks           []tick // at the left, the lowest first
	Days            []tick // below
}

// chartLine is a path's data.
type chartLine struct{ Path, Area string }

// tick is a number or a day at an axis. Anchor is where At is in the text.
type tick struct {
	At           float64
	Text, Anchor string
}

// scale shows numbers from low to high.
type scale struct{ low, high, step float64 }

// scaleOf chooses a scale that begins and ends at a round number, and has zero in it. unit is what numbers are round
// in.
func scaleOf(low, high, unit float64) scale {
	low, high = min(low, 0), max(high, 0)
	if high-low <= 0 {
		high = unit
	}
	raw := (high - low) / unit / 3
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, round := range []float64{1, 2, 5} {
		if raw <= round*power {
			step = round * power
			break
		}
	}
	step *= unit
	return scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, step}
}

func (s scale) height(v float64) float64 {
	return chartBottom - (chartBottom-chartTop)*(v-s.low)/(s.high-s.low)
}

func (s scale) ticks(text func(float64) string) (all []tick) {
	for i := 0; s.low+float64(i)*s.step < s.high+s.step/2; i++ {
		v := s.low + float64(i)*s.step
		all = append(all, tick{s.height(v), text(v), "end"})
	}
	return all
}

// chartX is where a day stands.
func chartX(i, days int) float64 {
	return chartLeft + (chartRight-chartLeft)*(float64(i)+0.5)/float64(max(1, days))
}

// chartOf is a chart of these days without lines.
func chartOf(id, title string, h *history.History) *chart {
	c := &chart{ID: id, Title: title, Wide: chartWide, High: chartHigh, Left: chartLeft, Right: chartRight}
	anchors := []string{"start", "middle", "middle", "end"}
	for n, anchor := range anchors {
		i := (len(h.Days) - 1) * n / (len(anchors) - 1)
		if day, err := time.Parse(time.DateOnly, h.Days[i].Day); err == nil {
			c.Days = append(c.Days, tick{chartX(i, len(h.Days)), day.Format("2 Jan"), anchor})
		}
	}
	return c
}

// savedChart adds up day by day how much smaller the outputs are.
func savedChart(h *history.History) *chart {
	c := chartOf("saved", "Space saved in the last 30 days", h)
	sums, low, high := make([]float64, len(h.Days)), 0.0, 0.0
	for i, d := range h.Days {
		sums[i] = float64(d.Saved())
		if i > 0 {
			sums[i] += sums[i-1]
		}
		low, high = min(low, sums[i]), max(high, sums[i])
	}
	s := scaleOf(low, high, binaryUnit(max(high, -low)))
	c.Ticks = s.ticks(func(v float64) string { return byteCount(int64(v)) })
	var line strings.Builder
	for i, v := range sums {
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], chartX(i, len(sums)), s.height(v))
	}
	area := fmt.Sprintf("%sV%.1fH%.1fZ", line.String(), s.height(0), chartX(0, len(sums)))
	c.Lines = []chartLine{{line.String(), area}}
	c.Text = fmt.Sprintf("A line that adds up day by day how much smaller the outputs are than their sources: %s after "+
		"30 days.", byteCount(h.Recent.Saved()))
	return c
}

// binaryUnit is the largest of bytes, KiB, MiB, … that is not larger than n.
func binaryUnit(n float64) float64 {
	unit := 1.0
	for n >= 1024*unit {
		unit *= 1024
	}
	return unit
}

// speedChart shows how fast one encode was on each host, day by day. A day without a film leaves a gap.
func speedChart(h *history.History) *chart {
	c := chartOf("speed", "Speed of one encode by node and day", h)
	nodes, high := h.Nodes[:min(chartLines, len(h.Nodes))], 0.0
	for _, n := range nodes {
		for _, fps := range n.Daily {
			high = max(high, fps)
		}
	}
	s := scaleOf(0, high, 1)
	c.Ticks = s.ticks(func(v float64) string { return fmt.Sprintf("%g", v) })
	var said []string
	for _, n := range nodes {
		c.Lines = append(c.Lines, chartLine{Path: broken(n.Daily, s)})
		said = append(said, fmt.Sprintf("%s %.1f", n.Host, n.FPS))
	}
	c.Text = fmt.Sprintf("A line for each of the busiest hosts, in frames a second; the mean of 30 days: %s.",
		strings.Join(said, ", "))
	return c
}

// broken is a line through the numbers that has a gap where there is none, and a dash where one stands alone.
func broken(daily []float64, s scale) string {
	var line strings.Builder
	has := func(i int) bool { return i >= 0 && i < len(daily) && daily[i] > 0 }
	for i, v := range daily {
		x, y := chartX(i, len(daily)), s.height(v)
		switch {
		case !has(i):
		case has(i - 1):
			fmt.Fprintf(&line, "L%.1f %.1f", x, y)
		case has(i + 1):
			fmt.Fprintf(&line, "M%.1f %.1f", x, y)
		default:
			fmt.Fprintf(&line, "M%.1f %.1fh4", x-2, y)
		}
	}
	return line.String()
}

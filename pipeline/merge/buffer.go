package merge

import (
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// BufferReport says how full a decoder's buffer is while it plays the output.
type BufferReport struct {
	Rate   float64 `json:"kilobits_per_second"`
	Size   float64 `json:"kilobits"`
	Lowest float64 `json:"lowest_percent"` // of the size; below zero: pictures come too late
	At     int     `json:"lowest_chunk"`
	Late   []int   `json:"late_chunks,omitempty"` // in which pictures come too late
}

// CheckBuffer follows a decoder's buffer through the chunks, whose packets and times the output was found to have. It
// returns what a person should know, empty if the buffer holds or has no bounds.
func (r *Report) CheckBuffer(b pipeline.Buffer, records []pipeline.Record) (note string) {
	if !b.Bounds() {
		return ""
	}
	flows := make([]pipeline.Flow, len(records))
	for i := range records {
		flows[i] = records[i].Flow
	}
	const kilobit = 1000
	found := &BufferReport{Rate: b.Rate / kilobit, Size: b.Size / kilobit, Lowest: 100}
	for i, low := range b.Joined(flows) {
		if percent := 100 * low / b.Size; percent < found.Lowest {
			found.Lowest, found.At = percent, i
		}
		if low < 0 {
			found.Late = append(found.Late, i)
		}
	}
	r.Buffer = found
	what := fmt.Sprintf("decoder's buffer of %.0f kbit at %.0f kbit/s: %.1f%% full at the lowest, in chunk %05d",
		found.Size, found.Rate, found.Lowest, found.At)
	r.check(len(found.Late) == 0, Note, "%s", what)
	if len(found.Late) == 0 {
		return ""
	}
	return fmt.Sprintf("The decoder's buffer of %.0f kbit at %.0f kbit/s does not hold: pictures come too late in %s, "+
		"and no further attempt made them smaller. A larger --vbv-bufsize, --vbv-maxrate or a higher --crf does.",
		found.Size, found.Rate, numbered(found.Late))
}

// numbered names chunks, the first few.
func numbered(chunks []int) string {
	const told = 10
	var names []string
	for _, c := range chunks[:min(len(chunks), told)] {
		names = append(names, fmt.Sprintf("%05d", c))
	}
	if len(chunks) > told {
		names = append(names, fmt.Sprintf("and %d more", len(chunks)-told))
	}
	return "chunks " + strings.Join(names, ", ")
}

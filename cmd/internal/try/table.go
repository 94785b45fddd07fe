package try

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/sample"
)

// Table prints a report for a person.
func Table(w io.Writer, r *Report) {
	fmt.Fprintf(w, "%s  %s, %d frames, %s\n\n",
		view.Plain(filepath.Base(string(r.File))), span(r.Seconds), r.Frames, size(float64(r.Size)))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "PROFILE\tENCODER\tSIZE\tOF SOURCE\tTIME HERE\t")
	farm := r.farm()
	if farm {
		fmt.Fprint(t, "ON THE FARM\t")
	}
	fmt.Fprint(t, "SSIM\tWORST FRAME\t")
	vmaf := r.vmaf()
	if vmaf {
		fmt.Fprint(t, "VMAF\t")
	}
	fmt.Fprintln(t, "SAMPLE")
	for _, p := range r.Profiles {
		if p.Refused != "" {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t", view.Plain(p.Name), p.Encoder, p.sizeText(),
			r.part(p.Size.Value), timeText(p.Time))
		if farm {
			fmt.Fprintf(t, "%s\t", p.farmText())
		}
		fmt.Fprintf(t, "%s\t%s at %s\t", pipeline.SSIM.Text(p.SSIM), pipeline.SSIM.Text(p.Worst), at(p.At))
		if vmaf {
			fmt.Fprintf(t, "%s\t", p.vmafText())
		}
		fmt.Fprintln(t, p.sampledText(r.Frames))
	}
	_ = t.Flush() // to w, whose errors nobody can be told of
	for _, p := range r.Profiles {
		if p.CRF != nil {
			fmt.Fprintf(w, "%s: %s needs CRF %g to %g\n", view.Plain(p.Name), p.Quality, p.CRF.Low, p.CRF.High)
		}
		if p.Farm != nil {
			fmt.Fprintf(w, "%s: the farm is %s\n", view.Plain(p.Name), p.Farm.measuredText())
		}
		for _, n := range p.Notes {
			fmt.Fprintf(w, "note on %s: %s\n", view.Plain(p.Name), view.Plain(n))
		}
	}
	fmt.Fprintf(w, "\n%s\n", view.Plain(string(r.Page)))
}

func (r *Report) farm() bool {
	return slices.ContainsFunc(r.Profiles, func(p Profile) bool { return p.Farm != nil })
}

func (r *Report) vmaf() bool {
	return slices.ContainsFunc(r.Profiles, func(p Profile) bool { return p.VMAF != nil })
}

// sizeText is a size with its interval: "1.2 GiB ±7%".
func (p Profile) sizeText() string { return size(p.Size.Value) + margin(p.Size) }

// timeText is a time with its interval.
func timeText(e sample.Estimate) string { return span(e.Value) + margin(e) }

func (p Profile) farmText() string {
	if p.Farm == nil {
		return ""
	}
	return timeText(p.Farm.Time)
}

// measuredText says of how many nodes the speed is known.
func (f Farm) measuredText() string {
	if f.Measured == f.Nodes {
		return english.Plural(f.Nodes, "node", "")
	}
	return fmt.Sprintf("%s, of which %d have encoded with these settings before",
		english.Plural(f.Nodes, "node", ""), f.Measured)
}

func (p Profile) vmafText() string {
	if p.VMAF == nil {
		return ""
	}
	return pipeline.VMAF.Text(*p.VMAF)
}

func (p Profile) sampledText(frames int) string {
	if p.Exact {
		return "the whole film"
	}
	return fmt.Sprintf("%.2g%% of the film", 100*float64(p.Sampled)/float64(max(1, frames)))
}

// part is how much of the source's size so many bytes are.
func (r *Report) part(n float64) string { return fmt.Sprintf("%.0f%%", 100*n/float64(max(1, r.Size))) }

// margin is an interval around its value; nothing where there is none.
func margin(e sample.Estimate) string {
	if half := (e.High - e.Low) / 2; half > 0 && e.Value > 0 {
		return fmt.Sprintf(" ±%.0f%%", math.Ceil(100*half/e.Value))
	}
	return ""
}

func size(n float64) string { return humanize.IBytes(uint64(max(0, n))) }

// span writes seconds.
func span(seconds float64) string { return view.Span(time.Duration(seconds * float64(time.Second))) }

// at writes a place in the film as players do: "1:02:03.4".
func at(seconds float64) string {
	tenths := int(math.Round(10 * seconds))
	s := fmt.Sprintf("%02d:%02d.%d", tenths/600%60, tenths/10%60, tenths%10)
	if hours := tenths / 36000; hours > 0 {
		return fmt.Sprintf("%d:%s", hours, s)
	}
	return strings.TrimPrefix(s, "0")
}

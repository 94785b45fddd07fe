package stages

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/merge"
)

// reportOf is the job's page for people: what came in, how it was encoded, by whom, what had to be done again
// and why, how it was checked.
func reportOf(
	j *pipeline.Job, p *pipeline.Plan, pins pipeline.Pins, records []pipeline.Record, failures []pipeline.Failure,
	out *merge.Output,
) string {
	var b strings.Builder
	fmt.Fprintf(&b, "source    %s\n          %d bytes, CRC-32 %s\n", pipeline.RawName(j.Name()), j.Size, j.CRC32)
	name := pipeline.RawName(j.OutputName(p, out.CRC32))
	fmt.Fprintf(&b, "output    %s\n          %d bytes, CRC-32 %s, %.1f%% of the source\n",
		name, out.Size, out.CRC32, 100*float64(out.Size)/float64(max(1, j.Size)))
	fmt.Fprintf(&b, "settings  profile %s: %s %s\n", j.Settings.Profile, j.Settings.Encoder, j.Settings.Options)
	scores := pipeline.ScoresOf(p, records)
	if scores != nil {
		fmt.Fprintf(&b, "quality   %s\n", scores.Text())
	}
	fmt.Fprintf(&b, "encoder   %s\n", cmp.Or(pins.Now().Version, p.Encoder))
	fmt.Fprintf(&b, "frames    %d in %d chunks, %dx%d %s\n",
		p.Frames, len(p.Chunks), p.Out.Width, p.Out.Height, p.Out.PixFmt)
	fmt.Fprintf(&b, "taken in  %s by %s\n\n", j.Created.Format(time.RFC3339), j.Master)
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	b.WriteString("\nhow it was checked\n" + out.Report.Text() + "\nwho encoded what\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "chunk\tnode\tattempt\tframes\tframes/s\tbytes\tmethod")
	for i, r := range records {
		fmt.Fprintf(t, "%05d\t%s\t%d\t%d\t%.1f\t%d\t%s\n", i, r.Node, r.Attempt, r.Frames, r.FPS(), r.Size, r.Method)
	}
	_ = t.Flush() // into memory
	if scores != nil {
		b.WriteString(scored(records))
	}
	b.WriteString(changes(pins, records))
	b.WriteString("\nwhat was done again\n" + retries(records, failures))
	return b.String()
}

// asked tells who asked what of the job, "" where nobody did.
func (s *Media) asked(job string) string {
	lines := pipeline.LoadAsked(s.FS, job)
	if len(lines) == 0 {
		return ""
	}
	return "\nwhat people asked\n" + strings.Join(lines, "\n") + "\n"
}

// scored tells what each chunk's search came to.
func scored(records []pipeline.Record) string {
	var b strings.Builder
	b.WriteString("\nhow near it came to the quality\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "chunk\tscore\tCRF\tprobes\t")
	for i, r := range records {
		limit := ""
		if r.Quality.Limit {
			limit = "the CRF is at its limit"
		}
		fmt.Fprintf(t, "%05d\t%s\t%g\t%d\t%s\n", i, r.Quality.Asked.Metric.Text(r.Quality.Score), r.Quality.CRF,
			r.Quality.Probes, limit)
	}
	_ = t.Flush() // into memory
	return b.String()
}

// changes tells which chunks are of which build, "" for a film that was encoded with one.
func changes(pins pipeline.Pins, records []pipeline.Record) string {
	if len(pins) < 2 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nwhich build encoded it\n")
	for i, pin := range pins {
		var of []string
		for n, r := range records {
			if pins.Rank(r.Build) == i {
				of = append(of, fmt.Sprintf("%05d", n))
			}
		}
		since, chunks := "as planned", "none of its chunks is left"
		if i > 0 {
			since = "from " + pin.Time.Format(time.RFC3339) + ": " + pin.Why
		}
		if len(of) > 0 {
			chunks = "chunks " + strings.Join(of, ", ")
			if i < len(pins)-1 {
				chunks = "kept, with the same headers: " + chunks
			}
		}
		fmt.Fprintf(&b, "%s\n  %s\n  %s\n", pin.Build, since, chunks)
	}
	return b.String()
}

// retries lists the attempts that came to nothing, and those that were handed back.
func retries(records []pipeline.Record, failures []pipeline.Failure) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	known := map[string]map[int]bool{}
	for _, f := range failures {
		who := f.Node
		if f.Retry {
			who = "by request" // of what was set aside: the attempt is told above it
		}
		if known[f.Chunk] == nil {
			known[f.Chunk] = map[int]bool{}
		}
		known[f.Chunk][f.Attempt] = true
		_, chunk, _ := strings.Cut(f.Chunk, ".")
		reason, _, _ := strings.Cut(f.Reason, "\n")
		fmt.Fprintf(t, "%s\tattempt %d\t%s\t%s\t%s\n", chunk, f.Attempt, who, f.Reported.Format(time.RFC3339), reason)
	}
	for i, r := range records {
		if n := r.Attempt - 1 - len(known[r.Chunk]); n > 0 {
			fmt.Fprintf(t, "%05d\thanded back or made anew, %d times\n", i, n)
		}
	}
	_ = t.Flush() // into memory
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

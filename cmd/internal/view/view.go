package view

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// view is a status sorted by what people want to know first.
type view struct {
	*status.Status
	Stuck  []pipeline.JobStatus // they wait for a person
	Active []pipeline.JobStatus // by priority, then age: the order in which they are encoded
	Ended  []pipeline.JobStatus // the latest first
	FPS    float64              // of all nodes together
	Awake  int                  // nodes that were heard of lately
}

func newView(s *status.Status) view {
	v := view{Status: s}
	named := map[string]int{}
	for _, j := range s.Jobs {
		named[j.Name]++
	}
	for _, j := range s.Jobs {
		if named[j.Name] > 1 {
			j.Name = fmt.Sprintf("%s (profile %s)", path.Join(j.Folder, j.Name), j.Profile)
		}
		switch {
		case ended(j):
			v.Ended = append(v.Ended, j)
		case j.State == pipeline.JobFailed:
			v.Stuck = append(v.Stuck, j)
		default:
			v.Active = append(v.Active, j)
		}
	}
	slices.SortStableFunc(v.Active, func(a, b pipeline.JobStatus) int { return b.Priority - a.Priority })
	slices.SortStableFunc(v.Ended, func(a, b pipeline.JobStatus) int { return b.Ended.Compare(a.Ended) })
	for _, n := range s.Nodes {
		v.FPS += n.FPS
		if n.State != pipeline.NodeSilent {
			v.Awake++
		}
	}
	return v
}

// saved says how much smaller all outputs are than their sources; empty where they are not.
func (v view) saved() string {
	if v.Saved <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s saved", humanize.IBytes(uint64(v.Saved)))
}

// ended tells jobs that nothing more happens to from those that go on, or wait for a person's retry.
func ended(j pipeline.JobStatus) bool {
	return j.State.HasOutput() || j.Decided && (j.State == pipeline.JobFailed || j.State == pipeline.Cancelled)
}

// word is a job's state for people.
func word(j pipeline.JobStatus) string {
	if j.Paused && !ended(j) {
		return "paused"
	}
	return Plain(string(j.State))
}

// done is the part of a job's frames that is encoded, 0 to 1; of one that is analysed, the part that is measured.
func done(j pipeline.JobStatus) float64 {
	if j.State == pipeline.Analysing {
		return float64(j.Chunks.Done) / float64(max(1, j.Chunks.Total))
	}
	if j.Frames.Total == 0 {
		return 0
	}
	return float64(j.Frames.Done) / float64(j.Frames.Total)
}

// waits says what a file in the inbox waits for.
func waits(f status.Waiting) string {
	if f.Companion {
		return Plain(f.Why)
	}
	if f.Why != "" {
		return "left alone: " + Plain(f.Why)
	}
	words := []string{humanize.IBytes(uint64(max(0, f.Size)))}
	switch {
	case f.Whole:
		words = append(words, "whole, until it is its turn")
	case f.Settles > 0:
		words = append(words, "until it has stood still for "+seconds(f.Settles)+" more and it is its turn")
	default:
		words = append(words, "until it has stood still and it is its turn")
	}
	if f.Paused {
		words = append(words, "its job will be paused")
	}
	if f.Priority != 0 {
		words = append(words, fmt.Sprintf("priority %d", f.Priority))
	}
	return strings.Join(words, ", ")
}

// left says how much longer a job takes, "" where that is of no interest.
func left(j pipeline.JobStatus) string {
	switch {
	case j.ETA > 0:
		return seconds(j.ETA) + " left"
	case j.FPS > 0 && !j.Paused && !ended(j) && j.Frames.Done < j.Frames.Total:
		return "measuring the time left"
	}
	return ""
}

// seenAgo says how long ago a daemon was heard of where that is longer than usual, "" where it is not.
func seenAgo(n int, silent bool) string {
	if !silent {
		return ""
	}
	return "last seen " + seconds(n) + " ago"
}

// advice is what a person can do about a job that failed, "" where nothing is to be done.
func advice(j pipeline.JobStatus) string {
	switch {
	case j.State != pipeline.JobFailed:
		return ""
	case !j.Decided && j.Chunks.Pending+j.Chunks.Claimed > 0:
		return "The job's other chunks are encoded all the same. Once the cause is mended: `distenc retry " + j.ID +
			"`; or give up: `distenc cancel " +
			j.ID + "`. The encoder's last words and its command line: " + pipeline.LogDir(j.ID)
	case !j.Decided:
		return "The other chunks are kept. The encoder's last words and its command line: " + pipeline.LogDir(j.ID) +
			". Once the cause is mended: `distenc retry " + j.ID + "`; or give up: `distenc cancel " + j.ID + "`"
	}
	return "The source lies below " + pipeline.FailedDir + "/ with the reason and the log. Once the cause is mended: " +
		"`distenc retry " + j.ID + "`"
}

// Missing says why nothing happens although something is to be done, "" where all is well.
func Missing(s *status.Status) string { return Plain(newView(s).missing()) }

// missing says why nothing happens although something is to be done, "" where all is well.
func (v view) missing() string {
	work := len(v.Active) > 0
	switch {
	case v.Trouble != "":
		return v.Trouble
	case v.Master == nil && (work || len(v.Inbox) > 0):
		return "No master was seen: start one with `distenc master`, on any machine. Nothing is taken from the inbox, " +
			"checked or merged without."
	case v.Master != nil && v.Master.Silent && (work || len(v.Inbox) > 0):
		return fmt.Sprintf("The master %s was last seen %s ago. If it does not come back, start it again, or another one "+
			"with `distenc master`: until then nothing is taken from the inbox, checked or merged. One that stands by takes "+
			"over by itself.",
			v.Master.Node, seconds(v.Master.Seen))
	case work && v.Awake == 0:
		return "No worker is there: start one with `distenc worker` on each machine that is to help."
	case work && v.idle():
		return "No node claims chunks at present; the list of nodes says why."
	}
	return ""
}

// idle reports whether all nodes rest while chunks are waiting.
func (v view) idle() bool {
	for _, n := range v.Nodes {
		if n.State != pipeline.NodeSilent && n.Why == "" {
			return false
		}
	}
	return slices.ContainsFunc(v.Active, func(j pipeline.JobStatus) bool {
		return !j.Paused && j.Chunks.Pending > 0 &&
			j.Chunks.Claimed == 0
	})
}

// Span writes a duration with its two largest units.
func Span(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
	}
}

func seconds(n int) string { return Span(time.Duration(n) * time.Second) }

// Plain takes out of a text what a terminal would act on, and escapes what would turn its direction: names and
// reasons come from files that many can write. Format characters that scripts and emoji need are kept.
func Plain(s string) string {
	return pipeline.RawName(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			return r
		}
		return '\uFFFD'
	}, s)).String()
}

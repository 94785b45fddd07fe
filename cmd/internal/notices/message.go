package notices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/pipeline"
)

const (
	// maxText bounds a message, in bytes: Discord takes 2000 characters, ntfy 4096 bytes.
	maxText = 1800
	// maxReason bounds what is said of a failure, in bytes.
	maxReason = 400
)

// compose makes one message of events. The title is plain ASCII without names: it becomes a header of a mail.
func compose(events []pipeline.Event) (title, text string) {
	slices.SortStableFunc(events, func(a, b pipeline.Event) int { return a.Time.Compare(b.Time) })
	count := map[pipeline.EventKind]int{}
	var lines []string
	for _, e := range events {
		count[e.Kind]++
		if line := sentence(e); e.Kind != pipeline.EventIdle {
			lines = append(lines, line)
		}
	}
	if n := count[pipeline.EventDone]; n > 1 {
		lines = append([]string{total(events)}, lines...)
	}
	if last, some := lastIdle(events); some {
		lines = append(lines, sentence(last))
	}
	return titleOf(count), fitting(lines)
}

// titleOf counts what there is.
func titleOf(count map[pipeline.EventKind]int) string {
	var parts []string
	for _, k := range []struct {
		kind pipeline.EventKind
		word string
	}{{pipeline.EventFailed, "failed"}, {pipeline.EventDone, "done"}, {pipeline.EventStarted, "started"}} {
		if n := count[k.kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k.word))
		}
	}
	if count[pipeline.EventIdle] > 0 {
		parts = append(parts, "nothing left to do")
	}
	return "distenc: " + strings.Join(parts, ", ")
}

// fitting joins as many lines as a message holds. The last one, and how many are left out, always stand there.
func fitting(lines []string) string {
	for left := 0; ; left++ {
		shown := slices.Clone(lines[:len(lines)-left])
		if left > 0 {
			shown = append(slices.Clone(lines[:len(lines)-left-1]),
				fmt.Sprintf("And %d more: `distenc status` shows them.", left), lines[len(lines)-1])
		}
		if text := strings.Join(shown, "\n"); len(text) <= maxText || left >= len(lines)-1 {
			return cut(text, maxText)
		}
	}
}

// total sums up what is done.
func total(events []pipeline.Event) string {
	n, before, after := 0, int64(0), int64(0)
	for _, e := range events {
		if e.Kind == pipeline.EventDone {
			n, before, after = n+1, before+e.Job.Size, after+e.Job.OutputSize
		}
	}
	return fmt.Sprintf("%s are done: %s", english.Plural(n, "film", ""), became(before, after))
}

func lastIdle(events []pipeline.Event) (last pipeline.Event, some bool) {
	for _, e := range events {
		if e.Kind == pipeline.EventIdle {
			last, some = e, true
		}
	}
	return last, some
}

// sentence tells a person of one event.
func sentence(e pipeline.Event) string {
	j := e.Job
	name := cmp.Or(j.Name, j.ID)
	if j.Folder != "" {
		name = j.Folder + "/" + name
	}
	switch e.Kind {
	case pipeline.EventStarted:
		return fmt.Sprintf("%s has begun: %s, profile %s.", name, inBytes(j.Size), j.Profile)
	case pipeline.EventDone:
		if j.State == pipeline.Skipped {
			return fmt.Sprintf("%s stays as it is%s: %s.", name, after(j), strings.TrimSuffix(reason(j.Skipped), "."))
		}
		return fmt.Sprintf("%s is done%s: %s", name, after(j), became(j.Size, j.OutputSize))
	case pipeline.EventFailed:
		return fmt.Sprintf("%s failed%s: %s %s", name, after(j), ended(reason(j.Error)), advice(j))
	case pipeline.EventIdle:
		if e.Left > 0 {
			return fmt.Sprintf("Nothing else is left to do, but %s for you: `distenc status` says why.",
				english.Plural(e.Left, "film waits", "films wait"))
		}
		return "All jobs are done, and nothing waits in the inbox."
	}
	return ""
}

// advice is what a person can do about a failure.
func advice(j pipeline.JobStatus) string {
	switch {
	case j.ID == "" && j.Source != "":
		return fmt.Sprintf("The file and reason.txt are in %s.", folderOf(j.Source))
	case j.ID == "":
		return "The file and reason.txt are in failed/."
	case !j.Decided:
		return fmt.Sprintf("It waits for you: `distenc retry %s` tries again, `distenc cancel %[1]s` gives it up.", j.ID)
	case j.Source != "":
		return fmt.Sprintf("Its source is in %s; `distenc retry %s` tries again.", folderOf(j.Source), j.ID)
	}
	return fmt.Sprintf("`distenc retry %s` tries again.", j.ID)
}

func folderOf(source string) string { return source[:strings.LastIndexByte(source, '/')+1] }

// after is how long a job took, "" where that is not known.
func after(j pipeline.JobStatus) string {
	if took := j.Ended.Sub(j.Created); !j.Ended.IsZero() && took >= time.Second { // two clocks: for display only
		return " after " + strings.Replace(took.Round(time.Second).String(), "m0s", "m", 1)
	}
	return ""
}

func became(size, output int64) string {
	return fmt.Sprintf("%s became %s (%.0f%%).", inBytes(size), inBytes(output), 100*float64(output)/float64(max(1, size)))
}

func inBytes(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// reason is the beginning of why something failed, in one line.
func reason(text string) string { return cut(strings.Join(strings.Fields(text), " "), maxReason) }

// ended is a sentence with its full stop.
func ended(text string) string {
	return strings.TrimSuffix(cmp.Or(text, "no reason is known"), ".") + "."
}

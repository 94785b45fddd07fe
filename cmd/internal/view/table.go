// Package view shows people what goes on on a share: as a table on a terminal, as lines in a log, and as
// a page that lies on the share itself.
package view

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// shownEnded is how many of the jobs that have ended a table shows.
const shownEnded = 10

// Table writes the state for people. With all set, every job that ever ended is in it.
func Table(w io.Writer, s *status.Status, style TerminalStyle, all bool) {
	t, v := table{TerminalStyle: style, w: w}, newView(s)
	t.head(v)
	for _, j := range slices.Concat(v.Stuck, v.Active) {
		t.job(j)
	}
	t.waiting(v.Inbox)
	t.ended(v.Ended, all)
	t.rejected(v.Rejected)
	t.line("")
	t.nodes(v.Nodes)
	t.resting(v.Resting)
}

// Job writes all there is to know of one job.
func Job(w io.Writer, j pipeline.JobStatus, style TerminalStyle) {
	t := table{TerminalStyle: style, w: w}
	t.job(j)
	t.line("  profile %s, priority %d, %s, since %s", Plain(j.Profile), j.Priority, humanize.IBytes(uint64(j.Size)),
		clock(j.Created))
	t.line("  chunks: %d done, %d in work, %d pending, %d set aside; %s", j.Chunks.Done, j.Chunks.Claimed,
		j.Chunks.Pending, j.Chunks.Failed, retries(j))
	if j.Build != "" {
		t.line("  encoded with %s", Plain(j.Build))
	}
	if j.Quality != nil {
		t.line("  %s", Plain(j.Quality.Text()))
	}
	for _, n := range j.Notes {
		t.line("  note: %s", Plain(n))
	}
	for _, f := range j.Failures {
		t.line("  %s  chunk %s, attempt %d on %s: %s", clock(f.Reported), Plain(f.Chunk), f.Attempt, Plain(f.Node),
			Plain(f.Reason))
	}
	if n := len(j.Failures); n > 0 && j.Failures[n-1].Command != "" {
		t.line("  the last command: %s", Plain(j.Failures[n-1].Command))
	}
}

// Line is how far a job is, in one line that fits the terminal.
func Line(j pipeline.JobStatus, style TerminalStyle) string {
	t := table{TerminalStyle: style}
	return ansi.Truncate(fmt.Sprintf("%s %3.0f%%  %s", t.bar(done(j)), 100*done(j), t.progress(j)), style.Width-1, "")
}

// Files writes why the files of a state are not in work: those that wait, and those that were rejected.
func Files(w io.Writer, s *status.Status, style TerminalStyle) {
	t := table{TerminalStyle: style, w: w}
	t.waiting(s.Inbox)
	t.rejected(s.Rejected)
}

// Nodes writes who is there to help, why a node rests, and what it is.
func Nodes(w io.Writer, s *status.Status, style TerminalStyle) {
	t := table{TerminalStyle: style, w: w}
	t.nodes(s.Nodes)
	t.resting(s.Resting)
	for _, n := range s.Nodes {
		t.line("")
		memory := ""
		if n.Memory > 0 {
			memory = fmt.Sprintf(", %s of memory, for %d of %d slots", pipeline.Gigabytes(n.Memory), n.MemorySlots, n.Slots)
		}
		t.line("%s: up since %s, %s%s, distenc %s", Plain(n.Node), clock(n.Since), english.Plural(n.Cores, "core", ""),
			memory, Plain(n.Version))
		t.line("  %s", Plain(n.Encoder))
		if had := builds(n.Builds); had != "" {
			t.text("  ", "", Plain(had))
		}
		if len(n.Metrics) > 0 {
			t.text("  ", "", "can measure "+Plain(metrics(n.Metrics)))
		}
	}
}

func (t table) head(v view) {
	master := "no master"
	if v.Master != nil {
		master = "master " + Plain(v.Master.Node)
		if ago := seenAgo(v.Master.Seen, v.Master.Silent); ago != "" {
			master += " (" + ago + ")"
		}
	}
	t.line("%s  %s", t.paint(bold, Plain(v.Share)), t.paint(dim, fmt.Sprintf("%s, %s, %.1f frames/s, %s free%s",
		master, english.Plural(v.Awake, "node", ""), v.FPS, humanize.IBytes(uint64(v.Free)), v.saved())))
	t.text("", yellow, Plain(v.missing()))
	if len(v.Stuck)+len(v.Active) > 0 {
		t.line("")
	} else if len(v.Inbox) == 0 {
		t.line("")
		t.line("Nothing is to be done: copy a video into %s/%s.", Plain(v.Share), pipeline.Inbox)
	}
}

// job writes a job's name, and below it how far it is or why it failed.
func (t table) job(j pipeline.JobStatus) {
	name, id := Plain(j.Name), Plain(j.ID)
	if room := t.Width - ansi.StringWidth(id) - 2; t.Width > 0 && room > 2 {
		name = ansi.Truncate(name, room, "…") // by its id it is paused, and by nothing else if names are alike
	}
	t.line("%s  %s", t.paint(bold, name), t.paint(dim, id))
	switch {
	case j.State.HasOutput():
		t.line("  %s  %s", t.paint(green, word(j)), Plain(j.Output))
	case ended(j):
		t.line("  %s", t.paint(colourOf(j), word(j)))
	default:
		t.line("  %s %3.0f%%  %s", t.bar(done(j)), 100*done(j), t.progress(j))
	}
	if j.Waits != "" {
		t.text("  ", yellow, Plain(j.Waits))
	}
	if j.Skipped != "" {
		t.text("  ", "", Plain(j.Skipped))
	}
	if j.Error != "" && j.State != pipeline.Done {
		t.text("  ", red, Plain(j.Error))
		t.text("  ", "", advice(j))
	}
}

// progress is how far a job is, in words.
func (t table) progress(j pipeline.JobStatus) string {
	words := []string{t.paint(colourOf(j), word(j))}
	if j.Chunks.Total > 0 {
		words = append(words, fmt.Sprintf("%d/%d chunks", j.Chunks.Done, j.Chunks.Total))
	}
	if j.FPS > 0 {
		words = append(words, fmt.Sprintf("%.1f frames/s", j.FPS))
	}
	if l := left(j); l != "" {
		words = append(words, l)
	}
	if j.Retries > 0 {
		words = append(words, retries(j))
	}
	return strings.Join(words, "  ")
}

func retries(j pipeline.JobStatus) string { return english.Plural(j.Retries, "failed attempt", "") }

func colourOf(j pipeline.JobStatus) string {
	switch {
	case j.State == pipeline.JobFailed:
		return red
	case j.Paused, j.State == pipeline.Cancelled:
		return yellow
	}
	return green
}

func (t table) waiting(files []status.Waiting) {
	if len(files) == 0 {
		return
	}
	t.line("")
	t.line("%s", t.paint(bold, "Waiting in the inbox"))
	for _, f := range files {
		t.line("  %s  %s", Plain(f.Name), t.paint(dim, waits(f)))
	}
}

func (t table) ended(jobs []pipeline.JobStatus, all bool) {
	if len(jobs) == 0 {
		return
	}
	t.line("")
	t.line("%s", t.paint(bold, "Ended"))
	for i, j := range jobs {
		if i >= shownEnded && !all {
			t.line("  and %d more: distenc status --all", len(jobs)-i)
			return
		}
		line := fmt.Sprintf("  %s  %s  %s", clock(j.Ended), t.paint(colourOf(j), fmt.Sprintf("%-9s", word(j))), Plain(j.Name))
		if j.Output != "" {
			line += t.paint(dim, "  "+Plain(j.Output))
		}
		t.line("%s", line)
		if why := cmp.Or(j.Skipped, j.Error); why != "" && j.State != pipeline.Done {
			t.text("    ", colourOf(j), Plain(why))
		}
	}
}

func (t table) rejected(files []status.Rejected) {
	if len(files) == 0 {
		return
	}
	t.line("")
	t.line("%s", t.paint(bold, "Rejected, each in a folder below "+pipeline.FailedDir+
		"/; `distenc retry NAME` puts one back"))
	for _, r := range files {
		from := ""
		if r.Folder != "" {
			from = t.paint(dim, "  from "+pipeline.Inbox+"/"+Plain(r.Folder)+"/")
		}
		t.line("  %s  %s%s", clock(r.Time), Plain(r.Name), from)
		t.text("    ", red, Plain(r.Reason))
	}
}

// resting tells of machines that nobody would see else.
func (t table) resting(machines []*pipeline.Rest) {
	for _, m := range machines {
		t.text("", yellow, fmt.Sprintf("%s: %s; `distenc nodes wake %s` ends it", m.Host, rests(m), m.Host))
	}
}

func (t table) nodes(nodes []status.Node) {
	if len(nodes) == 0 {
		t.line("No node is there.")
		return
	}
	rows := [][]string{{"NODE", "STATE", "SLOTS", "FRAMES/S", "LOAD", "SEEN", "CHUNKS"}}
	for _, n := range nodes {
		rows = append(rows, []string{
			Plain(n.Node), Plain(n.State), fmt.Sprintf("%d/%d", len(n.Chunks), n.Slots), fmt.Sprintf("%.1f", n.FPS),
			fmt.Sprintf("%.1f", n.Load), seconds(n.Seen) + " ago", chunks(n.Chunks),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], ansi.StringWidth(c))
		}
	}
	for i, r := range rows {
		for c := range r[:len(r)-1] {
			r[c] += strings.Repeat(" ", widths[c]-ansi.StringWidth(r[c]))
		}
		colour := dim
		if i > 0 {
			colour = map[string]string{pipeline.NodeResting: yellow, pipeline.NodeSilent: red}[nodes[i-1].State]
		}
		t.line("%s", t.paint(colour, strings.TrimRight(strings.Join(r, "  "), " ")))
		if i > 0 && nodes[i-1].Why != "" {
			t.text("  ", yellow, Plain(nodes[i-1].Why))
		}
		if i > 0 && nodes[i-1].MemoryLimit != "" {
			t.text("  ", "", Plain(nodes[i-1].MemoryLimit))
		}
	}
}

// builds says which encoders a node has, and why it has not others.
func builds(all []pipeline.Offer) string {
	var said []string
	for _, o := range all {
		if o.Version != "" {
			said = append(said, o.Version)
		}
		for _, format := range slices.Sorted(maps.Keys(o.Lacks)) {
			said = append(said, fmt.Sprintf("no %s for %s: %s", o.Encoder, format, o.Lacks[format]))
		}
	}
	return strings.Join(said, "; ")
}

func metrics(all []pipeline.Metric) string {
	var titles []string
	for _, m := range all {
		titles = append(titles, m.Title())
	}
	return strings.Join(titles, ", ")
}

// chunks lists the chunks that a node has in work, those of one job together.
func chunks(ids []string) string {
	var all []string
	last := ""
	for _, id := range slices.Sorted(slices.Values(ids)) {
		job, chunk, _ := strings.Cut(Plain(id), ".")
		if job != last {
			all = append(all, job+"."+chunk)
		} else {
			all[len(all)-1] += "," + chunk
		}
		last = job
	}
	return strings.Join(all, " ")
}

// clock is a time of the last day by its hour, and another one by its date.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	if t = t.Local(); time.Since(t) < 20*time.Hour {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02")
}

package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/pipeline/history"
)

// History writes for people what a share has encoded.
func History(w io.Writer, h *history.History, style TerminalStyle) {
	t := table{TerminalStyle: style, w: w}
	rows := [][]string{{""}}
	for _, name := range spanCells {
		rows[0] = append(rows[0], strings.ToUpper(name))
	}
	for _, s := range spans(h) {
		rows = append(rows, append([]string{s.Name}, s.Cells()...))
	}
	t.figures(rows)
	if len(h.Nodes) > 0 {
		t.line("")
		t.line("%s", t.paint(dim, nodesCaption))
		rows = [][]string{{"NODE", "FRAMES", "FRAMES/S", "HOURS"}}
		for _, n := range h.Nodes {
			rows = append(rows, append([]string{Plain(n.Host)}, nodeCells(n)...))
		}
		t.figures(rows)
	}
	if h.Others > 0 {
		t.line("and %s more", english.Plural(h.Others, "node", ""))
	}
	for _, s := range h.Trouble {
		t.text("", yellow, Plain(s))
	}
}

// nodesCaption says what the numbers of the nodes are.
const nodesCaption = "The nodes of each host in the last 30 days: frames/s are those of one encode, hours those of " +
	"all encodes together."

// span is what came out in some time.
type span struct {
	Name string
	history.Sum
}

func spans(h *history.History) []span {
	all := span{"since " + h.Since, h.All}
	if h.Since == "" {
		all.Name = "in all"
	}
	return []span{{"this month", h.Month}, {"last 30 days", h.Recent}, all}
}

// spanCells are what a span's numbers are called: films, hours of film, bytes before, after and saved, frames.
var spanCells = []string{"Films", "Hours", "Before", "After", "Saved", "Frames"}

// Cells are a span's numbers.
func (s span) Cells() []string {
	films := humanize.Comma(s.Films)
	if s.Skipped > 0 {
		films += fmt.Sprintf(" (%s skipped)", humanize.Comma(s.Skipped))
	}
	saved := byteCount(s.Saved())
	if s.Source > 0 {
		saved += fmt.Sprintf(" (%.0f%%)", 100*float64(s.Saved())/float64(s.Source))
	}
	return []string{films, hours(s.Seconds), byteCount(s.Source), byteCount(s.Output), saved, humanize.Comma(s.Frames)}
}

// nodeCells are a node's numbers: frames, frames a second, hours.
func nodeCells(n history.Node) []string {
	return []string{humanize.Comma(n.Frames), fmt.Sprintf("%.1f", n.FPS), hours(n.Seconds)}
}

func hours(seconds float64) string { return humanize.CommafWithDigits(seconds/3600, 1) }

// byteCount writes bytes that may be below zero.
func byteCount(n int64) string {
	if n < 0 {
		return "-" + humanize.IBytes(uint64(-n))
	}
	return humanize.IBytes(uint64(n))
}

// figures writes rows of numbers, each with a name in front and the first one with the columns' names.
func (t table) figures(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], ansi.StringWidth(c))
		}
	}
	for i, r := range rows {
		line := r[0] + strings.Repeat(" ", widths[0]-ansi.StringWidth(r[0]))
		for c := 1; c < len(r); c++ {
			line += "  " + strings.Repeat(" ", widths[c]-ansi.StringWidth(r[c])) + r[c]
		}
		colour := ""
		if i == 0 {
			colour = dim
		}
		t.line("%s", t.paint(colour, line))
	}
}

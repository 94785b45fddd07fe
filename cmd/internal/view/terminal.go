package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// TerminalStyle is how a terminal shows things.
type TerminalStyle struct {
	Width  int  // columns; 0: no terminal, nothing is cut off
	Colour bool // ANSI colours
}

// The colours, as SGR parameters (ECMA-48).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// table writes lines of a width.
type table struct {
	TerminalStyle
	w io.Writer
}

// barWidth is a bar's length in columns.
const barWidth = 24

// bar draws a part of a whole in eighths of a column.
func (t table) bar(part float64) string {
	eighths := int(min(1, max(0, part)) * barWidth * 8)
	full := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		full += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return t.paint(green, full) + t.paint(dim, strings.Repeat("░", barWidth-len([]rune(full))))
}

func (t table) paint(colour, s string) string {
	if !t.Colour || colour == "" || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[m"
}

// text writes a text of several lines' length below each other, each with an indent.
func (t table) text(indent, colour, s string) {
	if s == "" {
		return
	}
	width := t.Width - len(indent)
	if t.Width == 0 {
		width = 1 << 20
	}
	for _, line := range wrap(s, max(20, width)) {
		t.line("%s%s", indent, t.paint(colour, line))
	}
}

// wrap breaks a text between words.
func wrap(s string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && ansi.StringWidth(line)+1+ansi.StringWidth(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// line writes one line, cut off where the terminal ends.
func (t table) line(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if t.Width > 0 {
		s = ansi.Truncate(s, t.Width, "")
	}
	fmt.Fprintln(t.w, s)
}

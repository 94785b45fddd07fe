package merge

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is the outcome of one check.
type Verdict string

// The verdicts. A note is a difference that the container forces.
const (
	Good Verdict = "ok"
	Bad  Verdict = "FAIL"
	Note Verdict = "note"
)

// Check is one thing that was compared, in a sentence.
type Check struct {
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
}

// Report says what an output kept of its source. It is part of the certificate.
type Report struct {
	FramesPlanned int            `json:"frames_planned"`
	FramesFound   int            `json:"frames_found"`
	DeviationMS   float64        `json:"deviation_ms"` // largest of any frame's timestamp
	Tolerance     string         `json:"tolerance"`    // what the output's container can't hold exactly
	Streams       []StreamReport `json:"streams,omitempty"`
	Buffer        *BufferReport  `json:"buffer,omitempty"` // of a decoder, where it was bounded
	Checks        []Check        `json:"checks"`
}

// StreamReport compares one stream beside the video with what became of it.
type StreamReport struct {
	Source    int    `json:"source"` // index of the stream
	Output    int    `json:"output"` // index, -1: left out
	Type      string `json:"type"`
	Codec     string `json:"codec"`
	Converted string `json:"converted,omitempty"` // codec it was converted to; its payload is not comparable
	Packets   int    `json:"packets"`
	Found     int    `json:"found"`
	// packets before zero that an edit list hides, and Matroska can't hold
	Hidden      int     `json:"hidden,omitempty"`
	Different   int     `json:"different,omitempty"` // packets whose payload differs
	DeviationMS float64 `json:"deviation_ms"`
}

// OK reports whether nothing failed.
func (r *Report) OK() bool { return r.firstFailure() == "" }

// Text lists the checks for a person, one a line.
func (r *Report) Text() string {
	var b strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%-4s %s\n", c.Verdict, c.Text)
	}
	return b.String()
}

// LacksTracks reports whether sound is not the source's or subtitles are missing: a profile may have asked for that.
func (r *Report) LacksTracks() bool {
	return slices.ContainsFunc(r.Streams, func(s StreamReport) bool {
		return s.Type == "audio" && s.Converted == "" && (s.Packets != s.Found || s.Different > 0) || s.Type == "subtitle" &&
			s.Output < 0
	})
}

func (r *Report) firstFailure() string {
	for _, c := range r.Checks {
		if c.Verdict == Bad {
			return c.Text
		}
	}
	return ""
}

func (r *Report) add(v Verdict, format string, args ...any) {
	r.Checks = append(r.Checks, Check{v, fmt.Sprintf(format, args...)})
}

// check adds a sentence that is Good or what otherwise says.
func (r *Report) check(good bool, otherwise Verdict, format string, args ...any) {
	if good {
		otherwise = Good
	}
	r.add(otherwise, format, args...)
}

package config

import (
	"fmt"
	"strings"
	"time"
)

// Hours are times of the day, such as 22:00-07:00. The zero value is the whole day.
type Hours struct {
	text  string
	spans []span
}

// span is from the first minute of the day to before the second; it crosses midnight where the second
// is not the later one.
type span struct{ from, to int }

// day has so many minutes.
const day = 24 * 60

// ParseHours reads one span, or several joined by commas; an empty text is the whole day.
func ParseHours(s string) (Hours, error) {
	h := Hours{text: strings.TrimSpace(s)}
	if h.text == "" {
		return Hours{}, nil
	}
	for part := range strings.SplitSeq(h.text, ",") {
		from, to, found := strings.Cut(part, "-")
		a, err1 := minute(from)
		b, err2 := minute(to)
		if !found || err1 != nil || err2 != nil || a == b || a == day {
			return Hours{}, fmt.Errorf("%q are no times of the day: write %q, or several joined by commas", s, "22:00-07:00")
		}
		h.spans = append(h.spans, span{a, b})
	}
	return h, nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hours) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHours(string(text))
	return err
}

// minute reads a time of the day, up to 24:00.
func minute(s string) (int, error) {
	if s = strings.TrimSpace(s); s == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err
}

// Contains reports whether t, on the clock of its own location, is in one of the spans.
func (h Hours) Contains(t time.Time) bool {
	now := t.Hour()*60 + t.Minute()
	for _, s := range h.spans {
		if s.from < s.to && s.from <= now && now < s.to || s.from > s.to && (now >= s.from || now < s.to) {
			return true
		}
	}
	return len(h.spans) == 0
}

// String returns the hours as they were written; empty for the whole day.
func (h Hours) String() string { return h.text }

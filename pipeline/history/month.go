package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// maxMonth is the size of a month's file in bytes: a hundred thousand films take a half of it.
const maxMonth = 64 << 20

// month is a month's file, as far as it was read.
type month struct {
	total   Sum
	days    days              // nil: not read
	entries map[string]*Entry // by job; nil: not read
	whole   bool              // all of it could be read; else the entries count that could
}

var monthFile = regexp.MustCompile(`^([0-9]{4}-(?:0[1-9]|1[0-2]))\.[a-z0-9]{8}\.jsonl$`)

// monthOf is the month that a file of the history is about, "" where it is none of a month.
func monthOf(name string) string {
	if m := monthFile.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// head is the first line of a month's file.
type head struct {
	Month string `json:"month"`
	Sum
}

// monthText is what a month's file holds: the month's sums, a line with those of its days, and its entries.
func monthText(name string, entries map[string]*Entry) ([]byte, error) {
	all := days{}
	for _, e := range entries {
		all.add(e)
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	err := errors.Join(lines.Encode(head{name, all.total()}), lines.Encode(all))
	for _, job := range slices.Sorted(maps.Keys(entries)) {
		err = errors.Join(err, lines.Encode(entries[job]))
	}
	return b.Bytes(), err
}

// readSums reads the beginning of a month's file: its sums, and those of its days if wanted. What can't be read is no
// error: the month is not whole then.
func readSums(f *sharefs.FS, name string, daily bool) (*month, error) {
	file, err := f.OpenRead(pipeline.HistoryFile(name))
	if errors.Is(err, sharefs.ErrNotRegular) {
		return &month{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	r := bufio.NewReader(io.LimitReader(file, maxMonth))
	m, err := parseSums(r, monthOf(name), daily)
	if sharefs.System(err) {
		return nil, fmt.Errorf("cannot read %q: %w", name, err)
	}
	m.whole = err == nil
	return m, nil
}

func parseSums(r *bufio.Reader, name string, daily bool) (*month, error) {
	m, h := &month{}, head{}
	if err := readLine(r, &h); err != nil {
		return m, err
	}
	if h.Month != name || !h.valid() {
		return m, errForeign
	}
	m.total = h.Sum
	if !daily {
		return m, nil
	}
	if err := readLine(r, &m.days); err != nil {
		return m, err
	}
	for day, d := range m.days {
		if !strings.HasPrefix(day, name+"-") || len(day) != len(dayForm) || !d.valid() {
			return m, errForeign
		}
	}
	return m, nil
}

var errForeign = errors.New("it is no file of the history")

func readLine(r *bufio.Reader, v any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// readEntries reads a whole month's file. Its sums are those of its entries, whatever it says itself.
func readEntries(f *sharefs.FS, name string) (*month, error) {
	b, err := f.Read(pipeline.HistoryFile(name), maxMonth)
	if errors.Is(err, sharefs.ErrTooLarge) || errors.Is(err, sharefs.ErrNotRegular) {
		return &month{days: days{}, entries: map[string]*Entry{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseMonth(b, monthOf(name)), nil
}

func parseMonth(b []byte, name string) *month {
	r := bufio.NewReader(bytes.NewReader(b))
	_, err := parseSums(r, name, true)
	m := &month{whole: err == nil, days: days{}, entries: map[string]*Entry{}}
	for i, line := range bytes.SplitAfter(b, []byte("\n")) {
		if i < 2 || len(line) == 0 {
			continue
		}
		e, err := parseEntry(line)
		if err != nil || e.month() != name || m.entries[e.Job] != nil || line[len(line)-1] != '\n' {
			m.whole = false
			continue
		}
		m.entries[e.Job] = e
		m.days.add(e)
	}
	m.total = m.days.total()
	return m
}

// has reports whether the file has all of some entries.
func (m *month) has(entries map[string]*Entry) bool {
	for job := range entries {
		if m.entries[job] == nil {
			return false
		}
	}
	return true
}

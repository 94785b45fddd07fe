package history

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// History is what a share has encoded, in numbers that are few however long it has: `distenc status --history --json`
// prints it. Days and months are those of UTC. Fields are added, never renamed.
type History struct {
	Since  string `json:"since,omitempty"` // the first month, "2026-11"; "" where there is nothing yet
	Month  Sum    `json:"this_month"`
	Recent Sum    `json:"last_30_days"`
	All    Sum    `json:"all"`
	Days   []Day  `json:"days"`  // the last 30, the oldest first
	Nodes  []Node `json:"nodes"` // what the nodes of each host did in these days, at most maxNodes, the busiest first
	Others int    `json:"other_nodes,omitempty"`
	// Trouble is what is wrong with the history's files, in sentences.
	Trouble []string `json:"trouble,omitempty"`
}

// Day is what came out in one day.
type Day struct {
	Day string `json:"day"`
	Sum
}

// Node is what the nodes of one host have encoded.
type Node struct {
	Host string `json:"host"`
	Work
	FPS   float64   `json:"fps"`       // of one encode
	Daily []float64 `json:"daily_fps"` // the same for each of the days, 0 where nothing came out
}

const (
	shownDays  = 30
	maxNodes   = 50
	maxTrouble = 3 // how many files are named
)

// Reader reads a share's history again and again. It has one user at a time.
type Reader struct {
	fs     *sharefs.FS
	loose  loose
	months map[string]*month // by file
	last   *History
	of     string // the listing and the day that it was made of: no file changes under its name, but what is mended
	broken broken
}

// NewReader returns a reader that has read nothing yet.
func NewReader(f *sharefs.FS) *Reader {
	return &Reader{fs: f, loose: newLoose(f), months: map[string]*month{}}
}

// Read returns the history as it is now. Where the share does not give it, that is the last one, with the trouble.
func (r *Reader) Read(now time.Time) *History {
	var err error
	for range looks {
		var h *History
		if h, err = r.read(now.UTC()); err == nil {
			return h
		}
		if !errors.Is(err, fs.ErrNotExist) { // else it has just been folded
			break
		}
	}
	h := &History{Days: []Day{}, Nodes: []Node{}}
	if r.last != nil {
		*h = *r.last
	}
	h.Trouble = []string{"The history can't be read: " + err.Error()}
	return h
}

// looks is how often the history is listed anew because a file of the listing is gone.
const looks = 3

func (r *Reader) read(now time.Time) (*History, error) {
	all, err := list(r.fs)
	if err != nil {
		return nil, err
	}
	of := fmt.Sprint(now.Format(dayForm), all.entries, all.months)
	if r.last != nil && r.of == of && r.broken.settled(r.fs) {
		return r.last, nil
	}
	entries, err := r.loose.byMonth(all.entries)
	if err != nil {
		return nil, err
	}
	first := now.AddDate(0, 0, 1-shownDays)
	recent, total := days{}, Sum{}
	names := slices.Concat(slices.Collect(maps.Keys(all.months)), slices.Collect(maps.Keys(entries)))
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		m, err := r.month(all.months[name], entries[name], name >= first.Format(monthForm))
		if err != nil {
			return nil, err
		}
		total = total.plus(m.total)
		for day, d := range m.days {
			recent.addDay(day, d)
		}
	}
	h := &History{All: total, Trouble: r.trouble(all)}
	if len(names) > 0 {
		h.Since = names[0]
	}
	h.fill(recent, first, now)
	r.last, r.of = h, of
	return h, nil
}

// month adds up a month's files and the entries beside them. In the usual case, one file and no entry of a day that it
// has, no more is read than its sums.
func (r *Reader) month(names []string, beside map[string]*Entry, daily bool) (*month, error) {
	if len(names) == 0 {
		return sumOf(beside), nil
	}
	if len(names) == 1 {
		m, err := r.sums(names[0], daily || len(beside) > 0)
		if err != nil {
			return nil, err
		}
		if m.whole && !m.hasDayOf(beside) {
			m.entries = nil
			return m.with(beside), nil
		}
	}
	union := maps.Clone(beside)
	if union == nil {
		union = map[string]*Entry{}
	}
	for _, n := range names {
		m, err := r.entries(n)
		if err != nil {
			return nil, err
		}
		maps.Copy(union, m.entries)
	}
	return sumOf(union), nil
}

// sums reads the beginning of a month's file once.
func (r *Reader) sums(name string, daily bool) (m *month, err error) {
	if m = r.months[name]; m == nil || daily && m.days == nil {
		if m, err = readSums(r.fs, name, daily); err != nil {
			return nil, err
		}
		r.months[name] = m
	}
	return m, nil
}

// entries reads a month's file once.
func (r *Reader) entries(name string) (m *month, err error) {
	if m = r.months[name]; m == nil || m.entries == nil {
		if m, err = readEntries(r.fs, name); err != nil {
			return nil, err
		}
		r.months[name] = m
	}
	return m, nil
}

// sumOf adds up entries.
func sumOf(entries map[string]*Entry) *month {
	m := &month{days: days{}}
	for _, e := range entries {
		m.days.add(e)
	}
	m.total = m.days.total()
	return m
}

// hasDayOf reports whether one of the entries may be in the file already.
func (m *month) hasDayOf(entries map[string]*Entry) bool {
	for _, e := range entries {
		if _, has := m.days[e.day()]; has {
			return true
		}
	}
	return false
}

// with returns the file's sums and those of entries that are not in it.
func (m *month) with(entries map[string]*Entry) *month {
	more := sumOf(entries)
	sum := &month{total: m.total.plus(more.total), days: maps.Clone(m.days)}
	for day, d := range more.days {
		if sum.days == nil {
			sum.days = days{}
		}
		sum.days.addDay(day, d)
	}
	return sum
}

// trouble names the files that are not as they were written, and forgets them and those that are gone.
func (r *Reader) trouble(all files) (said []string) {
	listed := map[string]bool{}
	for _, names := range all.months {
		for _, n := range names {
			listed[n] = true
		}
	}
	maps.DeleteFunc(r.months, func(n string, _ *month) bool { return !listed[n] })
	broken := slices.Collect(maps.Keys(r.loose.broken))
	clear(r.loose.broken)
	for n, m := range r.months {
		if !m.whole {
			broken = append(broken, n)
			delete(r.months, n)
		}
	}
	slices.Sort(broken)
	r.broken = r.broken.now(r.fs, broken)
	for i, n := range broken {
		if i == maxTrouble {
			return append(said, fmt.Sprintf("And %d more.", len(broken)-i))
		}
		said = append(said, fmt.Sprintf("%s is not as it was written: it was cut short or changed. What can be read of it "+
			"counts; put it back from a backup, or remove it.", pipeline.HistoryFile(n)))
	}
	return said
}

// fill takes the month and the last days from the sums of each day.
func (h *History) fill(sums days, first, now time.Time) {
	h.Days, h.Nodes = make([]Day, shownDays), []Node{}
	hosts := map[string]*Node{}
	for name, d := range sums {
		if name[:len(monthForm)] == now.Format(monthForm) {
			h.Month = h.Month.plus(d.Sum)
		}
	}
	for i := range h.Days {
		d := sums[first.AddDate(0, 0, i).Format(dayForm)]
		h.Days[i] = Day{first.AddDate(0, 0, i).Format(dayForm), d.Sum}
		h.Recent = h.Recent.plus(d.Sum)
		for host, w := range d.Nodes {
			if hosts[host] == nil {
				hosts[host] = &Node{Host: host, Daily: make([]float64, shownDays)}
			}
			n := hosts[host]
			n.Work, n.Daily[i] = n.plus(w), rounded(w.FPS())
			n.FPS = rounded(n.Work.FPS())
		}
	}
	for _, n := range hosts {
		h.Nodes = append(h.Nodes, *n)
	}
	slices.SortFunc(h.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(b.Frames, a.Frames), cmp.Compare(a.Host, b.Host))
	})
	if more := len(h.Nodes) - maxNodes; more > 0 {
		h.Nodes, h.Others = h.Nodes[:maxNodes], more
	}
}

package history

import "maps"

// Sum is what some films came to together.
type Sum struct {
	Films   int64   `json:"films"`
	Skipped int64   `json:"skipped,omitempty"` // of the films, those whose output is their source
	Seconds float64 `json:"seconds"`           // how long they last together, and frames: without the skipped ones
	Source  int64   `json:"source_bytes"`
	Output  int64   `json:"output_bytes"`
	Frames  int64   `json:"frames"`
}

// Saved is how much smaller the outputs are than their sources, in bytes; below zero: larger.
func (s Sum) Saved() int64 { return s.Source - s.Output }

func (s Sum) plus(o Sum) Sum {
	return Sum{
		Films: capped(s.Films + o.Films), Skipped: capped(s.Skipped + o.Skipped), Seconds: s.Seconds + o.Seconds,
		Source: capped(s.Source + o.Source), Output: capped(s.Output + o.Output), Frames: capped(s.Frames + o.Frames),
	}
}

func (s Sum) valid() bool {
	for _, n := range []int64{s.Films, s.Skipped, s.Source, s.Output, s.Frames} {
		if n < 0 || n > maxSum {
			return false
		}
	}
	return s.Seconds >= 0 && s.Seconds <= maxSum
}

// sum is what the entry alone comes to.
func (e *Entry) sum() Sum {
	s := Sum{Films: 1, Seconds: e.Seconds, Source: e.Source, Output: e.Output, Frames: int64(e.Frames)}
	if e.Skipped {
		s.Skipped = 1
	}
	return s
}

// day is what came out in one day, and who had encoded that.
type day struct {
	Sum
	Nodes map[string]Work `json:"nodes,omitempty"`
}

func (d day) valid() bool {
	for host, w := range d.Nodes {
		if !hostForm.MatchString(host) || w.Frames < 0 || w.Frames > maxSum || !(w.Seconds >= 0 && w.Seconds <= maxSum) {
			return false
		}
	}
	return d.Sum.valid()
}

// days are what came out, by day ("2026-11-29").
type days map[string]day

// add counts an entry.
func (all days) add(e *Entry) { all.addDay(e.day(), day{e.sum(), e.Nodes}) }

func (all days) addDay(name string, more day) {
	d := all[name]
	sum := day{d.plus(more.Sum), maps.Clone(d.Nodes)}
	for host, w := range more.Nodes {
		if sum.Nodes == nil {
			sum.Nodes = map[string]Work{}
		}
		sum.Nodes[host] = sum.Nodes[host].plus(w)
	}
	all[name] = sum
}

func (all days) total() (s Sum) {
	for _, d := range all {
		s = s.plus(d.Sum)
	}
	return s
}

package split

import (
	"errors"
	"fmt"
	"slices"

	"github.com/distenc/distenc/pipeline/media"
)

// list is the packet list, read as frames.
type list struct {
	p     *media.Packets
	first int     // the first key packet, in file order
	pts   []int64 // the frames that come out, ascending, ticks
	whole error   // why the list tells nothing of where to cut; nil: it does
	keys  []int   // key packets that have a timestamp, in file order
	cut   bool    // the last packet is not whole and gives no frame
}

// readList makes a list of packets; the error says why they can't be one. DTS that go back leave the
// frames as they are, but the packets' order then is not the order of decoding.
//
// The frames are all packets that are not discarded, from the first key packet on: what stands before
// it can't be decoded.
func readList(p *media.Packets) (*list, error) {
	l := &list{p: p, first: -1}
	last := int64(media.NoPTS)
	for i := range p.Len() {
		if p.Flags[i]&media.Key != 0 {
			if l.first < 0 {
				l.first = i
			}
			if p.PTS[i] != media.NoPTS && p.Flags[i]&media.Discard == 0 {
				l.keys = append(l.keys, i)
			}
		}
		if dts := p.DTS[i]; dts != media.NoPTS {
			if dts < last && l.whole == nil {
				l.whole = fmt.Errorf("its timestamps jump back at packet %d", i)
			}
			last = dts
		}
		if l.first < 0 || p.Flags[i]&media.Discard != 0 {
			continue
		}
		if p.PTS[i] == media.NoPTS {
			return nil, fmt.Errorf("packet %d has no timestamp", i)
		}
		l.pts = append(l.pts, p.PTS[i])
	}
	switch {
	case l.first < 0:
		return nil, errors.New("it has no key frame")
	case len(l.pts) == 0:
		return nil, errors.New("no frame of it is shown")
	}
	slices.Sort(l.pts)
	for i := 1; i < len(l.pts); i++ {
		if l.pts[i] == l.pts[i-1] {
			return nil, fmt.Errorf("two frames have the same timestamp, %d ticks", l.pts[i])
		}
	}
	return l, nil
}

// cutOff takes the last packet off the list.
func (l *list) cutOff() {
	last := l.p.Len() - 1
	l.pts = slices.DeleteFunc(l.pts, func(pts int64) bool { return pts == l.p.PTS[last] })
	l.cut = true
}

// head lists the frames of the first headPackets packets, ascending.
func (l *list) head() []int64 {
	var out []int64
	for i := l.first; i < min(l.p.Len(), headPackets); i++ {
		if l.p.Flags[i]&media.Discard == 0 && (!l.cut || i != l.p.Len()-1) {
			out = append(out, l.p.PTS[i])
		}
	}
	slices.Sort(out)
	return out
}

// hidden tells whether an edit list hides frames: a copy of such a file would show them.
func hidden(p *media.Packets) bool {
	return slices.ContainsFunc(p.Flags, func(f uint8) bool { return f&media.Discard != 0 })
}

// cut is a key packet where one chunk may end and the next begin.
type cut struct {
	packet int   // index in file order
	key    int   // index in list.keys
	pts    int64 // ticks
}

// cuts lists the key packets at which all frames shown earlier than the key's, but for its leading
// pictures, stand earlier in the file too, so that nothing before the cut needs to be looked for
// behind it.
func (l *list) cuts() []cut {
	if l.whole != nil {
		return nil
	}
	var out []cut
	before := int64(media.NoPTS) // the latest frame in front of packet i
	next := 0
	for i := range l.p.Len() {
		pts := l.p.PTS[i]
		if next < len(l.keys) && l.keys[next] == i {
			if i > l.first && before < pts {
				out = append(out, cut{i, next, pts})
			}
			next++
		}
		if i >= l.first && pts != media.NoPTS && l.p.Flags[i]&media.Discard == 0 {
			before = max(before, pts)
		}
	}
	return out
}

// lastLeading is the last packet in file order, from the cut's on, that is shown before the cut: its last leading
// picture. Without any it is the packet in front of the cut.
func (l *list) lastLeading(c cut) int {
	last := c.packet - 1
	// Leading pictures follow their key packet closely. Behind the next key packet there are none, or
	// that packet would come before this one.
	for i := c.packet + 1; i < l.p.Len(); i++ {
		if l.p.PTS[i] != media.NoPTS && l.p.PTS[i] < c.pts {
			last = i
		}
		if l.p.Flags[i]&media.Key != 0 && l.p.PTS[i] > c.pts {
			break
		}
	}
	return last
}

// choose picks of all cuts those that make chunks about equally long and near to want ticks.
func choose(cuts []cut, first, last, want int64) []cut {
	total := last - first
	n := max(1, (total+want/2)/want)
	n = min(n, int64(len(cuts))+1) // a timestamp far out makes no more chunks than there are cuts
	least := total / n / 4         // a chunk much shorter than the others costs quality and gains nothing
	var out []cut
	from, prev := 0, first
	for k := int64(1); k < n; k++ {
		ideal := first + total/n*k
		i, _ := slices.BinarySearchFunc(cuts[from:], ideal, func(c cut, t int64) int { return int(min(max(c.pts-t, -1), 1)) })
		i += from
		if i == len(cuts) || i > from && ideal-cuts[i-1].pts < cuts[i].pts-ideal {
			i--
		}
		if i < from || cuts[i].pts-prev < least || last-cuts[i].pts < least {
			continue
		}
		out = append(out, cuts[i])
		from, prev = i+1, cuts[i].pts
	}
	return out
}

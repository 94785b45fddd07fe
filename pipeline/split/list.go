package split

import (
	"cmp"
	"errors"
	"fmt"
	"math"
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
			return nil, sameTimeError(l.pts[i])
		}
	}
	return l, nil
}

// sameTimeError is for a list with two frames at one time, in ticks.
type sameTimeError int64

func (e sameTimeError) Error() string {
	return fmt.Sprintf("two frames have the same timestamp, %d ticks", int64(e))
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

// choose picks of all cuts those that make chunks of the wanted cost. at gives the cost of all packets up to
// each one, in file order, and size how much a chunk should cost that has so much before the end of the film.
func choose(cuts []cut, at []float64, size func(left float64) float64) []cut {
	var out []cut
	from, prev, total := 0, 0.0, at[len(at)-1]
	for {
		left := total - prev
		want := left / max(1, math.Round(left/size(left)))
		least := want / 4 // a chunk much shorter than the others costs quality and gains nothing
		i, _ := slices.BinarySearchFunc(cuts[from:], prev+want, func(c cut, cost float64) int { return cmp.Compare(at[c.packet], cost) })
		i += from
		if i == len(cuts) || i > from && prev+want-at[cuts[i-1].packet] < at[cuts[i].packet]-prev-want {
			i--
		}
		for i >= from && i < len(cuts) && at[cuts[i].packet]-prev < least {
			i++
		}
		if i < from || i == len(cuts) || total-at[cuts[i].packet] < least {
			return out
		}
		out = append(out, cuts[i])
		from, prev = i+1, at[cuts[i].packet]
	}
}

// cost sums up over the packets, in file order, what encoding them is expected to take, in mean frames:
// element i is that of all before packet i.
func (l *list) cost() []float64 {
	n := l.p.Len()
	at, mean, sum := make([]float64, n+1), 0.0, 0.0
	for from, to := 0, 0; from < n; from = to {
		to = l.group(from)
		mean += l.bytes(from, to) * float64(to-from) / float64(n)
	}
	for from, to := 0, 0; from < n; from = to {
		to = l.group(from)
		each := effort(l.bytes(from, to), mean)
		for i := from; i < to; i++ {
			if i >= l.first && l.p.Flags[i]&media.Discard == 0 {
				sum += each
			}
			at[i+1] = sum
		}
	}
	scale := float64(len(l.pts)) / sum
	for i := range at {
		at[i] *= scale
	}
	return at
}

// group returns the end of the group of pictures that begins at a packet.
func (l *list) group(from int) int {
	to := from + 1
	for to < l.p.Len() && l.p.Flags[to]&media.Key == 0 {
		to++
	}
	return to
}

// bytes is the mean size of a group's packets, without its first where there are more: that is large because
// nothing is predicted in it, not because it is hard to encode.
func (l *list) bytes(from, to int) (mean float64) {
	if to-from > 1 {
		from++
	}
	for _, size := range l.p.Size[from:to] {
		mean += float64(size) / float64(to-from)
	}
	return mean
}

// effort is what encoding a frame of so many bytes takes, compared with a mean one. Over eleven real clips of
// one size, from cartoons to noise, the time that x264 took for a frame grew with the 0.7th power of what the
// frame had taken to store; what x264 does in any case is there even where nothing moves.
func effort(bytes, mean float64) float64 {
	const always = 0.2
	return always + (1-always)*math.Pow(bytes/max(1, mean), 0.7)
}

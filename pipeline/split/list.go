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
	anew  []cut   // where pictures of another form begin: a chunk must not reach across, or a frame would be lost
	lost  int     // leading pictures behind such a place, which no decoder shows
	// unindexed: to read at a place is to read all that stands before it
	unindexed bool
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
	l.pts = slices.DeleteFunc(l.pts, l.acrossChange())
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

// acrossChange finds the places where pictures of another form begin, and tells of a frame whether it is a leading
// picture there: it refers to pictures that the decoder has dropped.
func (l *list) acrossChange() func(pts int64) bool {
	lost := map[int64]bool{}
	before, at := int64(media.NoPTS), cut{packet: -1}
	for i := l.first; i < l.p.Len(); i++ {
		pts, flags := l.p.PTS[i], l.p.Flags[i]
		if flags&media.Discard != 0 {
			continue
		}
		switch {
		case flags&media.Anew != 0 && i > l.first && before < pts && l.whole == nil:
			key, _ := slices.BinarySearch(l.keys, i)
			at = cut{packet: i, key: key, pts: pts}
			l.anew = append(l.anew, at)
		case flags&media.Key != 0:
			at.packet = -1
		case at.packet >= 0 && pts < at.pts:
			lost[pts] = true
		}
		before = max(before, pts)
	}
	l.lost = len(lost)
	return func(pts int64) bool { return lost[pts] }
}

// heldBack reports whether a frame is the last one in front of pictures of another form: a decoder that goes on there
// may lose it.
func (l *list) heldBack(pts int64) bool {
	return slices.ContainsFunc(l.anew, func(c cut) bool {
		i, _ := slices.BinarySearch(l.pts, c.pts)
		return i > 0 && l.pts[i-1] == pts
	})
}

// cutOff takes the last packet off the list.
func (l *list) cutOff() {
	last := l.p.Len() - 1
	l.pts = slices.DeleteFunc(l.pts, func(pts int64) bool { return pts == l.p.PTS[last] })
	l.cut = true
}

// head lists the frames of the first packets, ascending.
func (l *list) head(packets int) []int64 {
	var out []int64
	for i := l.first; i < min(l.p.Len(), packets); i++ {
		if l.p.Flags[i]&media.Discard == 0 && (!l.cut || i != l.p.Len()-1) {
			out = append(out, l.p.PTS[i])
		}
	}
	slices.Sort(out)
	return out
}

// hidden reports whether an edit list hides frames: a copy of such a file would show them.
func hidden(p *media.Packets) bool {
	return slices.ContainsFunc(p.Flags, func(f uint8) bool { return f&media.Discard != 0 })
}

// cut is a packet where one chunk may end and the next begin.
type cut struct {
	packet int   // index in file order
	key    int   // index in list.keys of the key packet that decoding begins at; -1: at the file's start
	pts    int64 // ticks
}

// cuts lists the packets at which all frames shown earlier than the packet's stand earlier in the file too, but
// for some behind it that lastLeading finds, so that nothing before the cut needs to be looked for behind it.
//
// Of key packets it lists all, in keys. Any other packet like that will do as well, if decoding begins at the last
// of these keys in front of it and the frames up to the packet's own are dropped: those are in inside, if wanted.
func (l *list) cuts(inner bool) (keys, inside []cut) {
	if l.whole != nil {
		return nil, nil
	}
	before := int64(media.NoPTS) // the latest frame in front of packet i
	next, key := 0, -1
	for i := range l.p.Len() {
		pts := l.p.PTS[i]
		isKey := next < len(l.keys) && l.keys[next] == i
		clean := i > l.first && l.first >= 0 && before < pts
		switch {
		case isKey && clean:
			key = next
			keys = append(keys, cut{i, key, pts})
		case inner && clean && !isKey && l.p.Flags[i] == 0:
			inside = append(inside, cut{i, key, pts})
		}
		if isKey {
			next++
		}
		if i >= l.first && pts != media.NoPTS && l.p.Flags[i]&media.Discard == 0 {
			before = max(before, pts)
		}
	}
	return keys, inside
}

// lastLeading is the last packet in file order, from the cut's on, that is shown before the cut: the last leading
// picture of a key packet, the last B-frame of any other. Without any it is the packet in front of the cut.
func (l *list) lastLeading(c cut) int {
	last := c.packet - 1
	if l.p.Flags[c.packet]&media.Anew != 0 {
		return last
	}
	// They follow their packet closely. Behind the next key packet there are none, or that packet would come
	// before this one.
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

// choose picks of the keys those that make chunks of the wanted cost, and a cut inside a group of pictures where
// none of them is near. at gives the cost of all packets up to each one, in file order, and size how much a chunk
// should cost that has so much before the end of the film. Only cuts between the packets from and to count.
func choose(keys, inside []cut, at []float64, from, to int, size func(remaining float64) float64) []cut {
	var out []cut
	keys, inside = between(keys, from, to), between(inside, from, to)
	prev, total, behind := at[from], at[to], at[len(at)-1]-at[to]
	for {
		remaining := total - prev
		want := remaining / max(1, math.Round(remaining/size(remaining+behind)))
		least := want / 4 // a chunk much shorter than the others costs quality and gains nothing
		c, ok := nearestCut(keys, at, prev+want, prev+least)
		if far := max(want/2, farFromKey); !ok || math.Abs(at[c.packet]-prev-want) > far {
			if i, found := nearestCut(inside, at, prev+want, prev+least); found &&
				(!ok || math.Abs(at[i.packet]-prev-want) < math.Abs(at[c.packet]-prev-want)) {
				c, ok = i, true
			}
		}
		if !ok || total-at[c.packet] < least {
			return out
		}
		out = append(out, c)
		prev = at[c.packet]
	}
}

// between are the cuts behind one packet and in front of another.
func between(cuts []cut, from, to int) []cut {
	place := func(c cut, packet int) int { return cmp.Compare(c.packet, packet) }
	begin, _ := slices.BinarySearchFunc(cuts, from+1, place)
	end, _ := slices.BinarySearchFunc(cuts, to, place)
	return cuts[begin:end]
}

// farFromKey is, in mean frames, how far a cut inside a group of pictures must be from where a key packet would
// let the chunk end: nearer, it gains less than decoding up to it costs.
const farFromKey = 36

// nearestCut finds the cut nearest to a cost, of those that are not in front of a least one.
func nearestCut(cuts []cut, at []float64, want, least float64) (c cut, ok bool) {
	i, _ := slices.BinarySearchFunc(cuts, want, func(c cut, cost float64) int { return cmp.Compare(at[c.packet], cost) })
	if i == len(cuts) || i > 0 && want-at[cuts[i-1].packet] < at[cuts[i].packet]-want {
		i--
	}
	for i >= 0 && i < len(cuts) && at[cuts[i].packet] < least {
		i++
	}
	if i < 0 || i == len(cuts) {
		return cut{}, false
	}
	return cuts[i], true
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

// effort is what encoding a frame of that size takes, compared with a mean one. Over eleven real clips of
// one size, from cartoons to noise, the time that an encoder took for a frame grew with the
// 0.7th power of what the frame had taken to store. What it does in any case is there even where nothing moves.
func effort(bytes, mean float64) float64 {
	const always = 0.2
	return always + (1-always)*math.Pow(bytes/max(1, mean), 0.7)
}

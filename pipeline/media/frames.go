package media

import (
	"errors"
	"fmt"
	"slices"
)

// Frames lists the frames that a player shows, ascending: all packets that the container does not hide,
// from the first key packet on. What stands in front of it can't be decoded. The error says why the
// packets tell no sound list.
func (p *Packets) Frames() ([]int64, error) {
	first := slices.IndexFunc(p.Flags, func(f uint8) bool { return f&Key != 0 })
	if first < 0 {
		return nil, errors.New("it has no key frame")
	}
	pts := make([]int64, 0, p.Len()-first)
	for i := first; i < p.Len(); i++ {
		if p.Flags[i]&Discard != 0 {
			continue
		}
		if p.PTS[i] == NoPTS {
			return nil, fmt.Errorf("packet %d has no timestamp", i)
		}
		pts = append(pts, p.PTS[i])
	}
	slices.Sort(pts)
	for i := 1; i < len(pts); i++ {
		if pts[i] == pts[i-1] {
			return nil, fmt.Errorf("two frames have the same timestamp, %d ticks", pts[i])
		}
	}
	return pts, nil
}

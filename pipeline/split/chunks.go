package split

import (
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// chunkSeconds is the wanted length where the settings have none.
const chunkSeconds = 20

// seekAhead is added to a place to seek to, in seconds. In streams with B-frames ffmpeg goes 3/23 s (0.1304 s) back
// from where it is told to seek (ffmpeg_opt.c, open_input_file), which would decode one GOP too many.
const seekAhead = 0.132

// chunks cuts the frames. kind is for all chunks.
func (l *list) chunks(plan *pipeline.Plan, kind pipeline.Kind) []pipeline.Chunk {
	tb := plan.Video.TimeBase
	seconds := plan.Settings.Chunk
	if seconds <= 0 {
		seconds = chunkSeconds
	}
	want := max(1, int64(seconds*float64(tb.Den)/float64(tb.Num)))
	first, last := l.pts[0], l.pts[len(l.pts)-1]
	cuts := choose(l.cuts(), first, last, want)

	starts := append([]cut{{packet: l.first, pts: l.p.PTS[l.first], key: -1}}, cuts...)
	out := make([]pipeline.Chunk, len(starts))
	frame := 0
	for i, c := range starts {
		begin, end, behind := c.pts, last+1, l.p.Len()
		if i == 0 {
			begin = first
		}
		if i+1 < len(starts) {
			end, behind = starts[i+1].pts, l.lastLeading(starts[i+1])+1
		}
		n, _ := slices.BinarySearch(l.pts[frame:], end)
		out[i] = pipeline.Chunk{
			Index: i, Kind: kind, Start: begin, End: end, First: frame, Seeks: l.seeks(c, tb, plan.Out.Deinterlace),
			Key: l.p.PTS[c.packet], Packets: behind - c.packet, At: c.packet - l.first, PTS: l.pts[frame : frame+n : frame+n],
		}
		frame += n
	}
	return out
}

// seeks lists where to look for a chunk's frames: at its key packet, and, where that is not really one
// (intra refresh, I-frames that later frames reach across), one and three key packets back. The
// first chunk has none: it is read from the file's start. With lead the picture in front of the chunk is
// wanted too, so that all places are one key packet further back.
func (l *list) seeks(c cut, tb pipeline.Rational, lead bool) []int64 {
	key := c.key
	if lead {
		key--
	}
	if key < 0 || lead && key == 0 {
		return nil
	}
	pts := l.p.PTS[l.keys[key]]
	gop := l.pts[len(l.pts)-1] - pts
	if key+1 < len(l.keys) {
		gop = l.p.PTS[l.keys[key+1]] - pts
	}
	ahead := max(0, min(int64(seekAhead*float64(tb.Den)/float64(tb.Num)), gop/2))
	out := []int64{pts + ahead}
	if ahead > 0 {
		out = append(out, pts)
	}
	for _, back := range []int{1, 3} {
		if k := key - back; k > 0 { // the first key packet is the file's start, which is tried in the end anyway
			out = append(out, l.p.PTS[l.keys[k]])
		}
	}
	return out
}

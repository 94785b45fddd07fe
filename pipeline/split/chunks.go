package split

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// divide fills in the plan's frames and chunks. Video's time base and Settings.Chunk must be set; slots are the encodes
// that can run side by side, 0 where that is not known. Whatever kind is, the one chunk of a short film is a range, and
// so are chunks in a large farm, which may begin inside a group of pictures.
func (l *list) divide(plan *pipeline.Plan, kind pipeline.Kind, slots int) {
	wide := l.wide(plan, slots)
	if len(l.anew) > 0 { // a decoder that is given the packets behind a chunk's last would lose a picture
		wide, kind = false, pipeline.KindPiece
		l.noteChanges(plan)
	}
	if wide && kind == pipeline.KindPiece {
		kind = pipeline.KindRange
		plan.Note("%d encodes can run side by side, many for a film of this length: "+
			"the chunks are ranges of the source, and none of them waits for its piece to be copied.", slots)
	}
	plan.Frames, plan.Chunks = len(l.pts), l.chunks(plan, kind, slots, wide)
	if len(plan.Chunks) == 1 { // its piece would be the film once more
		plan.Chunks[0].Kind = pipeline.KindRange
	}
}

// noteChanges notes the places where pictures of another form begin.
func (l *list) noteChanges(plan *pipeline.Plan) {
	var at []string
	for _, c := range l.anew[:min(len(l.anew), toldChanges)] {
		at = append(at, fmt.Sprintf("%.3f s", plan.Video.TimeBase.Seconds(c.pts)))
	}
	if len(l.anew) > toldChanges {
		at = append(at, "…")
	}
	plan.Note("The pictures' size, shape or scan changes within the video (%s): it is cut there, and all come out in one "+
		"size and with one aspect ratio.", strings.Join(at, ", "))
	if l.lost > 0 {
		plan.Notes[len(plan.Notes)-1] += fmt.Sprintf(" %d pictures right behind refer to some of the other form; "+
			"no decoder can show them.", l.lost)
	}
}

const toldChanges = 5

// wide reports whether so many encodes can run side by side that each gets only a few chunks. Then the time in which
// pieces are copied, and single long groups of pictures, are a good part of the whole. Of a file without an index
// nobody is to read more ranges than need be.
func (l *list) wide(plan *pipeline.Plan, slots int) bool {
	return !l.unindexed && slots >= manySlots && l.seconds(plan) < fewChunks*wanted(plan)*float64(slots)
}

const (
	manySlots = 16 // with fewer a good end of the job gains less than is lost by decoding frames twice
	fewChunks = 6  // of the wanted length
)

// wanted is the wanted length of a chunk in seconds.
func wanted(plan *pipeline.Plan) float64 {
	if plan.Settings.Chunk > 0 {
		return plan.Settings.Chunk
	}
	return chunkSeconds
}

// seconds is the film's length.
func (l *list) seconds(plan *pipeline.Plan) float64 {
	tb := plan.Video.TimeBase
	return max(tb.Seconds(l.pts[len(l.pts)-1]+1-l.pts[0]), tb.Seconds(1))
}

// chunkSeconds is the wanted length where the settings have none.
const chunkSeconds = 20

// sizes returns how long the chunks of a film are to be, in seconds, given how much of it is still behind them. seconds
// is the length of all of it.
//
// It is the wanted length, as long as that leaves every slot two chunks more. From then on they get shorter
// (factoring: Hummel, Schonberg and Flynn, CACM 35(8), 1992), so that all slots have done at about the same time
// although nobody knows how long they will take: first down to half, which costs no quality worth the name, and in
// the last part of the film further, in a wide farm furthest. A film that is short for a crowd of slots gets
// shorter ones from the beginning, so that each has a few: that costs bytes, for most cuts are then at no key frame of
// the source. A film so long that it would make more than maxChunks gets longer ones.
func sizes(seconds, want float64, slots int, wide bool) func(remaining float64) float64 {
	want = max(want, seconds/maxChunks)
	usual, shortest := want/2, want/8
	if wide {
		shortest = min(want/8, max(want/12, 1))
	}
	if slots >= crowd {
		usual = min(usual, seconds/float64(aFew*slots))
	}
	return func(remaining float64) float64 {
		if slots <= 0 {
			return want
		}
		least := max(shortest, usual*min(1, remaining/(shortPart*seconds)))
		return min(want, max(least, remaining/float64(2*slots)))
	}
}

const (
	crowd     = 64      // slots, of which half would have nothing to do with the usual chunks of a short film
	aFew      = 3       // chunks for each slot of a crowd
	maxChunks = 2000    // of one job, but for the short ones at its end
	shortPart = 1.0 / 4 // of a film that may be cut into chunks shorter than half the wanted length
)

// seekAhead is added to a place to seek to, in seconds. In streams with B-frames ffmpeg goes 3/23 s (0.1304 s) back
// from where it is told to seek (ffmpeg_opt.c, open_input_file), which would decode one GOP too many.
const seekAhead = 0.132

// chunks cuts the frames. kind is for all chunks; in a wide farm cuts may lie inside a group of pictures.
func (l *list) chunks(plan *pipeline.Plan, kind pipeline.Kind, slots int, wide bool) []pipeline.Chunk {
	tb := plan.Video.TimeBase
	first, last := l.pts[0], l.pts[len(l.pts)-1]
	cost := l.cost()
	// The slope between cost and length is that of the whole film, so that chunks cost alike.
	seconds := l.seconds(plan)
	slope, size := cost[len(cost)-1]/seconds, sizes(seconds, wanted(plan), slots, wide)
	keys, inner := l.cuts(wide && !hidden(l.p))
	if plan.Out.Deinterlace && len(l.anew) > 0 { // a piece has no picture in front of it
		keys, inner = nil, nil
	}
	starts := []cut{{packet: l.first, pts: l.p.PTS[l.first], key: -1}}
	for i := 0; i <= len(l.anew); i++ {
		to := l.p.Len()
		if i < len(l.anew) {
			to = l.anew[i].packet
		}
		starts = append(starts, choose(keys, inner, cost, starts[len(starts)-1].packet, to,
			func(remaining float64) float64 { return slope * size(remaining/slope) })...)
		starts = append(starts, l.anew[i:min(i+1, len(l.anew))]...)
	}
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
		key := l.begins(c)
		n, _ := slices.BinarySearch(l.pts[frame:], end)
		out[i] = pipeline.Chunk{
			Index: i, Kind: kind, Start: begin, End: end, First: frame,
			Seeks: l.seeks(c, tb, plan.Out.Deinterlace && len(l.anew) == 0),
			Key:   l.p.PTS[key], Packets: behind - key, At: key - l.first,
			PTS:  pipeline.NewTimestamps(l.pts[frame : frame+n]...),
			Cost: math.Round(cost[behind] - cost[c.packet] + decoding*float64(c.packet-key)),
		}
		if plan.Settings.MaxSize > 0 {
			for _, size := range l.p.Size[c.packet:behind] {
				out[i].Bytes += int64(size)
			}
		}
		frame += n
	}
	return out
}

// decoding is what it takes to decode a frame and drop it, in mean frames encoded.
const decoding = 0.05

// begins is the packet at which decoding begins for a chunk that begins at the cut.
func (l *list) begins(c cut) int {
	if c.key < 0 {
		return l.first
	}
	return l.keys[c.key]
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

package split

import (
	"fmt"
	"math"
	"time"

	"github.com/distenc/distenc/pipeline"
)

const (
	usualTick  = int64(time.Millisecond)
	finestTick = int64(time.Microsecond) // mkvmerge takes no finer TimestampScale
)

// chooseTick decides how fine the timestamps of an output in Matroska are: a millisecond, which every player expects,
// unless the source is Matroska with finer ones or two pictures would be shown at the same time. Pictures too near
// to one another for any are refused. pts are ascending.
func chooseTick(plan *pipeline.Plan, src *Source, pts []int64) error {
	if plan.Settings.Container == pipeline.MP4 {
		return nil
	}
	tick, tb := usualTick, plan.Video.TimeBase
	if own := int64(time.Second) * tb.Num / tb.Den; src.demuxer("matroska") && own < tick {
		tick = max(own, finestTick)
	}
	near := same(tb, pts, tick)
	var first int
	for ; near >= 0; near = same(tb, pts, tick) {
		if first = near; tick == finestTick {
			return pipeline.Refuse("Two frames are %s apart at %s, and Matroska can't tell times so near to one another apart: "+
				"set container = \"mp4\", or leave one of the frames out.", gap(tb, pts, near), moment(tb.Seconds(pts[near])))
		}
		tick = max(tick/10, finestTick)
	}
	if tick == usualTick {
		return nil
	}
	if plan.Tick = tick; first > 0 {
		plan.Note("Two frames are %s apart at %s: the output's times are told in steps of %v, finer than Matroska's usual "+
			"millisecond.",
			gap(tb, pts, first), moment(tb.Seconds(pts[first])), time.Duration(tick))
	}
	return nil
}

// lastTicks is how long the last picture is shown where that is longer than the one before it is, or than any of a mean
// length: an output's last picture is shown as long as that.
//
// ffmpeg tells no packet's duration of an MP4 with B-frames, but the track's. Where a container tells nothing, it makes
// the duration up from the rate of frames: such a one counts for nothing.
func lastTicks(src *Source, l *list) int64 {
	const rounding = 0.002 // seconds
	s, n := src.Stream, len(l.pts)
	tb, last := s.TimeBase, l.p.LastTicks
	if src.demuxer("mov") {
		if last = s.Duration - l.pts[n-1] + l.pts[0]; hidden(l.p) || s.StartPTS != l.pts[0] {
			return 0
		}
	}
	if l.cut || n > 1 && tb.Seconds(last-l.pts[n-1]+l.pts[n-2]) < rounding {
		return 0
	}
	for _, rate := range []pipeline.Rational{s.FrameRate, s.BaseRate} {
		if rate.Valid() && !src.demuxer("mov") && math.Abs(tb.Seconds(last)-float64(rate.Den)/float64(rate.Num)) < rounding {
			return 0
		}
	}
	return max(0, last)
}

// same is the index of the first frame that would get the timestamp of the one in front of it; -1 if none would.
func same(tb pipeline.Rational, pts []int64, tick int64) int {
	last := int64(-1)
	for i, t := range pts {
		at := rounded(tb, t, tick)
		if i > 0 && at == last {
			return i
		}
		last = at
	}
	return -1
}

// rounded is a time in ticks of tick nanoseconds each, as mkvmerge makes them of the nanoseconds that it is given.
func rounded(tb pipeline.Rational, pts, tick int64) int64 {
	return (int64(math.Round(tb.Seconds(pts)*float64(time.Second))) + tick/2) / tick
}

func gap(tb pipeline.Rational, pts []int64, i int) string {
	return fmt.Sprintf("%.2g ms", 1000*tb.Seconds(pts[i]-pts[i-1]))
}

// moment is a time as a player shows it: 0:00:12.3.
func moment(seconds float64) string {
	s := int64(seconds)
	return fmt.Sprintf("%d:%02d:%04.1f", s/3600, s/60%60, seconds-float64(s/60*60))
}

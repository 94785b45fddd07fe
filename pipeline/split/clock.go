package split

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// clock is what the packets of a transport or program stream say of its clock: where it begins anew, as where
// recordings were joined. ffmpeg mends each stream's timestamps for itself, so that what one stream's end is later than
// another's makes the next part's packets collide.
type clock struct {
	base   pipeline.Rational // of all streams
	tracks map[int]*clockTrack
	shifts []int64 // of each part, ticks
}

// clockTrack is one stream; parts are what it has between two jumps.
type clockTrack struct {
	packets int
	last    int64
	parts   []clockPart
}

// clockPart spans packets from the first one on, in ticks. end is behind the last packet's time, for both kinds of
// timestamps.
type clockPart struct {
	first              int
	dts, dtsEnd        int64
	pts, ptsEnd, ticks int64
}

const (
	clockBack    = 0.1 // s back that are a jump; less is jitter
	clockForward = 10  // s ahead that are one
	maxJumps     = 50
	clockAround  = float64(1<<33) / 90_000 // s until it begins at zero again (ISO/IEC 13818-1, 2.4.3.7)
)

// jumps reports whether the film's clock does.
func jumps(src *Source) bool {
	t, second, last := src.Packets.DTS, src.Stream.TimeBase.Den/src.Stream.TimeBase.Num, int64(media.NoPTS)
	return slices.ContainsFunc(t, func(at int64) bool {
		was := last
		last = at
		return jumped(was, at, second)
	})
}

// jumped reports whether a clock, of which a second has second ticks, has jumped from one timestamp to the next.
func jumped(from, to, second int64) bool {
	return from != media.NoPTS && to != media.NoPTS && (float64(to) < float64(from)-clockBack*float64(second) ||
		to > from+clockForward*second)
}

// readClock reads the clock of the given streams; nil if it does not jump.
func readClock(ctx context.Context, tools media.Tools, path string, film media.Stream, streams []streamPlan,
) (*clock, error) {
	c, part := &clock{base: film.TimeBase, tracks: map[int]*clockTrack{}}, 0
	dense := map[int]bool{}
	for _, s := range streams {
		c.tracks[s.Index] = &clockTrack{last: media.NoPTS}
		dense[s.Index] = s.Index == film.Index || s.Type == "audio"
	}
	second := film.TimeBase.Den / max(1, film.TimeBase.Num)
	err := tools.EachTime(ctx, path, func(p media.Packet) error {
		t := c.tracks[p.Stream]
		if t == nil {
			return nil
		}
		at := p.DTS
		if at == media.NoPTS {
			at = p.PTS
		}
		jump := jumped(t.last, at, second)
		switch {
		case p.Stream == film.Index && jump:
			part++
			t.begin(part)
		case dense[p.Stream] && jump && len(t.parts) <= part+1:
			t.begin(max(1, len(t.parts))) // a little in front of the film or behind it
		case !dense[p.Stream]:
			t.begin(part)
		}
		t.add(p, at)
		return nil
	})
	if err != nil || part == 0 || part > maxJumps {
		return nil, err
	}
	c.shift(part + 1)
	return c, nil
}

// begin lets the parts up to the one of that number begin.
func (t *clockTrack) begin(part int) {
	for len(t.parts) <= part {
		t.parts = append(t.parts, clockPart{first: t.packets, dts: media.NoPTS, pts: media.NoPTS, dtsEnd: media.NoPTS,
			ptsEnd: media.NoPTS})
	}
}

func (t *clockTrack) add(p media.Packet, at int64) {
	t.begin(0)
	t.packets++
	now := &t.parts[len(t.parts)-1]
	if at == media.NoPTS {
		return
	}
	if now.dtsEnd != media.NoPTS && at > t.last {
		now.ticks = at - t.last // a packet lasts until the next
	}
	if t.last = at; now.dts == media.NoPTS {
		now.dts = at
	}
	now.dtsEnd = max(now.dtsEnd, at)
	if p.PTS == media.NoPTS {
		return
	}
	if now.pts == media.NoPTS || p.PTS < now.pts {
		now.pts = p.PTS
	}
	now.ptsEnd = max(now.ptsEnd, p.PTS)
}

// shift finds how far each part is moved: all of its streams alike, and so far that none begins before it has ended in
// the part before.
func (c *clock) shift(parts int) {
	first := int64(media.NoPTS) // so that the earliest of all comes to stand at zero
	for _, t := range c.tracks {
		if len(t.parts) > 0 && t.parts[0].pts != media.NoPTS {
			first = max(first, -t.parts[0].pts)
		}
	}
	c.shifts = []int64{first}
	for k := 1; k < parts; k++ {
		next := int64(media.NoPTS)
		for _, t := range c.tracks {
			if k >= len(t.parts) || t.parts[k].pts == media.NoPTS || t.parts[k-1].pts == media.NoPTS {
				continue
			}
			was, is := t.parts[k-1], t.parts[k]
			next = max(next, was.dtsEnd+was.ticks-is.dts, was.ptsEnd+was.ticks-is.pts)
		}
		if next == media.NoPTS {
			next = 0
		}
		c.shifts = append(c.shifts, c.shifts[k-1]+next)
	}
}

// filter is the bitstream filter that moves a stream's packets, of which ffmpeg leaves the first ones out. It may get
// them in the output's ticks (5.1) or in the input's (9), whatever its TB says: far from zero they can be told apart.
func (c *clock) filter(stream, lead int) string {
	var move strings.Builder
	fmt.Fprintf(&move, "%.6f", c.base.Seconds(c.shifts[0])-farFromZero)
	for k, part := range c.tracks[stream].parts {
		if k > 0 {
			fmt.Fprintf(&move, `+gte(N\,%d)*%.6f`, part.first-lead, c.base.Seconds(c.shifts[k]-c.shifts[k-1]))
		}
	}
	moved := func(ts string) string { // not what has none
		return fmt.Sprintf(`if(gt(%[1]s\,0)\,%[1]s+(%[2]s)*if(gt(%[1]s\,%[3]d)\,%[4]d\,1000)\,%[1]s)`, ts, move.String(),
			10_000*farFromZero, c.base.Den)
	}
	return "setts=pts=" + moved("PTS") + ":dts=" + moved("DTS")
}

// farFromZero is added to all timestamps on the way, in seconds: more than a clock of 33 bits holds.
const farFromZero = 100_000

// notes tell where the film's clock jumps.
func (c *clock) notes(film media.Stream) (notes []string) {
	parts := c.tracks[film.Index].parts
	for k := 1; k < len(parts); k++ {
		// A clock of 33 bits: ffmpeg takes what it jumps far back for a step across its end.
		where, far := "back", math.Remainder(c.base.Seconds(parts[k-1].ptsEnd+parts[k-1].ticks-parts[k].pts), clockAround)
		if far < 0 {
			where, far = "ahead", -far
		}
		notes = append(notes, fmt.Sprintf("At %.3f s the file's clock jumps %s by %.3f s, as where recordings were joined: "+
			"what follows comes right behind, pictures and sound alike.",
			c.base.Seconds(parts[k].pts+c.shifts[k]), where, far))
	}
	return notes[:min(len(notes), toldChanges)]
}

// joined copies streams of which the clock jumps.
func (c *copying) joined(clock *clock) way {
	lead := max(0, slices.IndexFunc(c.src.Packets.Flags, func(f uint8) bool { return f&media.Key != 0 }))
	return func(ctx context.Context, streams []streamPlan, dst string) error {
		args := slices.Concat([]string{"-copyts", "-itsoffset", strconv.Itoa(farFromZero), "-fflags", "+genpts"}, c.deep,
			media.Input(c.path),
			[]string{"-c", "copy"}, mapped(0, 0, streams))
		for i, s := range streams {
			before := 0
			if s.Index == c.src.Stream.Index {
				before = lead
			}
			args = append(args, "-bsf:"+strconv.Itoa(i), clock.filter(s.Index, before))
		}
		_, err := c.tools.RunFFmpeg(ctx, c.limits(), append(args, "-f", "matroska", dst)...)
		return err
	}
}

package merge

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Asked is what an output was to be, as far as that is no copy of its source.
type Asked struct {
	Audio     pipeline.Audio
	Subtitles pipeline.Subtitles
}

// Verify compares an output with its source: the number of video frames, every timestamp, every other
// stream's packets, chapters, tags, attachments. The frames are those that the source's own packets say are
// shown.
//
// The report says what differs; the error only that a file can't be read. Memory stays small: 18 bytes
// a frame and what two files' interleaving differs by.
func Verify(ctx context.Context, tools media.Tools, source, output string, asked Asked) (*Report, error) {
	return verify(ctx, tools, verification{source: source, output: output, asked: asked})
}

type verification struct {
	source, output string
	asked          Asked          // where there is no plan
	plan           *pipeline.Plan // the frames and settings; nil: the source's own packets tell of the frames
	sums           []Sum          // of the chunks, if the output was just merged of them
	prepared       *Prepared
}

func verify(ctx context.Context, tools media.Tools, v verification) (*Report, error) {
	src, err := v.probeSource(ctx, tools)
	if err != nil {
		return nil, err
	}
	out, err := tools.Probe(ctx, v.output)
	if err != nil {
		return nil, err
	}
	if len(src.Video()) == 0 || len(out.Video()) == 0 {
		return nil, fmt.Errorf("cannot compare %q with %q: no video in one of them", filepath.Base(v.output),
			filepath.Base(v.source))
	}
	set := pipeline.Settings{Container: pipeline.Container(containerOf(out)), Audio: v.asked.Audio,
		Subtitles: v.asked.Subtitles}
	if v.plan != nil {
		set = v.plan.Settings
	}
	found, err := v.chapters(ctx, tools, src, set)
	if err != nil {
		return nil, err
	}
	src = found.as(src)
	each := func(path string) reading {
		return func(take func(media.Packet) error) error { return tools.EachPacket(ctx, path, take) }
	}
	source := each(v.source)
	if v.prepared != nil {
		if !v.prepared.partial {
			source = v.prepared.each
		}
		// Our own reader comes first: ffprobe takes ten times as long. What it does not understand, and what it finds
		// fault with, ffprobe judges.
		r, err := v.report(ctx, tools, newComparison(src, out, set, v.sums), source,
			func(take func(media.Packet) error) error { return media.PlainPackets(ctx, v.output, out, take) })
		if err == nil && r.OK() {
			return r, nil
		}
		if v.prepared.plain { // the one that judges reads both
			source = each(v.source)
		}
	}
	return v.report(ctx, tools, newComparison(src, out, set, v.sums), source, each(v.output))
}

// report judges what a comparison has collected.
func (v verification) report(
	ctx context.Context, tools media.Tools, c *comparison, source, output reading,
) (*Report, error) {
	if err := c.sideBySide(source, output); err != nil {
		return nil, err
	}
	r := &Report{}
	want, err := c.wanted(ctx, tools, v, r)
	if err != nil {
		return nil, err
	}
	offset := c.reportFrames(r, want)
	if v.sums != nil {
		c.reportPayload(r, v.sums)
	}
	c.reportStreams(r, offset)
	reportContainer(r, c.src, c.out)
	return r, nil
}

func (v verification) probeSource(ctx context.Context, tools media.Tools) (*media.File, error) {
	if v.prepared != nil {
		return v.prepared.source, nil
	}
	return tools.Probe(ctx, v.source)
}

func (v verification) chapters(
	ctx context.Context, tools media.Tools, src *media.File, set pipeline.Settings,
) (*chapters, error) {
	if v.prepared != nil {
		return v.prepared.chapters, nil
	}
	return readChapters(ctx, tools, v.source, src, string(set.Container))
}

// wanted lists the frames the output must have, in ticks of the source.
func (c *comparison) wanted(ctx context.Context, tools media.Tools, v verification, r *Report) ([]int64, error) {
	var want []int64
	if v.plan != nil {
		for _, chunk := range v.plan.Chunks {
			want = append(want, chunk.PTS.All()...)
		}
		return want, nil
	}
	want, err := c.srcVideo.Frames()
	if err != nil {
		r.add(Bad, "the source's list of packets is unsound: %v", err)
		return nil, nil
	}
	head, err := tools.Head(ctx, v.source, strconv.Itoa(c.src.Video()[0].Index), media.HeadPackets)
	if err != nil {
		return nil, err
	}
	if n := slices.IndexFunc(want, func(pts int64) bool { return slices.Contains(head.PTS, pts) }); n > 0 {
		r.add(Note, "the source's first %d pictures refer to others before the file's start, no decoder can show them", n)
		want = want[n:]
	}
	return c.withoutCutOff(ctx, tools, v.source, want, r)
}

// withoutCutOff takes a last picture off the list that a source which was not copied whole no longer shows.
func (c *comparison) withoutCutOff(ctx context.Context, tools media.Tools, source string, want []int64,
	r *Report) ([]int64, error) {
	if c.outVideo.Len() != len(want)-1 {
		return want, nil
	}
	video := c.src.Video()[0]
	packets, err := tools.Packets(ctx, source, video.Index)
	if err != nil {
		return nil, err
	}
	cut, shown, err := tools.CutOff(ctx, source, video.Index, video.TimeBase, packets)
	if err != nil || !cut || shown {
		return want, err
	}
	r.add(Note, "the source is cut off within its last picture, no decoder can show it")
	last := packets.PTS[packets.Len()-1]
	return slices.DeleteFunc(want, func(pts int64) bool { return pts == last }), nil
}

// reportFrames compares the video's timestamps. Outside Matroska and MP4 a source's clock may start
// anywhere (TS): all of the output may then lie earlier by one offset, which is returned in
// milliseconds.
func (c *comparison) reportFrames(r *Report, want []int64) (offset float64) {
	src, out := c.src.Video()[0], c.out.Video()[0]
	got, err := c.outVideo.Frames()
	if err != nil {
		r.add(Bad, "the output's list of packets is unsound: %v", err)
		return 0
	}
	r.FramesPlanned, r.FramesFound = len(want), len(got)
	r.check(len(want) == len(got), Bad, "video frames: %d planned, %d found", len(want), len(got))
	offset = c.rebase(r, want, got)
	var exact bool
	r.DeviationMS, exact = compareTimes(want, src.TimeBase, got, out.TimeBase)
	r.Tolerance = "none"
	if k := newClock(src.TimeBase, out.TimeBase); k.a%k.b != 0 {
		r.Tolerance = fmt.Sprintf("rounding to the output's time base of %s s", out.TimeBase)
	}
	if len(want) != len(got) {
		n := alike(want, src.TimeBase, got, out.TimeBase)
		r.add(Bad, "video timestamps: the first %d are alike%s", n, goesOn(want, src.TimeBase, n))
		return offset
	}
	r.check(exact, Bad, "video timestamps: largest deviation %.4g ms (tolerance: %s)", r.DeviationMS, r.Tolerance)
	return offset
}

// goesOn says how the source goes on after its first n frames.
func goesOn(want []int64, base pipeline.Rational, n int) string {
	if n >= len(want) {
		return ", and then the output goes on where the source ends"
	}
	return fmt.Sprintf(", the next frame of the source is at %.3f s", base.Seconds(want[n]))
}

// rebase shifts want (and tells by how much, in milliseconds) so that it begins where got does, for
// sources whose zero means nothing.
func (c *comparison) rebase(r *Report, want, got []int64) float64 {
	if isMatroska(c.src) || isMP4(c.src) || len(want) == 0 || len(got) == 0 {
		return 0
	}
	base := c.src.Video()[0].TimeBase
	k := newClock(base, c.out.Video()[0].TimeBase)
	shift := (k.diff(want[0], got[0]) - k.a/2) / k.a
	for i := range want {
		want[i] += shift
	}
	if shift != 0 {
		r.add(Note, "the whole output lies %.3f s later than the source, whose clock has no zero", base.Seconds(shift))
	}
	return base.Seconds(shift) * 1000
}

// reportPayload proves that the output holds the chunks' packets, bit for bit and in order.
func (c *comparison) reportPayload(r *Report, sums []Sum) {
	for i, s := range sums {
		if i >= len(c.parts) || c.parts[i] != s.Digest {
			r.add(Bad, "video payload: differs from the encoded chunks', first in chunk %05d", i)
			return
		}
	}
	r.check(len(c.parts) == len(sums), Bad, "video payload: every packet is as its chunk has it (%d chunks)", len(sums))
	r.check(c.out.Video()[0].ExtradataSHA256 == sums[0].Extra, Bad, "video parameters: as the chunks have them")
}

package merge

import (
	"fmt"
	"math"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// pair is a stream of the source and the one it became. Whichever file is ahead has its packets wait
// here for the other's.
type pair struct {
	source, output media.Stream
	fate           fate
	report         StreamReport
	fromZero       bool // the output can't hold what comes before zero
	clock          clock
	waiting        []media.Packet
	sourceWaits    bool
	low, high      float64  // deviations of timestamps, output minus source, in milliseconds
	timed          bool     // low and high are set
	from, to       [2]int64 // first and last timestamp of the source's and of the output's packets, ticks
}

func newPair(s media.Stream, f fate) *pair {
	return &pair{source: s, fate: f, report: StreamReport{Source: s.Index, Output: -1, Type: kindOf(s), Codec: s.Codec,
		Converted: f.codec}}
}

func (p *pair) become(output media.Stream, fromZero bool) {
	p.output, p.fromZero = output, fromZero
	p.report.Output = output.Index
	p.clock = newClock(p.source.TimeBase, output.TimeBase)
}

// take counts a packet and compares it with its counterpart, once both are here.
func (p *pair) take(k media.Packet, isSource bool) {
	stream := p.output
	if isSource {
		stream = p.source
	}
	if stream.Codec == "mov_text" && k.Size <= 2 { // fills the time between two texts
		return
	}
	if isSource && p.fromZero && tooEarly(p.source, k.PTS) {
		p.report.Hidden++
		return
	}
	side, count := 1, &p.report.Found
	if isSource {
		side, count = 0, &p.report.Packets
	}
	if *count++; *count == 1 {
		p.from[side] = k.PTS
	}
	p.to[side] = k.PTS
	if p.fate.codec != "" && p.source.Type == "audio" {
		return // other frames, nothing to compare one by one
	}
	if len(p.waiting) == 0 || p.sourceWaits == isSource {
		p.waiting, p.sourceWaits = append(p.waiting, k), isSource
		return
	}
	other := p.waiting[0]
	p.waiting = p.waiting[1:]
	if isSource {
		p.match(k, other)
	} else {
		p.match(other, k)
	}
}

func (p *pair) match(source, output media.Packet) {
	cover := p.report.Type == "cover"
	lost := output.PTS == media.NoPTS && source.PTS != media.NoPTS && !cover // its time
	if lost || p.fate.codec == "" && (source.CRC != output.CRC || source.Size != output.Size) {
		p.report.Different++
	}
	if source.PTS == media.NoPTS || output.PTS == media.NoPTS || cover {
		return
	}
	d := p.clock.diff(source.PTS, output.PTS)
	ms := math.Copysign(p.clock.ms(d), float64(d))
	if !p.timed {
		p.low, p.high, p.timed = ms, ms, true
	}
	p.low, p.high = min(p.low, ms), max(p.high, ms)
}

// tolerance is how far timestamps may move, in milliseconds: a tick of the coarser container, a
// millisecond at least. For audio it is two: ffmpeg evens out Matroska's rounding when it writes MP4, and
// mkvmerge computes what a block with several frames leaves open.
func (p *pair) tolerance() float64 {
	ms := 1.0
	for _, tb := range []pipeline.Rational{p.source.TimeBase, p.output.TimeBase} {
		ms = max(ms, 1000*float64(tb.Num)/float64(tb.Den))
	}
	if p.source.Type == "audio" {
		ms = max(ms, 2)
	}
	return ms + 1e-6
}

// reportStreams adds what became of every stream. offset, in milliseconds, is how far the whole output
// was moved.
func (c *comparison) reportStreams(r *Report, offset float64) {
	for _, p := range c.pairs {
		if p.timed {
			p.report.DeviationMS = max(math.Abs(p.low-offset), math.Abs(p.high-offset))
		}
		r.Streams = append(r.Streams, p.report)
		p.judge(r, offset)
		if p.report.Output >= 0 {
			compareTrack(r, p.source, p.output, containerOf(c.out))
		}
	}
}

func (p *pair) judge(r *Report, offset float64) {
	name, s := p.source.Describe(), p.report
	switch {
	case !p.fate.keep:
		if p.fate.note != "" {
			r.add(Note, "%s", p.fate.note)
		}
		return
	case s.Output < 0:
		r.add(Bad, "%s: missing", name)
		return
	case s.Converted != "" && p.source.Type == "audio":
		p.judgeAnew(r, name, offset)
		return
	case s.Converted != "":
		r.add(Note, "%s: became %s, %d packets from %d, largest deviation %.3g ms", name, s.Converted, s.Found, s.Packets,
			s.DeviationMS)
		return
	}
	text := fmt.Sprintf("%s: %d packets, %d found, %d different, largest deviation %.3g ms", name, s.Packets, s.Found,
		s.Different, s.DeviationMS)
	good := s.Packets == s.Found && s.Different == 0 && s.DeviationMS <= p.tolerance()
	if !sameCodec(p.source.Codec, p.output.Codec) {
		good, text = false, fmt.Sprintf("%s, but as %s", text, p.output.Codec)
	}
	r.check(good, Bad, "%s", text)
	if s.Hidden > 0 {
		r.add(Note, "%s: %d packets that an edit list hides are left out, Matroska can't hold what lies before zero", name,
			s.Hidden)
	}
}

// judgeAnew compares what can be compared of sound that was encoded anew: that there is some, and that its
// first and last packets stand where the source's do. An encoder's priming is in front of the first sample.
func (p *pair) judgeAnew(r *Report, name string, offset float64) {
	shift := func(at [2]int64) float64 {
		if at[0] == media.NoPTS || at[1] == media.NoPTS {
			return 0
		}
		d := p.clock.diff(at[0], at[1])
		return math.Copysign(p.clock.ms(d), float64(d)) - offset
	}
	verdict := Note
	if p.report.Found == 0 && p.report.Packets > 0 {
		verdict = Bad
	}
	r.add(verdict, "%s: became %s, %d packets from %d, the first one %+.3g ms, the last one %+.3g ms",
		name, p.output.Codec, p.report.Found, p.report.Packets, shift(p.from), shift(p.to))
}

// sameCodec reports whether two names mean one codec. MP4 has one number for all layers of MPEG-1 audio
// (0x6B, ISO/IEC 14496-1), and ffprobe calls them mp3; that the payload is the same is compared besides.
func sameCodec(a, b string) bool {
	layer := func(codec string) bool { return codec == "mp1" || codec == "mp2" || codec == "mp3" }
	return a == b || layer(a) && layer(b)
}

package merge

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// retimed are the codecs whose timestamps mkvmerge computes anew from the frames' lengths, up to 4 ms
// off, TTA's from zero, whenever it begins, and WavPack's in blocks of several frames, whatever it is told of lacing,
// of which only the first has a time (measured with mkvmerge 74): it is given the source's.
var retimed = []string{"aac", "vorbis", "truehd", "mlp", "tta", "wavpack"}

// framed are the codecs whose frames have one length, by which mkvmerge evens timestamps out: of a DVD's AC-3, where
// ffmpeg has two packets at one time and none at the next, it moves one by its whole length.
var framed = []string{"ac3", "dts", "eac3", "mp1", "mp2", "mp3"}

// uneven reports whether the time between two packets is ever another one than rounding makes of the usual.
func uneven(tb pipeline.Rational, pts []int64) bool {
	if len(pts) < 3 {
		return false
	}
	steps := make([]int64, len(pts)-1)
	for i := range steps {
		steps[i] = pts[i+1] - pts[i]
	}
	slices.Sort(steps)
	usual := steps[len(steps)/2]
	const rounding = 0.002
	return tb.Seconds(usual-steps[0]) > rounding || tb.Seconds(steps[len(steps)-1]-usual) > rounding
}

// priming is how long, in seconds, the samples may last that an audio codec puts in front of the first
// one (1024 to 2112 of them in AAC), which MP4 hides with an edit list. Matroska has CodecDelay for
// them; a player that ignores it is late by no more than this, which nobody notices.
const priming = 0.05

// tooEarly reports whether a packet comes before the first one that Matroska takes.
func tooEarly(s media.Stream, pts int64) bool {
	if pts == media.NoPTS {
		return false
	}
	if s.Type == "audio" {
		return s.TimeBase.Seconds(pts) < -priming
	}
	return pts < 0
}

// countEarly counts the packets at a stream's start that come too early.
func countEarly(s media.Stream, pts []int64) int {
	n := slices.IndexFunc(pts, func(pts int64) bool { return !tooEarly(s, pts) })
	if n < 0 {
		return len(pts)
	}
	return n
}

// audioTimes are one track's timestamps for mkvmerge.
type audioTimes struct {
	file  string
	delay string // nanoseconds to be stated as CodecDelay, empty if mkvmerge states it or there is none
}

// timeAudio writes the timestamps of tracks that mkvmerge would get wrong, by track id, from those that ffprobe
// gave for the source's streams (mkvextract would compute those of laced frames anew as well).
func timeAudio(req Request, source *media.File, tracks map[int]mkvTrack, pts map[int][]int64,
) (map[int]audioTimes, error) {
	times := map[int]audioTimes{}
	for stream, track := range tracks {
		name := filepath.Join(req.WorkDir, fmt.Sprintf("audio%d.txt", track.ID))
		s, from := source.Streams[stream], 0
		if !isMatroska(source) { // remux has left these out
			from = countEarly(s, pts[stream])
		}
		t, text := retime(s, track, pts[stream][from:])
		if text == nil {
			continue
		}
		t.file = name
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
		times[track.ID] = t
	}
	return times, nil
}

// retime returns a track's timestamps as they stand in the blocks: CodecDelay, which ffprobe has
// subtracted, is added again. The text is nil where mkvmerge does it well by itself, or has to.
func retime(stream media.Stream, track mkvTrack, pts []int64) (t audioTimes, text []byte) {
	if len(pts) == 0 || pts[0] == media.NoPTS || !slices.IsSorted(pts) {
		return t, nil
	}
	stated, _ := strconv.ParseInt(track.text("codec_delay"), 10, 64)
	primed := stated == 0 && pts[0] < 0
	tb := stream.TimeBase
	wrong := slices.Contains(retimed, stream.Codec) || slices.Contains(framed, stream.Codec) && uneven(tb, pts)
	if !primed && !wrong {
		return t, nil
	}
	delay := float64(stated) / 1e6
	if primed {
		delay = -tb.Seconds(pts[0]) * 1000
		t.delay = strconv.FormatInt(int64(delay*1e6), 10)
	}
	return t, appendTimes(timesHeader(), tb, pts, delay)
}

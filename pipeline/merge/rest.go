package merge

import (
	"context"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Bytes that an output has beside its packets' payload, as mkvmerge and ffmpeg write it: for each packet (headers,
// index), and for the file.
const (
	overPacket = 10
	overFile   = 5000
)

// losslessly is about how large FLAC and ALAC are beside the samples in PCM.
const losslessly = 0.6

// Rest estimates how many bytes an output has beside the packets of its video: all other tracks, as they are kept or
// converted, attachments, and what the container takes. frames is how many the video has. It reads the whole file
// once.
func Rest(ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings, frames int,
) (int64, error) {
	type track struct {
		fate
		first, last int64
		bytes       float64
	}
	tracks := map[int]*track{}
	sum := float64(overFile + overPacket*frames)
	for _, s := range others(f) {
		if fate := fateOf(f, s, set); fate.keep {
			tracks[s.Index] = &track{fate: fate, first: media.NoPTS}
			sum += float64(s.ExtradataSize)
		}
	}
	if len(tracks) == 0 {
		return int64(sum), nil
	}
	err := tools.EachTime(ctx, path, func(p media.Packet) error {
		t := tracks[p.Stream]
		if t == nil {
			return nil
		}
		if t.first == media.NoPTS {
			t.first = p.PTS
		}
		t.last, t.bytes = max(t.last, p.PTS), t.bytes+float64(p.Size)+overPacket
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, s := range others(f) {
		t := tracks[s.Index]
		switch {
		case t == nil:
		case t.rate != "":
			seconds := 0.0
			if t.first != media.NoPTS {
				seconds = s.TimeBase.Seconds(t.last - t.first)
			}
			sum += seconds * float64(set.Audio.AAC) * 1000 / 8
		case t.codec == "flac" || t.codec == "alac":
			sum += losslessly * t.bytes
		default:
			sum += t.bytes
		}
	}
	return int64(sum), nil
}

package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Look is Probe, and Head of the only video, by one process. It is for files that are as plain as most: Matroska with
// one track of H.264 or HEVC and beside it nothing but sound. Of any other, and of one that ffprobe complains about,
// ok is false, and nothing is known of it.
func (t Tools) Look(ctx context.Context, path string) (f *File, h Head, ok bool) {
	packets, tracks := plainHead(path)
	if packets == 0 {
		return nil, Head{}, false
	}
	args := slices.Concat(probeArgs(), headArgs(fmt.Sprintf("%%+#%d", packets)), Input(path))
	limits := Encoding(packets, 0, largestHead)
	limits.CPU += Reading(Size(path)).CPU
	out, said, err := t.output(ctx, limits, probeLimit, t.FFprobe, args...)
	if err != nil || said != "" {
		return nil, Head{}, false
	}
	f, err = parseProbe(out)
	h, headErr := parseHead(out)
	if err != nil || headErr != nil || !describes(f, h, tracks) {
		return nil, Head{}, false
	}
	return f, h, true
}

// describes reports whether a file has no stream but these tracks, and its video the form that its first pictures have:
// what ffprobe says of a stream is what its decoder has seen last.
func describes(f *File, h Head, tracks int) bool {
	videos := f.Video()
	if len(f.Streams) != tracks || len(videos) != 1 || len(h.PTS) == 0 || h.Changes {
		return false
	}
	v := videos[0]
	return v.Width == h.Width && v.Height == h.Height && v.PixFmt == h.PixFmt
}

// mostHead is how many packets of all tracks are decoded at most to see a video's first ones.
const mostHead = 20 * HeadPackets

// errSeen ends a reading that has found out enough.
var errSeen = errors.New("seen")

// plainHead counts the packets of all tracks up to the HeadPackets'th of the video, or all of a shorter file, and the
// tracks; 0 where Look should not be tried.
func plainHead(path string) (packets, tracks int) {
	in, err := os.Open(path)
	if err != nil {
		return 0, 0
	}
	defer func() { _ = in.Close() }()
	video := 0
	err = readMatroska(in, func(m *matroska, b block) error {
		tracks = len(m.tracks)
		if packets == 0 && !plainTracks(m) || b.laced || packets == mostHead {
			return ErrUnusual
		}
		packets++
		if b.track.kind == videoKind {
			video++
		}
		if video == HeadPackets {
			return errSeen
		}
		return nil
	})
	if err != nil && !errors.Is(err, errSeen) {
		return 0, 0
	}
	return packets, tracks
}

func plainTracks(m *matroska) bool {
	videos := 0
	for _, t := range m.tracks {
		switch {
		case t.odd || t.kind != videoKind && t.kind != soundKind:
			return false
		case t.kind == videoKind:
			videos++
			if c := matroskaCodecs[t.codec]; c != "h264" && c != "hevc" {
				return false
			}
		}
	}
	return videos == 1 && len(m.files) == 0
}

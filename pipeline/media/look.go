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
	b := readBeginning(path)
	if b.all == 0 {
		return nil, Head{}, false
	}
	args := slices.Concat(probeArgs(), headArgs(fmt.Sprintf("%%+#%d", b.all)), Input(path))
	limits := Encoding(b.all, 0, largestHead)
	limits.CPU += Reading(Size(path)).CPU
	out, said, err := t.output(ctx, limits, probeLimit, t.FFprobe, args...)
	if err != nil || said != "" {
		return nil, Head{}, false
	}
	f, err = parseProbe(out)
	h, headErr := parseHead(out)
	if h.Packets = b.video; err != nil || headErr != nil || !describes(f, h, b) {
		return nil, Head{}, false
	}
	return f, h, true
}

// describes reports whether a file has no stream but these tracks, and its video the form that its first pictures have:
// what ffprobe says of a stream is what its decoder has seen last. No more pictures may have come than packets were
// counted, as where libavformat puts those of another track together, and where these are few, each of them must have.
func describes(f *File, h Head, b beginning) bool {
	videos, came := f.Video(), len(h.PTS)
	if len(f.Streams) != b.tracks || len(videos) != 1 || came == 0 || h.Changes || came > b.video ||
		b.steady && came < b.video {
		return false
	}
	v := videos[0]
	return v.Width == h.Width && v.Height == h.Height && v.PixFmt == h.PixFmt
}

// mostHead is how many packets of all tracks are decoded at most to see a video's first ones.
const mostHead = 20 * HeadPackets

// errSeen ends a reading that has found out enough.
var errSeen = errors.New("seen")

// beginning is what Look is to decode: as many packets of the video, and of all tracks up to the last of these.
type beginning struct {
	video, all, tracks int
	steady             bool // the packets behind these have nothing to tell
}

// readBeginning counts HeadPackets of the video, or fewer where they tell as much, or all of a shorter file. all is 0
// where Look should not be tried.
func readBeginning(path string) beginning {
	in, err := os.Open(path)
	if err != nil {
		return beginning{}
	}
	defer func() { _ = in.Close() }()
	var b, few beginning
	var s *steady
	err = readMatroska(in, func(m *matroska, next block) error {
		if s == nil {
			if !plainTracks(m) {
				return ErrUnusual
			}
			b.tracks, s = len(m.tracks), newSteady(m.tracks[slices.IndexFunc(m.tracks, isVideoTrack)])
		}
		if next.laced || b.all == mostHead {
			return ErrUnusual
		}
		if b.all++; next.track.kind != videoKind {
			return nil
		}
		head, size, err := m.peek(next)
		if err != nil {
			return err
		}
		s.take(head, size)
		switch b.video++; b.video {
		case steadyPackets:
			few = b
		case HeadPackets:
			return errSeen
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errSeen):
		return beginning{}
	case few.all > 0 && !s.broken:
		few.steady = true
		return few
	}
	return b
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

func isVideoTrack(t *track) bool { return t.kind == videoKind }

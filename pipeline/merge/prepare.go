package merge

import (
	"context"

	"github.com/distenc/distenc/pipeline/media"
)

// Prepared is what a merge needs of the source alone. It can be had while chunks are still encoded, so that
// nothing of it has to be done when the last one comes. One goroutine at a time may use it.
type Prepared struct {
	source   *media.File
	tools    map[string]string // version lines
	side     *side             // for Matroska
	times    map[int]audioTimes
	sound    sound          // encoded anew, for Matroska
	chapters *chapters      // for MP4; nil: ffmpeg's
	packets  []media.Packet // of the source's streams but the video
	partial  bool           // there were too many to keep: the source is read again
	plain    bool           // our own reader listed them, not ffprobe
	rest     string         // what the source holds beside its video, a file; empty: it is taken from the source
	joined   []string       // the results that the output was written of ahead of the merge; nil: it was not
}

// maxPackets is how many packets of a source's other streams are kept at most, 40 bytes each: those of two
// audio tracks of two hours.
const maxPackets = 700_000

// Prepare reads the source once. It needs Plan, Source and WorkDir of the request, and leaves files in WorkDir.
func Prepare(ctx context.Context, tools media.Tools, req Request) (*Prepared, error) {
	var err error
	source := req.File
	if source == nil {
		if source, err = tools.Probe(ctx, req.Source); err != nil {
			return nil, err
		}
	}
	p := &Prepared{source: source}
	if p.tools, err = versions(ctx, tools, req, source); err != nil {
		return nil, err
	}
	copying, stop := context.WithCancel(ctx)
	defer stop()
	rest := p.copyRest(copying, req)
	pts, err := p.list(ctx, tools, req.Source)
	if err != nil {
		stop()
	}
	if p.rest = <-rest; err != nil {
		return nil, err
	}
	if req.Plan.Settings.Container == containerMP4 {
		p.chapters, err = readChapters(ctx, tools, req.Source, source, containerMP4)
		return p, err
	}
	if p.side, err = sideFile(ctx, tools, req, source, pts); err != nil {
		return nil, err
	}
	if p.rest != "" {
		p.side.path = p.rest
	}
	if p.sound, err = encodeSound(ctx, tools, req, source); err != nil {
		return nil, err
	}
	p.times, err = timeAudio(req, source, p.side.copied, pts)
	return p, err
}

// list reads all packets of the source, and returns the times of its sound, by stream. As with an output, our own
// reader comes first.
func (p *Prepared) list(ctx context.Context, tools media.Tools, path string) (pts map[int][]int64, err error) {
	take := func(k media.Packet) error {
		if k.Stream < len(p.source.Streams) && p.source.Streams[k.Stream].Type == "audio" {
			pts[k.Stream] = append(pts[k.Stream], k.PTS)
		}
		p.remember(k)
		return nil
	}
	if pts = map[int][]int64{}; p.source.Warnings == "" {
		if err := media.PlainPackets(ctx, path, p.source, take); err == nil || ctx.Err() != nil {
			p.plain = true
			return pts, err
		}
	}
	p.packets, p.partial = nil, false
	clear(pts)
	return pts, tools.EachPacket(ctx, path, take)
}

func (p *Prepared) remember(k media.Packet) {
	if p.partial || k.Stream == p.source.Video()[0].Index {
		return
	}
	if p.packets = append(p.packets, k); len(p.packets) > maxPackets {
		p.packets, p.partial = nil, true
	}
}

// each hands over the source's packets that were kept.
func (p *Prepared) each(take func(media.Packet) error) error {
	for _, k := range p.packets {
		if err := take(k); err != nil {
			return err
		}
	}
	return nil
}

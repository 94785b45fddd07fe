package merge

import (
	"context"

	"github.com/distenc/distenc/pipeline/media"
)

// Prepared is what a merge needs of the source alone. It can be had while chunks are still encoded, so that
// nothing of it has to be done when the last one comes.
type Prepared struct {
	source  *media.File
	tools   map[string]string // version lines
	side    *side             // for Matroska
	times   map[int]audioTimes
	sound   sound          // encoded anew, for Matroska
	packets []media.Packet // of the source's streams but the video
	partial bool           // there were too many to keep: the source is read again
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
	var tracks map[int]mkvTrack
	if req.Plan.Settings.Container != containerMP4 {
		if p.side, err = sideFile(ctx, tools, req, source); err != nil {
			return nil, err
		}
		tracks = p.side.audio(source, req.Plan.Settings)
		if p.sound, err = encodeSound(ctx, tools, req, source); err != nil {
			return nil, err
		}
	}
	pts := map[int][]int64{}
	err = tools.EachPacket(ctx, req.Source, func(k media.Packet) error {
		if _, ok := tracks[k.Stream]; ok && (isMatroska(source) || !tooEarly(source.Streams[k.Stream], k.PTS)) {
			pts[k.Stream] = append(pts[k.Stream], k.PTS)
		}
		p.remember(k)
		return nil
	})
	if err == nil {
		p.times, err = timeAudio(req, source, tracks, pts)
	}
	return p, err
}

func (p *Prepared) remember(k media.Packet) {
	if p.partial || k.Stream == p.source.Video()[0].Index {
		return
	}
	if p.packets = append(p.packets, k); len(p.packets) > maxPackets {
		p.packets, p.partial = nil, true
	}
}

// read compares the source's packets that were kept with the output's, which each hands over, at about the same
// pace.
func (p *Prepared) read(c *comparison, each func(take func(media.Packet) error) error) error {
	unread := p.packets
	err := each(func(k media.Packet) error {
		if len(unread) > 0 {
			c.fromSource(unread[0])
			unread = unread[1:]
		}
		c.fromOutput(k)
		return nil
	})
	for _, k := range unread {
		c.fromSource(k)
	}
	return err
}

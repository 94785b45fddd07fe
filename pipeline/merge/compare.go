package merge

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// sideBySide reads two files at the same pace and hands over their packets in file order, all in the
// caller's goroutine.
func sideBySide(ctx context.Context, tools media.Tools, source, output string,
	fromSource, fromOutput func(media.Packet)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a, b := follow(ctx, tools, source), follow(ctx, tools, output)
	for a.open || b.open {
		a.next(fromSource)
		b.next(fromOutput)
	}
	cancel()
	return errors.Join(<-a.ended, <-b.ended)
}

type follower struct {
	packets chan media.Packet
	ended   chan error
	open    bool
}

func follow(ctx context.Context, tools media.Tools, path string) *follower {
	f := &follower{packets: make(chan media.Packet, 256), ended: make(chan error, 1), open: true}
	go func() {
		err := tools.EachPacket(ctx, path, func(p media.Packet) error {
			select {
			case f.packets <- p:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		f.ended <- err
		close(f.packets)
	}()
	return f
}

func (f *follower) next(take func(media.Packet)) {
	if !f.open {
		return
	}
	p, ok := <-f.packets
	if f.open = ok; ok {
		take(p)
	}
}

// comparison collects what two files' packets tell while both are read.
type comparison struct {
	src, out           *media.File
	srcVideo, outVideo media.Packets // PTS and Flags only
	pairs              []*pair
	bySource, byOutput map[int]*pair

	sums  []Sum // of the chunks, may be nil
	parts [][sha256.Size]byte
	fold  *media.Fold
}

func newComparison(src, out *media.File, set pipeline.Settings, sums []Sum) *comparison {
	c := &comparison{src: src, out: out, sums: sums, fold: media.NewFold(), bySource: map[int]*pair{},
		byOutput: map[int]*pair{}}
	unpaired := others(out)
	for _, s := range others(src) {
		if s.Type == "attachment" {
			continue
		}
		f := fateOf(src, s, set)
		p := newPair(s, f)
		c.pairs = append(c.pairs, p)
		if !f.keep {
			continue
		}
		// Both are in the source's order within their kind.
		i := slices.IndexFunc(unpaired, func(o media.Stream) bool { return kindOf(o) == kindOf(s) })
		if i < 0 {
			continue
		}
		p.become(unpaired[i], isMatroska(out) && !isMatroska(src))
		c.bySource[s.Index], c.byOutput[unpaired[i].Index] = p, p
		unpaired = slices.Delete(unpaired, i, i+1)
	}
	return c
}

func containerOf(f *media.File) string {
	if isMatroska(f) {
		return containerMKV
	}
	return containerMP4
}

func isMP4(f *media.File) bool { return strings.HasPrefix(f.Format.Name, "mov") }

// kindOf tells covers from video tracks.
func kindOf(s media.Stream) string {
	if s.AttachedPic() {
		return "cover"
	}
	return s.Type
}

func (c *comparison) fromSource(p media.Packet) {
	if p.Stream == c.src.Video()[0].Index {
		record(&c.srcVideo, p)
	} else if pair := c.bySource[p.Stream]; pair != nil {
		pair.take(p, true)
	}
}

func (c *comparison) fromOutput(p media.Packet) {
	if p.Stream != c.out.Video()[0].Index {
		if pair := c.byOutput[p.Stream]; pair != nil {
			pair.take(p, false)
		}
		return
	}
	record(&c.outVideo, p)
	if len(c.parts) == len(c.sums) {
		return
	}
	if c.fold.Add(p.CRC); c.fold.N == c.sums[len(c.parts)].Packets {
		c.parts = append(c.parts, c.fold.Sum())
		c.fold = media.NewFold()
	}
}

func record(list *media.Packets, p media.Packet) {
	list.PTS, list.Flags = append(list.PTS, p.PTS), append(list.Flags, p.Flags)
}

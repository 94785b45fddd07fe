package merge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// reading hands over a file's packets in file order, and ends with take's error.
type reading func(take func(media.Packet) error) error

// sideBySide reads two files at the same pace, in the caller's goroutine, until both have ended or one can't be read.
func (c *comparison) sideBySide(source, output reading) error {
	var failed error
	follow := func(each reading) (next func() (media.Packet, bool), stop func()) {
		return iter.Pull(func(yield func(media.Packet) bool) {
			err := each(func(p media.Packet) error {
				if !yield(p) {
					return context.Canceled
				}
				return nil
			})
			failed = cmp.Or(failed, err)
		})
	}
	fromSource, stop := follow(source)
	defer stop()
	fromOutput, stop := follow(output)
	defer stop()
	for a, b := true, true; (a || b) && failed == nil; {
		var p media.Packet
		if p, a = fromSource(); a {
			c.fromSource(p)
		}
		if p, b = fromOutput(); b {
			c.fromOutput(p)
		}
	}
	return failed
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

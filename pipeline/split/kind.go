package split

import (
	"fmt"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// pieces tells the kind of the chunks.
func pieces(src *Source, plan *pipeline.Plan) pipeline.Kind {
	if plan.Settings.Pieces == pipeline.CopyPieces && canCut(src, plan) {
		return pipeline.KindPiece
	}
	return pipeline.KindRange
}

// canCut reports whether pieces can do. A piece is Matroska: it holds only what came from there. It has no picture from
// outside of the chunk, which a deinterlacer needs, and pieces come in the film's order, not spread over it.
func canCut(src *Source, plan *pipeline.Plan) bool {
	return plan.Settings.MaxSize == 0 && !plan.Out.Deinterlace && millisecond(src) && !hidden(src.Packets)
}

// look finds out whether the file can be read from any place on, where something goes by that: what is cheaper, or the
// cut for a wide farm. It reads up to the first block, behind the fonts of a film that has them.
func (l *list) look(path string, src *Source, choice pipeline.Pieces, slots int) error {
	if !src.demuxer("matroska") || choice != pipeline.AutoPieces && slots < manySlots { // MP4 always has an index
		return nil
	}
	indexed, err := media.Indexed(path)
	if err != nil {
		return fmt.Errorf("cannot look for the source's index: %w", err)
	}
	l.unindexed = !indexed
	return nil
}

// cheaper chooses where people leave it open. Each byte of a range is read once by the worker. One of a piece is read
// by the master, written, and read by the worker; but without an index all that stands before a range is read, too.
func (l *list) cheaper(choice pipeline.Pieces, src *Source, plan *pipeline.Plan) pipeline.Pieces {
	switch {
	case choice != pipeline.AutoPieces:
		return choice
	case l.unindexed && canCut(src, plan):
		return pipeline.CopyPieces
	}
	return pipeline.RangePieces
}

// noteChoice tells what was chosen, as it came out.
func (l *list) noteChoice(choice pipeline.Pieces, plan *pipeline.Plan) {
	switch {
	case choice != pipeline.AutoPieces || len(l.anew) > 0: // of these a note tells
	case len(plan.Chunks) == 1:
		plan.Note("The film is one chunk, which is read where it lies.")
	case plan.Chunks[0].Kind == pipeline.KindPiece:
		plan.Note("The chunks are pieces of the source: it has no index, and for a range of it all that stands before " +
			"would be read each time.")
	default:
		plan.Note("The chunks are ranges of the source, which workers read once in all: pieces of it would be read by the " +
			"master, written, and read again.")
	}
}

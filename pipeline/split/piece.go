package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// ErrPiece is the error for a piece that does not have the planned packets: the chunk is to be a range
// of the source instead.
var ErrPiece = errors.New("the piece has not the planned packets")

// Piece copies one chunk's packets out of the source into a file of its own and checks it. src is the
// plan's source and dst a new name, both absolute; dst is left for the caller to sync, publish or remove.
func Piece(ctx context.Context, tools media.Tools, plan *pipeline.Plan, chunk *pipeline.Chunk, src, dst string) error {
	err := ErrPiece
	for _, seek := range pieceSeeks(plan, chunk) {
		err = cutPiece(ctx, tools, plan, chunk, seek, src, dst)
		if !errors.Is(err, ErrPiece) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("cannot cut chunk %d: %w", chunk.Index, err)
	}
	return nil
}

// pieceSeeks lists the places that may lead to the chunk's key packet itself. In streams with B-frames
// ffmpeg goes back by nearly seekAhead however short the GOP is.
func pieceSeeks(plan *pipeline.Plan, chunk *pipeline.Chunk) [][]string {
	if len(chunk.Seeks) == 0 {
		return [][]string{nil} // the source's start
	}
	key := plan.Video.TimeBase.Seconds(chunk.Key)
	places := []float64{key + seekAhead, key}
	if !plan.Video.HasBFrames {
		places = []float64{key, key + seekAhead}
	}
	var out [][]string
	for _, p := range places {
		out = append(out, media.SeekArgs(p))
	}
	return out
}

func cutPiece(ctx context.Context, tools media.Tools, plan *pipeline.Plan, chunk *pipeline.Chunk, seek []string, src,
	dst string) error {
	args := append(slices.Concat([]string{"-copyts"}, seek, media.Input(src)),
		"-map", "0:"+strconv.Itoa(plan.Video.Index), "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1",
		"-avoid_negative_ts", "disabled", "-frames:v", strconv.Itoa(chunk.Packets), "-f", "matroska", media.URL(dst))
	if _, err := tools.RunFFmpeg(ctx, media.Copying(media.Size(src)), args...); err != nil {
		return err
	}
	return checkPiece(ctx, tools, chunk, dst)
}

// checkPiece looks at all packets of a piece.
func checkPiece(ctx context.Context, tools media.Tools, chunk *pipeline.Chunk, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	pts, err := tools.Times(ctx, f, path)
	if err != nil {
		return err
	}
	if len(pts) == 0 || len(pts) != chunk.Packets || pts[0] != chunk.Key {
		return ErrPiece
	}
	return nil
}

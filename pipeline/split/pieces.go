package split

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Cutting says what is cut out of what, and who is told. Paths are absolute.
type Cutting struct {
	Plan   *pipeline.Plan
	Chunks []pipeline.Chunk // of the plan, one behind the other
	Source string           // the plan's
	// Name is where pieces are written: names of the caller's own, in a folder that exists. lane and piece are
	// part of the name.
	Name func(lane int, piece string) string
	// Ready is told of each chunk in order, as soon as its piece is there and checked, and takes the file. An
	// error instead of a path: this one can't be had. What Ready returns ends the work.
	Ready func(chunk int, path string, err error) error
}

// Pieces copies the chunks' packets into files of their own, all in one pass through the source as far as that
// gives the planned packets, the rest one by one. Files that Ready did not take may be left.
func Pieces(ctx context.Context, tools media.Tools, c Cutting) error {
	for onePass(c.Chunks) {
		n, err := c.cut(ctx, tools)
		if err != nil {
			return err
		}
		c.Chunks = c.Chunks[n:]
		if n == 0 {
			break
		}
	}
	for _, chunk := range c.Chunks {
		path := c.Name(alone, strconv.Itoa(chunk.Index))
		err := Piece(ctx, tools, c.Plan, &chunk, c.Source, path)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.Ready(chunk.Index, path, err); err != nil {
			return err
		}
	}
	return nil
}

// alone is the lane of pieces that are cut one by one.
const alone = 2

// onePass reports whether one pass can do more than one call for each: the plan must know where each chunk's
// packets are.
func onePass(chunks []pipeline.Chunk) bool { return len(chunks) > 1 && chunks[1].At > 0 }

// cut goes through the source once and returns how many pieces were ready before one was not as planned. The
// error is Ready's, or ctx's.
func (c Cutting) cut(ctx context.Context, tools media.Tools) (n int, err error) {
	for _, seek := range pieceSeeks(c.Plan, &c.Chunks[0]) {
		if n, err = c.pass(ctx, tools, seek); n > 0 || err != nil {
			break
		}
	}
	return n, err
}

// pass runs one ffmpeg. Its segment muxer names each file when that is finished.
func (c Cutting) pass(ctx context.Context, tools media.Tools, seek []string) (ready int, err error) {
	lanes, files := lanes(c.Chunks), make([]string, len(c.Chunks))
	command := media.Command{Program: tools.FFmpeg, Args: c.args(lanes, seek), Limits: media.Copying(media.Size(c.Source))}
	_, ended := tools.Pipe(ctx, command, func(r io.Reader) error {
		for names := bufio.NewScanner(r); names.Scan(); {
			lane, n, ok := segment(names.Text())
			if !ok || lane >= len(lanes) || n >= len(lanes[lane]) {
				continue
			}
			files[lanes[lane][n]] = c.Name(lane, strconv.Itoa(n))
			for ; ready < len(files) && files[ready] != ""; ready++ {
				if err := checkPiece(ctx, tools, &c.Chunks[ready], files[ready]); err != nil {
					return err
				}
				if err = c.Ready(c.Chunks[ready].Index, files[ready], nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if ready < len(files) && tools.Log != nil { // what went wrong shows in the pieces
		tools.Log.DebugContext(ctx, "a pass did not give all pieces", "pieces", len(files), "ready", ready, "error", ended)
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return ready, err
}

// lanes deals out the chunks, by their place in the list, to as many outputs as are needed for packets that
// belong to two of them: a chunk ends with the leading pictures behind the next one's key packet.
func lanes(chunks []pipeline.Chunk) [][]int {
	out := make([][]int, 1, 2)
	for i := range chunks {
		if i > 0 && chunks[i-1].At+chunks[i-1].Packets > chunks[i].At {
			out = make([][]int, 2)
			break
		}
	}
	for i := range chunks {
		out[i%len(out)] = append(out[i%len(out)], i)
	}
	return out
}

func (c Cutting) args(lanes [][]int, seek []string) []string {
	args := append(append(media.BaseArgs(), "-copyts"), seek...)
	args = append(args, media.Input(c.Source)...)
	for lane, pieces := range lanes {
		var keep, cuts []string
		total := 0
		for _, i := range pieces {
			begin := c.Chunks[i].At - c.Chunks[0].At
			keep = append(keep, fmt.Sprintf(`between(n\,%d\,%d)`, begin, begin+c.Chunks[i].Packets-1))
			total += c.Chunks[i].Packets
			cuts = append(cuts, strconv.Itoa(total))
		}
		args = append(args, "-map", "0:"+strconv.Itoa(c.Plan.Video.Index), "-c", "copy", "-map_metadata", "-1",
			"-map_chapters", "-1",
			"-avoid_negative_ts", "disabled", "-frames:v", strconv.Itoa(total))
		if len(lanes) > 1 {
			args = append(args, "-bsf:v", "noise=drop=not("+strings.Join(keep, "+")+")")
		}
		pattern := c.Name(lane, "%d")
		dir, base := filepath.Split(pattern)
		args = append(args, "-f", "segment", "-segment_format", "matroska", "-segment_format_options",
			"avoid_negative_ts=disabled",
			"-segment_frames", strings.Join(cuts, ","), "-segment_list", "pipe:1", "-segment_list_type", "flat",
			media.URL(strings.ReplaceAll(dir, "%", "%%")+base))
	}
	return args
}

// segment reads lane and number out of a piece's name: they are its last parts in front of the ending.
func segment(name string) (lane, n int, ok bool) {
	parts := strings.Split(filepath.Base(name), ".")
	if len(parts) < 3 {
		return 0, 0, false
	}
	lane, err1 := strconv.Atoi(parts[len(parts)-3])
	n, err2 := strconv.Atoi(parts[len(parts)-2])
	return lane, n, err1 == nil && err2 == nil && lane >= 0 && n >= 0
}

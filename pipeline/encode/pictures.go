package encode

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// PictureCheck compares pictures of a result with the source's, each brought to the size of a thumbnail. It is for
// what timestamps can't tell: another chunk's pictures, or those of a machine with bad memory.
type PictureCheck struct {
	Plan   *pipeline.Plan
	Chunk  *pipeline.Chunk
	Source string      // the plan's source file, absolute
	Result string      // checked before by Check, absolute
	Clip   *media.Clip // what Check found in it; not needed if Quick is set
	Method string      // how the result was encoded, as its record says
	CRF    float64     // with which it was, as the record says; 0: as the options say
	// Quick compares the result's first picture only. Otherwise all of it is decoded, which must not make the
	// decoder complain, and another key frame is compared as well.
	Quick bool
}

// ErrPictures is the error for a result that shows other pictures than the source, or can't all be decoded.
var ErrPictures = errors.New("its pictures are not the source's")

// Compare makes the check. Errors other than ErrPictures say nothing of the result.
//
// No result is blamed for its source: the same decoder that encoded it gave these pictures, so they are
// decoded in the same way, and what a damaged source gives is not compared, since it varies from run to run.
func (p PictureCheck) Compare(ctx context.Context, tools media.Tools) error {
	_, options, err := encoder.At(p.Plan.Settings, p.CRF)
	if err != nil {
		return err
	}
	numbers := []int{0}
	if !p.Quick {
		numbers = slices.Compact(append(numbers, p.keyFrame()))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The result is decoded while the source's pictures are fetched. Its own faults count first.
	var thumbs []thumb
	var fault, other error
	decoded := make(chan struct{})
	go func() {
		if thumbs, fault = p.shown(ctx, tools, numbers); fault != nil {
			cancel()
		}
		close(decoded)
	}()
	for i, n := range numbers {
		other = p.compare(ctx, tools, options, n, func() (thumb, error) {
			if <-decoded; fault != nil {
				return nil, fault
			}
			return thumbs[i], nil
		})
		if other != nil {
			break
		}
	}
	<-decoded
	return cmp.Or(fault, other)
}

// keyFrame picks any of the result's key frames but the first, by its number; 0 if there is no other. Key
// frames are nearer to the source than others are.
func (p PictureCheck) keyFrame() int {
	if len(p.Clip.Keys) < 2 || len(p.Clip.PTS) != p.Chunk.PTS.Len() {
		return 0
	}
	keys, all := slices.Sorted(slices.Values(p.Clip.Keys)), slices.Sorted(slices.Values(p.Clip.PTS))
	n, _ := slices.BinarySearch(all, keys[1+rand.IntN(len(keys)-1)])
	return n
}

// shown decodes the result. An encoder's whole output makes the decoder print nothing; what it prints, or
// pictures that do not come, are the result's fault.
func (p PictureCheck) shown(ctx context.Context, tools media.Tools, numbers []int) ([]thumb, error) {
	var pick []string
	for _, n := range numbers {
		pick = append(pick, fmt.Sprintf(`eq(n\,%d)`, n))
	}
	args := append(media.BaseArgs(), "-v", "level+error", "-noautorotate")
	if p.Quick { // threads would decode as many pictures in vain
		args = append(args, "-threads", "1")
	}
	args = append(append(args, media.Input(p.Result)...), "-map", "0:0",
		"-vf", "select="+strings.Join(pick, "+")+","+toThumb, "-fps_mode", "passthrough")
	if p.Quick {
		args = append(args, "-frames:v", "1")
	}
	thumbs, stderr, err := decode(ctx, tools, args, p.limits(input{method: "piece"}))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !media.Blames(err):
		return nil, fmt.Errorf("cannot look at the result: %w", err)
	case sharefs.Said(stderr) != nil: // ffmpeg may exit with 0 after a file that it could not read on
		return nil, fmt.Errorf("cannot look at the result: %s: %w", said(stderr), sharefs.Said(stderr))
	case err != nil || stderr != "":
		return nil, fmt.Errorf("%w: it can't be decoded without errors (%s)", ErrPictures, said(stderr))
	case len(thumbs) != len(numbers):
		return nil, fmt.Errorf("%w: %d of the %d looked for came out of the decoder", ErrPictures, len(thumbs), len(numbers))
	}
	return thumbs, nil
}

// said is the first thing a decoder said, which the others follow from, without its address in memory.
func said(stderr string) string {
	line, _, _ := strings.Cut(stderr, "\n")
	if _, rest, ok := strings.Cut(line, "] "); ok {
		line = rest
	}
	return line
}

// compare decodes one picture of the source until it is near enough to the result's, for which it calls result when
// there is one to compare with.
func (p PictureCheck) compare(
	ctx context.Context, tools media.Tools, options encoder.Options, n int, result func() (thumb, error),
) error {
	limit, nearest := farthest(options), -1.0
	for _, in := range pictureWays(p.request(), p.Method, n) {
		args := decoding(p.Plan, in, filters(p.Plan, options.Look(), in)+","+toThumb, 1)
		pictures, stderr, err := decode(ctx, tools, args, p.limits(in))
		if err != nil && !worthAnother(ctx, err) {
			return fmt.Errorf("cannot look at the source: %w", err)
		}
		if err != nil || len(pictures) != 1 {
			continue
		}
		shown, err := result()
		if err != nil {
			return err
		}
		d := pictures[0].distance(shown)
		if tools.Log != nil {
			tools.Log.DebugContext(ctx, "compared a picture", "job", p.Plan.Job, "chunk", p.Chunk.Index, "frame", n,
				"method", in.method, "distance", d, "allowed", limit)
		}
		if d <= limit || media.Damaged(stderr) {
			return nil
		}
		if nearest < 0 || d < nearest {
			nearest = d
		}
	}
	if nearest < 0 {
		if tools.Log != nil {
			tools.Log.WarnContext(ctx, "a picture of the source did not come again, nothing to compare with",
				"job", p.Plan.Job, "chunk", p.Chunk.Index, "frame", n)
		}
		return nil
	}
	return fmt.Errorf("%w: frame %d of the chunk, at %.3f s, is %.1f grey levels from the source's on average"+
		" (%g are allowed)",
		ErrPictures, n, p.Plan.Video.TimeBase.Seconds(p.Chunk.PTS.All()[n]), nearest, limit)
}

// pictureWays lists how to come by one picture of the source: for any but the first a seek straight to it, which
// not every source takes well, then as the result was encoded and what comes behind that on the ladder. method is how
// that was, as the result's record says.
func pictureWays(req Request, method string, n int) []input {
	req.Piece = "" // it is the source itself that is looked at
	all := ladder(req)
	first := wayOf(all, method)
	last := first + 1
	if first < len(req.Chunk.Seeks) { // from the file's start it may take as long as an encode
		last = len(req.Chunk.Seeks)
	}
	pts := req.Chunk.PTS.All()[n]
	var out []input
	if n > 0 {
		out = append(out, input{path: req.Source, stream: req.Plan.Video.Index, seek: &pts})
	}
	out = append(out, all[first:last]...)
	for i := range out {
		out[i].keep = "" // one picture has no neighbours for a deinterlacer
		out[i].trim = fmt.Sprintf("start_pts=%d:end_pts=%d", pts, pts+1)
		if out[i].method == byNumber {
			out[i].trim = fmt.Sprintf("start_frame=%d:end_frame=%d", req.Chunk.First+n, req.Chunk.First+n+1)
		}
	}
	return out
}

// limits are those of an encode of the chunk, which decodes no less.
func (p PictureCheck) limits(in input) media.Limits { return limits(p.request(), in) }

func (p PictureCheck) request() Request {
	return Request{Plan: p.Plan, Chunk: p.Chunk, Source: p.Source}
}

// decode runs ffmpeg, whose output is thumbnails.
func decode(ctx context.Context, tools media.Tools, args []string, limits media.Limits) ([]thumb, string, error) {
	var out bytes.Buffer
	args = append(args, "-f", "rawvideo", "pipe:1")
	stderr, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args, Stdout: &out, Limits: limits})
	var thumbs []thumb
	for b := out.Bytes(); len(b) >= thumbWidth*thumbHeight; b = b[thumbWidth*thumbHeight:] {
		thumbs = append(thumbs, thumb(b[:thumbWidth*thumbHeight]))
	}
	return thumbs, stderr, err
}

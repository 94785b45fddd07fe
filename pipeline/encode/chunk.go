package encode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Request is one chunk to encode.
type Request struct {
	Plan   *pipeline.Plan
	Chunk  *pipeline.Chunk
	Source string // the plan's source file, absolute
	Piece  string // the chunk's own file, absolute; empty: the chunk is a range of Source
	Out    string // the result, absolute, written by nobody else; may be replaced several times
	Spare  string // as Out, for the better of two results: needed where a quality is wanted
	// Allowance is what of the decoder's buffer the chunk may count on; the zero one: what is usual.
	Allowance pipeline.Allowance
	Threads   int // of decoder and encoder; 0: ffmpeg chooses
	Nice      int
	// Near is the CRF that gave another chunk of the film the wanted quality; 0: that is not known.
	Near float64
	// Spending has the CRF that the chunk is encoded with where its film's size is limited.
	Spending pipeline.Spending
	// Progress is called while a try runs, with its frames and bytes so far. If nil, it is not called.
	Progress func(frames int, size int64)
	// Started is called with the child of each try. If nil, it is not called.
	Started func(*media.Process)
}

// ErrFrames is the error for a chunk from which no way of decoding gives the planned frames.
var ErrFrames = errors.New("the frames that come out are not the planned ones")

// Chunk encodes one chunk and checks it. On success the result lies in Out, or in Spare if Record.Spare is set; the
// caller removes the other file. The result is durable then, its folder is not synced. Chunk, Attempt and Node of the
// record are left to the caller.
//
// When all ways were tried in vain the error is ErrFrames, or what ffmpeg said. After an error the caller removes both.
func Chunk(ctx context.Context, tools media.Tools, req Request) (*pipeline.Record, error) {
	start := time.Now()
	enc, options, err := encoder.At(req.Plan.Settings, req.Spending.CRF)
	if err != nil {
		return nil, err
	}
	if req.Allowance, err = allowance(ctx, tools, req, options); err != nil {
		return nil, err
	}
	var found finding
	if req.Plan.Settings.Quality.None() {
		found.result, err = climb(ctx, tools, req, options, ladder(req))
	} else {
		found, err = search(ctx, tools, req, enc)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot encode chunk %d: %w", req.Chunk.Index, err)
	}
	return &pipeline.Record{
		Size: found.Size, Video: found.Payload(), CRC32: found.CRC32, Frames: len(found.PTS),
		Extradata: found.Extradata, Flow: Flow(req.Plan, req.Chunk.Index, found.Clip),
		Encoder: enc.Version(found.Head, found.messages),
		Method:  found.in.method + found.remark, Quality: found.scored, Spent: req.Spending, Spare: found.spare,
		Seconds: time.Since(start).Seconds(), Time: time.Now(),
	}, nil
}

// climb goes through these ways to the chunk's frames until one gives the planned ones.
func climb(
	ctx context.Context, tools media.Tools, req Request, options encoder.Options, ways []input,
) (got result, err error) {
	for _, in := range ways {
		if got, err = try(ctx, tools, req, options, in); err == nil || !worthAnother(ctx, err) {
			return got, err
		}
		if tools.Log != nil {
			tools.Log.WarnContext(ctx, "encoded frames are not the planned ones",
				"chunk", req.Chunk.Index, "method", in.method, "error", err)
		}
	}
	return got, err
}

// ladder lists the ways to the chunk's frames, the cheapest first.
func ladder(req Request) []input {
	c := req.Chunk
	from := reach(req.Plan, c)
	in := input{keep: from.keep, later: c.Index > 0, allowance: req.Allowance}
	byTime := fmt.Sprintf("start_pts=%d:end_pts=%d", from.start, from.end)
	var out []input
	if req.Piece != "" {
		piece := in
		piece.path, piece.trim, piece.method = req.Piece, byTime, "piece"
		out = append(out, piece)
	}
	source := in
	source.path, source.stream, source.trim = req.Source, req.Plan.Video.Index, byTime
	for i := range c.Seeks {
		in := source
		in.seek, in.method = &c.Seeks[i], fmt.Sprintf("seek %d", i+1)
		out = append(out, in)
	}
	source.method = "from the start"
	out = append(out, source)
	source.trim = fmt.Sprintf("start_frame=%d:end_frame=%d", c.First-from.before, c.First+c.PTS.Len()+from.behind)
	source.method = byNumber
	return append(out, source)
}

// wayOf finds the way by which a chunk was encoded, as its record's method says; the first one if none is called so.
func wayOf(ways []input, method string) int {
	return max(0, slices.IndexFunc(ways, func(in input) bool { return strings.HasPrefix(method, in.method) }))
}

// span is what of the source is decoded for a chunk.
type span struct {
	start, end     int64 // ticks, end is not in it
	before, behind int   // pictures that are not the chunk's own
	keep           string
}

// reach is the chunk itself, and for a deinterlacer one picture more at both ends. What comes out is counted,
// not timed: if the picture in front is missing, the frames are not the planned ones.
func reach(plan *pipeline.Plan, c *pipeline.Chunk) span {
	s := span{start: c.Start, end: c.End}
	if !plan.Out.Deinterlace || c.Kind == pipeline.KindPiece { // deinterlaced pieces are whole parts of other pictures
		return s
	}
	if i := c.Index - 1; i >= 0 {
		before := plan.Chunks[i].PTS.All()
		s.start, s.before = before[len(before)-1], 1
	}
	if i := c.Index + 1; i < len(plan.Chunks) {
		s.end, s.behind = plan.Chunks[i].PTS.All()[0]+1, 1
	}
	s.keep = fmt.Sprintf("start_frame=%d:end_frame=%d", s.before, s.before+c.PTS.Len())
	return s
}

// byNumber is the method that does not go by timestamps.
const byNumber = "by frame number"

// worthAnother reports whether another way of decoding may avoid the error.
func worthAnother(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if errors.Is(err, ErrFrames) {
		return true
	}
	if limit, ok := errors.AsType[*media.LimitError](err); ok {
		return limit.Empty
	}
	exit, ok := errors.AsType[*media.ExitError](err)
	return ok && exit.Code > 0 && !sharefs.Trouble(err)
}

type result struct {
	*media.Clip
	in       input
	messages string // ffmpeg's
	remark   string
}

// longestSleep is after how long an encoder that may sleep for ever is taken to do so: long enough for a share that
// answers late.
const longestSleep = 30 * time.Second

// run encodes what comes of an input, and returns ffmpeg's messages.
func run(
	ctx context.Context, tools media.Tools, req Request, options encoder.Options, in input,
) (messages string, err error) {
	cmd := append(args(req.Plan, options, in, req.Threads), "-progress", "pipe:1")
	cmd = append(cmd, container(req.Plan, req.Out)...)
	report := req.Progress
	if report == nil {
		report = func(int, int64) {}
	}
	bounds := limits(req, in)
	if options.Sleeps() {
		bounds.Start = longestSleep
	}
	return tools.Run(ctx, media.Command{
		Program: tools.FFmpeg, Args: cmd, Stdout: media.NewProgress(report),
		Nice: req.Nice, Started: req.Started, Limits: bounds,
	})
}

func try(ctx context.Context, tools media.Tools, req Request, options encoder.Options, in input) (result, error) {
	stderr, err := run(ctx, tools, req, options, in)
	if err != nil {
		return result{}, err
	}
	if err := durable(req.Out); err != nil {
		return result{}, err
	}
	f, err := os.Open(req.Out)
	if err != nil {
		return result{}, fmt.Errorf("cannot read the result: %w", err)
	}
	defer func() { _ = f.Close() }()
	clip, err := Check(ctx, tools, req.Plan, req.Chunk, f, req.Out)
	return result{clip, in, stderr, remark(req.Plan, stderr)}, err
}

// limits counts on four times the chunk's pictures where decoding begins at a key packet near it, and on all that come
// before it where it begins at the start.
func limits(req Request, in input) media.Limits {
	c := req.Chunk
	pictures := 4*max(c.Packets, c.PTS.Len()) + 1000
	if in.seek == nil && in.method != "piece" {
		pictures += 2 * c.First
	}
	return media.Encoding(pictures, c.PTS.Len(), largest(req.Plan))
}

// largest is the size in pixels of the source's pictures or of the output's.
func largest(plan *pipeline.Plan) float64 {
	return max(float64(plan.Video.Width*plan.Video.Height), plan.Pixels())
}

// remark adds to the record's method what a person should know of these pictures.
func remark(plan *pipeline.Plan, stderr string) (out string) {
	if strings.Contains(stderr, "Changing video frame properties on the fly") {
		out += fmt.Sprintf(", some pictures scaled to %dx%d %s", plan.Out.Width, plan.Out.Height, plan.Out.PixFmt)
	}
	if media.Damaged(stderr) {
		out += ", the decoder met errors"
	}
	return out
}

// durable brings the result to the disk. The error of a close counts: over NFS the data may be refused
// only then.
func durable(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot sync the result: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot sync the result: %w", err)
	}
	return nil
}

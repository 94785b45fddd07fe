package sample

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
)

// film is a source that was read once, for all settings alike.
type film struct {
	path   string // of the file that is encoded, absolute: the source, or its normalised copy
	scan   *split.Source
	frames []frame // in presentation order; nil before the first plan
	// atScene is the part of the source's key frames, and so of the chunks' beginnings, at which a scene begins.
	atScene float64
	lit     *pipeline.Rect // the part of the pictures that is not black somewhere; nil: nobody has asked
}

// frame is one picture of the film.
type frame struct {
	pts   int64   // ticks of the source
	bytes float64 // that the source has for it: those of a key frame are shared by all up to the next one
	work  float64 // that encoding it is expected to take, in mean frames
	chunk int     // of the plan
}

// cellGrain is how long the plan's chunks are, in seconds: each begins where a decoder can.
const cellGrain = 2

// plan plans the film with some settings. The first plan finds out whether the source has to be normalised; the copy
// then stands for it.
func (f *film) plan(ctx context.Context, tools media.Tools, req Request, set pipeline.Settings,
) (*pipeline.Plan, error) {
	if !set.Size.None() {
		return nil, pipeline.Refuse("A size was asked for (size = %q), which a job keeps by measuring all of the film: "+
			"there is nothing to estimate. Try a CRF or a quality.", set.Size)
	}
	set.Pieces = pipeline.RangePieces
	request := split.Request{
		Job: "00000000-sampl", Path: f.path, NormPath: filepath.Join(req.Dir, pipeline.Nonce(8)+".mkv"),
		CRC32: f.scan.CRC32, Settings: set, Scan: f.scan, TestEncode: encode.Test, TestRest: merge.TryRest,
	}
	request.Settings.Chunk = cellGrain
	plan, err := split.Make(ctx, tools, request)
	if err != nil {
		return nil, err
	}
	plan.Settings.Chunk = set.Chunk
	if plan.Source != filepath.Base(f.path) {
		if err := f.replace(ctx, tools, request.NormPath); err != nil {
			return nil, err
		}
	}
	if f.frames == nil {
		f.frames, f.atScene = framesOf(plan, f.scan.Packets), scenesAtKeys(f.scan.Packets)
	}
	if err := f.crop(ctx, tools, req, plan); err != nil {
		return nil, err
	}
	if err := merge.TryConverted(ctx, tools, f.path, f.scan.File, set); err != nil {
		return nil, err
	}
	notes, err := merge.Limits(ctx, tools, f.path, f.scan.File, set)
	plan.Notes = append(plan.Notes, notes...)
	return plan, err
}

// replace goes on with the normalised copy, which keeps the source's aspect ratio.
func (f *film) replace(ctx context.Context, tools media.Tools, path string) (err error) {
	first := f.scan.Stream.SAR
	f.path = path
	if f.scan, err = split.ScanFile(ctx, tools, path); err == nil && first.Valid() {
		f.scan.Stream.SAR = first
	}
	return err
}

// framesOf lists the plan's frames with what the packets say of them.
func framesOf(plan *pipeline.Plan, p *media.Packets) []frame {
	frames := make([]frame, 0, plan.Frames)
	for i, c := range plan.Chunks {
		for _, pts := range c.PTS.All() {
			frames = append(frames, frame{pts: pts, work: c.Work() / float64(c.PTS.Len()), chunk: i})
		}
	}
	for from, to := 0, 0; from < p.Len(); from = to {
		sum := 0.0
		for to = from; to < p.Len() && (to == from || p.Flags[to]&media.Key == 0); to++ {
			sum += float64(p.Size[to])
		}
		for _, pts := range p.PTS[from:to] {
			i, found := slices.BinarySearchFunc(frames, pts, func(f frame, pts int64) int { return int(f.pts - pts) })
			if found {
				frames[i].bytes += sum / float64(to-from)
			}
		}
	}
	return frames
}

// scenesAtKeys is the part of key frames that come sooner than the source's encoder would have made one: a scene begins
// there.
func scenesAtKeys(p *media.Packets) float64 {
	var lengths []int // of groups of pictures
	for _, flags := range p.Flags {
		if flags&media.Key != 0 || len(lengths) == 0 {
			lengths = append(lengths, 0)
		}
		lengths[len(lengths)-1]++
	}
	if len(lengths) < 2 {
		return 0
	}
	lengths = lengths[:len(lengths)-1] // the last one ends with the film
	scenes, longest := 0, slices.Max(lengths)
	for _, n := range lengths {
		if n+1 < longest {
			scenes++
		}
	}
	return float64(scenes) / float64(len(lengths))
}

// cells divides the film into cells of so many frames; the last one may be longer.
func (f *film) cells(length int) []cell {
	length = min(max(1, length), len(f.frames))
	n := len(f.frames) / length
	out := make([]cell, n)
	for i := range out {
		out[i] = f.cell(i*length, (i+1)*length)
	}
	out[n-1] = f.cell((n-1)*length, len(f.frames))
	return out
}

func (f *film) cell(from, to int) cell {
	c := cell{from: from, to: to}
	for _, frame := range f.frames[from:to] {
		c.source, c.work = c.source+frame.bytes, c.work+frame.work
	}
	return c
}

// window is a cell as a chunk of a plan of its own: what stands around it is there as far as a deinterlacer asks for
// it.
func (f *film) window(plan *pipeline.Plan, c cell) (*pipeline.Plan, *pipeline.Chunk) {
	small, chunk := *plan, plan.Chunks[f.frames[c.from].chunk]
	chunk.First, chunk.Kind, chunk.Cost = c.from, pipeline.KindRange, c.work
	chunk.Start, chunk.End = f.frames[c.from].pts, f.frames[c.to-1].pts+1
	chunk.PTS = f.times(c.from, c.to)
	small.Chunks = nil
	if c.from > 0 {
		small.Chunks = append(small.Chunks, pipeline.Chunk{PTS: f.times(c.from-1, c.from)})
	}
	chunk.Index = len(small.Chunks)
	small.Chunks = append(small.Chunks, chunk)
	if c.to < len(f.frames) {
		small.Chunks[chunk.Index].End = f.frames[c.to].pts
		small.Chunks = append(small.Chunks, pipeline.Chunk{Index: chunk.Index + 1, PTS: f.times(c.to, c.to+1)})
	}
	return &small, &small.Chunks[chunk.Index]
}

func (f *film) times(from, to int) pipeline.Timestamps {
	ticks := make([]int64, 0, to-from)
	for _, frame := range f.frames[from:to] {
		ticks = append(ticks, frame.pts)
	}
	return pipeline.NewTimestamps(ticks...)
}

// lead is how many frames are decoded in front of a cell and dropped.
func (f *film) lead(c cell) int {
	begin, _ := slices.BinarySearchFunc(f.frames, f.frames[c.from].chunk, func(f frame, chunk int) int {
		return f.chunk - chunk
	})
	return c.from - begin
}

// deepest is a frame with the most in front of it that are decoded for nothing, and how many these are.
func (f *film) deepest() (frame, lead int) {
	for i, begin := 1, 0; i < len(f.frames); i++ {
		if f.frames[i].chunk != f.frames[i-1].chunk {
			begin = i
		}
		if i-begin > lead {
			frame, lead = i, i-begin
		}
	}
	return frame, lead
}

// leastSeconds is the length of a film of a single picture.
const leastSeconds = 0.04

// seconds is the film's length.
func (f *film) seconds() float64 {
	tb := f.scan.Stream.TimeBase
	last := f.frames[len(f.frames)-1].pts - f.frames[0].pts
	if last <= 0 { // a single picture
		return leastSeconds
	}
	return tb.Seconds(last) * float64(len(f.frames)) / float64(len(f.frames)-1)
}

// rest is how many bytes the output has beside its video.
func (f *film) rest(ctx context.Context, tools media.Tools, plan *pipeline.Plan) (int64, error) {
	return merge.Rest(ctx, tools, f.path, f.scan.File, plan.Settings, plan.Frames)
}

// at is when a frame is shown, in seconds from the film's start.
func (f *film) at(frame int) float64 {
	return f.scan.Stream.TimeBase.Seconds(f.frames[frame].pts - f.frames[0].pts)
}

package sample

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
)

// part is a cell as it was encoded with one candidate's settings: within a window, whose first frames follow a key
// frame that the film does not have there, and whose last ones are encoded without a look at what comes behind.
type part struct {
	cell
	window  cell    // with the cell in it
	lead    int     // frames that were decoded in front of the window
	bytes   float64 // of the cell's frames
	excess  float64 // bytes that the window's beginning has more than so many frames of the cell
	scenes  int     // that begin in the cell: its key frames
	seconds float64 // that the encode took
	spent   float64 // seconds with the measuring
	req     encode.Request
	record  *pipeline.Record
	scores  []float64 // SSIM of each frame of the cell; nil: it could not be measured
	vmaf    float64   // mean of all; 0 where this ffmpeg does not have it
}

// What a window has in front of its cell and behind it, in frames. Without them a cell had 7% less bytes than in the
// film, with x264 and 72 frames: it looks 40 frames ahead, and the pictures behind a key frame of noise have next to
// nothing.
const windowHead, windowTail = 12, 36

// part encodes a cell in its window and measures it.
func (r *run) part(ctx context.Context, c *Candidate, at cell) (part, error) {
	window := r.film.cell(max(0, at.from-windowHead), min(len(r.film.frames), at.to+windowTail))
	small, chunk := r.film.window(c.plan, window)
	return r.encode(ctx, part{cell: at, window: window, lead: r.film.lead(window), req: r.request(small, chunk)})
}

// encode encodes a part's window and measures its cell.
func (r *run) encode(ctx context.Context, p part) (part, error) {
	began := time.Now()
	record, err := encode.Chunk(ctx, r.tools, p.req)
	if err != nil {
		return p, err
	}
	if record.Spare {
		p.req.Out = p.req.Spare
	}
	p.record, p.seconds = record, record.Seconds
	if err := p.weigh(ctx, r.tools); err != nil {
		return p, err
	}
	if p.scores, err = r.scores(ctx, p, pipeline.SSIM); err != nil {
		return p, err
	}
	if r.vmaf {
		scores, err := r.scores(ctx, p, pipeline.VMAF)
		if err != nil {
			return p, err
		}
		p.vmaf = media.MeanScore(pipeline.VMAF, scores)
	}
	p.spent = time.Since(began).Seconds()
	return p, nil
}

// scores are those of the cell's frames; nil where a damaged source was decoded otherwise than before.
func (r *run) scores(ctx context.Context, p part, m pipeline.Metric) ([]float64, error) {
	scores, err := encode.Scores(ctx, r.tools, p.req, p.record.Method, m)
	if errors.Is(err, encode.ErrFrames) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return scores[p.from-p.window.from : p.to-p.window.from], nil
}

func (r *run) request(plan *pipeline.Plan, chunk *pipeline.Chunk) encode.Request {
	out := filepath.Join(r.req.Dir, pipeline.Nonce(10))
	return encode.Request{
		Plan: plan, Chunk: chunk, Source: r.film.path, Threads: r.req.Threads, Nice: r.req.Nice, Out: out,
		Spare: out + ".spare",
	}
}

// single encodes one frame of the film and returns the seconds that it took.
func (r *run) single(ctx context.Context, c *Candidate, frame int) (float64, error) {
	plan, chunk := r.film.window(c.plan, r.film.cell(frame, frame+1))
	plan.Settings.Quality = pipeline.Quality{} // one encode is timed
	record, err := encode.Chunk(ctx, r.tools, r.request(plan, chunk))
	if err != nil {
		return 0, err
	}
	return record.Seconds, nil
}

// weigh reads how many bytes the frames have.
func (p *part) weigh(ctx context.Context, tools media.Tools) error {
	packets, err := tools.Packets(ctx, p.req.Out, 0)
	if err != nil {
		return err
	}
	head := p.from - p.window.from
	for n, i := range media.Shown(packets.PTS) {
		size := float64(packets.Size[i])
		switch {
		case n < head:
			p.excess += size
		case n < p.to-p.window.from:
			p.bytes += size
			if packets.Flags[i]&media.Key != 0 {
				p.scenes++
			}
		}
	}
	p.excess -= float64(head) * p.bytes / float64(p.frames())
	return nil
}

// took is how long the cell's frames take in the whole film, in seconds of a slot, if an encode takes so many before
// its first frame and for each that is decoded and dropped.
func (p part) took(start, dropped float64) float64 {
	return max(0, p.seconds-start-dropped*float64(p.lead)) * p.work / p.window.work
}

// inWhole is how many bytes the cell's frames have in the whole film, where so many key frames come to a frame that no
// scene asks for.
func (p part) inWhole(forced float64) float64 {
	return max(0, p.bytes+float64(p.frames())*forced*p.excess)
}

// forcedKeys is how many key frames a frame has in the whole film that no scene asks for: that at the beginning of each
// chunk where no scene begins there, and one wherever none has begun for as long as the encoder allows. scenes is how
// many begin in a frame, atScene the part of the chunks that begin with one.
func forcedKeys(scenes, atScene float64, chunk, interval int) float64 {
	each := 1 - atScene
	if interval > 0 {
		each += (math.Ceil(float64(chunk)/float64(interval)) - 1) * math.Exp(-scenes*float64(interval))
	}
	return each / float64(max(1, chunk))
}

// worst is the number of the part's worst frame in the film, and its SSIM.
func (p part) worst() (frame int, ssim float64) {
	ssim = slices.Min(p.scores)
	return p.from + slices.Index(p.scores, ssim), ssim
}

// measured are the parts whose pictures could be compared.
func measured(parts []part) []part {
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return len(p.scores) == 0 })
}

// mean is over the frames of all parts.
func mean(parts []part, of func(part) float64) float64 {
	sum, frames := 0.0, 0
	for _, p := range parts {
		sum, frames = sum+of(p)*float64(p.frames()), frames+p.frames()
	}
	return sum / float64(max(1, frames))
}

func ssimOf(p part) float64 { return media.MeanScore(pipeline.SSIM, p.scores) }
func vmafOf(p part) float64 { return p.vmaf }

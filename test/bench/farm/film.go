package farm

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

const (
	rate   = 24  // frames a second
	maxGOP = 250 // frames: x264's default
)

// film is a made-up source: scenes of all lengths and of unequal complexity, a key frame at each cut and
// no later than every 250 frames.
type film struct {
	packets media.Packets
	cost    []float64 // of encoding the frames up to each one, in mean frames
}

// newFilm makes a film of so many seconds. A frame's bytes are its scene's complexity, as an encoder at
// constant quality gives them out; the time to encode it grows with that too, as was measured, but more
// slowly, and it is not told by it alone: real clips are off by a fifth.
func newFilm(seconds int, off float64, seed uint64) *film {
	dice := rand.New(rand.NewPCG(seed, 1))
	f := &film{cost: []float64{0}}
	var bytes, effort float64
	for scene, key := 0, 0; f.packets.Len() < seconds*rate; {
		if scene == 0 {
			scene = rate/2 + int(dice.ExpFloat64()*4*rate)
			bytes = math.Exp(0.6 * dice.NormFloat64())
			effort = (0.2 + 0.8*math.Pow(bytes, 0.7)) * math.Exp(off*dice.NormFloat64())
			key = 0
		}
		size, flags := bytes*20_000*(0.7+0.6*dice.Float64()), uint8(0)
		if key == 0 {
			size, flags, key = 6*size, media.Key, maxGOP
		}
		scene, key = scene-1, key-1
		pts := int64(f.packets.Len() * 1000 / rate)
		f.packets.PTS, f.packets.DTS = append(f.packets.PTS, pts), append(f.packets.DTS, pts)
		f.packets.Size, f.packets.Flags = append(f.packets.Size, uint32(size)), append(f.packets.Flags, flags)
		f.cost = append(f.cost, f.cost[len(f.cost)-1]+effort)
	}
	mean := f.total() / float64(f.packets.Len())
	for i := range f.cost {
		f.cost[i] /= mean
	}
	return f
}

// plan cuts the film as the product does. path is any file: nothing of it is read.
func (f *film) plan(ctx context.Context, j *pipeline.Job, path string, slots int) (*pipeline.Plan, error) {
	video := media.Stream{
		Type: "video", Codec: "h264", TimeBase: pipeline.Rational{Num: 1, Den: 1000},
		Pictures: media.Pictures{
			FrameRate: pipeline.Rational{Num: rate, Den: 1}, Width: 1920, Height: 1080, PixFmt: "yuv420p",
		},
	}
	file := &media.File{Format: media.Format{Name: "matroska,webm"}, Streams: []media.Stream{video}}
	plan, err := split.Make(ctx, media.Tools{}, split.Request{
		Job: j.ID, Path: path, CRC32: j.CRC32, Settings: j.Settings, Slots: func(string) int { return slots },
		Scan: &split.Source{
			File: file, Stream: video, Packets: &f.packets,
			Head: media.Head{Packets: media.HeadPackets, PTS: f.packets.PTS[:min(media.HeadPackets, f.packets.Len())]},
		},
		TestEncode: func(context.Context, media.Tools, *pipeline.Plan, string) (string, error) { return "bench", nil },
	})
	if err == nil {
		plan.Source, plan.Original, plan.SourceSize = j.Source, j.Source, j.Size
	}
	return plan, err
}

// total is the work in the whole film.
func (f *film) total() float64 { return f.cost[len(f.cost)-1] }

// decoding is what it takes to decode a frame and drop it, in mean frames encoded: 1080p at a slow preset.
const decoding = 0.05

// work is that in one chunk, in mean frames. What is decoded in front of it counts too.
func (f *film) work(c *pipeline.Chunk) float64 {
	key, _ := slices.BinarySearch(f.packets.PTS, c.Key)
	return f.cost[c.First+c.PTS.Len()] - f.cost[c.First] + decoding*float64(c.First-key)
}

// size is the film's, in bytes.
func (f *film) size() (sum float64) {
	for _, s := range f.packets.Size {
		sum += float64(s)
	}
	return sum
}

// bytes is the size of a chunk of it.
func (f *film) bytes(c *pipeline.Chunk) (sum float64) {
	for _, s := range f.packets.Size[c.First : c.First+c.PTS.Len()] {
		sum += float64(s)
	}
	return sum
}

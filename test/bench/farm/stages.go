package farm

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/worker"
)

// What the stages take that are no encode, as measured with ffmpeg and ffprobe on a film's chunks.
const (
	diskSpeed = 100e6                  // bytes a second in which a source is read
	planTime  = 3 * time.Second        // with the test encode
	pieceTime = 20 * time.Millisecond  // looking at a piece that was cut
	startTime = 200 * time.Millisecond // of an encode: starting ffmpeg, and looking at the result
	checkTime = 120 * time.Millisecond // the master's look at a result
	maxText   = 1 << 20
)

// stages stand in for those of the master that read or write video.
type stages struct {
	film            *film
	share           *sharefs.FS
	planned, merged atomic.Pointer[time.Time]
	chunks          atomic.Int64
}

func (s *stages) crc(name string) (string, error) {
	b, err := s.share.Read(name, maxText)
	return fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)), err
}

// Scan implements master.Stages.
func (s *stages) Scan(ctx context.Context, name string) (master.Scan, error) {
	sum, err := s.crc(name)
	if err != nil {
		return master.Scan{}, err
	}
	return master.Scan{CRC32: sum}, sharefs.Sleep(ctx, time.Duration(s.film.size()/diskSpeed*float64(time.Second)))
}

// Plan implements master.Stages: it cuts as the product does.
func (s *stages) Plan(ctx context.Context, j *pipeline.Job, _ master.Scan) (*pipeline.Plan, error) {
	if err := sharefs.Sleep(ctx, planTime); err != nil {
		return nil, err
	}
	build, slots := pipeline.MostSlots(pipeline.Crew(s.share),
		pipeline.Demand{Encoder: builds[0].Encoder, Format: "yuv420p"})
	p, err := s.film.plan(ctx, j, s.share.Path(pipeline.JobFile(j.ID, j.Source)), slots)
	if err != nil {
		return nil, err
	}
	p.Build = build
	s.chunks.Store(int64(len(p.Chunks)))
	now := time.Now()
	s.planned.Store(&now)
	return p, nil
}

// Conclude implements master.Stages: no film here is analysed.
func (s *stages) Conclude(context.Context, *pipeline.Job, *pipeline.Plan, []pipeline.ChunkFile, []pipeline.Record,
) (*pipeline.Plan, error) {
	return nil, errors.ErrUnsupported
}

// Pieces implements master.Stages: one pass through the source, as fast as the disk is.
func (s *stages) Pieces(ctx context.Context, p *pipeline.Plan, chunks []int,
	ready func(chunk int, tmp string, err error) error) error {
	nonce := pipeline.Nonce(12)
	for n, i := range chunks {
		tmp := pipeline.CutOf(p.Job, nonce, 0, fmt.Sprint(n))
		size := s.film.bytes(&p.Chunks[i])
		err := sharefs.Sleep(ctx, pieceTime+time.Duration(size/diskSpeed*float64(time.Second)))
		if err == nil {
			err = errors.Join(s.share.Create(tmp, []byte("piece\n")), s.share.Sync(tmp))
		}
		if err := ready(i, tmp, err); err != nil {
			return err
		}
	}
	return nil
}

// Check implements master.Stages.
func (s *stages) Check(ctx context.Context, _ *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, _ bool) error {
	sum, err := s.crc(c.Result())
	if err == nil && sum != r.CRC32 {
		err = errors.New("the result is not what its worker wrote")
	}
	return errors.Join(err, sharefs.Sleep(ctx, checkTime))
}

// Prepare implements master.Stages.
func (s *stages) Prepare(context.Context, *pipeline.Job, *pipeline.Plan, string) (any, error) {
	return nil, nil
}

// Ahead implements master.Stages.
func (s *stages) Ahead(context.Context, *pipeline.Job, *pipeline.Plan, []pipeline.ChunkFile, string, any) error {
	return nil
}

// Merge implements master.Stages. When it begins, all is encoded.
func (s *stages) Merge(_ context.Context, _ *pipeline.Job, _ *pipeline.Plan, _ []pipeline.ChunkFile,
	_ []pipeline.Record, dst string, _ any) (*master.Merged, error) {
	now := time.Now()
	s.merged.CompareAndSwap(nil, &now)
	return &master.Merged{CRC32: "00000000", Certificate: []byte("{}\n"), Report: "merged\n"},
		s.share.Create(dst, []byte("output\n"))
}

// Skip implements master.Stages. No film here has a limit.
func (s *stages) Skip(*pipeline.Job, *pipeline.Plan, []*pipeline.Record, string) (*master.Merged, error) {
	return nil, errors.ErrUnsupported
}

// encoder stands in for a node's.
type encoder struct {
	stages *stages
	mount  *mount
	share  *sharefs.FS
	fps    float64
}

// Version implements worker.Encoder.
func (e *encoder) Version() string { return "bench" }

// builds are those of all nodes.
var builds = []pipeline.Offer{{Build: pipeline.Build{Encoder: "x264", Version: "bench", Headers: "bench"}}}

// Build implements worker.Encoder.
func (e *encoder) Build(context.Context, string, string) (pipeline.Build, error) {
	return builds[0].Build, nil
}

// Builds implements worker.Encoder.
func (e *encoder) Builds(context.Context) []pipeline.Offer { return builds }

// Measures implements worker.Encoder.
func (e *encoder) Measures(context.Context, pipeline.Metric) error { return nil }

// Metrics implements worker.Encoder.
func (e *encoder) Metrics(context.Context) []pipeline.Metric { return nil }

// Encode implements worker.Encoder.
func (e *encoder) Encode(ctx context.Context, t *worker.Task) (*pipeline.Record, error) {
	e.mount.busy.Store(true)
	defer e.mount.busy.Store(false)
	began := time.Now()
	if err := sharefs.Sleep(ctx, startTime); err != nil {
		return nil, err
	}
	took := time.Duration(e.stages.film.work(t.Chunk) / e.fps * float64(time.Second))
	for left := took; left > 0; left -= time.Second {
		if err := sharefs.Sleep(ctx, min(left, time.Second)); err != nil {
			return nil, err
		}
		t.Progress(int(float64(t.Chunk.PTS.Len())*float64(took-left)/float64(took)), 1)
	}
	text := []byte("result of " + t.File.Stem() + "\n")
	if err := e.share.Create(t.File.Partial(), text); err != nil {
		return nil, err
	}
	return &pipeline.Record{
		Size: int64(len(text)), CRC32: fmt.Sprintf("%08X", crc32.ChecksumIEEE(text)), Frames: t.Chunk.PTS.Len(),
		Encoder: "bench", Build: t.Build, Seconds: time.Since(began).Seconds(), Method: "bench",
	}, nil
}

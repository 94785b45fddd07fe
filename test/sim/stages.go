package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/worker"
)

// A source is a line "film <name> <frames>" and a line "<name>.<n>" for each frame. A result is the same
// frames in capitals behind "result <stem> <headers> <found>", an output those of all chunks with a line
// "chunk <n> <stem> <headers> <found>" before each. What was found in an analysis is in analysis.go.
const maxText = 1 << 20

func crcOf(b []byte) string { return fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)) }

// lines returns what is in a text without its first line.
func lines(text []byte) []string {
	all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return all[1:]
}

// stages stand in for the master's.
type stages struct {
	world *world
	share *sharefs.FS
}

// Scan implements master.Stages.
func (s stages) Scan(ctx context.Context, name string) (master.Scan, error) {
	text, err := s.share.Read(name, maxText)
	if err != nil {
		return master.Scan{}, err
	}
	return master.Scan{CRC32: crcOf(text)}, s.world.take(ctx, "scan "+name, 2*time.Second)
}

// Plan implements master.Stages.
func (s stages) Plan(ctx context.Context, j *pipeline.Job, _ master.Scan) (*pipeline.Plan, error) {
	text, err := s.share.Read(pipeline.JobFile(j.ID, j.Source), maxText)
	if err != nil {
		return nil, err
	}
	if err := s.world.take(ctx, "plan "+j.ID, 5*time.Second); err != nil {
		return nil, err
	}
	p := &pipeline.Plan{
		Job: j.ID, Input: pipeline.Input{Source: j.Source, Original: j.Source, SourceSize: j.Size, CRC32: j.CRC32},
		Settings: j.Settings, Analysis: j.Settings.First(),
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 25}}, Timing: pipeline.Timing{Muxer: "text"},
		Encoder: "sim",
	}
	s.equip(p)
	for frame := range lines(text) {
		if frame%framesPerChunk == 0 {
			kind := pipeline.KindPiece
			if s.world.chance(fmt.Sprintf("kind %s %d", j.CRC32, frame), 3) {
				kind = pipeline.KindRange
			}
			p.Chunks = append(p.Chunks, pipeline.Chunk{Index: len(p.Chunks), Kind: kind, First: frame, Start: int64(frame)})
		}
		c := &p.Chunks[len(p.Chunks)-1]
		c.PTS, c.End = pipeline.NewTimestamps(append(c.PTS.All(), int64(frame))...), int64(frame)+1
		p.Frames++
	}
	if p.Frames == 0 {
		return nil, pipeline.Refuse("It has no frames.")
	}
	s.world.allot(p)
	return p, nil
}

// equip pins a build to a plan whose chunks are encoded.
func (s stages) equip(p *pipeline.Plan) {
	if !p.Encodes() {
		return
	}
	if s.world.plan.narrow {
		p.Buffer = narrow
	}
	p.Build = kinds[0]
	if b, _ := pipeline.MostSlots(pipeline.Crew(s.share), p.Demand()); b.Known() {
		p.Build = b
	}
}

// framesPerChunk is the length of a chunk.
const framesPerChunk = 3

// Pieces implements master.Stages.
func (s stages) Pieces(ctx context.Context, p *pipeline.Plan, chunks []int,
	ready func(chunk int, tmp string, err error) error) error {
	nonce := pipeline.Nonce(12)
	for _, i := range chunks {
		tmp := pipeline.CutOf(p.Job, nonce, 0, fmt.Sprint(i))
		err := s.piece(ctx, p, i, tmp)
		if err != nil {
			_ = s.share.Remove(tmp)
		}
		if err := ready(i, tmp, err); err != nil {
			return err
		}
	}
	return nil
}

func (s stages) piece(ctx context.Context, p *pipeline.Plan, chunk int, dst string) error {
	text, err := s.share.Read(pipeline.JobFile(p.Job, p.Source), maxText)
	if err != nil {
		return err
	}
	frames, err := cut(text, &p.Chunks[chunk])
	if err != nil {
		return err
	}
	if err := s.world.take(ctx, "piece "+dst, time.Second); err != nil {
		return err
	}
	if err := s.share.Create(dst, []byte("piece\n"+frames)); err != nil {
		return err
	}
	return s.share.Sync(dst)
}

// cut returns a chunk's frames out of the whole source.
func cut(text []byte, c *pipeline.Chunk) (string, error) {
	all := lines(text)
	if c.First+c.PTS.Len() > len(all) {
		return "", errors.New("the source is too short for the plan")
	}
	return strings.Join(all[c.First:c.First+c.PTS.Len()], "\n") + "\n", nil
}

// Check implements master.Stages.
func (s stages) Check(ctx context.Context, p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, _ bool) error {
	text, err := s.share.Read(c.Result(), maxText)
	if err != nil {
		return err
	}
	if err := s.world.take(ctx, "check "+c.Stem(), time.Second); err != nil {
		return err
	}
	return fits(text, &p.Chunks[c.Chunk], r)
}

// fits compares a result with its record and the plan, by the frames' numbers.
func fits(text []byte, c *pipeline.Chunk, r *pipeline.Record) error {
	if got := crcOf(text); got != r.CRC32 {
		return fmt.Errorf("the result's CRC-32 is %s, its record says %s", got, r.CRC32)
	}
	frames := lines(text)
	planned := c.PTS.All()
	if len(frames) != len(planned) {
		return fmt.Errorf("the result has %d frames, planned are %d", len(frames), len(planned))
	}
	for n, f := range frames {
		if !strings.HasSuffix(f, fmt.Sprintf(".%d", planned[n])) {
			return fmt.Errorf("frame %q is not %d", f, planned[n])
		}
	}
	return nil
}

// Skip implements master.Stages.
func (s stages) Skip(j *pipeline.Job, _ *pipeline.Plan, _ []*pipeline.Record, why string) (*master.Merged, error) {
	return &master.Merged{CRC32: j.CRC32, Certificate: []byte("{}\n"), Report: why + "\n"}, nil
}

// encoder stands in for the worker's.
type encoder struct {
	world *world
	share *sharefs.FS
	host  string

	mu    sync.Mutex
	tried pipeline.Build // the zero one: not yet
}

// Version implements worker.Encoder.
func (e *encoder) Version() string { return "sim" }

// Encode implements worker.Encoder.
func (e *encoder) Encode(ctx context.Context, t *worker.Task) (*pipeline.Record, error) {
	build := e.world.installed(e.host) // a process has its libraries from its start
	frames, err := e.input(t)
	if err != nil {
		return nil, err
	}
	if err := e.work(ctx, t); err != nil {
		return nil, err
	}
	if !t.Plan.Encodes() {
		return e.look(t, frames, pipeline.Build{})
	}
	was := e.told(build)
	if t.Build.Known() && (was != t.Build || build.Version != was.Version) {
		e.world.judge.tally("another build")
		return nil, worker.ErrOtherBuild
	}
	if t.Plan.Analysis != "" {
		return e.look(t, frames, was)
	}
	flow, err := e.flow(t, frames)
	if err != nil {
		return nil, err
	}
	text := []byte("result " + t.File.Stem() + " " + build.Headers + " " + found(t.Plan) + "\n" + strings.ToUpper(frames))
	if err := e.share.Create(t.File.Partial(), text); err != nil {
		return nil, err
	}
	video := e.video(frames)
	if t.Spending.CRF > 0 {
		video = e.world.takes(t.Chunk, t.Spending.CRF, true)
	}
	return &pipeline.Record{Size: int64(len(text)), Video: video, CRC32: crcOf(text), Frames: t.Chunk.PTS.Len(),
		Spent: t.Spending, Flow: flow, Encoder: build.Version, Build: was, Extradata: build.Headers, Seconds: 1,
		Method: "sim"}, nil
}

// video is how many bytes of an output a chunk says to be. Of a film that outgrows its limit early they are so many
// that most of its chunks are enough.
func (e *encoder) video(frames string) int64 {
	title, _, _ := strings.Cut(frames, ".")
	if f := e.world.films[title]; f != nil && f.limit == "early" {
		return int64(2 * len(frames))
	}
	return int64(strings.Count(frames, "\n"))
}

func (e *encoder) input(t *worker.Task) (string, error) {
	if t.File.Kind == pipeline.KindPiece {
		text, err := e.share.Read(t.File.Path(), maxText)
		if err != nil {
			return "", err
		}
		return strings.Join(lines(text), "\n") + "\n", nil
	}
	text, err := e.share.Read(pipeline.JobFile(t.File.Job, t.Plan.Source), maxText)
	if err != nil {
		return "", err
	}
	return cut(text, t.Chunk)
}

// work passes the time of an encode, which stops while it is paused.
func (e *encoder) work(ctx context.Context, t *worker.Task) error {
	g := &gate{}
	t.Controlled(&worker.Control{
		Pause:  func() error { g.shut(); return nil },
		Resume: func() error { g.reopen(); return nil },
		Life:   func() int64 { return time.Now().UnixNano() },
	})
	defer t.Controlled(nil)
	key := "encode " + t.File.Stem()
	for n := range t.Chunk.PTS.Len() {
		if !g.pass(ctx.Done()) {
			return ctx.Err()
		}
		if err := e.world.take(ctx, fmt.Sprint(key, n), e.world.plan.encode); err != nil {
			return err
		}
		t.Progress(n+1, 100)
	}
	if e.world.plan.poison > 0 && t.File.Chunk == 0 && strings.HasPrefix(t.File.Job, e.world.poisoned()) {
		return errors.New("the encoder crashed")
	}
	return nil
}

// take passes up to d of virtual time, or ends with ctx.
func (w *world) take(ctx context.Context, key string, d time.Duration) error {
	t := time.NewTimer(w.span(key, d/10, d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

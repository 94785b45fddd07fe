package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
)

// Media are the stages with ffmpeg, ffprobe and mkvmerge.
type Media struct {
	FS    *sharefs.FS
	Tools media.Tools
	// Private results were encoded by this process and nobody else can get at them: their pictures are not
	// looked at, since this machine would judge itself.
	Private bool
	// Memory returns how many bytes programs can still have here, and how many at most: an encode with so many Threads
	// that needs more is refused. If nil, other machines may have more.
	Memory  func() (free, most int64)
	Threads int

	mu    sync.Mutex
	files map[string]*media.File // what ffprobe says of plans' sources; what is missing is asked for
	seen  map[string]seen        // accepted results, by stem; what is missing is read again
}

// seen is what was found in a result.
type seen struct {
	sum   merge.Sum
	whole bool // all of it was decoded
}

// maxSeen bounds what is remembered of results, some 150 bytes each.
const maxSeen = 20_000

// remember keeps what was found in a result.
func (s *Media) remember(c pipeline.ChunkFile, what seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxSeen {
		s.seen = map[string]seen{}
	}
	s.seen[c.Stem()] = what
}

// found tells what was found in results, the zero Sum where that is not known, and how many were decoded whole.
func (s *Media) found(chunks []pipeline.ChunkFile) (sums []merge.Sum, whole int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums = make([]merge.Sum, len(chunks))
	for i, c := range chunks {
		what := s.seen[c.Stem()]
		if sums[i] = what.sum; what.whole {
			whole++
		}
	}
	return sums, whole
}

// Scan implements master.Stages.
func (s *Media) Scan(ctx context.Context, name string) (master.Scan, error) {
	in, err := s.FS.OpenRead(name)
	if err != nil {
		return master.Scan{}, err
	}
	defer func() { _ = in.Close() }()
	source, err := split.Scan(ctx, s.Tools, s.FS.Path(name), in)
	out := master.Scan{CRC32: source.CRC32}
	var refused *pipeline.Refusal
	switch {
	case err == nil:
		out.Kept = source
	case errors.As(err, &refused):
		out.Refused = err
	default:
		return out, err // it may pass
	}
	return out, ctx.Err()
}

// Plan implements master.Stages.
func (s *Media) Plan(ctx context.Context, j *pipeline.Job, scan master.Scan) (*pipeline.Plan, error) {
	if err := s.FS.Regular(pipeline.JobFile(j.ID, j.Source)); err != nil {
		return nil, err
	}
	plan, err := split.Make(ctx, s.Tools, split.Request{
		Job: j.ID, Path: s.FS.Path(pipeline.JobFile(j.ID, j.Source)), NormPath: s.FS.Path(pipeline.NormOf(j.ID)),
		CRC32: j.CRC32, Settings: j.Settings, Scan: sourceOf(scan), TestEncode: encode.Test, TestRest: merge.TryRest,
		Slots: pipeline.Slots(s.FS),
	})
	if err != nil {
		return nil, err
	}
	plan.Memory = encode.Memory(plan)
	if err := s.fits(plan); err != nil {
		return nil, err
	}
	source, err := s.described(ctx, plan, scan)
	if err != nil {
		return nil, err
	}
	s.know(plan, source)
	if err := merge.TryConverted(ctx, s.Tools, s.FS.Path(pipeline.JobFile(j.ID, plan.Source)), source, j.Settings); err != nil {
		return nil, err
	}
	plan.Notes = append(plan.Notes, merge.Limits(source, j.Settings)...)
	if plan.Source == plan.Original {
		return plan, nil
	}
	return plan, s.FS.Durable(pipeline.JobFile(j.ID, plan.Source))
}

// sourceOf returns what Scan has kept, nil if it kept nothing.
func sourceOf(scan master.Scan) *split.Source {
	source, _ := scan.Kept.(*split.Source)
	return source
}

// fits refuses what this machine has no memory for, where no other one can help.
func (s *Media) fits(plan *pipeline.Plan) error {
	if s.Memory == nil {
		return nil
	}
	need := plan.Memory.Of(s.Threads)
	if free, most := s.Memory(); most > 0 && need > free {
		return pipeline.Refuse("The encode needs about %s of memory, and this machine has %s, of which %s are free: %s.",
			pipeline.Gigabytes(need), pipeline.Gigabytes(most), pipeline.Gigabytes(free), pipeline.LessMemory)
	}
	return nil
}

// described is what ffprobe says of the plan's source: the scan has it, unless the source was normalised.
func (s *Media) described(ctx context.Context, plan *pipeline.Plan, scan master.Scan) (*media.File, error) {
	if source := sourceOf(scan); source != nil && plan.Source == plan.Original {
		return source.File, nil
	}
	return s.Tools.Probe(ctx, s.FS.Path(pipeline.JobFile(plan.Job, plan.Source)))
}

// know remembers what ffprobe said of a plan's source, which nobody changes while the job is live.
func (s *Media) know(plan *pipeline.Plan, source *media.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil || len(s.files) >= maxFiles {
		s.files = map[string]*media.File{}
	}
	s.files[pipeline.JobFile(plan.Job, plan.Source)] = source
}

// maxFiles limits the cached probe results.
const maxFiles = 32

// passChunks is how many pieces one pass through the source makes at most. What it keeps of each packet is
// decided by a list of them.
const passChunks = 50

// Pieces implements master.Stages: chunks that follow one another are cut in one pass.
func (s *Media) Pieces(ctx context.Context, p *pipeline.Plan, chunks []int, ready func(chunk int, tmp string, err error) error) error {
	if err := s.FS.Regular(pipeline.JobFile(p.Job, p.Source)); err != nil {
		return err
	}
	for len(chunks) > 0 {
		n := 1
		for n < min(len(chunks), passChunks) && chunks[n] == chunks[0]+n {
			n++
		}
		if err := s.pass(ctx, p, chunks[0], chunks[0]+n, ready); err != nil {
			return err
		}
		chunks = chunks[n:]
	}
	return nil
}

// pass cuts the chunks from one to in front of another.
func (s *Media) pass(ctx context.Context, p *pipeline.Plan, from, to int, ready func(chunk int, tmp string, err error) error) error {
	nonce := pipeline.Nonce(12)
	err := split.Pieces(ctx, s.Tools, split.Cutting{
		Plan: p, Chunks: p.Chunks[from:to], Source: s.FS.Path(pipeline.JobFile(p.Job, p.Source)),
		Name: func(lane int, piece string) string { return s.FS.Path(pipeline.CutOf(p.Job, nonce, lane, piece)) },
		Ready: func(chunk int, file string, err error) error {
			name := path.Join(pipeline.PendingOf(p.Job), path.Base(file))
			if err == nil {
				err = s.FS.Sync(name)
			}
			return ready(chunk, name, err)
		},
	})
	return errors.Join(err, s.sweepCuts(p.Job, nonce))
}

// sweepCuts removes what a pass has left.
func (s *Media) sweepCuts(job, nonce string) error {
	names, err := s.FS.List(pipeline.PendingOf(job))
	if err != nil {
		return err
	}
	prefix, _, _ := strings.Cut(path.Base(pipeline.CutOf(job, nonce, 0, "")), ".")
	for _, n := range names {
		if strings.HasPrefix(n, prefix+".") {
			err = errors.Join(err, s.FS.Remove(path.Join(pipeline.PendingOf(job), n)))
		}
	}
	return err
}

// Check implements master.Stages: the file is read once, then decoded.
func (s *Media) Check(ctx context.Context, p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, quick bool) error {
	in, err := s.FS.OpenRead(c.Result())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	clip, err := encode.Check(ctx, s.Tools, p, &p.Chunks[c.Chunk], in, s.FS.Path(c.Result()))
	switch {
	case clip.CRC32 != "" && clip.CRC32 != r.CRC32:
		return fmt.Errorf("the result's CRC-32 is %s, its worker wrote %s", clip.CRC32, r.CRC32)
	case err != nil:
		return err
	case clip.Extradata != r.Extradata:
		return errors.New("the result's stream headers are not those that its worker wrote down")
	}
	if !s.Private {
		if err := s.checkPictures(ctx, p, c, r, clip, quick); err != nil {
			return err
		}
	}
	clip.Extradata = r.Extradata // one copy of it is enough
	s.remember(c, seen{merge.SumOf(clip), !quick && !s.Private})
	return nil
}

// checkPictures compares the result's pictures with the source's. An error that is no fault of the result's is an
// *fs.PathError, or trouble.
func (s *Media) checkPictures(
	ctx context.Context, p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, clip *media.Clip, quick bool,
) error {
	if err := s.FS.Regular(pipeline.JobFile(p.Job, p.Source)); err != nil {
		return err
	}
	source := s.FS.Path(pipeline.JobFile(p.Job, p.Source))
	err := encode.PictureCheck{
		Plan: p, Chunk: &p.Chunks[c.Chunk], Source: source, Result: s.FS.Path(c.Result()),
		Clip: clip, Method: r.Method, Quick: quick,
	}.Compare(ctx, s.Tools)
	if err != nil && !errors.Is(err, encode.ErrPictures) && !sharefs.Trouble(err) {
		return &fs.PathError{Op: "look", Path: source, Err: errors.New(err.Error())}
	}
	return err
}

// Prepare implements master.Stages.
func (s *Media) Prepare(ctx context.Context, j *pipeline.Job, p *pipeline.Plan, dst string) (any, error) {
	if err := s.FS.Regular(pipeline.JobFile(j.ID, p.Source)); err != nil {
		return nil, err
	}
	if err := s.FS.MkdirAll(pipeline.WorkOf(dst)); err != nil {
		return nil, err
	}
	prepared, err := merge.Prepare(ctx, s.Tools, s.request(j, p, dst))
	if err != nil {
		return nil, err
	}
	return prepared, nil
}

func (s *Media) request(j *pipeline.Job, p *pipeline.Plan, dst string) merge.Request {
	s.mu.Lock()
	file := s.files[pipeline.JobFile(p.Job, p.Source)]
	s.mu.Unlock()
	return merge.Request{
		Plan: p, Source: s.FS.Path(pipeline.JobFile(j.ID, p.Source)), File: file, Out: s.FS.Path(dst), WorkDir: s.FS.Path(pipeline.WorkOf(dst)),
	}
}

// Merge implements master.Stages.
func (s *Media) Merge(
	ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
	dst string, prepared any,
) (*master.Merged, error) {
	if err := s.FS.Regular(pipeline.JobFile(j.ID, p.Source)); err != nil {
		return nil, err
	}
	req := s.request(j, p, dst)
	req.Prepared, _ = prepared.(*merge.Prepared)
	var whole int
	req.Sums, whole = s.found(chunks)
	for i, c := range chunks {
		req.Results = append(req.Results, s.FS.Path(c.Result()))
		req.CRCs = append(req.CRCs, records[i].CRC32)
	}
	if err := s.FS.MkdirAll(pipeline.WorkOf(dst)); err != nil {
		return nil, err
	}
	out, err := merge.Merge(ctx, s.Tools, req)
	if err != nil {
		return nil, err
	}
	cert := merge.Certify(p, records, out, pipeline.OutputName(j.Name(), j.Settings.Container, out.CRC32), time.Now().UTC())
	cert.Source.Name = pipeline.RawName(j.Name()).String()
	if !s.Private {
		cert.Checked = append(slices.Clone(cert.Checked), fmt.Sprintf("every chunk: its first picture as a thumbnail against the source's; %d of %d were decoded whole, "+
			"without an error, and another key frame compared", whole, len(chunks)))
	}
	b, err := json.MarshalIndent(cert, "", "  ")
	if err != nil {
		return nil, err
	}
	failures, _ := pipeline.JobFailures(s.FS, j.ID) // a folder that a person removed is no reason to fail
	return &master.Merged{CRC32: out.CRC32, Certificate: append(b, '\n'), Report: reportOf(j, p, records, failures, out)}, nil
}

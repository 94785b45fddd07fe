package stages

import (
	"context"
	"errors"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/split"
)

// Scan implements master.Stages.
func (s *Media) Scan(ctx context.Context, name string) (master.Scan, error) {
	in, err := s.FS.OpenRead(name)
	if err != nil {
		return master.Scan{}, err
	}
	defer func() { _ = in.Close() }()
	source, err := split.Scan(ctx, s.Tools, s.FS.Path(name), in)
	out := master.Scan{CRC32: source.CRC32}
	_, refused := errors.AsType[*pipeline.Refusal](err)
	switch {
	case err == nil:
		out.Kept, out.Size = source, source.Memory()
	case refused:
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
	crew := pipeline.Crew(s.FS)
	plan, err := split.Make(ctx, s.Tools, split.Request{
		Job: j.ID, Path: s.FS.Path(pipeline.JobFile(j.ID, j.Source)), NormPath: s.FS.Path(pipeline.NormOf(j.ID)),
		CRC32: j.CRC32, Settings: j.Settings, Scan: sourceOf(scan), TestEncode: encode.Test, TestRest: merge.TryRest,
		Slots: func(format string) int {
			if s.Slots > 0 {
				return s.Slots
			}
			_, slots := pipeline.MostSlots(crew, j.Settings.Demand(format))
			return slots
		},
	})
	if err != nil {
		return nil, err
	}
	if err := s.equip(ctx, plan, crew); err != nil {
		return nil, err
	}
	source, err := s.described(ctx, plan, scan)
	if err != nil {
		return nil, err
	}
	s.know(plan, source)
	if err := s.allot(ctx, plan, source); err != nil {
		return nil, err
	}
	path := s.FS.Path(pipeline.JobFile(j.ID, plan.Source))
	if err := merge.TryConverted(ctx, s.Tools, path, source, j.Settings); err != nil {
		return nil, err
	}
	notes, err := merge.Limits(ctx, s.Tools, path, source, j.Settings)
	if err != nil {
		return nil, err
	}
	plan.Notes = append(plan.Notes, notes...)
	if plan.Source == plan.Original {
		return plan, nil
	}
	return plan, s.FS.Durable(pipeline.JobFile(j.ID, plan.Source))
}

// equip decides what a chunk of the plan takes: a build of the encoder, and memory.
func (s *Media) equip(ctx context.Context, plan *pipeline.Plan, crew []pipeline.SeenNode) (err error) {
	if plan.Encodes() && !plan.Build.Known() {
		if plan.Build, err = s.choose(ctx, plan, crew); err != nil {
			return err
		}
	}
	plan.Memory = encode.Memory(plan)
	if err := errors.Join(s.fits(plan), s.measures(ctx, plan)); err != nil { // before it is analysed too
		return err
	}
	if !plan.Encodes() {
		plan.Memory = encode.DecoderMemory(plan)
	}
	return nil
}

// choose picks the build that the film is encoded with: the one that most slots have, else this machine's.
func (s *Media) choose(ctx context.Context, plan *pipeline.Plan, crew []pipeline.SeenNode) (pipeline.Build, error) {
	build, _ := pipeline.MostSlots(crew, plan.Demand())
	if build.Known() || s.Builds == nil {
		return build, nil
	}
	build, err := s.Builds.Of(ctx, plan.Settings.Encoder, plan.Out.PixFmt)
	if refused(err) { // a picture of the film was encoded here: then it is the trial that fails, on other machines too
		return pipeline.Build{}, nil
	}
	return build, err
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

// measures refuses what this machine can't measure, where no other one can help.
func (s *Media) measures(ctx context.Context, plan *pipeline.Plan) error {
	m := plan.Settings.Quality.Metric
	if !s.Private || s.Builds == nil || m == "" {
		return nil
	}
	if err := s.Builds.Measures(ctx, m); err != nil && media.Settles(err) {
		return pipeline.Refuse("This machine's ffmpeg can't measure %s: %s.", m.Title(), m.Remedy()).Because(err)
	}
	return nil
}

// described returns what ffprobe says of the plan's source: the scan has it, unless the source was normalised.
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
	if s.files == nil {
		s.files = map[string]*media.File{}
	}
	for other := range s.files { // any of them, where there are too many
		if len(s.files) < maxFiles {
			break
		}
		delete(s.files, other)
	}
	s.files[pipeline.JobFile(plan.Job, plan.Source)] = source
}

// maxFiles limits the cached probe results, some 20 KB each: of a few hundred short films that are planned before the
// first of them is merged.
const maxFiles = 256

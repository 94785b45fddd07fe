package stages

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/split"
)

// passChunks limits the pieces that one pass through the source makes: it looks each packet up in a list of them.
const passChunks = 50

// Pieces implements master.Stages: chunks that follow one another are cut in one pass.
func (s *Media) Pieces(
	ctx context.Context, p *pipeline.Plan, chunks []int, ready func(chunk int, tmp string, err error) error,
) error {
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
func (s *Media) pass(
	ctx context.Context, p *pipeline.Plan, from, to int, ready func(chunk int, tmp string, err error) error,
) error {
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

package stages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
)

// Check implements master.Stages: the file is read once, then decoded.
func (s *Media) Check(
	ctx context.Context, p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, quick bool,
) error {
	if p.Analysis == pipeline.Bars {
		_, err := s.lit(p, c, r)
		return err
	}
	if p.Analysis == pipeline.Rate {
		_, err := s.rates(p, c, r)
		return err
	}
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
	case r.Quality.Asked != p.Settings.Quality:
		return fmt.Errorf("the result was encoded for the quality %q, wanted is %q", r.Quality.Asked, p.Settings.Quality)
	}
	if _, _, err := encoder.At(p.Settings, r.Quality.CRF); err != nil {
		return fmt.Errorf("the result's record has a CRF that can't be: %w", err)
	}
	if !s.Private {
		if err := s.checkPictures(ctx, p, c, r, clip, quick); err != nil {
			return err
		}
	}
	r.Video = clip.Payload()
	r.Flow = encode.Flow(p, c.Chunk, clip)
	clip.Extradata = r.Extradata // one copy of it is enough
	s.remember(c, inspection{merge.SumOf(clip), !quick && !s.Private})
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
		Clip: clip, Method: r.Method, CRF: cmp.Or(r.Quality.CRF, r.Spent.CRF), Quick: quick,
	}.Compare(ctx, s.Tools)
	if err != nil && !errors.Is(err, encode.ErrPictures) && !sharefs.Trouble(err) {
		return &fs.PathError{Op: "look", Path: source, Err: errors.New(err.Error())}
	}
	return err
}

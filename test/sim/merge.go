package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
)

// prepared is a merge whose "sound" is there, and perhaps what was written ahead of it.
type prepared struct{ ahead bool }

// Prepare implements master.Stages.
func (s stages) Prepare(ctx context.Context, _ *pipeline.Job, _ *pipeline.Plan, dst string) (any, error) {
	return &prepared{}, s.intermediate(ctx, dst, "sound", []byte("sound"))
}

// intermediate writes a file into the folder of a merge, which may have been swept meanwhile.
func (s stages) intermediate(ctx context.Context, dst, name string, text []byte) error {
	work := pipeline.WorkOf(dst)
	if err := s.share.MkdirAll(work); err != nil {
		return err
	}
	if err := s.world.take(ctx, name+" "+dst, 5*time.Second); err != nil {
		return err
	}
	return s.share.Create(path.Join(work, name), text)
}

// Ahead implements master.Stages. It does not look whether results are right.
func (s stages) Ahead(ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, dst string,
	before any) error {
	out, err := s.joined(j, p, chunks, nil)
	if err == nil {
		err = s.intermediate(ctx, dst, "ahead", out)
	}
	before.(*prepared).ahead = err == nil
	return err
}

// joined is the output of results. If there are no records, it may be wrong.
func (s stages) joined(j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "output %s\n", j.ID)
	for i, c := range chunks {
		text, err := s.share.Read(c.Result(), maxText)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &pipeline.BadChunk{Index: i, Reason: err.Error()}
		}
		if err != nil {
			return nil, err
		}
		if records != nil {
			if err := fits(text, &p.Chunks[i], &records[i]); err != nil {
				return nil, &pipeline.BadChunk{Index: i, Reason: err.Error()}
			}
		}
		fmt.Fprintf(&out, "chunk %d %s %s %s\n%s\n", i, c.Stem(), headersOf(text), foundOf(text),
			strings.Join(lines(text), "\n"))
	}
	return out.Bytes(), nil
}

// Merge implements master.Stages.
func (s stages) Merge(ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile,
	records []pipeline.Record, dst string, before any) (*master.Merged, error) {
	if err := s.intermediate(ctx, dst, "video", []byte("video")); err != nil {
		return nil, err
	}
	if before != nil {
		if _, err := s.share.Read(path.Join(pipeline.WorkOf(dst), "sound"), maxText); err != nil {
			return nil, err
		}
	}
	out, err := s.joined(j, p, chunks, records)
	if err != nil {
		return nil, err
	}
	if err := s.world.take(ctx, "merge "+dst, 10*time.Second); err != nil {
		return nil, err
	}
	if err := s.write(ctx, dst, out, before); err != nil {
		return nil, err
	}
	return &master.Merged{
			CRC32: crcOf(out), Size: sizeOf(p, records, len(out)), Certificate: []byte("{}\n"), Report: "checked\n",
		},
		s.share.Durable(dst)
}

// write takes what was written ahead if that is the output, as the real stages do by its payload.
func (s stages) write(ctx context.Context, dst string, out []byte, before any) error {
	if p, is := before.(*prepared); is && p.ahead {
		ahead := path.Join(pipeline.WorkOf(dst), "ahead")
		if text, err := s.share.Read(ahead, maxText); err == nil && bytes.Equal(text, out) {
			_, err := s.share.Move(ctx, ahead, dst)
			return err
		}
	}
	return s.share.Create(dst, out)
}

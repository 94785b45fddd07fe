package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/merge"
)

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
		Plan: p, Source: s.FS.Path(pipeline.JobFile(j.ID, p.Source)), File: file,
		Out: s.FS.Path(dst), WorkDir: s.FS.Path(pipeline.WorkOf(dst)),
	}
}

// Ahead implements master.Stages.
func (s *Media) Ahead(
	ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, dst string, prepared any,
) error {
	req := s.request(j, p, dst)
	var ok bool
	if req.Prepared, ok = prepared.(*merge.Prepared); !ok {
		return errors.New("nothing is prepared for the merge")
	}
	names := []string{pipeline.JobFile(j.ID, p.Source)}
	for _, c := range chunks {
		if names = append(names, c.Result()); c.State != pipeline.Accepted && c.State != pipeline.Committed {
			return fmt.Errorf("%s has no result yet", c.ID())
		}
		req.Results = append(req.Results, s.FS.Path(c.Result()))
	}
	for _, name := range names {
		if err := s.FS.Regular(name); err != nil {
			return err
		}
	}
	req.Out = s.FS.Path(aheadOf(dst))
	if err := merge.Ahead(ctx, s.Tools, req); err != nil {
		return err
	}
	return s.FS.Sync(aheadOf(dst)) // what comes then has less to wait for
}

// aheadOf is what is written ahead of a merge into dst. It has a name of its own, for no name on a share is made twice.
func aheadOf(dst string) string { return path.Join(pipeline.WorkOf(dst), "ahead") }

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
	if req.Prepared.Joined(req.Results) {
		if _, err := s.FS.Move(ctx, aheadOf(dst), dst); err != nil {
			return nil, err
		}
		if err := s.FS.Durable(dst); err != nil {
			return nil, err
		}
		req.Joined = true
	}
	out, err := merge.Merge(ctx, s.Tools, req)
	if err != nil {
		return nil, err
	}
	var notes []string
	if j.Settings.Dates {
		if err := s.FS.SetDate(dst, j.ModTime); err != nil {
			notes = append(notes, "The output does not have its source's date: "+err.Error()+".")
		}
	}
	if note := out.Report.CheckBuffer(p.Buffer, records); note != "" {
		notes = append(notes, note)
	}
	name := j.OutputName(p, out.CRC32)
	cert := merge.Certify(p, records, out, name, time.Now().UTC())
	cert.Notes = slices.Concat(cert.Notes, notes)
	cert.Source.Name = pipeline.RawName(j.Name()).String()
	if !s.Private {
		cert.Checked = append(slices.Clone(cert.Checked), fmt.Sprintf("every chunk: its first picture as a thumbnail "+
			"against the source's; %d of %d were decoded whole, without an error, and another key frame compared",
			whole, len(chunks)))
	}
	b, err := json.MarshalIndent(cert, "", "  ")
	if err != nil {
		return nil, err
	}
	failures, _ := pipeline.JobFailures(s.FS, j.ID) // a folder that a person removed is no reason to fail
	var pins pipeline.Pins
	if dir, err := pipeline.ListFolder(s.FS, j.ID); err == nil { // nor is this
		pins, _ = pipeline.LoadPins(s.FS, p, dir)
	}
	report := reportOf(j, p, pins, records, failures, out)
	for _, n := range notes {
		report += "\nnote: " + n + "\n"
	}
	report += s.asked(j.ID)
	return &master.Merged{
		CRC32: out.CRC32, Size: out.Size, Certificate: append(b, '\n'), Report: report, Notes: notes,
	}, nil
}

package sample

import (
	"context"
	"errors"
	"math"
	"os"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
)

// Request is what Take samples.
type Request struct {
	Path     string // the film, absolute
	Dir      string // an empty folder for what is written meanwhile, absolute, which the caller removes
	Settings []pipeline.Settings
	Time     time.Duration // to be spent on encoding and measuring, about: some rounds are taken in any case
	Slots    int           // encodes side by side; below 1: one
	Threads  int           // of each
	Nice     int
	// Progress is called when a part of the time is over, 0 to 1, with what is going on. If nil, it is not called.
	Progress func(part float64, what string)
}

// Sample is what was found out about a film.
type Sample struct {
	Frames     int
	Seconds    float64 // of the film
	Size       int64   // of the source's file, in bytes
	Candidates []*Candidate
	Moments    []Moment // the candidates' worst frames, the worst first

	film    *film
	reading float64 // seconds that it took to read the source once
	tools   media.Tools
	req     Request
}

// Take samples the film with each of the settings. Settings with which the film can't be encoded are told by their
// candidate's Refused. The error is a *pipeline.Refusal if the film can't be encoded whatever they are.
func Take(ctx context.Context, tools media.Tools, req Request) (*Sample, error) {
	if req.Progress == nil {
		req.Progress = func(float64, string) {}
	}
	req.Slots = max(1, req.Slots)
	req.Progress(0, "reading the film")
	info, err := os.Stat(req.Path)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	scan, err := split.ScanFile(ctx, tools, req.Path)
	if err != nil {
		return nil, err
	}
	s := &Sample{Size: info.Size(), film: &film{path: req.Path, scan: scan}, tools: tools, req: req,
		reading: time.Since(began).Seconds()}
	if err := s.plan(ctx); err != nil || len(s.sampled()) == 0 {
		return s, err
	}
	s.Frames, s.Seconds = len(s.film.frames), s.film.seconds()
	for _, c := range s.sampled() {
		c.chunks = max(1, int(math.Round(s.Seconds/max(1, c.Settings.Chunk))))
	}
	r := &run{Sample: s, ends: time.Now().Add(req.Time)}
	if r.vmaf, err = canVMAF(ctx, tools); err != nil {
		return nil, err
	}
	if err := r.all(ctx); err != nil {
		return nil, err
	}
	for _, c := range r.sampled() {
		c.score(s.film, r.vmaf)
		c.bound(s.Size)
	}
	return s, r.moments(ctx)
}

// A merge reads the source and all chunks, and the output once more. A private share looks whether there is something
// to do every now and then, so each step of a job waits a moment.
const (
	mergeReads = 3
	moments    = 1.0 // seconds, as measured
)

// plan plans the film with all settings.
func (s *Sample) plan(ctx context.Context) error {
	for _, set := range s.req.Settings {
		began := time.Now()
		c := &Candidate{Settings: set}
		s.Candidates = append(s.Candidates, c)
		plan, err := s.film.plan(ctx, s.tools, s.req, set)
		if err == nil {
			c.plan, c.Notes = plan, plan.Notes
			c.Rest, err = s.film.rest(ctx, s.tools, plan)
		}
		if refused, ok := errors.AsType[*pipeline.Refusal](err); ok {
			c.Refused = refused.Reason
		} else if err != nil {
			return err
		}
		c.around = (1+mergeReads)*s.reading + time.Since(began).Seconds() + moments
	}
	return nil
}

// canVMAF reports whether ffmpeg has VMAF.
func canVMAF(ctx context.Context, tools media.Tools) (bool, error) {
	err := tools.CanMeasure(ctx, pipeline.VMAF)
	if media.Settles(err) {
		return false, nil
	}
	return err == nil, err
}

// sampled are the candidates that the film can be encoded with.
func (s *Sample) sampled() (all []*Candidate) {
	for _, c := range s.Candidates {
		if c.Refused == "" {
			all = append(all, c)
		}
	}
	return all
}

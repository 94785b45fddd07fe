package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/pipeline"
)

// farm is a share that one encoder has for itself.
type farm struct {
	binary, share string
	rows          []*row
	tools         map[string]bool // what encoded, merged and verified, by its own words
}

// result is what became of a source.
type result struct {
	inbox string // its name there, as people are shown it
	what  string
	late  bool // it failed after it was planned
	notes []string
}

// encode sends all sources through the share, and notes what became of them.
func (f farm) encode(ctx context.Context, encoder string) error {
	distenc := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, f.binary, append(args, "--log-level", "error")...)
		cmd.Env = append(os.Environ(), "DISTENC_SHARE="+f.share)
		out, err := cmd.Output()
		return string(out), err
	}
	if _, err := distenc("init", f.share); err != nil {
		return err
	}
	text := fmt.Sprintf(settings, encoder, quick[encoder])
	if err := os.WriteFile(filepath.Join(f.share, pipeline.Config), []byte(text), 0o644); err != nil {
		return err
	}
	results := make([]result, len(f.rows))
	var adding errgroup.Group
	adding.SetLimit(8) // each waits for a master that does not come
	for i, r := range f.rows {
		adding.Go(func() error {
			out, err := distenc("add", "--again", r.path) // some have the same content under several names
			if exit, is := errors.AsType[*exec.ExitError](err); is {
				results[i] = refused(string(exit.Stderr))
				return nil
			}
			if err != nil {
				return fmt.Errorf("cannot add %q: %w", r.path, err)
			}
			results[i] = result{inbox: filepath.Base(strings.TrimSuffix(strings.TrimPrefix(out, "added "), "\n"))}
			return nil
		})
	}
	if err := adding.Wait(); err != nil {
		return err
	}
	var exit *exec.ExitError
	if _, err := distenc("run", "--until-idle"); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return fmt.Errorf("cannot encode the sources: %w", err)
	}
	if err := f.jobs(results); err != nil {
		return err
	}
	if err := f.failed(results); err != nil {
		return err
	}
	for i, r := range results {
		f.rows[i].results = append(f.rows[i].results, r)
	}
	return nil
}

// refused is what distenc said to whoever added the file.
func refused(said string) result {
	_, reason, _ := strings.Cut(strings.TrimSpace(said), `": `)
	return result{what: "refused", notes: []string{reason}}
}

// jobs reads what became of the sources that were taken in.
func (f farm) jobs(results []result) error {
	jobs, err := filepath.Glob(filepath.Join(f.share, pipeline.Jobs, "*", "job.json"))
	if err != nil {
		return err
	}
	for _, name := range jobs {
		var job pipeline.Job
		if err := read(name, &job); err != nil {
			return err
		}
		i := slices.IndexFunc(results, func(r result) bool { return r.inbox == pipeline.RawName(job.Name()).String() })
		if i < 0 {
			continue
		}
		var certificate struct {
			Encoder string
			Tools   map[string]string
			Notes   []string
		}
		if err := read(filepath.Join(filepath.Dir(name), pipeline.CertificateName), &certificate); err != nil {
			// It lies in failed/. What could be planned should have come out.
			_, err := os.Stat(filepath.Join(filepath.Dir(name), "plan.json"))
			results[i].late = err == nil
			continue
		}
		results[i].what, results[i].notes = "exact", certificate.Notes
		if len(certificate.Notes) > 0 {
			results[i].what = "exact, with notes"
		}
		f.tools[certificate.Encoder] = true
		for _, line := range certificate.Tools {
			line, _, _ = strings.Cut(line, " Copyright")
			f.tools[line] = true
		}
	}
	return nil
}

// failed reads why the other sources did not come out.
func (f farm) failed(results []result) error {
	failed, err := os.ReadDir(filepath.Join(f.share, pipeline.FailedDir))
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.what != "" {
			continue
		}
		at := slices.IndexFunc(failed, func(e fs.DirEntry) bool { return pipeline.RawName(e.Name()).String() == r.inbox })
		switch {
		case at < 0 && r.late: // its job waits for a person
			results[i].what, results[i].notes = "FAILED LATE", []string{"A chunk of it was set aside."}
			continue
		case at < 0:
			return fmt.Errorf("nothing tells what became of %q", r.inbox)
		}
		reason, err := os.ReadFile(filepath.Join(f.share, pipeline.FailedDir, failed[at].Name(), pipeline.ReasonName))
		if err != nil {
			return err
		}
		results[i].what, results[i].notes = "refused", []string{strings.TrimSpace(string(reason))}
		if r.late {
			results[i].what = "FAILED LATE"
		}
	}
	return nil
}

func read(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

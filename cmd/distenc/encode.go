package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

func newEncode(g *global) *cobra.Command {
	var w asked
	var out string
	var anew bool
	cmd := &cobra.Command{
		Use:   "encode FILE... [-o OUT] [flags] [-- OPTIONS]",
		Short: "Encode files on this machine, without a share",
		Long: `Encodes files on this machine alone, by the same path as a cluster: planned, cut, encoded in parallel,
merged and verified. It works in a hidden folder beside the output, which is gone at the end. When it was
interrupted or killed, the same command goes on with what was done.

A film that would come out larger than its profile's max_size stays as it is: nothing is written, and its own path is
printed in place of the output's.

Without -o the output stands beside its source: "name (2).mkv", or with its own CRC-32 in the name
where the source has one. An existing file is never overwritten.

` + aboutOptions,
		Example: `  distenc encode "Show - 01 [ABCDEFAB].mkv" -o out.mkv -- --preset veryfast --profile high --crf 20
  distenc encode film.mkv --encoder svtav1 -- --preset 8`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := w.takeOptions(cmd, args)
			if err != nil {
				return err
			}
			if out != "" && len(files) > 1 {
				return usage(errors.New("-o names one output, but there are several files"))
			}
			if !canName(out) {
				return usage(fmt.Errorf("cannot write %q: outputs are Matroska or MP4; end its name in .mkv or .mp4", out))
			}
			here := config.Flag{Name: cmd.Name(), Key: "split.pieces", Value: "range"}
			cfg, _, err := g.load(cmd, append(ownNice(cmd), here)...)
			if err != nil {
				return err
			}
			if err := w.check(cfg); err != nil {
				return err
			}
			return g.stop.oneShot(encodeAll(cmd, cfg, w.Wishes, files, out, anew))
		},
	}
	w.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the output `FILE`; its ending, .mkv or .mp4, chooses the container")
	cmd.Flags().BoolVar(&anew, "no-resume", false,
		"begin anew, and remove what an interrupted encode of the file has left")
	addNice(cmd)
	addSlots(cmd)
	return cmd
}

func encodeAll(cmd *cobra.Command, cfg config.Config, w steer.Wishes, files []string, out string, anew bool) error {
	log := quietLog(cmd, cfg)
	tools, err := media.Find(log)
	if err != nil {
		return err
	}
	tools.Facts = facts()
	if c := containerOf(out); c != "" {
		w.Settings = config.Choices(w.Settings).With(config.Choices{"container": string(c)})
	}
	var failed error
	for _, file := range files {
		s := privateEncode{cfg: private(cfg), log: log, tools: tools, wishes: w, anew: anew, progress: cmd.ErrOrStderr()}
		err := s.encode(cmd.Context(), file, out, cmd.OutOrStdout())
		if err != nil && !errors.Is(err, errJobFailed) {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// privateEncode encodes one file on a private share.
type privateEncode struct {
	cfg      config.Config
	log      *slog.Logger
	tools    media.Tools
	wishes   steer.Wishes
	anew     bool // nothing is gone on with
	progress io.Writer
}

// encode opens a working folder beside the output, runs a master and a worker in it until the job has ended, and
// moves the output to its place.
func (s privateEncode) encode(ctx context.Context, file, out string, w io.Writer) (err error) {
	source, err := realPath("encode", file)
	if err != nil {
		return err
	}
	dir := filepath.Dir(source)
	if out != "" {
		if dir, err = filepath.Abs(filepath.Dir(out)); err != nil {
			return err
		}
	}
	if err := vacant(out, "-o"); err != nil {
		return err
	}
	f, folder, err := s.prepare(file, source, dir)
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if kept, err = folder.close(err); kept {
			fmt.Fprintf(s.progress, "What is done of %s is kept in %s. The same command goes on with it; "+
				"with --no-resume it begins anew and removes that folder.\n",
				filepath.Base(file), folder.share.Root())
		}
	}()
	st, err := s.work(ctx, f, folder, filepath.Base(file))
	if err != nil {
		return err
	}
	for _, n := range st.Notes {
		fmt.Fprintf(s.progress, "note: %s\n", n)
	}
	if !st.State.HasOutput() {
		return fmt.Errorf("%w: %q: %s", errJobFailed, file, st.Error)
	}
	return deliver(folder, dir, st, out, w)
}

// prepare opens a working folder in dir for the source that a person calls file, and returns who will work there.
func (s privateEncode) prepare(file, source, dir string) (*farm, *workFolder, error) {
	id, err := identify(source)
	if err != nil {
		return nil, nil, err
	}
	builds := stages.NewBuilds(s.tools, true)
	f := &farm{log: s.log, tools: s.tools, builds: builds, private: true, live: holding(s.cfg)}
	sidecar, err := sidecars{}.Amend(file, nil, s.wishes)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := f.resolve("", file, sidecar)
	if err != nil {
		return nil, nil, err
	}
	folder, err := openWorkFolder(dir, id, wanted.Settings, s.anew)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a working folder beside the output: %w", err)
	}
	return f, folder, nil
}

// realPath looks at a file that a command takes, and returns its own name, absolute, whatever links to it.
func realPath(verb, file string) (string, error) {
	if _, err := steer.Film(verb, file); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(file)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", &steer.FileError{Verb: verb, File: file, Err: err}
	}
	return path, nil
}

// work runs the job in the folder and returns how it ended.
func (s privateEncode) work(ctx context.Context, f *farm, folder *workFolder, name string) (pipeline.JobStatus, error) {
	f.fs = folder.share
	if _, err := furnish(f.fs, s.cfg.Lease); err != nil {
		return pipeline.JobStatus{}, fmt.Errorf("cannot make a working folder: %w", err)
	}
	f.tools.Answers = answers(f.fs)
	film, p := steer.NewSubmission(path.Join(pipeline.Inbox, name)), newProgress(s.progress)
	var err error
	if folder.job == nil {
		err = s.place(ctx, folder, film)
	} else {
		film.Nonce = folder.job.Nonce
		if before, err := status.ReadJob(f.fs, folder.job.ID); err == nil {
			p.first = before.Frames.Done
		}
		err = folder.putBack(ctx)
		fmt.Fprintf(s.progress, "Going on with what was done of %s before; --no-resume begins anew.\n", name)
	}
	if err != nil {
		return pipeline.JobStatus{}, err
	}
	over := make(waker, 1)
	f.told = over
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts, ctx := errgroup.WithContext(ctx) // whichever ends first ends the other
	parts.Go(func() error {
		defer cancel()
		return f.both(false)(ctx)
	})
	var st pipeline.JobStatus
	parts.Go(func() (err error) {
		defer cancel()
		st, err = wait(ctx, deskOf(f.fs), film, status.NewReader(f.fs, wishes, 0), p, over)
		return err
	})
	err = parts.Wait()
	return st, err
}

// place puts the source into the private inbox with its settings.
func (s privateEncode) place(ctx context.Context, folder *workFolder, film steer.Submission) error {
	staged := path.Join(pipeline.Inbox, ".distenc-encode")
	if err := folder.bring(ctx, staged); err != nil {
		return err
	}
	w := s.wishes
	w.Nonce, w.Size = film.Nonce, folder.source.Size
	return deskOf(folder.share).Reveal(film, staged, w)
}

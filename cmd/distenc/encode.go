package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/logging"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

func newEncode(g *global) *cobra.Command {
	var o order
	var out string
	cmd := &cobra.Command{
		Use:   "encode FILE... [-o OUT] [flags] [-- X264 OPTIONS]",
		Short: "Encode files on this machine, without a share",
		Long: `Encodes files on this machine alone, by the same path as a cluster: planned, cut, encoded in parallel,
merged and verified. It works in a hidden folder beside the output, and leaves nothing behind.

Without -o the output stands beside its source: "name (2).mkv", or with its own CRC-32 in the name
where the source has one. An existing file is never overwritten.`,
		Example: `  distenc encode "Show - 01 [ABCDEFAB].mkv" -o out.mkv -- --preset veryfast --profile high --crf 20`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := o.split(cmd, args)
			if err != nil {
				return err
			}
			if out != "" && len(files) > 1 {
				return usage(errors.New("-o names one output, but there are several files"))
			}
			if !canName(out) {
				return usage(fmt.Errorf("cannot write %q: outputs are Matroska or MP4; end its name in .mkv or .mp4", out))
			}
			cfg, _, err := g.load(cmd, config.Flag{Name: "encode", Key: "split.pieces", Value: "range"})
			if err != nil {
				return err
			}
			if err := o.check(cfg); err != nil {
				return err
			}
			return g.stop.oneShot(encodeAll(cmd, cfg, o, files, out))
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the output `FILE`; its ending, .mkv or .mp4, chooses the container")
	addSlots(cmd)
	return cmd
}

func encodeAll(cmd *cobra.Command, cfg config.Config, o order, files []string, out string) error {
	level := cfg.Log.Level
	if !cmd.Flags().Changed("log-level") {
		level = "error" // the progress says it
	}
	log := logging.New(cmd.ErrOrStderr(), cfg.Log.Format, logging.Level(level))
	tools, err := media.Find(log)
	if err != nil {
		return err
	}
	var failed error
	for _, file := range files {
		s := oneShot{cfg: cfg, log: log, tools: tools, order: o, progress: cmd.ErrOrStderr()}
		err := s.encode(cmd.Context(), file, out, cmd.OutOrStdout())
		if err != nil && !errors.Is(err, errJobFailed) {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// oneShot encodes one file on a private share.
type oneShot struct {
	cfg      config.Config
	log      *slog.Logger
	tools    media.Tools
	order    order
	progress io.Writer
}

// encode makes a private share beside the output, runs a master and a worker on it until the job has
// ended, and moves the output to its place.
func (s oneShot) encode(ctx context.Context, file, out string, w io.Writer) (err error) {
	if _, err := film("encode", file); err != nil {
		return err
	}
	source, err := filepath.EvalSymlinks(file)
	if err == nil {
		source, err = filepath.Abs(source)
	}
	if err != nil {
		return cannot("encode", file, err)
	}
	dir := filepath.Dir(source)
	if out != "" {
		if dir, err = filepath.Abs(filepath.Dir(out)); err != nil {
			return err
		}
		if _, err := os.Lstat(out); err == nil {
			return fmt.Errorf("cannot write %q: it exists, and nothing is overwritten; give another name with -o, or move it away", out)
		}
	}
	hidden, err := os.MkdirTemp(dir, ".distenc-")
	if err != nil {
		return fmt.Errorf("cannot make a working folder beside the output: %w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(hidden); err == nil {
			err = rerr
		}
	}()
	st, err := s.work(ctx, hidden, file, source, out)
	if err != nil {
		return err
	}
	if st.State != pipeline.Done {
		return fmt.Errorf("%w: %q: %s", errJobFailed, file, st.Error)
	}
	final, err := publish(dir, hidden, st.ID, out)
	if err == nil {
		if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			final = shown(final)
		}
		fmt.Fprintf(w, "%s\n", final)
	}
	return err
}

// work runs the job on a private share in hidden and returns how it ended.
func (s oneShot) work(ctx context.Context, hidden, file, source, out string) (pipeline.JobStatus, error) {
	cfg := s.cfg
	cfg.Share, cfg.Output.Source = hidden, "archive"
	cfg.Watch.Settle, cfg.Watch.Poll, cfg.Disk.MinFree = 0, privatePoll, 0
	cfg.Lease.Heartbeat, cfg.Lease.Expiry = privateBeat, 15*privateBeat
	share, err := sharefs.Open(hidden)
	if err != nil {
		return pipeline.JobStatus{}, err
	}
	if _, err := furnish(share, cfg.Lease); err != nil {
		return pipeline.JobStatus{}, fmt.Errorf("cannot make a working folder: %w", err)
	}
	s.tools.Answers = answers(share)
	f := &farm{log: s.log, fs: share, tools: s.tools, private: true, live: holding(cfg)}
	d := drop{name: path.Join(pipeline.Inbox, filepath.Base(file)), nonce: pipeline.Nonce(16)}
	if err := s.place(ctx, share, d, source, out); err != nil {
		return pipeline.JobStatus{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan struct{}, 1)
	f.ended = func(pipeline.JobStatus) {
		select {
		case over <- struct{}{}:
		default:
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- f.both(false)(ctx) }()
	type result struct {
		status pipeline.JobStatus
		err    error
	}
	followed := make(chan result, 1)
	go func() {
		st, err := d.wait(ctx, share, s.progress, over)
		followed <- result{st, err}
	}()
	select {
	case r := <-followed:
		cancel()
		return r.status, errors.Join(r.err, <-ended)
	case err := <-ended:
		cancel()
		<-followed
		if err == nil {
			err = context.Cause(ctx)
		}
		return pipeline.JobStatus{}, err
	}
}

// One machine and a local folder: nothing is stale, so looks can be quick. They cost no one else.
const (
	privatePoll = 500 * time.Millisecond
	privateBeat = 2 * time.Second
)

// place gives the source a second name in the private inbox, or a copy where it lies on another file
// system or the kernel forbids the link (fs.protected_hardlinks in proc(5)). The source itself is not
// touched.
func (s oneShot) place(ctx context.Context, share *sharefs.FS, d drop, source, out string) error {
	st, err := os.Stat(source)
	if err != nil {
		return err
	}
	staged := path.Join(pipeline.Inbox, ".distenc-encode")
	if os.Link(source, share.Path(staged)) != nil {
		in, err := os.Open(source)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
		if _, err := share.CreateFrom(staged, untilDone{ctx, in}); err != nil {
			return err
		}
	}
	o := s.order
	o.container = containerOf(out)
	return o.reveal(share, d, staged, st.Size())
}

// containerOf is the container that an output's name asks for, "" to leave it to the profile.
func containerOf(out string) string {
	switch ext := strings.ToLower(filepath.Ext(out)); ext {
	case ".mkv", ".mp4":
		return ext[1:]
	}
	return ""
}

// others are the endings of containers that no output has.
var others = []string{".avi", ".mov", ".m4v", ".webm", ".ts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".flv", ".ogm", ".ogv", ".3gp", ".rm", ".rmvb"}

// canName tells whether an output may have a name: an ending that is another container's would be a lie.
// Without any the profile chooses.
func canName(out string) bool { return !slices.Contains(others, strings.ToLower(filepath.Ext(out))) }

// publish gives the output its name beside the working folder: by a link, which overwrites nothing.
func publish(dir, hidden, job, out string) (string, error) {
	outside, err := sharefs.Open(dir)
	if err != nil {
		return "", err
	}
	private, err := sharefs.Open(hidden)
	if err != nil {
		return "", err
	}
	published, err := pipeline.LoadPublished(private, job)
	if err != nil {
		return "", err
	}
	from := path.Join(filepath.Base(hidden), pipeline.Outbox, string(published.Output))
	if out != "" {
		ours, err := outside.Publish(from, filepath.Base(out))
		if err == nil && !ours {
			err = fmt.Errorf("cannot write %q: it exists, and nothing is overwritten", out)
		}
		return out, err
	}
	var name string
	err = pipeline.FirstFree(context.Background(), func(n int) (bool, error) {
		name = pipeline.Numbered(path.Base(string(published.Output)), n)
		return outside.Publish(from, name)
	})
	return filepath.Join(dir, name), err
}

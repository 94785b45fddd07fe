package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/status"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// order is what `add` and `encode` let a person say about one file.
type order struct {
	profile  string
	priority int
	again    bool
	x264     string
	// container overrides the profile's, "" to leave it
	container string
}

func (o *order) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.profile, "profile", "", "encode with the settings of `PROFILE`")
}

// split takes the x264 options behind "--" off the arguments, and checks them.
func (o *order) split(cmd *cobra.Command, args []string) ([]string, error) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		o.x264 = quoteWords(args[at:])
		args = args[:at]
	}
	if len(args) == 0 {
		return nil, usage(errors.New("no file given"))
	}
	if o.x264 != "" {
		if _, err := media.ParseX264(o.x264); err != nil {
			return nil, usage(err)
		}
	}
	return args, nil
}

// check refuses a profile that does not exist.
func (o *order) check(cfg config.Config) error {
	if _, ok := cfg.Profile(o.profile); o.profile != "" && !ok {
		return usage(fmt.Errorf("there is no profile %q; there are %s; a new one is a section [profiles.%s] in %s",
			o.profile, strings.Join(cfg.ProfileNames(), ", "), o.profile, config.ShareFile))
	}
	return nil
}

// quoteWords joins words to one line that ParseX264 takes apart again.
func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

func newAdd(g *global) *cobra.Command {
	var o order
	var wait bool
	cmd := &cobra.Command{
		Use:   "add FILE... [flags] [-- X264 OPTIONS]",
		Short: "Put files into the inbox, whole and with settings of their own",
		Long: `Copies each file into the inbox under a hidden name and renames it, so that no master can take it before
it is whole and none waits for it to settle. Settings apply to these files alone.`,
		Example: `  distenc add "Show - 01 [ABCDEFAB].mkv" --wait
  distenc add film.mkv --profile tablet -- --preset veryfast --crf 21`,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := o.split(cmd, args)
			if err != nil {
				return err
			}
			cfg, _, err := g.load(cmd)
			if err != nil {
				return err
			}
			share, err := openShare(cfg)
			if err != nil {
				return err
			}
			if err := o.check(cfg); err != nil {
				return err
			}
			return g.stop.oneShot(add(cmd, share, o, files, wait))
		},
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&o.priority, "priority", 0, "jobs with a higher `number` go first")
	cmd.Flags().BoolVar(&o.again, "again", false, "encode even if the same content was encoded with the same settings before")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the outputs are published; exit code 3 if a job failed")
	return cmd
}

func add(cmd *cobra.Command, share *sharefs.FS, o order, files []string, wait bool) error {
	var added []drop
	for _, file := range files {
		d, err := o.add(cmd.Context(), share, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "added %s\n", share.Path(d.name))
		added = append(added, d)
	}
	if s, err := status.NewReader(share, wishes).Read(cmd.Context()); err == nil && status.Missing(s) != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "distenc: %s\n", status.Missing(s))
	}
	if !wait {
		return nil
	}
	var failed error
	for _, d := range added {
		st, err := d.wait(cmd.Context(), share, cmd.ErrOrStderr(), nil)
		if err != nil {
			if cmd.Context().Err() != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "not waiting any longer: what was added stays, and the farm goes on with it; `distenc status` shows it, `distenc cancel` ends it")
			}
			return err
		}
		if st.State != pipeline.Done {
			failed = errJobFailed
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s: %s\n", st.Name, st.State, st.Error)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", share.Path(st.Output))
	}
	return failed
}

// drop is a file that was put into the inbox.
type drop struct {
	name  string // on the share
	nonce string
}

// add copies a file into the inbox: the sidecar first, then the file under a hidden name, then the
// rename, so that a master sees it only whole and with its settings.
func (o order) add(ctx context.Context, share *sharefs.FS, file string) (drop, error) {
	in, err := os.Open(file)
	if err != nil {
		return drop{}, cannot("add", file, err)
	}
	defer func() { _ = in.Close() }()
	st, err := in.Stat()
	if err != nil {
		return drop{}, err
	}
	if !st.Mode().IsRegular() {
		return drop{}, fmt.Errorf("cannot add %q: it is no regular file; name the files, of a folder for instance with FOLDER/*.mkv", file)
	}
	d := drop{nonce: pipeline.Nonce(16)}
	if d.name, err = freeName(share, filepath.Base(file)); err != nil {
		return drop{}, err
	}
	staged := path.Join(pipeline.Inbox, ".distenc-add-"+d.nonce)
	n, err := share.CreateFrom(staged, untilDone{ctx, in})
	if err != nil {
		return drop{}, err
	}
	return d, o.reveal(context.WithoutCancel(ctx), share, d, staged, n)
}

// reveal gives a staged file its name, its settings first.
func (o order) reveal(ctx context.Context, share *sharefs.FS, d drop, staged string, size int64) error {
	sidecar, err := config.Sidecar{
		Profile: o.profile, X264: o.x264, Container: o.container, Priority: o.priority, Again: o.again, Nonce: d.nonce, Size: size,
	}.Encode()
	if err == nil {
		err = share.Create(d.name+config.SidecarSuffix, sidecar)
	}
	if err == nil {
		_, err = share.Move(ctx, staged, d.name)
	}
	if err != nil {
		_ = share.Remove(staged) // our own copy
	}
	return err
}

// freeName returns a name in the inbox that nobody has: neither a file nor settings for one.
func freeName(share *sharefs.FS, base string) (string, error) {
	names, err := share.List(pipeline.Inbox)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, n := range names {
		taken[strings.TrimSuffix(n, config.SidecarSuffix)] = true
	}
	for n := 1; ; n++ {
		if name := pipeline.Numbered(base, n); !taken[name] {
			return path.Join(pipeline.Inbox, name), nil
		}
	}
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// followPoll is the time between two looks of --wait and of a progress bar.
const followPoll = time.Second

// wait follows the job that the drop became until it ended. wake ends a wait between two looks early; it may be nil.
func (d drop) wait(ctx context.Context, share *sharefs.FS, progress io.Writer, wake <-chan struct{}) (pipeline.JobStatus, error) {
	bar := newBar(progress)
	defer bar.done()
	cache := pipeline.NewStatusCache()
	for {
		s, err := pipeline.ReadStatus(share, cache)
		if err != nil {
			return pipeline.JobStatus{}, err
		}
		for _, j := range s.Jobs {
			if j.Nonce != d.nonce {
				continue
			}
			bar.show(j)
			if j.State == pipeline.Done || j.State == pipeline.JobFailed || j.State == pipeline.Cancelled {
				return j, nil
			}
		}
		if reason, rejected := d.rejected(share); rejected {
			return pipeline.JobStatus{Name: path.Base(d.name), State: pipeline.JobFailed, Error: reason}, nil
		}
		select {
		case <-ctx.Done():
			return pipeline.JobStatus{}, context.Cause(ctx)
		case <-time.After(followPoll):
		case <-wake:
		}
	}
}

// rejected looks for the drop in failed/: a file that never became a job lies there with its sidecar.
func (d drop) rejected(share *sharefs.FS) (reason string, rejected bool) {
	base := path.Base(d.name)
	folders, err := share.List(pipeline.FailedDir)
	if err != nil {
		return "", false
	}
	for _, folder := range folders {
		if !strings.HasPrefix(folder, base) {
			continue
		}
		dir := path.Join(pipeline.FailedDir, folder)
		data, err := share.Read(path.Join(dir, base+config.SidecarSuffix), config.MaxSidecar)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if s, perr := config.ParseSidecar(base, data); err == nil && perr == nil && s.Nonce == d.nonce {
			text, err := share.Read(path.Join(dir, "reason.txt"), config.MaxSidecar)
			return strings.TrimSpace(string(text)), err == nil
		}
	}
	return "", false
}

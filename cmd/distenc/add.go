package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/watcher"
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
	cmd.SetFlagErrorFunc(dashes)
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
		if _, err := encoder.Default().Parse(o.x264); err != nil {
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

// quoteWords joins words to one line that an encoder's Parse takes apart again.
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
it is whole and none waits for it to settle. Settings apply to these files alone. A file that lies in the inbox
already stays there, and counts as whole from now on.`,
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
			return g.stop.oneShot(add(cmd, share, o, files, wait, cfg.Disk.MinFree))
		},
	}
	o.flags(cmd)
	cmd.Flags().IntVar(&o.priority, "priority", 0, "jobs with a higher `number` go first")
	cmd.Flags().BoolVar(&o.again, "again", false, "encode even if the same content was encoded with the same settings before")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the outputs are published; exit code 3 if a job failed")
	return cmd
}

func add(cmd *cobra.Command, share *sharefs.FS, o order, files []string, wait bool, minFree int64) error {
	var added []drop
	for _, file := range files {
		d, err := o.add(cmd.Context(), share, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "added %s\n", shown(share.Path(d.name)))
		added = append(added, d)
	}
	if !wait {
		if missing := whatIsMissing(cmd.Context(), view.NewReader(share, wishes, minFree)); missing != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "distenc: %s\n", missing)
		}
		return nil
	}
	return waitForAll(cmd, share, added, minFree)
}

// startTime is how long a master may take from its start until it is seen to lead.
const startTime = 3 * time.Second

// whatIsMissing says why nothing will happen, "" where something will. A master that has just been started is waited for.
func whatIsMissing(ctx context.Context, r *view.Reader) string {
	for began := time.Now(); ; {
		s, err := r.Read(ctx)
		if err != nil {
			return ""
		}
		if missing := view.Missing(s); s.Master != nil || missing == "" || time.Since(began) > startTime {
			return missing
		}
		time.Sleep(startTime / 10)
	}
}

// waitForAll waits until the jobs of what was added have ended.
func waitForAll(cmd *cobra.Command, share *sharefs.FS, added []drop, minFree int64) error {
	var failed error
	began := time.Now()
	for _, d := range added {
		p := newProgress(cmd.ErrOrStderr())
		p.missing, p.began = true, began
		st, err := d.wait(cmd.Context(), share, view.NewReader(share, wishes, minFree), p, nil)
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
	twin  string // the job of the same content that is waited for in its stead; "": none
}

// add copies a file into the inbox: the sidecar first, then the file under a hidden name, then the
// name, so that a master sees it only whole and with its settings.
func (o order) add(ctx context.Context, share *sharefs.FS, file string) (drop, error) {
	st, err := film("add", file)
	if err == nil && watcher.Companion(file) {
		err = fmt.Errorf("cannot add %q: by its name it is no film but goes with one; what lies beside a film in the inbox follows it into the outbox", file)
	}
	if err != nil {
		return drop{}, err
	}
	d := drop{nonce: pipeline.Nonce(16)}
	switch d.name, err = inInbox(share, file); {
	case err != nil:
		return drop{}, err
	case d.name != "":
		if why := leftAlone(ctx, share, d.name); why != "" {
			return drop{}, fmt.Errorf("cannot add %q: it is left alone in the inbox: %s", file, why)
		}
		waits := target{name: shown(d.name), waiting: d.name}
		return d, waits.amend(share, func(s *config.Sidecar) { o.insist(s, d, st.Size()) })
	}
	in, err := os.Open(file)
	if err != nil {
		return drop{}, cannot("add", file, err)
	}
	defer func() { _ = in.Close() }()
	if d.name, err = freeName(share, filepath.Base(file)); err != nil {
		return drop{}, err
	}
	staged := path.Join(pipeline.Inbox, ".distenc-add-"+d.nonce)
	n, err := share.CreateFrom(staged, untilDone{ctx, in})
	if err != nil {
		return drop{}, err
	}
	return d, o.reveal(share, d, staged, n)
}

// sidecar is the order as settings beside the file, with what promises that it is whole.
func (o order) sidecar(nonce string, size int64) ([]byte, error) {
	return config.Sidecar{
		Profile: o.profile, X264: o.x264, Container: o.container, Priority: o.priority, Again: o.again, Nonce: nonce, Size: size,
	}.Encode()
}

// reveal gives a staged file its name, its settings first.
func (o order) reveal(share *sharefs.FS, d drop, staged string, size int64) error {
	sidecar, err := o.sidecar(d.nonce, size)
	if err == nil {
		err = share.Create(pipeline.SidecarBeside(d.name), sidecar)
	}
	ours := false
	if err == nil {
		ours, err = share.Publish(staged, d.name) // nothing is overwritten: a person may have just used the name
	}
	err = errors.Join(err, share.Remove(staged))
	if err == nil && !ours {
		err = errors.Join(fmt.Errorf("%q has just been taken; add the file again", d.name), share.Remove(pipeline.SidecarBeside(d.name)))
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
		taken[n] = true
	}
	for n := 1; ; n++ {
		if name := pipeline.Numbered(base, n); !taken[name] && !taken[pipeline.SidecarBeside(name)] {
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

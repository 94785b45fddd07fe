package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/doctor"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
)

func newDoctor(g *global) *cobra.Command {
	var asJSON, peer bool
	var wait time.Duration
	var room string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Test this machine and this share, and say what to mend",
		Long: `Tests whether this machine has what it takes (tools, encoders, limits), and whether the share does what
distenc relies on: mount options, renames, links, locks, listings, permissions, names. It works in a folder
of its own under .distenc/probe, and removes it. Nothing is written to a folder that is no share.

With --peer on two machines at once it also tests across them: whether each claim has one winner, whether
locks exclude, how late changes are seen, and which expiry is safe. That takes about two minutes.

Ends with 0, or with 1 if a check failed; advice does not count.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := &visit{g: g, root: os.DirFS("/"), out: cmd.OutOrStdout(), asJSON: asJSON}
			still := time.AfterFunc(silence, func() {
				fmt.Fprintln(cmd.ErrOrStderr(), "distenc: still waiting for the share: is its server up? (Ctrl-C ends)")
			})
			err := v.load(cmd)
			still.Stop()
			if err != nil {
				return err
			}
			if room != "" && v.share == nil {
				return v.refuse
			}
			if room != "" {
				return doctor.Second(cmd.Context(), v.share, room)
			}
			v.machine(cmd.Context())
			v.shareTests(cmd.Context())
			if peer && v.share != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "distenc: waiting up to %v for `distenc doctor --peer` on another machine\n", wait)
				doctor.Peer(cmd.Context(), doctor.PeerOptions{Root: v.root, Share: v.share, Patience: wait}, v.tell)
			}
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			return v.end()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON for programs")
	cmd.Flags().BoolVar(&peer, "peer", false, "test with another machine that runs the same command at the same time")
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long --peer waits for the other machine")
	cmd.Flags().StringVar(&room, "room", "", "")
	if err := cmd.Flags().MarkHidden("room"); err != nil { // for the second process that the first one starts
		panic(err)
	}
	return cmd
}

// silence is how long a command may say nothing while the share does not answer.
const silence = 15 * time.Second

// visit is one run of the doctor.
type visit struct {
	g      *global
	cfg    config.Config
	log    *slog.Logger
	root   fs.FS // the machine's
	share  *sharefs.FS
	refuse error // why there is no share
	out    io.Writer
	asJSON bool
	report struct {
		Host     string           `json:"host"`
		Share    string           `json:"share"`
		OK       bool             `json:"ok"`
		Findings []doctor.Finding `json:"findings"`
	}
}

func (v *visit) load(cmd *cobra.Command) (err error) {
	v.cfg, v.log, err = v.g.load(cmd)
	if err != nil && !isA[*config.Error](err) { // the share is in trouble, and that is what is to be told
		v.refuse, v.g.noShare = err, true
		v.cfg, v.log, err = v.g.load(cmd)
	}
	if err != nil {
		return err
	}
	v.report.Host, _ = os.Hostname() // for people; it may have none
	v.report.Share = v.cfg.Share
	if v.refuse == nil {
		v.share, v.refuse = openShare(v.cfg)
	}
	return nil
}

// tell prints a finding as soon as it is there.
func (v *visit) tell(f doctor.Finding) {
	v.report.Findings = append(v.report.Findings, f)
	if !v.asJSON {
		fmt.Fprint(v.out, f)
	}
}

func (v *visit) machine(ctx context.Context) {
	slots, threads := divide(v.cfg.Worker.Slots, media.Cores())
	o := doctor.MachineOptions{
		Root: v.root, Temp: os.TempDir(), Leads: mayLead() == nil,
		Slots: slots, Threads: threads, Cores: media.Cores(), Rehearse: rehearse,
	}
	_, o.Memory = media.Memory()
	if len(v.cfg.Notify.URLs) > 0 {
		o.Secrets, _ = filepath.Abs(cmp.Or(v.g.configFile, config.MachineFile)) // fails where there is no working folder
	}
	for _, name := range v.cfg.ProfileNames() {
		p, _ := v.cfg.Profile(name)
		o.Profiles = append(o.Profiles, doctor.Profile{Name: name, Settings: p})
	}
	doctor.Machine(ctx, o, v.tell)
}

// rehearse plays in a temporary folder.
func rehearse(ctx context.Context, tools media.Tools, set pipeline.Settings) (chunks int, err error) {
	dir, err := os.MkdirTemp("", "distenc-doctor-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return stages.Rehearse(ctx, tools, set, dir)
}

func (v *visit) shareTests(ctx context.Context) {
	if v.share == nil {
		v.tell(doctor.Unusable(v.root, v.cfg.Share, v.refuse))
		return
	}
	doctor.Share(ctx, doctor.ShareOptions{Root: v.root, Share: v.share, Second: v.second}, v.tell)
}

// second starts this program once more, as the other process of a test.
func (v *visit) second(ctx context.Context, room string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"doctor", "--share", v.cfg.Share, "--room", room}
	if v.g.configFile != "" {
		args = append(args, "--config", v.g.configFile)
	}
	_, err = media.Tools{Log: v.log}.Run(ctx, media.Command{Program: self, Args: args})
	return err
}

// end says how it went altogether.
func (v *visit) end() error {
	count := map[doctor.Level]int{}
	for _, f := range v.report.Findings {
		count[f.Level]++
	}
	v.report.OK = count[doctor.Fail] == 0
	if !v.asJSON {
		fmt.Fprintf(v.out, "\n%d ok, %d advice, %d FAIL\n", count[doctor.OK], count[doctor.Advice], count[doctor.Fail])
	} else if err := printJSON(v.out, v.report); err != nil {
		return err
	}
	if !v.report.OK {
		return errors.New(english.Plural(count[doctor.Fail], "check", "") + " failed")
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// open reads the configuration and opens the share that this command line means.
func (g *global) open(cmd *cobra.Command) (cfg config.Config, log *slog.Logger, share *sharefs.FS, err error) {
	if cfg, log, err = g.load(cmd); err == nil {
		share, err = openShare(cfg)
	}
	return cfg, log, share, err
}

// openShare opens the share of this configuration and checks that it is one: its marker is there, and
// its folders are one file system. A mount that is missing looks like an empty folder and must not pass.
func openShare(cfg config.Config) (*sharefs.FS, error) {
	if cfg.Share == "" {
		return nil, &config.Error{
			Problem: `no share is named: give --share DIR, set DISTENC_SHARE, or write share = "DIR" into ` + config.MachineFile,
		}
	}
	if err := reachable(cfg.Share); err != nil {
		return nil, err
	}
	share, err := sharefs.Open(cfg.Share)
	if err != nil {
		return nil, fmt.Errorf("%w; is it mounted?", err)
	}
	if _, err := pipeline.LoadCluster(share); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q is no share: is it mounted? `distenc init` makes a new one", cfg.Share)
	} else if err != nil {
		return nil, fmt.Errorf("cannot read the share's marker: %w", err)
	}
	if err := checkMounts(share); err != nil {
		return nil, err
	}
	return share, nil
}

// checkMounts makes sure that every folder of the share can be renamed into from every other: rename(2)
// works within one mount only, and everything here rests on renames.
func checkMounts(share *sharefs.FS) error {
	root, err := mountOf(share.Path(".") + "/.") // it may be a link itself
	if err != nil {
		return err
	}
	for _, folder := range pipeline.Folders() {
		mount, err := mountOf(share.Path(folder))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the share's folder %q is missing: `distenc init %s` makes it again", folder, share.Path("."))
		}
		if err != nil {
			return err
		}
		if mount != root {
			return &config.Error{Where: share.Path(folder), Problem: "is a mount or a file system of its own: " +
				"all folders of a share must lie on one, because files are renamed from one to another"}
		}
	}
	return nil
}

// mayWork makes sure that this user may do in the share's folders what a daemon does: one that may not
// would wait there for ever, in silence. Links are tried as well.
func mayWork(share *sharefs.FS) error {
	for _, folder := range pipeline.Folders() {
		if err := sharefs.MayWork(share.Path(folder)); err != nil {
			return &fs.PathError{Op: "cannot work on the share: cannot write to", Path: share.Path(folder), Err: err}
		}
	}
	return share.CheckLinks(pipeline.ProbeDir)
}

// answerTime is how long a listing may take on a share that answers.
const answerTime = 10 * time.Second

// answers returns a function that reports whether the share answers. It asks one question at a time: a share that hangs
// can keep it for as long as it likes, and until then the answer is no.
func answers(share *sharefs.FS) func() bool {
	asking := make(chan struct{}, 1)
	return func() bool {
		select {
		case asking <- struct{}{}:
		default:
			return false
		}
		listed := make(chan bool, 1)
		go func() {
			_, err := share.List(path.Dir(pipeline.Cluster))
			<-asking
			listed <- err == nil
		}()
		select {
		case ok := <-listed:
			return ok
		case <-time.After(answerTime):
			return false
		}
	}
}

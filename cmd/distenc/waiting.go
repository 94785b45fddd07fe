package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// ask steers a job that goes on, or writes the same wish into the settings of a file that still waits.
func (t target) ask(share *sharefs.FS, job func() error, waiting func(*config.Sidecar)) error {
	if t.waiting != "" {
		return t.amend(share, waiting)
	}
	if err := ended(*t.job); err != nil {
		return err
	}
	return job()
}

// errTaken is for a file that a master took in just when something was asked of it.
var errTaken = errors.New("is just being taken in; give the command again in a moment")

// amend changes the settings beside a waiting file. Others are kept, among them what `distenc add` promised.
func (t target) amend(share *sharefs.FS, change func(*config.Sidecar)) error {
	name := pipeline.SidecarBeside(t.waiting)
	data, err := share.Read(name, config.MaxSidecar)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s, err := config.ParseSidecar(share.Path(name), data)
	if err != nil {
		return err
	}
	change(&s)
	if data, err = s.Encode(); err != nil {
		return err
	}
	if _, err := config.ParseSidecar(share.Path(name), data); err != nil {
		return usage(err) // what was asked for is not allowed there
	}
	if err := share.Replace(name, data); err != nil {
		return err
	}
	if _, err := share.Stat(t.waiting); errors.Is(err, fs.ErrNotExist) {
		_ = share.Remove(name) // it would be taken for another file's
		return fmt.Errorf("%s %w", t.name, errTaken)
	}
	return nil
}

// takeOut moves a waiting file to failed/, as a cancelled job's source is.
func (t target) takeOut(cmd *cobra.Command, share *sharefs.FS, reason string) error {
	dst, err := pipeline.Reject{
		Source: t.waiting, Sidecar: pipeline.SidecarBeside(t.waiting), Inbox: pipeline.RawName(strings.TrimPrefix(t.waiting, pipeline.Inbox+"/")),
		Reason: reason, Log: reason,
	}.PutAside(context.WithoutCancel(cmd.Context()), share)
	if err != nil {
		if _, serr := share.Stat(t.waiting); errors.Is(serr, fs.ErrNotExist) && dst == "" {
			return fmt.Errorf("%s %w", t.name, errTaken)
		}
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is out of the inbox, and lies in %s\n", t.name, shown(share.Path(path.Dir(string(dst)))))
	return nil
}

// wishes tells people what the settings beside a waiting file say of it.
func wishes(sidecar []byte, w *status.Waiting) {
	if s, err := config.ParseSidecar(w.Name, sidecar); err == nil {
		w.Whole, w.Paused, w.Priority = s.Nonce != "" && s.Size == w.Size, s.Paused, s.Priority
	}
}

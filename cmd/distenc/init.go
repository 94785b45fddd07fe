package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

func newInit(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "init SHARE",
		Short: "Make a share: its folders and a commented distenc.toml",
		Long: `Make a share of an empty folder: its folders, and a distenc.toml in which every setting stands
with its default, commented out. A folder that does not exist is made. On a folder that is a share
already, only what is missing is made.`,
		Args: takes("SHARE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := g.load(cmd, config.Flag{Name: "SHARE", Key: "share", Value: args[0]})
			if err != nil {
				return err
			}
			return initShare(cmd.OutOrStdout(), cfg)
		},
	}
}

// initShare makes what is missing, the marker last: a share that has it is complete.
func initShare(out io.Writer, cfg config.Config) error {
	share, err := openOrMake(cfg.Share)
	if err != nil {
		return fmt.Errorf("cannot make the share: %w", err)
	}
	was, err := isShare(share)
	if err != nil {
		return err
	}
	made, err := furnish(share, cfg.Lease)
	if err != nil {
		return fmt.Errorf("cannot make the share: %w", err)
	}
	if err := checkMounts(share); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, told(cfg.Share, was, made))
	return err
}

// openOrMake opens a folder, and makes it if only it is missing: a missing parent is more likely a mount
// that is not there.
func openOrMake(dir string) (*sharefs.FS, error) {
	parent, err := sharefs.Open(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if _, err := parent.Mkdir(filepath.Base(dir)); err != nil {
			return nil, err
		}
	}
	return sharefs.Open(dir)
}

// isShare reports whether the folder has the marker, and refuses one that has other people's files. What
// an earlier init left behind is not other people's.
func isShare(share *sharefs.FS) (bool, error) {
	_, err := pipeline.LoadCluster(share)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err == nil, err
	}
	names, err := share.List(".")
	if err != nil {
		return false, err
	}
	ours := append(pipeline.Folders(), pipeline.Config, pipeline.StatusPage, pipeline.StatusJSON)
	for _, name := range names {
		if !slices.Contains(ours, name) && !watcher.Ignored(name) {
			return false, &config.Error{Where: share.Path("."), Problem: fmt.Sprintf(
				"is neither empty nor a share: %q is in it; give an empty folder or one that does not exist", name)}
		}
	}
	return false, nil
}

// furnish makes folders, configuration and marker as far as they are missing, and says which it made.
func furnish(share *sharefs.FS, lease config.Lease) (made []string, err error) {
	for _, folder := range pipeline.Folders() {
		created, err := share.Mkdir(folder)
		if err != nil {
			return nil, err
		}
		if created {
			made = append(made, folder)
		}
	}
	if err := share.CheckLinks(pipeline.ProbeDir); err != nil {
		return nil, err
	}
	marker, err := json.MarshalIndent(pipeline.ClusterInfo{
		Share: pipeline.Nonce(12), Heartbeat: lease.Heartbeat.String(), Expiry: lease.Expiry.String(),
		Attempts: lease.Attempts,
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name string
		data []byte
	}{
		{pipeline.Config, []byte(commentedOut(distenc.ExampleConfig))},
		{pipeline.Cluster, append(marker, '\n')},
	} {
		created, err := publishMissing(share, file.name, file.data)
		if err != nil {
			return nil, err
		}
		if created {
			made = append(made, file.name)
		}
	}
	return made, nil
}

// publishMissing publishes a file unless there is one of that name.
func publishMissing(share *sharefs.FS, name string, data []byte) (created bool, err error) {
	if _, err := share.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if _, created, err = share.PublishData(name, data); err != nil {
		return false, err
	}
	return created, share.Durable(name)
}

var setting = regexp.MustCompile(`(?m)^([a-z0-9_]+ *=|\[)`)

// commentedOut turns all of a TOML document into comments, its sections too: TOML takes a section once only, and people
// append one with what they want in it.
func commentedOut(toml string) string { return setting.ReplaceAllString(toml, "# $0") }

// told says what was made and what to do next.
func told(dir string, was bool, made []string) string {
	switch {
	case was && len(made) == 0:
		return dir + " is a share already; nothing was missing"
	case was:
		return dir + " is a share already; made what was missing: " + strings.Join(made, ", ")
	}
	return fmt.Sprintf("%s is a share now. Settings for all machines: %s\nNext: distenc run --share %s\n"+
		"Then copy a video into %s",
		dir, filepath.Join(dir, pipeline.Config), dir, filepath.Join(dir, pipeline.Inbox))
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/remote"
	"github.com/distenc/distenc/pipeline/status"
)

// of is the master that a command asks in place of a share that is mounted here.
type of struct{ address, tokenFile string }

// flags are those of commands that read.
func (o *of) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.address, "of", "",
		"ask the master that serves `URL`, such as http://nas:8470, instead of a share")
}

// toFlags are those of commands that put something there.
func (o *of) toFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.address, "to", "", "send it to the master that serves `URL`, such as http://nas:8470")
	o.tokenFileFlag(cmd, "--to")
}

// tokenFlags are those of commands that change something.
func (o *of) tokenFlags(cmd *cobra.Command) {
	o.flags(cmd)
	o.tokenFileFlag(cmd, "--of")
}

func (o *of) tokenFileFlag(cmd *cobra.Command, flag string) {
	cmd.Flags().StringVar(&o.tokenFile, "token-file", "",
		"the `FILE` that begins with your token, for "+flag+", unless "+config.Token+" is set")
}

// master returns the one that was named.
func (o *of) master() (*remote.Master, error) {
	token := os.Getenv(config.Token)
	if token == "" && o.tokenFile != "" {
		var err error
		if token, err = firstWord(o.tokenFile); err != nil {
			return nil, err
		}
	}
	m, err := remote.New(o.address, token)
	if err != nil {
		return nil, usage(err)
	}
	return m, nil
}

// maxTokenFile bounds what is read of a file with a token, in bytes.
const maxTokenFile = 64 << 10

// firstWord reads the token that stands first in a file. It may be the master's own, with more of them and comments.
func firstWord(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			return words[0], nil
		}
	}
	return "", usage(fmt.Errorf("%q holds no token", name))
}

// reader reads a state, of a share or a master's.
type reader interface {
	Read(ctx context.Context) (*status.Status, error)
}

// reader reads the state that this command line means.
func (g *global) reader(cmd *cobra.Command, from of) (reader, error) {
	if err := from.both(cmd); err != nil {
		return nil, err
	}
	if from.address != "" {
		return from.master()
	}
	cfg, _, share, err := g.open(cmd)
	if err != nil {
		return nil, err
	}
	return status.NewReader(share, wishes, cfg.Disk.MinFree), nil
}

// over asks a master for a verb, and returns its sentence.
func (o *of) over(ctx context.Context, word string, v verb) (string, error) {
	m, err := o.master()
	if err != nil {
		return "", err
	}
	answer, err := m.Wish(ctx, v.things, word, v.name, v.body)
	return shown(cmp.Or(answer.Text, answer.Name)), err
}

// both is an error where a share and a master are named.
func (o *of) both(cmd *cobra.Command) error {
	if o.address != "" && cmd.Flags().Changed("share") {
		return usage(errors.New("--of and --share exclude each other"))
	}
	return nil
}

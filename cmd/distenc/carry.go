package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/cmd/internal/remote"
	"github.com/distenc/distenc/pipeline/steer"
)

// send puts films into the inbox over the network, one after the other.
func send(cmd *cobra.Command, to of, w asked, files []string, wait bool) error {
	if wait {
		return usage(errors.New("--wait and --to exclude each other: `distenc status --of URL --watch` shows how it goes on"))
	}
	if cmd.Flags().Changed("share") {
		return usage(errors.New("--to and --share exclude each other"))
	}
	m, err := to.master()
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := steer.Film("add", file); err != nil {
			return err
		}
	}
	for _, file := range files {
		name := filepath.Base(file)
		bar := &carrying{w: cmd.ErrOrStderr(), name: name}
		film := remote.Film{File: file, Path: name, Wishes: w.query()}
		u, err := m.Send(cmd.Context(), film, bar.watch())
		bar.close()
		if err != nil {
			return fmt.Errorf("cannot add %q: %w", file, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "added %s\n", shown(u.Name))
		if u.Undated != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "distenc: the output will not have this file's date: %s\n", shown(u.Undated))
		}
	}
	return nil
}

func newFetch(g *global) *cobra.Command {
	var from of
	var out string
	cmd := &cobra.Command{
		Use:   "fetch NAME --of URL [-o FILE]",
		Short: "Fetch an output over the network",
		Long: `Fetches a file of the outbox from the master that serves URL. NAME is its name, or a part of it that only one
has. What was cut off goes on by itself, and when the same command is given again. Size, and CRC-32 where the name has
one, are compared at the end. Nothing is overwritten.`,
		Example: `  distenc fetch "Show - 01" --of http://nas:8470 -o /home/alice/Videos/`,
		Args:    takes("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if from.address == "" {
				return usage(errors.New("--of is wanted: the address of the master, such as http://nas:8470"))
			}
			if err := from.both(cmd); err != nil {
				return err
			}
			return g.stop.oneShot(fetch(cmd, from, args[0], out))
		},
	}
	from.tokenFlags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write `FILE`, or into a folder that is there; else into this one")
	return cmd
}

func fetch(cmd *cobra.Command, from of, word, out string) error {
	m, err := from.master()
	if err != nil {
		return err
	}
	o, err := outputOf(cmd.Context(), m, word)
	if err != nil {
		return err
	}
	to, err := targetOf(out, path.Base(string(o.Name)))
	if err != nil {
		return err
	}
	bar := &carrying{w: cmd.ErrOrStderr(), name: filepath.Base(to)}
	err = m.Fetch(cmd.Context(), o, to, bar.watch())
	bar.close()
	if err != nil {
		return fmt.Errorf("cannot fetch %q: %w", o.Name.String(), err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\n", shown(to))
	return nil
}

// outputOf returns the one output that a word names.
func outputOf(ctx context.Context, m *remote.Master, word string) (o handin.Output, err error) {
	all, err := m.Outputs(ctx)
	if err != nil {
		return o, err
	}
	meant := steer.Meant(all, word, func(o handin.Output) []string { return []string{o.Name.String(), o.Job, o.Href} })
	switch len(meant) {
	case 0:
		o, found, err := m.Output(ctx, word)
		if err == nil && !found {
			err = fmt.Errorf("there is no file %q in the outbox: no path is so, and of the latest %d no name has it",
				word, len(all))
		}
		return o, err
	case 1:
		return meant[0], nil
	}
	text := fmt.Sprintf("%q can mean %d files; give the path that stands here:", word, len(meant))
	for _, o := range meant {
		text += "\n  " + o.Name.String()
	}
	return o, usage(errors.New(text))
}

// targetOf is the file that an output is written to. Its name comes from elsewhere: it must be one that is no path
// here, and on Windows no device either.
func targetOf(out, name string) (string, error) {
	if st, err := os.Stat(cmp.Or(out, ".")); err != nil || !st.IsDir() {
		return out, nil
	}
	if !filepath.IsLocal(name) || strings.ContainsAny(name, `\:`) {
		return "", usage(fmt.Errorf("%q can't be a file's name here: -o names another one", name))
	}
	return filepath.Join(out, name), nil
}

// carrying shows how far one file on its way is: in place on a terminal, as plain lines now and then elsewhere.
type carrying struct {
	w     io.Writer
	name  string
	began time.Time
	first int64 // bytes that were there when it began
	told  time.Time
}

func (c *carrying) watch() remote.Watch {
	return remote.Watch{Moved: c.moved, Broken: func(err error) {
		c.close()
		fmt.Fprintf(c.w, "%s: the connection broke, trying again: %s\n", shown(c.name), shown(err.Error()))
	}}
}

func (c *carrying) moved(done, total int64) {
	now := time.Now()
	if c.began.IsZero() {
		c.began, c.first = now, done
	}
	tty := styleOf(c.w).Width > 0
	every := plainEvery
	if tty {
		every = time.Second / 4
	}
	if now.Sub(c.told) < every && done < total {
		return
	}
	c.told = now
	line := fmt.Sprintf("%s: %d%%, %s of %s", shown(c.name), 100*done/max(1, total), humanize.IBytes(uint64(done)),
		humanize.IBytes(uint64(total)))
	if took := now.Sub(c.began).Seconds(); took > 1 {
		line += fmt.Sprintf(", %s/s", humanize.IBytes(uint64(float64(done-c.first)/took)))
	}
	if tty {
		fmt.Fprint(c.w, "\r"+line+"\x1b[K") // ECMA-48: erase to the end of the line
	} else {
		fmt.Fprintln(c.w, line)
	}
}

// close ends the line.
func (c *carrying) close() {
	if styleOf(c.w).Width > 0 && !c.told.IsZero() {
		fmt.Fprintln(c.w)
	}
	c.told = time.Time{}
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// page is where the page of `distenc try` goes.
type page struct {
	dir, name string
	asked     bool // the name was: another one will not do
}

// newPage finds the place of a page about a film, and refuses one that is taken.
func newPage(asked, film string) (page, error) {
	const longest = 200 // bytes; a name has 255
	base := strings.TrimSuffix(film, filepath.Ext(film))
	p := page{name: strings.ToValidUTF8(base[:min(longest, len(base))], "") + ".try.html"}
	if asked != "" {
		p.asked, p.name = true, filepath.Base(asked)
		if _, err := os.Lstat(asked); err == nil {
			return p, fmt.Errorf("cannot write %q: it exists, and nothing is overwritten; "+
				"give another name with --page, or move it away", asked)
		}
	}
	var err error
	p.dir, err = filepath.Abs(filepath.Dir(asked))
	return p, err
}

// write gives the page its name, by a link, which overwrites nothing, and the mode that the person's umask leaves.
func (p page) write(folder *workFolder, html []byte) (string, error) {
	const staged = "page.html"
	if err := folder.share.Create(staged, html); err != nil {
		return "", err
	}
	if err := os.Chmod(folder.share.Path(staged), 0o666&^userUmask); err != nil {
		return "", err
	}
	outside, err := sharefs.Open(p.dir)
	if err != nil {
		return "", err
	}
	name, from := p.name, filepath.Join(filepath.Base(folder.share.Root()), staged)
	if !p.asked {
		err = pipeline.FirstFree(context.Background(), func(n int) (bool, error) {
			name = pipeline.Numbered(p.name, n)
			return outside.Publish(from, name)
		})
		return filepath.Join(p.dir, name), err
	}
	ours, err := outside.Publish(from, name)
	if err == nil && !ours {
		err = fmt.Errorf("cannot write %q: it exists, and nothing is overwritten", filepath.Join(p.dir, name))
	}
	return filepath.Join(p.dir, name), err
}

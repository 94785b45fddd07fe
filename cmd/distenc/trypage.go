package main

import (
	"path/filepath"
	"strings"
)

// page is where the page of `distenc try` goes.
type page struct {
	dir, name string
	asked     string // the path, where a person gave the name: another one will not do
}

// newPage finds the place of a page about a film, and refuses one that is taken.
func newPage(asked, film string) (page, error) {
	const longest = 200 // bytes; a name has 255
	base := strings.TrimSuffix(film, filepath.Ext(film))
	p := page{name: strings.ToValidUTF8(base[:min(longest, len(base))], "") + ".try.html"}
	if err := vacant(asked, "--page"); err != nil {
		return p, err
	}
	var err error
	if p.dir, err = filepath.Abs(filepath.Dir(asked)); err == nil && asked != "" {
		p.asked = filepath.Join(p.dir, filepath.Base(asked))
	}
	return p, err
}

// write puts the page into its place.
func (p page) write(folder *workFolder, html []byte) (string, error) {
	const staged = "page.html"
	if err := folder.share.Create(staged, html); err != nil {
		return "", err
	}
	return folder.handOver(p.dir, staged, p.name, p.asked)
}

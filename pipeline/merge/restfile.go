package merge

import (
	"context"
	"os"
	"path/filepath"

	"github.com/distenc/distenc/pipeline/media"
)

// copyRest begins to copy what a Matroska source holds beside its video, so that mkvmerge need not read all of the
// source for it, when everything else is done. It goes on beside the list's reading, so that whoever is second finds
// the source in the page cache. It tells the copy's path, empty where there is none: the source serves then.
func (p *Prepared) copyRest(ctx context.Context, req Request) <-chan string {
	copied := make(chan string, 1)
	if req.Plan.Settings.Container == containerMP4 || !isMatroska(p.source) || p.source.Warnings != "" {
		copied <- ""
		return copied
	}
	go func() {
		path := filepath.Join(req.WorkDir, "rest.mkv")
		if err := media.CopyRest(ctx, req.Source, path); err != nil {
			path = "" // what was written is swept with the folder
		}
		copied <- path
	}()
	return copied
}

// withoutRest has the merge take from the source what it took from the copy, and gives the copy's room back: on a full
// disk that may be what the output needs. False if it did so before.
func (p *Prepared) withoutRest(source string) bool {
	if p.rest == "" || p.side == nil {
		return false
	}
	_ = os.WriteFile(p.rest, nil, 0o600) // it is swept with the folder
	p.rest, p.side.path = "", source
	return true
}

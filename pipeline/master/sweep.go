package master

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// contains reports whether a sorted listing has the last element of name.
func contains(names []string, name string) bool {
	_, found := slices.BinarySearch(names, path.Base(name))
	return found
}

// sweep removes what a job that is decided leaves behind: its chunks, results, intermediate files. Names
// are unlinked one by one and folders only when they are empty, because a late rename may still land in
// them; a source is never removed.
func (m *Master) sweep(job string) error {
	folders := []string{pipeline.PendingOf(job), pipeline.DoneOf(job), pipeline.SetAsideOf(job), pipeline.OutOf(job)}
	for _, dir := range folders {
		if err := m.sweepFolder(dir); err != nil {
			return err
		}
	}
	claimed, err := m.FS.List(pipeline.ClaimedDir)
	if err != nil {
		return err
	}
	for _, n := range claimed {
		if strings.HasPrefix(n, job+".") {
			if err := m.FS.Remove(path.Join(pipeline.ClaimedDir, n)); err != nil {
				return err
			}
		}
	}
	dir, err := pipeline.ListFolder(m.FS, job)
	if err != nil {
		return err
	}
	m.sweepTemporary(job, dir)
	for n := range dir {
		if strings.HasPrefix(n, "norm.") {
			if err := m.FS.Remove(pipeline.JobFile(job, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepFolder empties a folder and removes it. A listing may have missed a name, so it looks again; what
// still comes in is an error, and swept the next time. Of a link in its place the link is removed.
func (m *Master) sweepFolder(dir string) error {
	for range sweepLooks {
		names, err := m.FS.List(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case sharefs.NotFolder(err):
			return m.FS.Remove(dir)
		case err != nil:
			return err
		}
		for _, n := range names {
			remove := m.FS.Remove
			if strings.HasSuffix(n, pipeline.WorkOf("")) {
				remove = m.sweepFolder
			}
			if err := remove(path.Join(dir, n)); err != nil {
				return err
			}
		}
		if err := m.FS.RemoveDir(dir); err != nil {
			return err
		}
	}
	return fmt.Errorf("cannot sweep %q: it does not stay empty", dir)
}

// sweepLooks limits how often a folder is listed until it must be gone.
const sweepLooks = 3

// sweepTemporary removes what publications that were cut off have left in a job's folder. One that is only
// late finds its file gone, and tries again.
func (m *Master) sweepTemporary(job string, dir pipeline.Folder) {
	for _, n := range slices.Sorted(maps.Keys(dir)) {
		if !strings.HasSuffix(n, ".tmp") {
			continue
		}
		if err := m.FS.Remove(pipeline.JobFile(job, n)); err != nil {
			m.Log.Debug("cannot remove a temporary file", "job", job, "name", n, "error", err)
		}
	}
}

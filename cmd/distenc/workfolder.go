package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Names in a working folder, and the beginning of its own.
const (
	workPrefix = ".distenc-"
	workLock   = "lock"        // held by the process that works in the folder
	workSource = "source.json" // which source the folder is for, a sourceID
	maxSource  = 64 << 10      // bytes of it
)

// sourceID tells one state of a source from any other, and from any other file.
type sourceID struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	MTime  int64  `json:"mtime_ns"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// identify looks at a source; it is an error if that is no regular file.
func identify(path string) (sourceID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return sourceID{}, err
	}
	if !info.Mode().IsRegular() {
		return sourceID{}, fmt.Errorf("cannot take %q: it is no regular file", path)
	}
	id := sourceID{Path: path, Size: info.Size(), MTime: info.ModTime().UnixNano()}
	if inode, ok := sharefs.InodeOf(info); ok {
		id.Device, id.Inode = inode.Device, inode.Number
	}
	return id, nil
}

// unchanged reports whether the source is still there as it was.
func (id sourceID) unchanged() bool {
	now, err := identify(id.Path)
	return err == nil && now == id
}

// workFolder is the private share of one encode, or where a film is tried: a hidden folder beside the output, or beside
// the page. The process that works in it holds its lock, so one whose lock is free was left by a process that was
// killed or interrupted.
type workFolder struct {
	share  *sharefs.FS
	source sourceID
	job    *pipeline.Job // begun by an earlier process; nil: none
	unlock func() error
}

// openWorkFolder returns what an earlier encode of that source with those settings has left in dir, or a new folder.
// What else was left there is removed if nobody can go on with it: its source is gone or has changed, or is begun
// anew with other settings. anew: with the same ones too.
func openWorkFolder(dir string, source sourceID, settings pipeline.Settings, anew bool) (*workFolder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		entries = nil // who may only write there can't go on with anything
	}
	var found *workFolder
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), workPrefix) {
			continue
		}
		left := leftBehind(filepath.Join(dir, e.Name()))
		switch {
		case left == nil:
		case found == nil && !anew && left.source == source && left.job != nil && left.job.Settings == settings:
			found = left
		case left.job == nil, left.source == source, !left.source.unchanged():
			if err := left.remove(); err != nil {
				return nil, err
			}
		default:
			_ = left.unlock() // closing the file frees it, whatever the answer
		}
	}
	if found != nil {
		return found, nil
	}
	return newWorkFolder(dir, source)
}

// leftBehind locks a folder that no process works in. It returns nil for one that somebody works in, that may be
// another user's, or that can't be told to be left.
func leftBehind(dir string) *workFolder {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil
	}
	if !isOurs(info) {
		return nil
	}
	share, err := sharefs.Open(dir)
	if err != nil {
		return nil
	}
	unlock, err := lease.Flock(share).TryLock(workLock)
	if errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(dir) // rmdir(2) takes an empty one only: its maker was killed, or makes another one
		return nil
	}
	if err != nil {
		return nil
	}
	w := &workFolder{share: share, unlock: unlock}
	_ = pipeline.ReadJSON(share, workSource, maxSource, &w.source) // without it nobody can go on: no source is equal
	w.findJob()
	return w
}

// findJob finds the job in the folder, if one was begun.
func (w *workFolder) findJob() {
	ids, _ := w.share.List(pipeline.Jobs) // without the folder there is none
	for _, id := range ids {
		if !pipeline.ValidJob(id) {
			continue
		}
		if job, err := pipeline.LoadJob(w.share, id); err == nil {
			w.job = job
		}
	}
}

// newWorkFolder makes an empty one, and locks it.
func newWorkFolder(dir string, source sourceID) (*workFolder, error) {
	note, err := json.Marshal(source)
	if err != nil {
		return nil, err
	}
	for {
		hidden, err := os.MkdirTemp(dir, workPrefix)
		if err != nil {
			return nil, err
		}
		share, err := sharefs.Open(hidden)
		w := &workFolder{share: share, source: source, unlock: func() error { return nil }}
		if err == nil {
			err = share.Create(workLock, nil)
		}
		if err == nil {
			unlock, lockErr := lease.Flock(share).TryLock(workLock)
			switch {
			case lockErr == nil:
				w.unlock = unlock
			case errors.Is(lockErr, lease.ErrHeld), errors.Is(lockErr, fs.ErrNotExist):
				continue // another encode took it for one that was left, and removes it
			} // where files can't be locked, nobody takes it for that
			err = share.Create(workSource, note)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // removed by another encode while it was empty
		case err != nil:
			return nil, errors.Join(err, os.RemoveAll(hidden))
		}
		return w, nil
	}
}

// bring gives the source a second name in the folder, or makes a copy where it lies on another file system or the
// kernel forbids the link (fs.protected_hardlinks in proc(5)). The source itself is not touched.
func (w *workFolder) bring(ctx context.Context, name string) error {
	if os.Link(w.source.Path, w.share.Path(name)) == nil {
		return nil
	}
	in, err := os.Open(w.source.Path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if _, err = w.share.CreateFrom(ctx, name, in); err != nil {
		return err
	}
	_ = w.share.SetDate(name, time.Unix(0, w.source.MTime)) // for an output that is to have it; the certificate tells
	return nil
}

// handOver gives a file of the folder its name in dir: by a link, which overwrites nothing, and with the mode that the
// person's umask leaves. The name is that of the path that a person asked for, or else the first free one that is like
// name. It returns the path.
func (w *workFolder) handOver(dir, inside, name, asked string) (string, error) {
	outside, err := sharefs.Open(dir)
	if err != nil {
		return "", err
	}
	if err := os.Chmod(w.share.Path(inside), 0o666&^userUmask); err != nil {
		return "", err
	}
	from := path.Join(filepath.Base(w.share.Root()), inside)
	if asked != "" {
		ours, err := outside.Publish(from, filepath.Base(asked))
		if err == nil && !ours {
			err = fmt.Errorf("cannot write %q: it exists, and nothing is overwritten", asked)
		}
		return asked, err
	}
	free := ""
	err = pipeline.FirstFree(context.Background(), func(n int) (bool, error) {
		free = pipeline.Numbered(name, n)
		return outside.Publish(from, free)
	})
	return filepath.Join(dir, free), err
}

// jobSource is where the job's source lies until the job ends.
func (w *workFolder) jobSource() string { return pipeline.JobFile(w.job.ID, w.job.Source) }

// putBack gives a job that is gone on with its source again, unless it has it or needs none any more.
func (w *workFolder) putBack(ctx context.Context) error {
	dir, err := pipeline.ListFolder(w.share, w.job.ID)
	if err != nil || dir.Decision() || dir[w.job.Source] {
		return err
	}
	return w.bring(ctx, w.jobSource())
}

// close ends the work with how it came out. An encode that was stopped before its end is kept for the next one, but
// for the source: a person who deletes that one wants the space.
func (w *workFolder) close(came error) (kept bool, err error) {
	if came == nil || errors.Is(came, errJobFailed) {
		return false, errors.Join(came, w.remove())
	}
	if w.findJob(); w.job == nil {
		return false, errors.Join(came, w.remove())
	}
	err = w.share.Remove(w.jobSource())
	return true, errors.Join(came, err, w.unlock())
}

func (w *workFolder) remove() error { return errors.Join(os.RemoveAll(w.share.Root()), w.unlock()) }

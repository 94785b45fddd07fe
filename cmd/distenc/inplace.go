package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// film looks at a file that is to be encoded, before anything is copied: what a master would never take is an
// error. It is not opened, which would wait for ever at a FIFO.
func film(verb, file string) (fs.FileInfo, error) {
	st, err := os.Stat(file)
	base := filepath.Base(file)
	switch {
	case err != nil:
		return nil, cannot(verb, file, err)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("cannot %s %q: it is no regular file; name the files, of a folder for instance with FOLDER/*.mkv", verb, file)
	case watcher.Ignored(base):
		return nil, fmt.Errorf("cannot %s %q: by its name it is hidden, not finished or a program's own; rename it if it is a whole film", verb, file)
	}
	return st, nil
}

// inInbox returns a file's name on the share if it lies in the inbox already, else "".
func inInbox(share *sharefs.FS, file string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", cannot("add", file, err)
	}
	root, err := filepath.EvalSymlinks(share.Path(pipeline.Inbox))
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(root, filepath.Join(dir, filepath.Base(file)))
	if err != nil || !filepath.IsLocal(below) {
		return "", nil //nolint:nilerr // it has nothing in common with the inbox
	}
	for _, element := range strings.Split(filepath.Dir(below), "/") {
		if element != "." && watcher.Ignored(element) {
			return "", fmt.Errorf("cannot add %q: nothing is taken from the folder %q, whose name is a hidden, an unfinished or a program's own one", file, element)
		}
	}
	return path.Join(pipeline.Inbox, below), nil
}

// leftAlone says why a file in the inbox is not taken, as it is seen from here or by the leading master.
func leftAlone(ctx context.Context, share *sharefs.FS, name string) string {
	if why := pipeline.WhyLeft(pipeline.LoadLeftAlone(share), strings.TrimPrefix(name, pipeline.Inbox+"/")); why != "" {
		return why
	}
	files, err := watcher.New(share, path.Dir(name)).Scan(ctx)
	if err != nil {
		return err.Error()
	}
	for _, f := range files {
		if f.Name == name {
			return f.Reason
		}
	}
	return "it is no regular file"
}

// insist writes what was asked for into the settings of a file that lies in the inbox already, and promises that
// it is whole.
func (o order) insist(s *config.Sidecar, d drop, size int64) {
	if o.profile != "" {
		s.Profile = o.profile
	}
	if o.x264 != "" {
		s.X264 = o.x264
	}
	if o.priority != 0 {
		s.Priority = o.priority
	}
	s.Again, s.Nonce, s.Size = s.Again || o.again, d.nonce, size
}

package steer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// submitInPlace promises that a file in the inbox is whole, and writes what is wished for it into its settings.
func (d Desk) submitInPlace(ctx context.Context, file, name string, size int64, w Wishes) (Submission, error) {
	if why := d.leftAlone(ctx, name); why != "" {
		return Submission{}, &FileError{"add", file, errors.New("it is left alone in the inbox: " + why)}
	}
	s := NewSubmission(name)
	w.Nonce, w.Size = s.Nonce, size
	return s, d.amendWaiting(name, w)
}

// inInbox returns a file's name on the share if it lies in the inbox already, else "".
func (d Desk) inInbox(file string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", &FileError{"add", file, err}
	}
	root, err := filepath.EvalSymlinks(d.Share.Path(pipeline.Inbox))
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(root, filepath.Join(dir, filepath.Base(file)))
	if err != nil || !filepath.IsLocal(name) {
		return "", nil //nolint:nilerr // it has nothing in common with the inbox
	}
	for element := range strings.SplitSeq(filepath.Dir(name), "/") {
		if element != "." && watcher.Ignored(element) {
			return "", &FileError{"add", file, fmt.Errorf("nothing is taken from the folder %q, "+
				"whose name is a hidden, an unfinished or a program's own one", element)}
		}
	}
	return path.Join(pipeline.Inbox, name), nil
}

// leftAlone is why a file in the inbox is not taken, as it is seen from here or by the leading master.
func (d Desk) leftAlone(ctx context.Context, name string) string {
	if why := pipeline.WhyLeft(pipeline.LoadLeftAlone(d.Share), below(name)); why != "" {
		return why
	}
	files, err := watcher.New(d.Share, path.Dir(name)).Scan(ctx)
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

// LeftAlone is why the master does not take a submission, "" while it does. Only the master's word counts: a file that
// is being submitted has two names for a moment.
func (d Desk) LeftAlone(s Submission) string {
	return pipeline.WhyLeft(pipeline.LoadLeftAlone(d.Share), below(s.Name))
}

// Refused finds a submission that never became a job in failed/, where it lies with its settings; nil if it is not
// there, or if what is there can't be read.
func (d Desk) Refused(s Submission) *pipeline.Reject {
	base := path.Base(s.Name)
	folders, err := d.Share.List(pipeline.FailedDir)
	if err != nil {
		return nil
	}
	for _, folder := range folders {
		if !strings.HasPrefix(folder, base) {
			continue
		}
		film := path.Join(pipeline.FailedDir, folder, base)
		settings, err := d.Share.Read(pipeline.SidecarBeside(film), pipeline.MaxSidecar)
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.Settings.Nonce(settings) != s.Nonce {
			continue
		}
		if r, rerr := pipeline.LoadReject(d.Share, folder); err == nil && rerr == nil {
			return r
		}
		return nil
	}
	return nil
}

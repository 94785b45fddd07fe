package steer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// Submission is a film that was put into the inbox.
type Submission struct {
	Name  string // on the share
	Nonce string // the job that it becomes has it too
	// Undated is why a copy does not have its original's date; nil where it has, or nobody asked for it.
	Undated error
}

// NewSubmission returns one of that name, with a nonce of its own.
func NewSubmission(name string) Submission { return Submission{Name: name, Nonce: pipeline.Nonce(16)} }

// Submit puts a file of this machine into the inbox, with settings of its own. It is copied under a hidden name and
// then named, so that no master can take it before it is whole, and none waits for it to stand still. A file that lies
// in the inbox already stays there, and counts as whole from now on.
func (d Desk) Submit(ctx context.Context, file string, w Wishes) (Submission, error) {
	st, err := Film("add", file)
	if err == nil && watcher.Companion(file) {
		err = &FileError{"add", file, errors.New("by its name it is no film but goes with one; " +
			"what lies beside a film in the inbox follows it into the outbox")}
	}
	if err != nil {
		return Submission{}, err
	}
	name, err := d.inInbox(file)
	switch {
	case err != nil:
		return Submission{}, err
	case name != "":
		return d.submitInPlace(ctx, file, name, st.Size(), w)
	}
	if name, err = freeName(d.Share, pipeline.Inbox, filepath.Base(file), nil); err != nil {
		return Submission{}, err
	}
	if _, err := d.Settings.Amend(d.Share.Path(pipeline.SidecarBeside(name)), nil, w); err != nil {
		return Submission{}, err // before anything is copied
	}
	in, err := os.Open(file)
	if err != nil {
		return Submission{}, &FileError{"add", file, err}
	}
	defer func() { _ = in.Close() }()
	staged := pipeline.AddedOf(pipeline.Nonce(16))
	if w.Size, err = d.Share.CreateFrom(ctx, staged, in); err != nil {
		return Submission{}, err
	}
	s, err := d.NameFree(pipeline.Inbox, filepath.Base(file), staged, w)
	if err == nil && w.KeepDate { // not before: an old file that has no name yet is swept
		s.Undated = d.Share.SetDate(s.Name, st.ModTime())
	}
	return s, errors.Join(err, d.Share.Remove(staged))
}

// Film looks at a file that is to be encoded, before anything is copied: what a master would never take is an
// error. It is not opened, which would wait for ever at a FIFO.
func Film(verb, file string) (fs.FileInfo, error) {
	st, err := os.Stat(file)
	switch {
	case err != nil:
	case !st.Mode().IsRegular():
		err = errors.New("it is no regular file; name the files, of a folder for instance with FOLDER/*.mkv")
	case pipeline.Sidecar(filepath.Base(file)):
		err = errors.New("by its name it holds a film's own settings; what a film is to be encoded with is asked for with " +
			"flags, which --help lists")
	case watcher.Ignored(filepath.Base(file)):
		err = errors.New("by its name it is hidden, not finished or a program's own; rename it if it is a whole film")
	}
	if err != nil {
		return nil, &FileError{verb, file, err}
	}
	return st, nil
}

// Reveal gives a staged file in the inbox its name, its settings first. Whatever comes of it, the staged name is gone.
func (d Desk) Reveal(s Submission, staged string, w Wishes) error {
	return errors.Join(d.name(s, staged, w), d.Share.Remove(staged))
}

// name is Reveal that leaves the staged name, a second one of the film.
func (d Desk) name(s Submission, staged string, w Wishes) error {
	name := pipeline.SidecarBeside(s.Name)
	settings, err := d.Settings.Amend(d.Share.Path(name), nil, w)
	if err == nil {
		err = d.Share.Create(name, settings)
	}
	if err != nil {
		return err
	}
	ours, err := d.Share.Publish(staged, s.Name) // nothing is overwritten: a person may have just used the name
	if ours {
		return nil
	}
	if err == nil {
		err = Refuse(Busy, "%q has just been taken; add the file again", s.Name)
	}
	dir, base := path.Split(s.Name)
	switch is, lost := d.Share.OtherName(staged, path.Clean(dir), func(n string) bool { return n == base }); {
	case lost != nil: // the settings may be the film's
		return errors.Join(err, lost)
	case is == s.Name: // only the answer was lost
		return nil
	}
	return errors.Join(err, d.Share.Remove(name))
}

// nameTries is how often a name is sought that nobody takes meanwhile.
const nameTries = 5

// NameFree gives a staged film of w.Size bytes a free name in a folder of the inbox, with its settings. The staged name
// stays. A name that was taken after all is not tried again: a share that ignores case does not list all that it has.
func (d Desk) NameFree(dir, base, staged string, w Wishes) (Submission, error) {
	lost := map[string]bool{}
	for {
		name, err := freeName(d.Share, dir, base, lost)
		if err != nil {
			return Submission{}, err
		}
		film := NewSubmission(name)
		w.Nonce = film.Nonce
		err = d.name(film, staged, w)
		refused, taken := errors.AsType[*Error](err)
		taken = taken && refused.Kind == Busy || errors.Is(err, fs.ErrExist)
		lost[path.Base(name)] = true
		if !taken || len(lost) == nameTries {
			return film, err
		}
	}
}

// freeName returns a name in a folder of the inbox that nobody has: neither a file nor settings for one.
func freeName(share *sharefs.FS, dir, base string, lost map[string]bool) (string, error) {
	names, err := share.List(dir)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, n := range names {
		taken[n] = true
	}
	for n := 1; ; n++ {
		if name := pipeline.Numbered(base, n); !lost[name] && !taken[name] && !taken[pipeline.SidecarBeside(name)] {
			return path.Join(dir, name), nil
		}
	}
}

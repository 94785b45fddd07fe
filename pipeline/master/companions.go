package master

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// ownsWhole reports whether what bears no film's name belongs to all films of a folder: not in the inbox itself nor in
// a profile's folder, where films of all kinds lie.
func (m *Master) ownsWhole(dir string) bool {
	if dir == "." || strings.Contains(dir, "/") {
		return dir != "."
	}
	order, err := m.Resolve(dir, "", nil)
	return err == nil && order.Settings.Profile != dir
}

// beside lists what lies beside a job's film in the inbox and goes with it.
func (w *jobTask) beside() (companions []string) {
	j := w.job
	dir := path.Dir(string(j.Inbox))
	entries, err := w.FS.Entries(path.Join(pipeline.Inbox, dir))
	if err != nil {
		w.Log.Debug("cannot look beside a film", "job", j.ID, "error", err)
		return nil
	}
	films, _ := w.films.in(dir)
	films = append(films, j.Name())
	for _, e := range entries {
		switch {
		case watcher.Ignored(e.Name()) || !e.Type().IsRegular():
		case watcher.Companion(e.Name()):
			companions = append(companions, e.Name())
		default:
			films = append(films, e.Name())
		}
	}
	whole := w.ownsWhole(dir)
	return slices.DeleteFunc(companions, func(name string) bool {
		owner := pipeline.OwnerOf(name, films)
		return owner != j.Name() && (owner != "" || !whole)
	})
}

// bring gives what lies beside a job's film its names beside the output. The film's own leave the inbox, the others
// and what may still be written stay until lookAtCompanion finds no use for them there. A film is published whether
// they can follow it or not.
func (w *jobTask) bring(ctx context.Context, output string) {
	j := w.job
	for _, name := range w.beside() {
		from := path.Join(pipeline.Inbox, path.Dir(string(j.Inbox)), name)
		_, err := w.follow(ctx, from, output)
		if err == nil && w.films.hasSettled(from) && pipeline.OwnerOf(name, []string{j.Name()}) != "" {
			err = w.FS.Remove(from)
		}
		if err != nil {
			w.Log.Warn("a companion does not follow its film yet",
				"job", j.ID, "name", pipeline.RawName(from).String(), "error", err)
		}
	}
}

// follow gives a companion its name beside an output, under the first name that is free or that it has already, and
// returns that. It is a link; another user's file, which may not be linked (protected_hardlinks, proc(5)), is copied.
func (w *jobTask) follow(ctx context.Context, from, output string) (to string, err error) {
	j := w.job
	want := path.Base(from)
	if pipeline.OwnerOf(want, []string{j.Name()}) != "" {
		want = pipeline.CompanionName(want, j.Name(), path.Base(output))
	}
	file := from
	tmp := pipeline.JobFile(j.ID, "companion."+pipeline.Nonce(12)+".tmp") // of a name that the job's sweep knows
	defer func() {
		if file == tmp {
			_ = w.FS.Remove(tmp)
		}
	}()
	err = pipeline.FirstFree(ctx, func(n int) (bool, error) {
		to = path.Join(path.Dir(output), pipeline.Numbered(want, n))
		same, err := w.same(ctx, from, to)
		if !errors.Is(err, fs.ErrNotExist) {
			return same, err
		}
		if err := w.single(from); err != nil {
			return false, err
		}
		same, err = w.FS.Publish(file, to)
		if errors.Is(err, fs.ErrPermission) && file == from {
			if file, err = tmp, w.copyWhole(ctx, from, tmp); err == nil {
				same, err = w.FS.Publish(tmp, to)
			}
		}
		if !same && err == nil { // somebody was quicker, or links have inodes of their own
			same, err = w.same(ctx, from, to)
		}
		return same, err
	})
	if err != nil {
		return "", err
	}
	return to, w.FS.DurableForeign(to)
}

// companionFate decides what becomes of a companion in the inbox. It stays as long as its films are here, in its folder
// or in work. Then it follows a published one, the owner. Without a film it is left alone: owner is "", and why is the
// reason. whole: what bears no film's name goes with all films of the folder.
func companionFate(name string, here, published []string, whole bool) (owner, why string) {
	if film := pipeline.OwnerOf(name, here); film != "" {
		return "", "it goes with " + pipeline.RawName(film).String()
	}
	owner = pipeline.OwnerOf(name, published)
	switch {
	case owner != "":
		return owner, ""
	case !whole:
		return "", "it goes with a film, and none in its folder has a name that its own begins with"
	case len(here) > 0:
		return "", "it goes with the films of its folder"
	case len(published) == 0:
		return "", "it goes with a film, and there is none in its folder"
	}
	return published[0], ""
}

// lookAtCompanion lets a companion follow its films out of the inbox. films are those that lie in its folder. It
// returns whether somebody waits for it. That it stays for its films is as it should be, and nothing for the log.
func (t *term) lookAtCompanion(f watcher.File, d *dropped, films []string) (waiting bool) {
	dir := path.Dir(string(belowInbox(f.Name)))
	live, done := t.jobs.films.in(dir)
	here, published := slices.Concat(films, live), slices.Sorted(maps.Keys(done))
	owner, why := companionFate(path.Base(f.Name), here, published, t.ownsWhole(dir))
	if owner == "" {
		d.left = why
		return false
	}
	d.left = d.stuck
	t.pace.within(max(t.pace.Settle-f.Still, 0) + burst)
	if f.Still >= t.pace.Settle && t.full == "" && time.Now().After(d.rest) {
		w := &jobTask{Master: t.Master, films: t.jobs.films, job: done[owner]}
		t.tasks.start("follow/"+f.Name, lane{all: sideBySide}, func(ctx context.Context) func() {
			err := w.sendAfter(ctx, f.Name)
			return func() {
				if err != nil {
					d.stuck, d.rest = "it can't follow its film: "+err.Error(), time.Now().Add(errRest)
				}
			}
		})
	}
	return d.stuck == ""
}

// sendAfter lets a companion leave the inbox for the folder of a published film. Its name in the inbox is removed only
// when it has one in the outbox.
func (w *jobTask) sendAfter(ctx context.Context, name string) error {
	p, err := pipeline.LoadPublished(w.FS, w.job.ID)
	if err != nil {
		return err
	}
	output := path.Join(pipeline.Outbox, string(p.Output))
	if err := w.FS.MkdirAll(path.Dir(output)); err != nil {
		return err
	}
	to, err := w.follow(ctx, name, output)
	if err != nil {
		return err
	}
	if o := w.FS.Obstacle(name, pipeline.Outbox); o != nil {
		return errors.New(o.String())
	}
	if err := w.FS.Remove(name); err != nil {
		return err
	}
	w.Log.Info("followed its film", "name", pipeline.RawName(name).String(), "to", pipeline.RawName(to).String())
	return nil
}

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

// whole tells whether what bears no film's name belongs to all films of a folder: not in the inbox itself nor in a
// profile's folder, where films of all kinds lie.
func (m *Master) whole(dir string) bool {
	if dir == "." || strings.Contains(dir, "/") {
		return dir != "."
	}
	order, err := m.Resolve(dir, nil)
	return err == nil && order.Settings.Profile != dir
}

// beside lists what lies beside a job's film in the inbox and goes with it.
func (m *Master) beside(j *pipeline.Job) (companions []string) {
	dir := path.Dir(string(j.Inbox))
	entries, err := m.FS.Entries(path.Join(pipeline.Inbox, dir))
	if err != nil {
		m.Log.Debug("cannot look beside a film", "job", j.ID, "error", err)
		return nil
	}
	films, _ := m.films.in(dir)
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
	whole := m.whole(dir)
	return slices.DeleteFunc(companions, func(name string) bool {
		owner := pipeline.OwnerOf(name, films)
		return owner != j.Name() && (owner != "" || !whole)
	})
}

// bring gives what lies beside a job's film its names beside the output. The film's own leave the inbox, the others
// and what may still be written stay until lookAtCompanion finds no use for them there. A film is published whether they
// can follow it or not.
func (m *Master) bring(ctx context.Context, j *pipeline.Job, output string) {
	for _, name := range m.beside(j) {
		from := path.Join(pipeline.Inbox, path.Dir(string(j.Inbox)), name)
		_, err := m.follow(ctx, j, from, output)
		if err == nil && m.films.hasSettled(from) && pipeline.OwnerOf(name, []string{j.Name()}) != "" {
			err = m.FS.Remove(from)
		}
		if err != nil {
			m.Log.Warn("a companion does not follow its film yet", "job", j.ID, "name", pipeline.RawName(from).String(), "error", err)
		}
	}
}

// follow gives a companion its name beside an output, under the first name that is free or that it has already, and
// returns that. It is a link; another user's file, which may not be linked (protected_hardlinks, proc(5)), is copied.
func (m *Master) follow(ctx context.Context, j *pipeline.Job, from, output string) (to string, err error) {
	want := path.Base(from)
	if pipeline.OwnerOf(want, []string{j.Name()}) != "" {
		want = pipeline.CompanionName(want, j.Name(), path.Base(output))
	}
	file := from
	tmp := pipeline.JobFile(j.ID, "companion."+pipeline.Nonce(12)+".tmp") // of a name that the job's sweep knows
	defer func() {
		if file == tmp {
			_ = m.FS.Remove(tmp)
		}
	}()
	err = pipeline.FirstFree(ctx, func(n int) (bool, error) {
		to = path.Join(path.Dir(output), pipeline.Numbered(want, n))
		same, err := m.same(ctx, from, to)
		if !errors.Is(err, fs.ErrNotExist) {
			return same, err
		}
		if err := m.single(from); err != nil {
			return false, err
		}
		same, err = m.FS.Publish(file, to)
		if errors.Is(err, fs.ErrPermission) && file == from {
			if file, err = tmp, m.copyWhole(ctx, from, tmp); err == nil {
				same, err = m.FS.Publish(tmp, to)
			}
		}
		if !same && err == nil { // somebody was quicker, or links have inodes of their own
			same, err = m.same(ctx, from, to)
		}
		return same, err
	})
	if err != nil {
		return "", err
	}
	return to, m.FS.DurableForeign(to)
}

// lookAtCompanion decides what becomes of a companion in the inbox: it stays as long as its films are there or in work,
// then follows them if it has not, and leaves the inbox. Without a film it is left alone. films are those that lie in its
// folder. It returns whether somebody waits for it.
func (m *Master) lookAtCompanion(f watcher.File, d *dropped, films []string) (waiting bool) {
	dir, name := path.Dir(strings.TrimPrefix(f.Name, pipeline.Inbox+"/")), path.Base(f.Name)
	live, done := m.films.in(dir)
	films = append(films, live...)
	if owner := pipeline.OwnerOf(name, films); owner != "" {
		m.goesWith(d, "it goes with "+pipeline.RawName(owner).String())
		return false
	}
	names := slices.Sorted(maps.Keys(done))
	owner, whole := pipeline.OwnerOf(name, names), m.whole(dir)
	switch {
	case owner == "" && !whole:
		m.goesWith(d, "it goes with a film, and none in its folder has a name that its own begins with")
		return false
	case owner == "" && len(films) > 0:
		m.goesWith(d, "it goes with the films of its folder")
		return false
	case owner == "" && len(names) == 0:
		m.goesWith(d, "it goes with a film, and there is none in its folder")
		return false
	case owner == "":
		owner = names[0]
	}
	m.goesWith(d, d.stuck)
	m.nextLook = min(m.nextLook, max(m.Settle-f.Still, 0)+burst)
	if f.Still >= m.Settle && m.full == "" && time.Now().After(d.rest) {
		m.tasks.start("follow/"+f.Name, sideBySide, func(ctx context.Context) func() { return m.sendAfter(ctx, f, d, done[owner]) })
	}
	return d.stuck == ""
}

// goesWith notes why a companion is still in the inbox. That is as it should be, and nothing for the log.
func (m *Master) goesWith(d *dropped, why string) { d.left = why }

// sendAfter lets a companion leave the inbox for the folder of a published film. Its name in the inbox is removed only
// when it has one in the outbox.
func (m *Master) sendAfter(ctx context.Context, f watcher.File, d *dropped, j *pipeline.Job) func() {
	p, err := pipeline.LoadPublished(m.FS, j.ID)
	var to string
	if err == nil {
		output := path.Join(pipeline.Outbox, string(p.Output))
		if err = m.FS.MkdirAll(path.Dir(output)); err == nil {
			to, err = m.follow(ctx, j, f.Name, output)
		}
	}
	if err == nil {
		if o := m.FS.Obstacle(f.Name, pipeline.Outbox); o != nil {
			err = errors.New(o.String())
		} else if err = m.FS.Remove(f.Name); err == nil {
			m.Log.Info("followed its film", "name", pipeline.RawName(f.Name).String(), "to", pipeline.RawName(to).String())
		}
	}
	return func() {
		if err != nil && ctx.Err() == nil {
			d.stuck, d.rest = "it can't follow its film: "+err.Error(), time.Now().Add(errRest)
		}
	}
}

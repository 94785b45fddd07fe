package master

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
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

// single refuses a file with other names, as the watcher does with films: whoever writes to one of those would change
// what is published, and may not be allowed to read it.
func (m *Master) single(name string) error {
	st, err := m.FS.Stat(name)
	if err == nil && sharefs.Links(st) > 1 {
		err = fmt.Errorf("it has %d names (hard links), and none of them is in the outbox", sharefs.Links(st))
	}
	return err
}

// maxCompanion is how many bytes of a companion are copied or compared at most. A link costs nothing.
const maxCompanion = 1 << 30

// copyWhole copies a companion that nobody changes meanwhile.
func (m *Master) copyWhole(ctx context.Context, from, to string) error {
	in, err := m.FS.OpenRead(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	before, err := in.Stat()
	if err != nil {
		return err
	}
	if !m.films.hasSettled(from) {
		return errors.New("it may still be written")
	}
	if before.Size() > maxCompanion {
		return fmt.Errorf("it belongs to another user, can't be linked, and is too large to be copied (%d bytes)", before.Size())
	}
	n, err := m.FS.CreateFrom(to, whileRunning{ctx, in})
	if err != nil {
		return err
	}
	if after, err := m.FS.Stat(from); err != nil || n != before.Size() || !after.ModTime().Equal(before.ModTime()) || !sharefs.SameFile(before, after) {
		return errors.Join(err, errors.New("it is still being written"))
	}
	return nil
}

// same tells whether two names are of one file, or of two with the same content. What is not there is fs.ErrNotExist
// if it is the second one.
func (m *Master) same(ctx context.Context, a, b string) (bool, error) {
	y, err := m.FS.Stat(b)
	if err != nil {
		return false, err
	}
	x, err := m.FS.Stat(a)
	if err != nil {
		return false, fmt.Errorf("it is gone: %v", err)
	}
	if sharefs.SameFile(x, y) {
		return true, nil
	}
	if !y.Mode().IsRegular() || x.Size() != y.Size() || x.Size() > maxCompanion {
		return false, nil
	}
	one, err := m.FS.OpenRead(a)
	if err != nil {
		return false, err
	}
	defer func() { _ = one.Close() }()
	two, err := m.FS.OpenRead(b)
	if err != nil {
		return false, err
	}
	defer func() { _ = two.Close() }()
	return equal(whileRunning{ctx, one}, whileRunning{ctx, two})
}

// equal compares two readers of the same length.
func equal(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(a, x)
		k, err2 := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:k]) {
			return false, nil
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return err2 == err, nil
		case err != nil || err2 != nil:
			return false, errors.Join(err, err2)
		}
	}
}

// whileRunning is a reader that ends with its context.
type whileRunning struct {
	ctx context.Context
	r   io.Reader
}

func (u whileRunning) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
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

package master

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// inbox is what is known of the files that people dropped.
type inbox struct {
	watch *watcher.Watcher
	files map[string]*dropped  // by name on the share
	left  []pipeline.LeftAlone // what was last written down of those that can't be taken
	shown bool                 // it was, by this master
}

func newInbox(share *sharefs.FS) inbox {
	return inbox{watch: watcher.New(share, pipeline.Inbox), files: map[string]*dropped{}}
}

// dropped is a file in the inbox as far as it was read.
type dropped struct {
	file    watcher.File // as it was when it was first seen so
	reading reading
	wishes  wishes
	left    string    // why it can't be taken as things are, shown in status; "" while nothing is known against it
	stuck   string    // the same, as it was found when it was to be taken
	rest    time.Time // not tried before
	unmoved int       // how often it could not be moved into its job
}

// wishes is what a file's own settings ask for before it is a job.
type wishes struct {
	read     time.Time // zero: not yet
	priority int
	promised bool // `distenc add` said that it is whole
}

// find returns what is known of a file, which is nothing if it changed.
func (b *inbox) find(f watcher.File) *dropped {
	d := b.files[f.Name]
	if d == nil || d.file.Size != f.Size || !d.file.ModTime.Equal(f.ModTime) {
		if d != nil {
			d.reading.stop()
		}
		d = &dropped{file: f}
		b.files[f.Name] = d
	}
	return d
}

// forgetOthers drops what is known of files that are gone.
func (b *inbox) forgetOthers(files []watcher.File) {
	here := map[string]bool{}
	for _, f := range files {
		here[f.Name] = true
	}
	for name, d := range b.files {
		if !here[name] {
			d.reading.stop()
			delete(b.files, name)
		}
	}
}

// leftAlone lists what can't be taken, for people.
func (b *inbox) leftAlone() (left []pipeline.LeftAlone) {
	for name, d := range b.files {
		if d.left != "" {
			left = append(left, pipeline.LeftAlone{Name: belowInbox(name), Why: d.left})
		}
	}
	slices.SortFunc(left, func(a, b pipeline.LeftAlone) int { return cmp.Compare(a.Name, b.Name) })
	return left
}

// belowInbox is a file's path below the inbox.
func belowInbox(name string) pipeline.RawName {
	return pipeline.RawName(strings.TrimPrefix(name, pipeline.Inbox+"/"))
}

// maxEarly limits how long a file stands still before it is read ahead of its settle time: a file with a
// matching tag then starts at once, and any other as soon as it has settled. A copy that only paused is
// read again.
const maxEarly = 5 * time.Second

// early is how long a file stands still before it is read.
func (p *pace) early() time.Duration { return min(p.Settle/2, maxEarly) }

// lookAtInbox reads and takes what people dropped, and returns how many are waiting.
func (t *term) lookAtInbox(ctx context.Context) (waiting int, err error) {
	files, err := t.inbox.watch.Scan(ctx)
	if err != nil {
		return 0, err
	}
	t.pace.next = t.pace.Poll
	t.order(files)
	films, settled := filmsOf(files), map[string]bool{}
	for _, f := range files {
		look := t.lookAtFilm
		if f.Companion && !t.Trusted && (f.Reason == "" || f.Linked) {
			settled[f.Name] = f.Still >= t.pace.Settle
			look = func(f watcher.File, d *dropped) bool { return t.lookAtCompanion(f, d, films[path.Dir(f.Name)]) }
		}
		if look(f, t.inbox.find(f)) {
			waiting++
		}
	}
	t.inbox.forgetOthers(files)
	t.jobs.films.settle(settled)
	t.showLeft()
	return waiting, nil
}

// lookAtFilm goes on with a file that is to become a job, and returns whether it waits for that.
func (t *term) lookAtFilm(f watcher.File, d *dropped) (waiting bool) {
	if f.Reason != "" && (!t.Trusted || !f.Linked) {
		t.leave(d, f.Reason)
		return false
	}
	t.leave(d, d.stuck)
	for _, due := range []time.Duration{t.pace.early(), t.pace.Settle} {
		if due > f.Still {
			t.pace.within(due - f.Still)
		}
	}
	if t.full == "" && !t.tasks.busy("intake/"+f.Name) && !t.tasks.busy("take/"+f.Name) && time.Now().After(d.rest) {
		t.consider(f, d)
	}
	return d.stuck == ""
}

// filmsOf lists the films of each folder of the inbox.
func filmsOf(files []watcher.File) map[string][]string {
	films := map[string][]string{}
	for _, f := range files {
		if f.Film {
			films[path.Dir(f.Name)] = append(films[path.Dir(f.Name)], path.Base(f.Name))
		}
	}
	return films
}

// rankFor is how long the order of the inbox goes by settings that were read once: people may change them,
// and the inbox may be long.
const rankFor = 30 * time.Second

// order sorts the inbox by the priority in the files' own settings, then by age.
func (t *term) order(files []watcher.File) {
	priority := func(f watcher.File) int {
		d := t.inbox.find(f)
		if time.Since(d.wishes.read) > rankFor {
			if order, err := t.resolve(f.Name); err == nil {
				d.wishes = wishes{time.Now(), order.Priority, promised(order, f)}
			}
		}
		return d.wishes.priority
	}
	slices.SortStableFunc(files, func(a, b watcher.File) int {
		return cmp.Or(cmp.Compare(priority(b), priority(a)), a.ModTime.Compare(b.ModTime))
	})
}

// leave notes why a file can't be taken as things are, "" where nothing is known against it, and logs it once.
func (m *Master) leave(d *dropped, why string) {
	if d.left != why && why != "" {
		m.Log.Warn("left alone in the inbox", "name", pipeline.RawName(d.file.Name).String(), "reason", why)
	}
	d.left = why
}

// showLeft writes down for people what is left alone in the inbox, if that has changed.
func (t *term) showLeft() {
	left := t.inbox.leftAlone()
	if t.full != "" {
		left = slices.Insert(left, 0, pipeline.TakeNothing(t.full))
	}
	if t.inbox.shown && slices.Equal(left, t.inbox.left) {
		return
	}
	if err := pipeline.WriteLeftAlone(t.FS, left); err != nil {
		t.Log.Debug("cannot write down what is left alone in the inbox", "error", err)
		return
	}
	t.inbox.left, t.inbox.shown = left, true
}

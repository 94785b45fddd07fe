package master

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// dropped is a file in the inbox as far as it was read.
type dropped struct {
	file     watcher.File // as it was when it was read
	identity identity     // as well
	scan     Scan
	scanned  bool
	ranked   time.Time // when its settings were read for what follows; zero: not yet
	priority int
	promised bool               // `distenc add` said that it is whole
	left     string             // why it can't be taken as things are, told in status; "" while nothing is known against it
	rest     time.Time          // not tried before
	denied   int                // how often it could not be opened, or not be read in the machine's memory
	unmoved  int                // how often it could not be moved into its job
	stuck    string             // the same, as it was found when it was to be taken
	cancel   context.CancelFunc // ends the reading; nil before that
}

// forget drops a file that is gone or has changed: nobody reads on in what it was.
func (d *dropped) forget() {
	if d.cancel != nil {
		d.cancel()
	}
}

// maxEarly bounds how long a file stands still before it is read ahead of its settle time: a file with a
// matching tag then starts at once, and any other as soon as it has settled. A copy that only paused is
// read again.
const maxEarly = 5 * time.Second

func (m *Master) early() time.Duration { return min(m.Settle/2, maxEarly) }

// lookAtInbox reads and takes what people dropped, and returns how many are waiting.
func (m *Master) lookAtInbox(ctx context.Context) (waiting int, err error) {
	files, err := m.watch.Scan(ctx)
	if err != nil {
		return 0, err
	}
	here := map[string]bool{}
	m.nextLook = m.Poll
	m.order(files)
	films, settled := filmsOf(files), map[string]bool{}
	for _, f := range files {
		here[f.Name] = true
		d := m.drop(f)
		if f.Companion && !m.Trusted && (f.Reason == "" || f.Linked) {
			settled[f.Name] = f.Still >= m.Settle
			if m.lookAtCompanion(f, d, films[path.Dir(f.Name)]) {
				waiting++
			}
			continue
		}
		if f.Reason != "" && (!m.Trusted || !f.Linked) {
			m.leave(d, f.Reason)
			continue
		}
		if m.leave(d, d.stuck); d.stuck == "" {
			waiting++
		}
		for _, due := range []time.Duration{m.early(), m.Settle} {
			if due > f.Still {
				m.nextLook = min(m.nextLook, due-f.Still)
			}
		}
		if m.full == "" && !m.tasks.busy("intake/"+f.Name) && !m.tasks.busy("take/"+f.Name) && time.Now().After(d.rest) {
			m.consider(f, d)
		}
	}
	for name, d := range m.dropped {
		if !here[name] {
			d.forget()
			delete(m.dropped, name)
		}
	}
	m.films.settle(settled)
	m.tellLeft()
	return waiting, nil
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
func (m *Master) order(files []watcher.File) {
	priority := func(f watcher.File) int {
		d := m.drop(f)
		if time.Since(d.ranked) > rankFor {
			if order, err := m.resolve(f.Name); err == nil {
				d.ranked, d.priority, d.promised = time.Now(), order.Priority, promised(order, f)
			}
		}
		return d.priority
	}
	slices.SortStableFunc(files, func(a, b watcher.File) int {
		return cmp.Or(cmp.Compare(priority(b), priority(a)), a.ModTime.Compare(b.ModTime))
	})
}

// drop finds what is known of a file, which is nothing if it changed.
func (m *Master) drop(f watcher.File) *dropped {
	d := m.dropped[f.Name]
	if d == nil || d.file.Size != f.Size || !d.file.ModTime.Equal(f.ModTime) {
		if d != nil {
			d.forget()
		}
		d = &dropped{file: f}
		m.dropped[f.Name] = d
	}
	return d
}

// leave notes why a file can't be taken as things are, "" where nothing is known against it, and logs it once.
func (m *Master) leave(d *dropped, why string) {
	if d.left != why && why != "" {
		m.Log.Warn("left alone in the inbox", "name", pipeline.RawName(d.file.Name).String(), "reason", why)
	}
	d.left = why
}

// tellLeft writes down for people what is left alone in the inbox, if that has changed.
func (m *Master) tellLeft() {
	var left []pipeline.LeftAlone
	for name, d := range m.dropped {
		if d.left != "" {
			left = append(left, pipeline.LeftAlone{Name: pipeline.RawName(strings.TrimPrefix(name, pipeline.Inbox+"/")), Why: d.left})
		}
	}
	slices.SortFunc(left, func(a, b pipeline.LeftAlone) int { return strings.Compare(string(a.Name), string(b.Name)) })
	if slices.Equal(left, m.left) {
		return
	}
	if err := pipeline.WriteLeftAlone(m.FS, left); err != nil {
		m.Log.Debug("cannot tell what is left alone in the inbox", "error", err)
		return
	}
	m.left = left
}

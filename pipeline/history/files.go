package history

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// files are the names in the history's folder. What is none of ours is left alone.
type files struct {
	entries   []string            // of jobs, each a file of its own
	months    map[string][]string // by month
	temporary []string
}

// list lists the history's folder; there is none before the first film has come out.
func list(f *sharefs.FS) (files, error) {
	names, err := f.List(pipeline.HistoryDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files{}, err
	}
	all := files{months: map[string][]string{}}
	for _, n := range names {
		switch m := monthOf(n); {
		case m != "":
			all.months[m] = append(all.months[m], n)
		case path.Ext(n) == ".tmp":
			all.temporary = append(all.temporary, n)
		case pipeline.ValidJob(strings.TrimSuffix(n, ".json")) && path.Ext(n) == ".json":
			all.entries = append(all.entries, n)
		}
	}
	return all, nil
}

// loose are the entries that are files of their own: they never change, so each is read once.
type loose struct {
	fs     *sharefs.FS
	read   map[string]*Entry // by file
	broken map[string]bool   // files that are no entries
}

func newLoose(f *sharefs.FS) loose { return loose{f, map[string]*Entry{}, map[string]bool{}} }

// byMonth reads those that are new, and returns all by month and job.
func (l loose) byMonth(names []string) (map[string]map[string]*Entry, error) {
	listed, months := map[string]bool{}, map[string]map[string]*Entry{}
	for _, n := range names {
		listed[n] = true
		if err := l.load(n); err != nil {
			return nil, err
		}
		if e := l.read[n]; e != nil {
			if months[e.month()] == nil {
				months[e.month()] = map[string]*Entry{}
			}
			months[e.month()][e.Job] = e
		}
	}
	gone := func(n string) bool { return !listed[n] }
	maps.DeleteFunc(l.read, func(n string, _ *Entry) bool { return gone(n) })
	maps.DeleteFunc(l.broken, func(n string, _ bool) bool { return gone(n) })
	return months, nil
}

// load reads one. Errors are the share's.
func (l loose) load(name string) error {
	if l.read[name] != nil || l.broken[name] {
		return nil
	}
	b, err := l.fs.Read(pipeline.HistoryFile(name), maxEntry)
	if sharefs.System(err) {
		return err
	}
	e := &Entry{}
	if err == nil {
		e, err = parseEntry(b)
	}
	if err == nil && e.Job+".json" != name {
		err = fmt.Errorf("it is the entry of %s", e.Job)
	}
	if err != nil {
		l.broken[name] = true
		return nil
	}
	l.read[name] = e
	return nil
}

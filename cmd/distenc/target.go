package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/watcher"
)

// target is what a person means by a word: a job, a file that waits in the inbox, or one that was refused.
type target struct {
	name    string // for people
	job     *pipeline.JobStatus
	waiting string // the file's name on the share
	refused string // its folder below failed/
}

// id is a word that means this one alone.
func (t target) id() string {
	switch {
	case t.job != nil:
		return t.job.ID
	case t.waiting != "":
		return pipeline.Inbox + "/" + t.name
	}
	return pipeline.FailedDir + "/" + t.name
}

func (t target) names() []string {
	if t.job != nil {
		return []string{t.name, t.id(), t.job.CRC32}
	}
	return []string{t.name, t.id()}
}

func (t target) String() string {
	if t.job != nil {
		return fmt.Sprintf("%s  %s (%s)", t.id(), t.name, t.job.State)
	}
	return t.id()
}

// targets finds what a word may mean: an id, a CRC-32 or a name first, else a part of a name.
func targets(ctx context.Context, share *sharefs.FS, word string) ([]target, error) {
	s, err := status.Read(share, nil)
	if err != nil {
		return nil, err
	}
	var all []target
	for i, j := range s.Jobs {
		all = append(all, target{name: j.Name, job: &s.Jobs[i]})
	}
	files, err := watcher.New(share, pipeline.Inbox).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Reason == "" && !f.Companion {
			all = append(all, target{name: shown(strings.TrimPrefix(f.Name, pipeline.Inbox+"/")), waiting: f.Name})
		}
	}
	folders, err := share.Entries(pipeline.FailedDir)
	if err != nil {
		return nil, err
	}
	for _, e := range folders {
		if e.IsDir() {
			all = append(all, target{name: shown(e.Name()), refused: e.Name()})
		}
	}
	return meant(all, word, target.names), nil
}

func shown(name string) string { return pipeline.RawName(name).String() }

// meant returns those that a word names, or if it names none those whose name it is a part of. A thing's name
// comes first among its names.
func meant[T any](all []T, word string, names func(T) []string) []T {
	var exact, like []T
	for _, t := range all {
		own := names(t)
		is := func(name string) bool { return strings.EqualFold(name, word) }
		switch {
		case slices.ContainsFunc(own, is), is(path.Base(own[0])):
			exact = append(exact, t)
		case strings.Contains(strings.ToLower(own[0]), strings.ToLower(word)):
			like = append(like, t)
		}
	}
	if exact != nil {
		return exact
	}
	return like
}

// whyNot says why nothing can be asked of a file that is no job.
func (t target) whyNot() string {
	if t.waiting != "" {
		return fmt.Sprintf("%s waits to be taken in: there is nothing to be tried again", t.id())
	}
	return fmt.Sprintf("%s is no job: `distenc retry %q` puts it back into the inbox", t.id(), t.name)
}

// pick returns the one of those targets that a command can do something with. If it can with none, but a
// job is meant, that is returned: the command says why not.
func pick(all []target, word string, fits func(target) bool) (target, error) {
	var fitting, jobs []target
	for _, t := range all {
		if fits(t) {
			fitting = append(fitting, t)
		} else if t.job != nil {
			jobs = append(jobs, t)
		}
	}
	if len(fitting) == 0 {
		fitting = jobs
	}
	switch {
	case len(fitting) == 0 && len(all) > 0:
		return target{}, errors.New(all[0].whyNot())
	case len(fitting) == 0:
		return target{}, fmt.Errorf("there is no job %q, and no such file in the inbox; `distenc status` lists what there is", word)
	case len(fitting) == 1:
		return fitting[0], nil
	}
	var list strings.Builder
	for _, t := range fitting {
		fmt.Fprintf(&list, "\n  %s", t)
	}
	return target{}, usage(fmt.Errorf("%q means %d of them, name one as it stands in front: %s", word, len(fitting), list.String()))
}

// goesOn fits what can still be paused, cancelled and put before others.
func goesOn(*sharefs.FS, []target) func(target) bool {
	return func(t target) bool { return t.waiting != "" || t.job != nil && ended(*t.job) == nil }
}

// canRetry returns what fits what can be tried again. The source of a job that has failed lies in failed/ as a
// refused file does, and is the job's.
func canRetry(share *sharefs.FS, all []target) func(target) bool {
	sources := map[string]bool{}
	fits := map[string]bool{}
	for _, t := range all {
		if t.job == nil {
			continue
		}
		closed, err := pipeline.LoadClosed(share, t.job.ID)
		if err == nil && closed.Act != pipeline.ActPublish && closed.Source != "" {
			if _, err := share.Stat(string(closed.Source)); err == nil {
				fits[t.job.ID] = true
				sources[path.Dir(string(closed.Source))] = true
			}
		}
		fits[t.job.ID] = fits[t.job.ID] || !t.job.Decided && t.job.Chunks.Failed > 0
	}
	return func(t target) bool {
		if t.job != nil {
			return fits[t.job.ID]
		}
		if t.refused == "" || sources[path.Join(pipeline.FailedDir, t.refused)] {
			return false
		}
		_, _, err := pipeline.FailedSource(share, t.refused)
		return !errors.Is(err, fs.ErrNotExist)
	}
}

package steer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/watcher"
)

// Target is what a person means by a word: a job, a film that waits in the inbox, or one that was refused.
type Target struct {
	Name    string              // for people
	Job     *pipeline.JobStatus // nil for a film that is no job
	waiting string              // its name on the share
	refused string              // its folder below failed/
}

// Word names this one alone.
func (t Target) Word() string {
	switch {
	case t.Job != nil:
		return t.Job.ID
	case t.waiting != "":
		return pipeline.Inbox + "/" + t.Name
	}
	return pipeline.FailedDir + "/" + t.Name
}

func (t Target) String() string {
	if t.Job != nil {
		return fmt.Sprintf("%s  %s (%s)", t.Word(), t.Name, t.Job.State)
	}
	return t.Word()
}

func (t Target) names() []string {
	if t.Job != nil {
		return []string{t.Name, t.Word(), t.Job.CRC32}
	}
	return []string{t.Name, t.Word()}
}

func (t Target) outcome(s State) Outcome {
	o := Outcome{Name: t.Name, Word: t.Word(), State: s}
	if t.Job != nil {
		o.Job = t.Job.ID
	}
	return o
}

// ended is an error where nothing can be asked of the job any more.
func (t Target) ended() error {
	if j := t.Job; j.State.HasOutput() || j.State == pipeline.Cancelled || j.Decided {
		return Refuse(NotNow, "job %s (%s) has ended: it is %s", j.ID, j.Name, j.State)
	}
	return nil
}

// goesOn fits what can still be paused, cancelled and put before others.
func goesOn(t Target) bool { return t.waiting != "" || t.Job != nil && t.ended() == nil }

// find returns the one thing that a word names and that fits the wish. If nothing fits, but a job is meant, find
// returns that job: the verb says why not.
func (d Desk) find(ctx context.Context, word string, fits func(all []Target) func(Target) bool) (Target, error) {
	all, err := d.meant(ctx, word)
	if err != nil {
		return Target{}, err
	}
	var fitting, jobs []Target
	fit := fits(all)
	for _, t := range all {
		if fit(t) {
			fitting = append(fitting, t)
		} else if t.Job != nil {
			jobs = append(jobs, t)
		}
	}
	if len(fitting) == 0 {
		fitting = jobs
	}
	switch {
	case len(fitting) == 1:
		return fitting[0], nil
	case len(fitting) == 0 && len(all) > 0:
		return Target{}, all[0].whyNot()
	case len(fitting) == 0:
		return Target{}, Refuse(Unknown,
			"there is no job %q, and no such file in the inbox; `distenc status` lists what there is", word)
	}
	text := fmt.Sprintf("%q can mean %d things; give the id or the path that stands here:", word, len(fitting))
	for _, t := range fitting {
		text += "\n  " + t.String()
	}
	return Target{}, &Error{Kind: Ambiguous, Meant: fitting, text: text}
}

// findLive finds what is not over: a job that goes on, or a film in the inbox.
func (d Desk) findLive(ctx context.Context, word string) (Target, error) {
	t, err := d.find(ctx, word, func([]Target) func(Target) bool { return goesOn })
	if err == nil && t.Job != nil {
		err = t.ended()
	}
	return t, err
}

// whyNot is why nothing can be asked of a film that is no job.
func (t Target) whyNot() error {
	if t.waiting != "" {
		return Refuse(NotNow, "%s waits to be taken in: there is nothing to be tried again", t.Word())
	}
	return Refuse(NotNow, "%s is no job: `distenc retry %q` puts it back into the inbox", t.Word(), t.Name)
}

// meant lists what a word may mean.
func (d Desk) meant(ctx context.Context, word string) ([]Target, error) {
	s, err := status.Read(d.Share, nil)
	if err != nil {
		return nil, err
	}
	var all []Target
	for i, j := range s.Jobs {
		all = append(all, Target{Name: j.Name, Job: &s.Jobs[i]})
	}
	files, err := watcher.New(d.Share, pipeline.Inbox).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Reason == "" && !f.Companion {
			all = append(all, Target{Name: shown(below(f.Name)), waiting: f.Name})
		}
	}
	folders, err := d.Share.Entries(pipeline.FailedDir)
	if err != nil {
		return nil, err
	}
	for _, e := range folders {
		if e.IsDir() {
			all = append(all, Target{Name: shown(e.Name()), refused: e.Name()})
		}
	}
	return Meant(all, word, Target.names), nil
}

// Meant returns those that a word names, or else those whose name it is a part of. A thing's name comes first
// among its names. Case does not matter.
func Meant[T any](all []T, word string, names func(T) []string) []T {
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

// canRetry returns what fits what can be tried again. The source of a job that has failed lies in failed/, as a
// refused film does, and is the job's.
func (d Desk) canRetry(all []Target) func(Target) bool {
	sources := map[string]bool{}
	fits := map[string]bool{}
	for _, t := range all {
		if t.Job == nil {
			continue
		}
		closed, err := pipeline.LoadClosed(d.Share, t.Job.ID)
		if err == nil && !closed.Act.Publishes() && closed.Source != "" {
			if _, err := d.Share.Stat(string(closed.Source)); err == nil {
				fits[t.Job.ID] = true
				sources[path.Dir(string(closed.Source))] = true
			}
		}
		fits[t.Job.ID] = fits[t.Job.ID] || !t.Job.Decided && t.Job.Chunks.Failed > 0
	}
	return func(t Target) bool {
		if t.Job != nil {
			return fits[t.Job.ID]
		}
		if t.refused == "" || sources[path.Join(pipeline.FailedDir, t.refused)] {
			return false
		}
		_, _, err := pipeline.FailedSource(d.Share, t.refused)
		return !errors.Is(err, fs.ErrNotExist)
	}
}

// below is a name in the inbox without the inbox's.
func below(name string) string { return strings.TrimPrefix(name, pipeline.Inbox+"/") }

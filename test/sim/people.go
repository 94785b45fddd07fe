package sim

import (
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// meddle is a person at work under chunks/ and jobs/.
func (w *world) meddle(t trouble) {
	claimed, pending := w.server.below(pipeline.ClaimedDir), w.server.below(pipeline.PendingDir)
	done, out := w.server.below(pipeline.DoneDir), w.server.below(pipeline.Outbox)
	one := func(names []string) string {
		if len(names) == 0 {
			return ""
		}
		return names[t.who/8%len(names)]
	}
	switch t.who % 8 {
	case 0, 1:
		w.remove(one(claimed), "claim removed")
	case 2:
		w.remove(one(pending), "free chunk removed")
	case 3:
		w.remove(one(done), "result removed")
	case 4:
		w.remove(one(out), "output removed")
	case 5, 6:
		if name := one(pending); name != "" {
			w.copyOf(name, strings.Replace(name, ".a", ".a1", 1))
			w.copyOf(name, path.Join(path.Dir(name), "copy of "+path.Base(name)))
		}
	case 7:
		if job, ok := jobOf(one(w.server.below(pipeline.Jobs))); ok {
			w.removeJob(job)
		}
	}
}

func (w *world) remove(name, what string) {
	if name == "" || isStaging(name) {
		return
	}
	w.mark(name)
	w.judge.tally(what)
	w.history.add(people, "fault", "remove "+name, w.server.unlink(people, name, false), "")
}

func (w *world) copyOf(name, to string) {
	data := w.server.content(name)
	i, err := w.server.create(people, to)
	if err == nil {
		w.server.write(people, i, 0, data)
		w.server.sync(i, true)
	}
	w.judge.tally("chunk copied")
	w.history.add(people, "fault", "copy "+name+" to "+to, err, "")
}

func (w *world) removeJob(job string) {
	w.mu.Lock()
	w.gonejobs[job] = true
	w.mu.Unlock()
	w.judge.tally("job removed")
	w.history.add(people, "fault", "rm -r "+pipeline.JobDir(job), nil, "")
	for range 3 { // what others put in meanwhile goes too, as with rm -r
		for _, name := range w.server.below(pipeline.JobDir(job)) {
			_ = w.server.unlink(people, name, false)
		}
		for _, dir := range w.server.folders(pipeline.JobDir(job)) {
			_ = w.server.rmdir(people, dir)
		}
	}
}

// steer is a person who asks something of one of the jobs in work. What is paused goes on after the
// trouble's time.
func (w *world) steer(t trouble) {
	if t.who%8 >= 6 {
		w.tryAgain(t)
		return
	}
	jobs := w.inWork()
	if len(jobs) == 0 {
		return
	}
	job := jobs[t.who/8%len(jobs)]
	pause := func(how string) {
		w.ask(job, how, "")
		w.later(t.last, func() { w.resume(job, how) })
	}
	switch t.who % 8 {
	case 0:
		pause(pipeline.ControlPause)
	case 1, 2:
		pause(pipeline.ControlPauseNow)
	case 3:
		w.ask(job, pipeline.ControlPriority, []string{"-1", "7"}[t.who/8%2])
	case 4:
		w.ask(job, pipeline.ControlRetry, "")
	case 5:
		w.mu.Lock()
		w.cancelled = true
		w.mu.Unlock()
		w.ask(job, pipeline.ControlCancel, "")
	}
}

// tryAgain gives a source that was refused or cancelled back to the inbox.
func (w *world) tryAgain(t trouble) {
	var folders []string
	for _, name := range w.server.below(pipeline.FailedDir) {
		if path.Base(name) == pipeline.ReasonName {
			folders = append(folders, path.Base(path.Dir(name)))
		}
	}
	if len(folders) == 0 {
		return
	}
	share := sharefs.New("/share", newClient(w, people))
	source, inbox, err := pipeline.FailedSource(share, folders[t.who/8%len(folders)])
	if err == nil {
		_, err = steer.BackToInbox(w.ctx, share, source, inbox)
		w.judge.tally("source tried again")
	}
	w.history.add(people, "fault", "try again "+source, err, "")
}

// resume takes a pause back, and tries again where it is told that it did not work.
func (w *world) resume(job, how string) {
	share := sharefs.New("/share", newClient(w, people))
	for {
		err := pipeline.Withdraw(share, job, how)
		w.history.add(people, "fault", "resume "+job, err, "")
		if err == nil || !w.sleep(time.Minute) {
			return
		}
	}
}

func (w *world) ask(job, what, content string) {
	w.judge.tally(what)
	share := sharefs.New("/share", newClient(w, people))
	w.history.add(people, "fault", what+" "+job, pipeline.Ask(share, job, what, content), "")
}

// rest is a person who wants a machine for himself for a while, half of the times at once.
func (w *world) rest(t trouble) {
	share := sharefs.New("/share", newClient(w, people))
	desk := steer.Desk{Share: share, By: people}
	host := hostOf(t.who % w.plan.workers)
	_, err := desk.Rest(w.ctx, host, t.who/8%2 == 0)
	w.history.add(people, "fault", "rest "+host, err, "")
	if err != nil { // nobody works there now
		return
	}
	w.setResting(host, true)
	w.judge.tally("asked to rest")
	w.later(t.last, func() { w.wake(desk, host) })
}

// wake lets a machine claim again, and tries again where it is told that it did not work.
func (w *world) wake(desk steer.Desk, host string) {
	w.setResting(host, false)
	for {
		_, err := desk.Wake(w.ctx, host)
		w.history.add(people, "fault", "wake "+host, err, "")
		if err == nil || !w.sleep(time.Minute) {
			return
		}
	}
}

func (w *world) setResting(host string, rests bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rests {
		w.resting[host] = time.Now()
	} else {
		delete(w.resting, host)
	}
}

// shouldRest reports whether a machine was asked to rest so long ago that it should have heard of it.
func (w *world) shouldRest(host string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	since, asked := w.resting[host]
	return asked && time.Since(since) > time.Minute
}

// inWork returns the jobs that have not ended, as `ls` would tell.
func (w *world) inWork() []string {
	var jobs []string
	for _, name := range w.server.below(pipeline.Jobs) {
		job, _ := jobOf(name)
		if path.Base(name) == "job.json" && w.server.lookup(pipeline.JobFile(job, pipeline.ClosedName)) == nil {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

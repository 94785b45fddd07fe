package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// patience is how long after the last fault everything must be done. It covers a request that lands late,
// a worker's rest, every chunk tried again, and all sweeps.
const patience = 100 * time.Minute

// watch waits until the work is done, and no longer than can be.
func (w *world) watch() {
	for done := 0; done < 3; {
		if !w.sleep(10 * time.Second) {
			return
		}
		if w.onlyTemporary(w.left()) && !w.relieved && time.Since(w.began) > w.plan.calm+relief {
			w.relieved = true
			w.relieve()
		}
		over := time.Since(w.began) - w.plan.calm
		if over < 0 {
			continue
		}
		if over < 10*time.Second {
			w.healAll()
		}
		w.helpSetAside()
		left := w.left()
		if len(left) > 0 {
			done = 0
		} else {
			done++
		}
		if over > patience {
			w.judge.violate("liveness", fmt.Sprintf("%v after the last fault there is still: %s", patience,
				strings.Join(left, ", ")), stemOf(left[0]))
			return
		}
	}
}

// relief is when the masters are relieved, should only temporary files and folders be left: of a request that landed
// late, of a master that came back late and died. The next leader looks into every job's folder once.
const relief = 30 * time.Minute

func (w *world) onlyTemporary(left []string) bool {
	return len(left) > 0 && !slices.ContainsFunc(left, func(name string) bool {
		return !strings.HasPrefix(name, pipeline.Jobs+"/") || !isStaging(name) && path.Base(name) != "out"
	})
}

// relieve restarts all masters.
func (w *world) relieve() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for node, c := range w.clients {
		if strings.Contains(node, "-m") {
			c.kill()
		}
	}
}

// left returns what is not done or not tidied up yet.
func (w *world) left() []string {
	w.mu.Lock()
	if w.inbox > 0 {
		w.mu.Unlock()
		return []string{"people who have not yet dropped their films"}
	}
	w.mu.Unlock()
	left := slices.Concat(w.server.below(pipeline.Inbox), w.server.below("chunks"), w.server.below(pipeline.Leases))
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	for job := range w.server.kids[pipeline.Jobs] {
		there := w.server.names[pipeline.JobFile(job, "job.json")] != nil // else nothing was begun that must end
		if there && w.server.names[pipeline.JobFile(job, pipeline.ClosedName)] == nil && !w.erased(job) {
			left = append(left, fmt.Sprintf("%s without its end (%v)", pipeline.JobDir(job),
				slices.Sorted(maps.Keys(w.server.kids[pipeline.JobDir(job)]))))
		}
		for base := range w.server.kids[pipeline.JobDir(job)] {
			if isStaging(base) || strings.HasPrefix(base, "source") || base == "out" {
				left = append(left, pipeline.JobFile(job, base))
			}
		}
	}
	for _, dir := range []string{pipeline.PendingDir, pipeline.DoneDir, pipeline.SetAsideDir} {
		for base := range w.server.kids[dir] {
			left = append(left, dir+"/"+base)
		}
	}
	return left
}

// helpSetAside does what a person would for the jobs whose chunks failed too often: tries them again, which
// must do now that the faults are over, and cancels the one that can't be encoded.
func (w *world) helpSetAside() {
	share := sharefs.New("/share", newClient(w, people))
	for _, name := range w.server.below(pipeline.SetAsideDir) {
		job, _ := jobOf(name)
		if w.erased(job) {
			continue
		}
		asked := w.helped[job]
		switch {
		case time.Since(w.began) < w.plan.calm+retryTime/2: // what failed before may be set aside only now
			if time.Since(asked) < time.Minute {
				continue
			}
			w.helped[job] = time.Now()
			w.history.add(people, "fault", "retry "+job, pipeline.Ask(share, job, pipeline.ControlRetry, ""), "")
		case time.Since(asked) > retryTime:
			w.helped[job] = time.Now()
			_, err := pipeline.Decide(share, job, pipeline.Decision{Act: pipeline.ActCancelled,
				Reason: "a chunk failed too often", By: people})
			w.history.add(people, "fault", "cancel "+job, err, "")
		}
	}
}

// retryTime is how long a person watches what became of a retry. A worker may rest for 10 min before.
const retryTime = 30 * time.Minute

// verdict looks at what has come out when all is quiet.
func (w *world) verdict() {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	w.judgeHistory()
	for _, id := range slices.Sorted(maps.Keys(w.films)) {
		w.judgeFilm(id, w.films[id])
	}
}

// judgeFilm wants one output for a film whose source is in the archive, and a good reason for any other end.
func (w *world) judgeFilm(id string, f *film) {
	var at []string
	for name, i := range w.server.names {
		switch {
		case i != f.inode:
		case strings.HasPrefix(name, pipeline.Outbox+"/"): // it was skipped, which judge.out has judged
		default:
			at = append(at, name)
		}
	}
	slices.Sort(at)
	switch {
	case len(at) == 0 && w.judge.deleted[id] != "":
		w.judgeOutput(w.judge.deleted[id], id)
	case len(at) == 0 && len(w.gonejobs) > 0: // a person removed it with its job
	case len(at) != 1:
		w.judge.violate("I11", fmt.Sprintf("the source %s is at %v", id, at), id)
	case strings.HasPrefix(at[0], pipeline.Archive+"/"):
		job, _ := jobOf(at[0])
		w.judgeOutput(job, id)
	case strings.HasPrefix(at[0], pipeline.FailedDir+"/"):
		w.judgeReason(at[0], id)
	default:
		w.judge.violate("I11", fmt.Sprintf("the source %s is left at %s", id, at[0]), id)
	}
}

func (w *world) judgeOutput(job, id string) {
	name := w.judge.published[job]
	i := w.server.names[name]
	switch {
	case w.altered[name]: // a person took it
	case i == nil:
		w.judge.violate("promise 1", fmt.Sprintf("the output of %s, job %s, is not in the outbox (%q)", id, job, name), job)
	default:
		if err := w.exact(i.data); err != nil {
			w.judge.violate("promise 1", fmt.Sprintf("the output %s is not its source: %v", name, err), job)
		}
	}
}

// judgeReason wants one of the reasons that are no fault of the farm's.
func (w *world) judgeReason(at, id string) {
	var reason string
	if i := w.server.names[path.Join(path.Dir(at), "reason.txt")]; i != nil {
		reason = string(i.data)
	}
	again := w.films[id] != nil && w.films[id].title != id || len(w.plan.drops) > 1 &&
		strings.Contains(strings.Join(w.plan.drops, " "), "content")
	switch {
	case strings.Contains(reason, "The same content") && again:
	case strings.Contains(reason, "a chunk failed too often") && w.plan.poison > 0:
	case strings.Contains(reason, "Cancelled by") && w.cancelled:
	case reason == "" && w.plan.late: // an unlink that landed late, in a folder that was made again
	// nor had it, for as long as it stood still
	case strings.Contains(reason, "It has no frames") && w.films[id].how == "stalls":
	default:
		w.judge.violate("promise 5", fmt.Sprintf("the source %s ended at %s for no good reason: %q", id, at, reason),
			"failed/", id, strings.ToLower(crcOf([]byte(w.films[id].text()))))
	}
}

func (w *world) poisoned() string { return strings.ToLower(crcOf([]byte(w.films["f0x"].text()))) }

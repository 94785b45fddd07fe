package sim

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	counts "github.com/distenc/distenc/pipeline/history"
)

// tomorrow is when every day is over until which a run can last: what came out is folded at once.
func tomorrow() time.Time { return time.Now().Add(48 * time.Hour) }

// counted returns the jobs that a file of the history has, and what it says of each.
func counted(name string, data []byte) map[string]string {
	jobs := map[string]string{}
	for i, line := range strings.Split(string(data), "\n") {
		var e struct{ Job string }
		if path.Ext(name) == ".jsonl" && i < 2 || json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		jobs[e.Job] = line
	}
	return jobs
}

func inHistory(name string) bool {
	return path.Dir(name) == pipeline.HistoryDir && path.Ext(name) != ".tmp"
}

// counted returns the jobs that all files of the history have together.
func (j *judge) counted() map[string]string {
	all := map[string]string{}
	for base, i := range j.world.server.kids[pipeline.HistoryDir] {
		if name := pipeline.HistoryFile(base); inHistory(name) {
			for job, what := range counted(name, i.data) {
				all[job] = what
			}
		}
	}
	return all
}

// entered is I14: whatever comes into the history says of a job what all else says of it, and a job whose output came
// out is in the history before it is closed.
func (j *judge) entered(s step, i *inode) {
	job, _ := jobOf(s.name)
	all := j.counted()
	if s.name == pipeline.JobFile(job, pipeline.ClosedName) && j.published[job] != "" {
		if all[job] == "" {
			j.violate("I14", "closed before it is in the history: "+s.String(), job)
		}
		return
	}
	if !inHistory(s.name) {
		return
	}
	if path.Ext(s.name) == ".jsonl" {
		j.tally("history folded")
	}
	for job, what := range counted(s.name, i.data) {
		if before := j.entries[job]; before != "" && before != what {
			j.violate("I14", fmt.Sprintf("%q in the history, and before it was %q: %s", what, before, s), job)
		}
		if j.entries[job] = what; j.published[job] == "" {
			j.violate("I14", "in the history, and not published: "+s.String(), job)
		}
	}
}

// dropped is I14: what is in the history stays in it.
func (j *judge) dropped(s step, i *inode) {
	if !inHistory(s.name) {
		return
	}
	j.tally("history tidied")
	all := j.counted()
	for job := range counted(s.name, i.data) {
		if all[job] == "" {
			j.violate("I14", "gone from the history: "+s.String(), job)
		}
	}
}

// judgeHistory wants every film that came out to be counted once by who reads no more than the history.
func (w *world) judgeHistory() {
	files := map[string][]byte{}
	for base, i := range w.server.kids[pipeline.HistoryDir] {
		files[pipeline.HistoryFile(base)] = i.data
	}
	h, all := counts.NewReader(sharefstest.Files(files)).Read(tomorrow()), w.judge.counted()
	if len(h.Trouble) > 0 || int(h.All.Films) != len(all) || int(h.Recent.Films) != len(all) {
		w.judge.violate("I14", fmt.Sprintf("%d films are in the history, and %+v is read of it", len(all), h), "history")
	}
	for job := range w.judge.published {
		if w.server.names[pipeline.JobFile(job, pipeline.ClosedName)] != nil && all[job] == "" {
			w.judge.violate("I14", "published, and not in the history: "+job, job)
		}
	}
}

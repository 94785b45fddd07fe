package master

import (
	"context"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// job is a live job in the leader's memory: nothing in it can't be found again on the share.
type job struct {
	*pipeline.Job                // replaced, never written to: tasks have it too
	plan          *pipeline.Plan // the furthest; nil until it is made or read; never written to
	behind        persistence    // with a folder that lists only an earlier plan
	foreign       bool           // the plan is a later version's: the job waits for that one, or for a person
	scan          Scan           // what the intake read of the source, for planning
	sighted       *identity      // the source when it was last known to be what was taken in; nil: not by this master
	absent        persistence    // with a source that is not in the folder
	rest          time.Time      // no step before this time
	turn          turn
	builds        buildNotes
	corrections   pipeline.Corrections // of the budget, where the film's size is limited
	chunks        chunkNotes
	results       results
	merging       merging
	ending        ending
	started       bool // people were told that it is planned
}

// chunkNotes is what is remembered of a job's chunks that no listing shows.
type chunkNotes struct {
	unmade    map[int]bool         // never made yet: only the plan's own master knows
	nowhere   persistences[int]    // in no listing
	surplus   persistences[string] // free copies of accepted chunks, by path
	weighed   map[int]int          // the attempt up to which a chunk's failures were weighed
	copied    map[string]bool      // claims of suspects, by stem, of which a second copy was freed
	aside     int                  // set aside at the last look
	announced bool                 // that the job waits for a person
	ending    bool                 // an analysis: none is free any more, and the chunks of the plan after it come soon
	inspected time.Time            // when the source was last looked at because of that
}

// results is what is known of a job's results, by stem.
type results struct {
	verified verifiedRecords
	unseen   persistences[string] // committed, but not to be seen yet
	bad      []badResult          // found, and not yet sent back
	// records of accepted results that another master has checked, by stem; empty: lost
	others map[string]*pipeline.Record
	// overruns of the decoder's buffer that no further attempt mends, by stem
	borne map[string]bool
}

// verifiedRecords are the records of the results that this master has checked, by stem: what a result must still be
// when it is merged, whatever has become of its record on the share.
type verifiedRecords map[string]*pipeline.Record

// merging is how far a job's merge is.
type merging struct {
	prepared *preparation // once no chunk is free any more
	failures int          // in a row
}

// ending is how far this master is with a job's decision.
type ending struct {
	begun bool        // to carry it out
	gone  persistence // with a decided output that is not there
	lost  bool        // that output will not come back
	// with an entry of the history that can't be written
	unwritten persistence
	uncounted bool // it never will be
	// with a plan, by which the output is named, that can't be read
	planless persistence
	unnamed  bool // it never will be
}

// liveJob begins to follow a job.
func liveJob(record *pipeline.Job) *job {
	return &job{
		Job:     record,
		chunks:  chunkNotes{weighed: map[int]int{}, copied: map[string]bool{}},
		results: results{verified: verifiedRecords{}},
	}
}

// follow goes on by a plan. ours: this master has just made it, and nobody its chunks.
func (j *job) follow(p *pipeline.Plan, ours bool) {
	fresh := liveJob(j.Job)
	j.plan, j.scan, j.behind = p, Scan{}, persistence{}
	j.builds, j.corrections, j.chunks, j.results, j.merging = fresh.builds, nil, fresh.chunks, fresh.results, fresh.merging
	if !ours {
		return
	}
	j.chunks.unmade = map[int]bool{}
	for i := range p.Chunks {
		j.chunks.unmade[i] = true
	}
}

// jobTask is a background task's view of a job: a copy of what the loop knew when the task began. What a task finds
// out it returns, and the loop applies it.
type jobTask struct {
	*Master
	films *films // guards itself
	job   *pipeline.Job
	plan  *pipeline.Plan
	pins  pipeline.Pins
	// of the budget that the film has where its size is limited
	corrections pipeline.Corrections
	sighted     *identity // what the task finds here is applied too
	uncounted   bool      // the job will not be in the history
	unnamed     bool      // the output has its source's name, since the plan is gone
}

// taskFor is what a background task for a job is given.
func (t *term) taskFor(j *job) *jobTask {
	return &jobTask{
		Master: t.Master, films: t.jobs.films, job: j.Job, plan: j.plan, pins: j.builds.pins,
		corrections: j.corrections, sighted: j.sighted, uncounted: j.ending.uncounted, unnamed: j.ending.unnamed,
	}
}

// background runs work beside the main loop unless the stage does so for this job already, or for as many as it may.
// The loop applies what it returns.
func background[T any](t *term, stage string, j *job, work func(context.Context, *jobTask) T, apply func(T)) bool {
	task, before := t.taskFor(j), j.sighted
	return t.tasks.start(stage+"/"+j.ID, laneOf(stage, j.Job), func(ctx context.Context) func() {
		result := work(ctx, task)
		return func() {
			if task.sighted != before {
				j.sighted = task.sighted
			}
			apply(result)
		}
	})
}

// later notes an error that may pass and lets the job rest.
func (t *term) later(j *job, what string, err error) {
	t.Log.Warn(what, "job", j.ID, "name", pipeline.RawName(j.Name()).String(), "error", err)
	j.rest = time.Now().Add(errRest)
}

// errRest is how long a job waits after a step failed for a reason that may pass (a full disk, a share
// that does not answer), so that it neither spins nor is forgotten.
const errRest = 15 * time.Second

// orLater applies the error of a task.
func (t *term) orLater(j *job, what string) func(error) {
	return func(err error) {
		if err != nil {
			t.later(j, what, err)
		}
	}
}

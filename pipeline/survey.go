package pipeline

import (
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/distenc/distenc/lease/sharefs"
)

// Survey is one look at the chunk folders: which chunk files lie where. Listings are not atomic, so a
// chunk that was moved during the look may be seen in two states or in none: that a survey lacks a
// name proves nothing.
type Survey struct {
	Soon bool // chunks are announced; see Soon
	jobs map[string]JobChunks
}

// JobChunks are the chunk files of one job.
type JobChunks []ChunkFile

// TakeSurvey lists the chunk folders of all jobs.
func TakeSurvey(f *sharefs.FS) (*Survey, error) {
	s := &Survey{jobs: map[string]JobChunks{}}
	names, err := f.List(ClaimedDir)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if c, ok := ParseClaimed(n); ok {
			s.jobs[c.Job] = append(s.jobs[c.Job], c)
		}
	}
	done := func(_, name string) (ChunkFile, bool) { return ParseDone(name) }
	aside := func(_, name string) (ChunkFile, bool) { return ParseFailed(name) }
	err = errors.Join(s.addJobs(f, PendingDir, ParsePending), s.addJobs(f, DoneDir, done),
		s.addJobs(f, SetAsideDir, aside))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// addJobs lists the job folders below dir.
func (s *Survey) addJobs(f *sharefs.FS, dir string, parse func(job, name string) (ChunkFile, bool)) error {
	jobs, err := f.List(dir)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if !ValidJob(job) {
			s.Soon = s.Soon || dir+"/"+job == Soon
			continue
		}
		names, err := f.List(dir + "/" + job)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // removed since the listing above
		case err != nil && !sharefs.NotFolder(err): // what somebody has put in its place is for the sweep
			return err
		}
		files := s.jobs[job]
		for _, n := range names {
			if c, ok := parse(job, n); ok && c.Job == job {
				files = append(files, c)
			}
		}
		s.jobs[job] = files // also where there are none
	}
	return nil
}

// Job returns the chunk files of one job.
func (s *Survey) Job(id string) JobChunks { return s.jobs[id] }

// Jobs returns the ids of all jobs that have a folder or a file among the chunks, sorted.
func (s *Survey) Jobs() []string { return slices.Sorted(maps.Keys(s.jobs)) }

// Count returns how many chunk files of all jobs are in a state.
func (s *Survey) Count(state State) int {
	n := 0
	for _, j := range s.jobs {
		n += len(j.In(state))
	}
	return n
}

// Of returns the files of a plan's chunks, without those of an earlier or a later plan.
func (j JobChunks) Of(p *Plan) JobChunks {
	return slices.DeleteFunc(slices.Clone(j), func(c ChunkFile) bool { return !p.Has(c) })
}

// In returns the job's chunk files in a state.
func (j JobChunks) In(state State) []ChunkFile {
	var out []ChunkFile
	for _, c := range j {
		if c.State == state {
			out = append(out, c)
		}
	}
	return out
}

// Copies returns how many files speak for the chunk that one of them is of.
func (j JobChunks) Copies(of ChunkFile) (n int) {
	for _, c := range j {
		if c.Chunk == of.Chunk && c.Analysis == of.Analysis {
			n++
		}
	}
	return n
}

// Strongest returns for each chunk of a plan the file that speaks for it: the strongest state, then the
// highest attempt. A chunk that was not seen has State Nowhere.
func (j JobChunks) Strongest(p *Plan) []ChunkFile {
	best := make([]ChunkFile, len(p.Chunks))
	for _, c := range j {
		if !p.Has(c) {
			continue
		}
		b := &best[c.Chunk]
		if c.State > b.State || c.State == b.State && c.Attempt > b.Attempt {
			*b = c
		}
	}
	return best
}

// Attempts returns the highest attempt seen of each chunk of a plan.
func (j JobChunks) Attempts(p *Plan) []int {
	high := make([]int, len(p.Chunks))
	for _, c := range j {
		if p.Has(c) {
			high[c.Chunk] = max(high[c.Chunk], c.Attempt)
		}
	}
	return high
}

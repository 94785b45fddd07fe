package pipeline

import (
	"strconv"

	"github.com/distenc/distenc/lease/sharefs"
)

// Folder is a fresh listing of a job's folder. Whether a decision or a plan is there yet is asked of a
// listing, never of an open: NFS was seen to deny a name that it knew as absent for up to 53 s.
type Folder map[string]bool

// ListFolder lists a job's folder.
func ListFolder(f *sharefs.FS, id string) (Folder, error) {
	names, err := f.List(JobDir(id))
	if err != nil {
		return nil, err
	}
	dir := Folder{}
	for _, n := range names {
		dir[n] = true
	}
	return dir, nil
}

// Plan reports whether the job is planned.
func (d Folder) Plan() bool { return d[planName] }

// Decision reports whether the job's end is decided.
func (d Folder) Decision() bool { return d[DecisionName] }

// Published reports whether the output is out.
func (d Folder) Published() bool { return d[PublishedName] }

// Closed reports whether nothing is left to do.
func (d Folder) Closed() bool { return d[ClosedName] }

// Out reports whether the folder of merged outputs is there. It goes when the job ends.
func (d Folder) Out() bool { return d[outDir] }

// Job reports whether it is a job's folder at all.
func (d Folder) Job() bool { return d[JobName] }

// Source reports whether the job's source is there. Only the name in job.json is its: a person may have put a
// source.srt beside it.
func (d Folder) Source(j *Job) bool { return d[j.Source] }

// numbered counts the texts that are published one after the other under a name and a number, from 1.
func (d Folder) numbered(name string, most int) (n int) {
	for n < most && d[name+strconv.Itoa(n+1)] {
		n++
	}
	return n
}

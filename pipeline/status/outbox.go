package status

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// Output is a file in the outbox, for people and programs. Fields are added, never renamed.
type Output struct {
	Name pipeline.RawName `json:"name"` // below outbox/
	Size int64            `json:"size"` // bytes
	Time time.Time        `json:"time"` // when it was published; of what no job has published, when it was written
	// What follows is of the job that has published it, if one has.
	Job        string `json:"job,omitempty"`
	SourceSize int64  `json:"source_size,omitempty"` // bytes
	// Saved is how much smaller it is than its source; below zero: larger.
	Saved int64 `json:"saved_bytes,omitempty"`
}

const (
	// maxOutputs bounds how many are listed: the latest ones.
	maxOutputs = 2000
	// maxOutboxDepth bounds how deep it is looked for them.
	maxOutboxDepth = 32
)

// Outbox lists what lies in the outbox, the latest first, as far as it can be listed. s is the state that was read
// last, which knows the jobs. Links and names that nobody gives to a finished file are passed over.
func Outbox(f *sharefs.FS, s *Status) ([]Output, error) {
	jobs := map[string]pipeline.JobStatus{}
	for _, j := range s.Jobs {
		if j.Output != "" {
			jobs[j.Output] = j
		}
	}
	all := []Output{}
	err := eachOutput(f, pipeline.Outbox, maxOutboxDepth, func(name string, info fs.FileInfo) {
		below := pipeline.RawName(name[len(pipeline.Outbox)+1:])
		o := Output{Name: below, Size: info.Size(), Time: info.ModTime().UTC()}
		if j, ok := jobs[pipeline.Outbox+"/"+below.String()]; ok {
			o.Job, o.SourceSize, o.Saved = j.ID, j.Size, j.Size-o.Size
			if !j.Ended.IsZero() {
				o.Time = j.Ended
			}
		}
		all = append(all, o)
	})
	slices.SortFunc(all, func(a, b Output) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(len(all), maxOutputs)], err
}

// eachOutput walks through a folder of the outbox. Only an error of the outbox itself is returned.
func eachOutput(f *sharefs.FS, dir string, depth int, found func(name string, info fs.FileInfo)) error {
	entries, err := f.Entries(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case watcher.Ignored(e.Name()):
		case e.IsDir() && depth > 0:
			_ = eachOutput(f, name, depth-1, found) // one that can't be listed hides no other
		case e.Type().IsRegular():
			if info, err := e.Info(); err == nil { // gone since
				found(name, info)
			}
		}
	}
	return nil
}

package pipeline

import (
	"encoding/json"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Closed is what is left to know of a job that has ended.
type Closed struct {
	Act    Act     `json:"act"`
	Reason string  `json:"reason,omitempty"`
	Source RawName `json:"source,omitempty"` // where on the share its source was put; people may have moved it on
	// Job is how the job stood at its end, for those who list a long history. For display only, and nil where
	// an older version closed the job.
	Job *JobStatus `json:"job,omitempty"`
}

// LoadClosed reads how a job ended; fs.ErrNotExist while it has not.
func LoadClosed(f *sharefs.FS, id string) (*Closed, error) {
	c := &Closed{}
	return c, ReadJSON(f, JobFile(id, ClosedName), maxSmall, c)
}

// Publish writes it down, once: what another master has written stays.
func (c Closed) Publish(f *sharefs.FS, id string) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if len(b) > maxSmall/2 && c.Job != nil { // the failures' own files still tell
		job := *c.Job
		job.Failures, c.Job = nil, &job
		if b, err = json.Marshal(c); err != nil {
			return err
		}
	}
	_, _, err = f.PublishData(JobFile(id, ClosedName), append(b, '\n'))
	return err
}

// JobState is what `distenc status` calls a job's state.
type JobState string

// The states of a job, in the order in which a healthy one goes through them, then the other ends.
const (
	Planning  JobState = "planning"
	Analysing JobState = "analysing"
	Splitting JobState = "splitting"
	InWork    JobState = "encoding"
	Merging   JobState = "merging"
	Done      JobState = "done"
	Skipped   JobState = "skipped" // its output is the source: an encoded one would be larger than it may be
	JobFailed JobState = "failed"
	Cancelled JobState = "cancelled"
)

// HasOutput reports whether something of the job is in the outbox.
func (s JobState) HasOutput() bool { return s == Done || s == Skipped }

// JobStatus is one job as people see it.
type JobStatus struct {
	ID   string `json:"id"`
	Name string `json:"name"` // escaped where it is not UTF-8
	Origin
	State JobState `json:"state"`
	Course
	Quality *Scores `json:"quality,omitempty"` // of the chunks that are accepted, where a quality was asked for
	Output  string  `json:"output"`            // below the share's root, "" until published
	// bytes of what was published
	OutputSize int64 `json:"output_size,omitempty"`
	// why the source itself was published
	Skipped string `json:"skipped,omitempty"`
	Error   string `json:"error"`
	Waits   string `json:"waits,omitempty"` // why no node that is there takes its chunks
	Asked
	Decided bool      `json:"decided"` // its end is decided; a failed job that is not can be retried where it stands
	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`
	Size    int64     `json:"size"`             // bytes of the source
	Closed  bool      `json:"closed,omitempty"` // nothing of this will change any more
	Setbacks
}

// Origin is where a job came from, and what it is encoded with.
type Origin struct {
	Folder string `json:"folder"` // below inbox/, where it was dropped; "" for inbox/ itself
	// where on the share the source of one that has ended was put; people may have moved it on
	Source  string `json:"source,omitempty"`
	CRC32   string `json:"crc32"`
	Profile string `json:"profile"`
	Build   string `json:"build,omitempty"` // version of the encoder that its chunks are encoded with, once it is planned
}

// Course is how far a job is.
type Course struct {
	Chunks Counts   `json:"chunks"`
	Frames Progress `json:"frames"`
	FPS    float64  `json:"fps"`
	ETA    int      `json:"eta_seconds"` // 0 when done or not known
}

// Asked is what people want of a job.
type Asked struct {
	Paused   bool   `json:"paused"`
	Priority int    `json:"priority"`
	Nonce    string `json:"nonce,omitempty"`
}

// Setbacks is what went wrong on the way, and what a person should know.
type Setbacks struct {
	Expiries int `json:"expiries"` // of the retries, those whose worker fell silent
	// attempts that came to nothing: failed, or their worker fell silent; not what was handed back
	Retries  int       `json:"retries"`
	Notes    []string  `json:"notes,omitempty"` // what a person should know of the source and of what becomes of it
	Failures []Failure `json:"failures,omitempty"`
}

// Counts are a job's chunks by state; pending counts those not yet split too, done those accepted. While a job is
// analysed they count what is measured.
type Counts struct {
	Total   int `json:"total"`
	Pending int `json:"pending"`
	Claimed int `json:"claimed"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
}

// Progress counts frames that are encoded, those of running chunks included.
type Progress struct {
	Total int `json:"total"`
	Done  int `json:"done"`
}

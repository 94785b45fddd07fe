package pipeline

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Names of the small texts in a job's folder. Each is written once, by O_EXCL or by a link, and never
// changed, so whoever reads one can go by it.
const (
	// JobName says what was dropped and how it is to be encoded; it is there before the source.
	JobName  = "job.json"
	planName = "plan.json"
	// DecisionName says how the job ends.
	DecisionName = "decision"
	// PublishedName says where the output went.
	PublishedName = "published"
	// ClosedName says that nothing is left to do for the job.
	ClosedName = "closed"
	// CertificateName is how the output was checked.
	CertificateName = "certificate.json"
	// ReportName is the job's page for people.
	ReportName = "report.txt"
)

// Limits for what is read back from the share: anyone may have written there.
const (
	maxSmall = 1 << 20  // bytes of a job, decision, record or node file
	maxPlan  = 64 << 20 // bytes of a plan: 10,000 chunks with their timestamps take a tenth of it
)

// Job is job.json: what was dropped and how it is to be encoded, written before the source is moved in.
type Job struct {
	ID       string    `json:"id"`
	Inbox    RawName   `json:"inbox"`  // path of the source below inbox/, as it was dropped
	Source   string    `json:"source"` // its name in the job's folder: source.<ext>
	Size     int64     `json:"size"`
	ModTime  time.Time `json:"mtime"`
	CRC32    string    `json:"crc32"`         // 8 upper-case hex digits
	Tag      string    `json:"tag,omitempty"` // the CRC-32 tag in the name, upper case
	Settings Settings  `json:"settings"`
	Priority int       `json:"priority,omitempty"`
	Nonce    string    `json:"nonce,omitempty"` // of the `distenc add` that dropped it
	Master   string    `json:"master"`
	Created  time.Time `json:"created"`
}

// Name is the source's file name as it was dropped.
func (j *Job) Name() string { return path.Base(string(j.Inbox)) }

// LoadJob reads a job's job.json.
func LoadJob(f *sharefs.FS, id string) (*Job, error) {
	j := &Job{}
	if err := ReadJSON(f, JobFile(id, JobName), maxSmall, j); err != nil {
		return nil, err
	}
	if j.ID != id || !originalName.MatchString(j.Source) || j.Name() == "." {
		return nil, fmt.Errorf("%s does not describe the job %s", JobFile(id, JobName), id)
	}
	return j, nil
}

// Create makes the job's folder and its job.json, and fails if there is one.
func (j *Job) Create(f *sharefs.FS) error {
	created, err := f.Mkdir(JobDir(j.ID))
	if err == nil && !created {
		err = fs.ErrExist
	}
	if err != nil {
		return fmt.Errorf("cannot make the job %s: %w", j.ID, err)
	}
	for _, dir := range JobFolders(j.ID) {
		if err := f.MkdirAll(dir); err != nil {
			return err
		}
	}
	return publishJSON(f, JobFile(j.ID, JobName), j)
}

// publishJSON publishes v, durably, under a name that several may want: the first one's stays.
func publishJSON(f *sharefs.FS, name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, _, err = f.PublishData(name, append(b, '\n'))
	}
	return err
}

// ReadJSON reads a file of at most limit bytes into v. Where its content is wrong the error is none of the operating
// system (sharefs.System).
func ReadJSON(f *sharefs.FS, name string, limit int64, v any) error {
	b, err := f.Read(name, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s is not as it was written: it was cut short or changed (%w)", name, err)
	}
	return nil
}

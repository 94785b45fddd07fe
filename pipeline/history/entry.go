package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Entry is what one job adds to the history. All of it is taken from texts that never change, so that every master
// makes the same one.
type Entry struct {
	Job     string          `json:"job"`
	Time    time.Time       `json:"time"`              // when its output came out, by the clock of that master
	Skipped bool            `json:"skipped,omitempty"` // the output is the source
	Source  int64           `json:"source_bytes"`
	Output  int64           `json:"output_bytes"`
	Frames  int             `json:"frames"`  // of the output, 0 where it is the source
	Seconds float64         `json:"seconds"` // how long the film lasts, 0 where the output is the source
	Nodes   map[string]Work `json:"nodes,omitempty"`
}

// Work is what the nodes of one host have encoded: their results that became a part of an output, or would have.
type Work struct {
	Frames  int64   `json:"frames"`
	Seconds float64 `json:"seconds"` // of all encodes together: four side by side count four
}

// FPS is the speed of one encode in frames a second.
func (w Work) FPS() float64 {
	if w.Seconds < 0.001 { // no encode is that short
		return 0
	}
	return float64(w.Frames) / w.Seconds
}

func (w Work) plus(o Work) Work { return Work{capped(w.Frames + o.Frames), w.Seconds + o.Seconds} }

// Limits of what can be meant: anyone may have written to the share, and it is calculated with.
const (
	maxBytes   = 1 << 46 // of one film
	maxFrames  = 1 << 32 // of one film
	maxSeconds = 1e9     // of one film, and of all its encodes
	maxHosts   = 1000    // that encoded one film
	maxEntry   = 1 << 20 // bytes of an entry's file
	maxSum     = 1 << 60 // of anything that is added up
)

func capped(n int64) int64 { return max(-maxSum, min(n, maxSum)) }

var hostForm = regexp.MustCompile(`^[a-zA-Z0-9-]{1,64}$`)

// valid reports whether a master can have meant the entry.
func (e *Entry) valid() bool {
	year := e.Time.UTC().Year()
	if !pipeline.ValidJob(e.Job) || year < 1970 || year > 9999 || len(e.Nodes) > maxHosts ||
		e.Source < 0 || e.Source > maxBytes || e.Output < 0 || e.Output > maxBytes ||
		e.Frames < 0 || e.Frames > maxFrames || !sane(e.Seconds) {
		return false
	}
	for host, w := range e.Nodes {
		if !hostForm.MatchString(host) || w.Frames < 0 || w.Frames > maxFrames || !sane(w.Seconds) {
			return false
		}
	}
	return true
}

func sane(seconds float64) bool { return seconds >= 0 && seconds <= maxSeconds } // not NaN either

// day is when the output came out, as days and months are counted: in UTC.
func (e *Entry) day() string   { return e.Time.UTC().Format(dayForm) }
func (e *Entry) month() string { return e.Time.UTC().Format(monthForm) }

const dayForm, monthForm = "2006-01-02", "2006-01"

// parseEntry reads an entry; what no master can have meant is an error.
func parseEntry(b []byte) (*Entry, error) {
	e := &Entry{}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, err
	}
	if !e.valid() {
		return nil, errors.New("it is no entry of the history")
	}
	return e, nil
}

// EntryOf makes the entry of a job whose output came out. Of a plan or a certificate that is gone or damaged nothing is
// taken: the film counts all the same. Other errors are the share's (sharefs.System).
func EntryOf(f *sharefs.FS, j *pipeline.Job, skipped bool) (*Entry, error) {
	p, err := pipeline.LoadPublished(f, j.ID)
	if err != nil {
		return nil, err
	}
	e := &Entry{Job: j.ID, Time: p.Time, Skipped: skipped, Source: min(j.Size, maxBytes), Output: min(p.Size, maxBytes)}
	plan, err := pipeline.LoadPlan(f, j.ID)
	if unread(err) {
		return nil, err
	}
	if err == nil {
		if e.Nodes, err = encoded(f, plan); unread(err) {
			return nil, err
		}
		if !skipped {
			e.Frames, e.Seconds = plan.Frames, rounded(plan.Seconds())
		}
	}
	if !e.valid() {
		return nil, fmt.Errorf("cannot add the job %s to the history: its texts say what can't be", j.ID)
	}
	return e, nil
}

// unread reports whether a text may well be there, but the share did not give it.
func unread(err error) bool { return sharefs.System(err) && !errors.Is(err, fs.ErrNotExist) }

// rounded writes times to the millisecond; what can't be one is 0.
func rounded(seconds float64) float64 {
	if !sane(seconds) {
		return 0
	}
	return math.Round(1000*seconds) / 1000
}

// encoded takes from a job's certificate who encoded how much of the plan's frames. One that tells of more frames than
// there are, or of what can't be, was altered, and nothing of it counts.
func encoded(f *sharefs.FS, plan *pipeline.Plan) (map[string]Work, error) {
	var c struct {
		Chunks []struct {
			Node    string
			Frames  int64
			Seconds float64
		}
	}
	if err := pipeline.ReadJSON(f, pipeline.JobFile(plan.Job, pipeline.CertificateName), maxCertificate, &c); err != nil {
		return nil, err
	}
	hosts, left := map[string]Work{}, int64(plan.Frames)
	for _, chunk := range c.Chunks {
		host := pipeline.NodeHost(chunk.Node)
		left -= chunk.Frames
		if !hostForm.MatchString(host) || chunk.Frames < 0 || left < 0 || !sane(chunk.Seconds) {
			return nil, errors.New("the certificate was altered")
		}
		hosts[host] = hosts[host].plus(Work{chunk.Frames, chunk.Seconds})
	}
	for host, w := range hosts {
		hosts[host] = Work{w.Frames, rounded(w.Seconds)}
	}
	return hosts, nil
}

// maxCertificate is what is read of a certificate, in bytes: ten thousand chunks take a tenth of it.
const maxCertificate = 64 << 20

// Publish writes the entry down, durably; what another master has written stays.
func (e *Entry) Publish(f *sharefs.FS) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return f.PublishMaking(pipeline.HistoryEntry(e.Job), append(b, '\n'))
}

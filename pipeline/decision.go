package pipeline

import (
	"fmt"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Decision is how a job ends; the first one published holds (T12).
type Decision struct {
	Act    Act    `json:"act"`
	Out    string `json:"out,omitempty"`
	CRC32  string `json:"crc32,omitempty"` // of the output
	Reason string `json:"reason,omitempty"`
	// Notes is what a person should know of the output beside the plan's notes.
	Notes  []string `json:"notes,omitempty"`
	Return bool     `json:"return,omitempty"` // the source goes back to the inbox: it was not whole yet
	By     string   `json:"by"`
	Nonce  string   `json:"nonce"`
}

// Published says where the output went: a path below outbox/.
type Published struct {
	Output RawName   `json:"output"`
	CRC32  string    `json:"crc32"`
	Size   int64     `json:"size"`
	Time   time.Time `json:"time"`
}

// LoadDecision reads a job's decision; fs.ErrNotExist while there is none.
func LoadDecision(f *sharefs.FS, id string) (*Decision, error) {
	d := &Decision{}
	if err := ReadJSON(f, JobFile(id, DecisionName), maxSmall, d); err != nil {
		return nil, err
	}
	switch d.Act {
	case ActPublish, ActSkipped, ActFailed, ActCancelled:
		if outName.MatchString(d.Out) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%s is not a decision", JobFile(id, DecisionName))
}

// Decide publishes a decision, durably, and returns the one that holds: ours only if it was first (T12).
func Decide(f *sharefs.FS, id string, d Decision) (*Decision, error) {
	d.Nonce = Nonce(12)
	if err := publishJSON(f, JobFile(id, DecisionName), d); err != nil {
		return nil, err
	}
	return LoadDecision(f, id)
}

// Publish writes it down, durably; what another master has written stays.
func (p Published) Publish(f *sharefs.FS, id string) error {
	return publishJSON(f, JobFile(id, PublishedName), p)
}

// LoadPublished reads where a job's output went; fs.ErrNotExist while it went nowhere.
func LoadPublished(f *sharefs.FS, id string) (*Published, error) {
	p := &Published{}
	return p, ReadJSON(f, JobFile(id, PublishedName), maxSmall, p)
}

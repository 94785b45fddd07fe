package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// EventKind is what has happened, in the word by which people ask to be told of it.
type EventKind string

// The kinds of events.
const (
	EventStarted EventKind = "started" // a job has a plan, and its chunks come
	EventDone    EventKind = "done"    // its output is out, or its source in place of that
	EventFailed  EventKind = "failed"  // a job failed or waits for a person, or no job was made of a file
	EventIdle    EventKind = "idle"    // all jobs have ended, and nothing waits in the inbox
)

// EventKinds lists all kinds.
func EventKinds() []EventKind { return []EventKind{EventStarted, EventDone, EventFailed, EventIdle} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *EventKind) UnmarshalText(text []byte) error { return setWord(k, text, EventKinds()...) }

// Event is something that people may want to be told of.
type Event struct {
	Kind EventKind `json:"event"`
	Time time.Time `json:"time"`
	Job  JobStatus `json:"job,omitzero"`   // that it happened to; the zero JobStatus where all jobs have ended
	Left int       `json:"left,omitempty"` // jobs that wait for a person, where all others have ended
}

// EventAge is how long people are told of an event: what could not be told for a day is given up.
const EventAge = 24 * time.Hour

// Untold is an event that one receiver has yet to be told of. It is a file on the share, written before nobody could
// find out any more that it has happened, and removed when the receiver was told: what a master that died has not
// told, the next one does.
type Untold struct {
	Event
	Receiver string // who: a word that the receiver itself chooses

	fs    *sharefs.FS
	name  string    // of the file
	kept  bool      // it is on the share
	since time.Time // when it was written down, by this machine's clock
}

// UntoldDir is where they are. It is made when there is something to be told: most shares have nobody who wants to be.
const UntoldDir = ".distenc/untold"

var untoldName = regexp.MustCompile(`^([a-z0-9][a-zA-Z0-9.-]{0,200})\.([a-z]{1,16})\.json$`)

// NewUntold describes what a receiver is to be told of. id names the event: two masters that find out the same have
// the same name for it.
func NewUntold(f *sharefs.FS, id, receiver string, e Event) *Untold {
	return &Untold{Event: e, Receiver: receiver, fs: f, name: id + "." + receiver + ".json", since: time.Now()}
}

// Name tells this event and receiver from all others.
func (u *Untold) Name() string { return u.name }

func (u *Untold) file() string { return path.Join(UntoldDir, path.Base(u.name)) }

// Keep writes it down, durably. What is written already stays.
func (u *Untold) Keep() error {
	if !untoldName.MatchString(u.name) {
		return fmt.Errorf("cannot note the event %q: it has no name that can be", u.name)
	}
	e := u.Event
	e.Job.Failures = nil // their own files still tell
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	err = u.fs.PublishMaking(u.file(), b)
	u.kept = err == nil
	return err
}

// Told crosses it off.
func (u *Untold) Told() error {
	if !u.kept {
		return nil
	}
	return u.fs.Remove(u.file())
}

// Stands reports whether nobody else has told it meanwhile, as far as can be seen.
func (u *Untold) Stands() bool {
	if !u.kept {
		return true
	}
	_, err := u.fs.Stat(u.file())
	return !errors.Is(err, fs.ErrNotExist)
}

// Old reports whether it is given up.
func (u *Untold) Old() bool { return time.Since(u.since) > EventAge }

// ListUntold lists the files of what has yet to be told. What is none of ours is left alone.
func ListUntold(f *sharefs.FS) ([]string, error) {
	names, err := f.List(UntoldDir)
	if sharefs.Absent(err) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(n string) bool { return !IsUntold(n) }), err
}

// IsUntold reports whether a file in UntoldDir has the name of an event.
func IsUntold(name string) bool { return untoldName.MatchString(name) }

// LoadUntold reads one of the files; fs.ErrNotExist where somebody has told it. Other errors of the system
// (sharefs.System) may pass. now is the time by the clock that stamps files on the share: no other one tells their age.
func LoadUntold(f *sharefs.FS, name string, now time.Time) (*Untold, error) {
	m := untoldName.FindStringSubmatch(name)
	if m == nil {
		return nil, fmt.Errorf("%q is not the name of an event", name)
	}
	u := &Untold{Receiver: m[2], fs: f, name: name, kept: true}
	text, info, err := f.ReadStat(u.file(), maxSmall)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &u.Event); err != nil {
		return nil, fmt.Errorf("%s is not as it was written: %w", u.file(), err)
	}
	u.since = time.Now().Add(info.ModTime().Sub(now))
	return u, OneOf(u.Kind, EventKinds()...)
}

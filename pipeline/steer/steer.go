// Package steer holds what people ask of a share: submit a film; pause, resume, cancel or retry a job, or put it before
// others; have a machine rest. The command line and the HTTP interface call the same functions. They print nothing:
// each returns what came of the wish, or a typed error.
//
// A person names a job or a film by a word: a job's id, a name or a CRC-32, or a part of a name. A wish is a file on
// the share, which a master carries out; a film that still waits in the inbox has it in the settings beside it.
package steer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Desk takes people's wishes for one share. Any number of them may be used at the same time.
type Desk struct {
	Share    *sharefs.FS
	Settings Settings
	By       string // who asks; it stands in the job's report, and in the reason of what is cancelled
}

// note has the job's report say who asked. A wish that is fulfilled already does not fail for its note.
func (d Desk) note(t Target, what string) {
	if t.Job != nil && d.By != "" {
		_ = pipeline.NoteAsked(d.Share, t.Job.ID, what, d.By)
	}
}

// Wish is one that a word is enough for: Desk.Resume, for instance. It is a method's own form.
type Wish func(d Desk, ctx context.Context, word string) (Outcome, error)

// Settings is how the settings beside a film, NAME.distenc.toml, are written.
type Settings interface {
	// Amend returns the settings with what is wished for; all else in them is kept. data is what stands there, and
	// empty for none; name is the file's, for errors. An error says whether the file or the wish is wrong.
	Amend(name string, data []byte, w Wishes) ([]byte, error)
	// Nonce returns the nonce of the submission that wrote the settings, "" for none.
	Nonce(data []byte) string
}

// Wishes are what can be asked for a film before a master takes it. What is zero leaves the settings as they are.
type Wishes struct {
	Profile  string
	Settings map[string]string // by their keys in a profile, in place of the profile's
	Priority *int
	Paused   *bool
	Again    bool // encode even if the same was done before
	// Nonce and Size, in bytes, promise that the file is whole, and name the submission.
	Nonce    string
	Size     int64
	KeepDate bool // a copy of the file has its date
}

// State is what came of a wish.
type State string

// The states that a wish leaves a job or a film in.
const (
	Paused      State = "paused"
	GoesOn      State = "goes on"
	Prioritised State = "prioritised"
	Cancelled   State = "cancelled"    // decided: a master puts the source into failed/
	PutAside    State = "put aside"    // it was not taken yet, and is in failed/ already
	TriedAgain  State = "tried again"  // a master frees the chunks that were set aside
	InInbox     State = "in the inbox" // its source is there again, and becomes a new job
	Rests       State = "rests"        // of a machine: its workers claim nothing more
	Awake       State = "awake"        // of a machine: nobody asks it to rest
)

// Outcome is what came of a wish.
type Outcome struct {
	Job   string // the job's id; "" for a film that is no job
	Name  string // for people; a machine's is its host name
	Word  string // names this one alone
	State State
	Path  string // PutAside, InInbox: where on the share the source lies now
	// Priority is the one asked for, where State is Prioritised.
	Priority int
}

// Kind is why a wish can't be fulfilled.
type Kind int

// The kinds of errors.
const (
	Unknown   Kind = iota + 1 // the word names nothing
	Ambiguous                 // the word names several
	NotNow                    // as things are with the job or film, nobody can ask that of it
	Busy                      // a master is moving it: asked again in a moment the wish may be fulfilled
	Wrong                     // nobody can ask for that, as things are never so
	NoRoom                    // the share has too little room
	Many                      // too many of the kind are not finished
	Damaged                   // what came is not what its name says
)

// Error is a wish that can't be fulfilled; nothing was changed. Errors of other types are the share's or the file's.
type Error struct {
	Kind  Kind
	Meant []Target // Ambiguous: what the word names
	text  string
}

func (e *Error) Error() string { return e.text }

// Refuse returns an *Error.
func Refuse(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, text: fmt.Sprintf(format, args...)}
}

// FileError is a file of this machine that a person named and that can't be used.
type FileError struct {
	Verb, File string
	Err        error
}

func (e *FileError) Error() string {
	text := fmt.Sprintf("cannot %s %q: %s", e.Verb, e.File, e.Err)
	if errors.Is(e.Err, fs.ErrNotExist) {
		text += "; is the name right? One with spaces needs quotes"
	}
	return text
}

func (e *FileError) Unwrap() error { return e.Err }

// shown is a name on the share for people.
func shown(name string) string { return pipeline.RawName(name).String() }

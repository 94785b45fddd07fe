package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Refusal is the error for a source that can't be encoded as asked: trying again changes nothing. Its
// text is one sentence for the person who dropped the file, and goes into reason.txt as it is.
type Refusal struct {
	Reason string
	Err    error // the cause, for the log; may be nil
}

func (r *Refusal) Error() string { return r.Reason }

func (r *Refusal) Unwrap() error { return r.Err }

// Refuse makes a Refusal of a sentence in fmt.Sprintf's form.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// NoSpace tells a full disk or quota from all other errors, also where a child process met it and only
// says so (strerror(3) in the C locale; mkvmerge has words of its own: "No space left to write to").
func NoSpace(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(text, "No space left") || strings.Contains(text, "Disk quota exceeded")
}

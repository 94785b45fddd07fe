package pipeline

import "fmt"

// Refusal is the error for a source that can't be encoded as asked: trying again changes nothing. Its
// text is one sentence for the person who dropped the file, and goes into reason.txt as it is.
type Refusal struct {
	Reason string
	Err    error  // the cause, for the log; may be nil
	Twin   string // the job that has the same content with the same settings; "": none
}

func (r *Refusal) Error() string { return r.Reason }

func (r *Refusal) Unwrap() error { return r.Err }

// Refuse makes a Refusal of a sentence in fmt.Sprintf's form.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// Because has the refusal wrap the error that it is about, and returns it.
func (r *Refusal) Because(err error) *Refusal {
	r.Err = err
	return r
}

// BadChunk is a result that can't be merged: it has to be encoded again.
type BadChunk struct {
	Index  int
	Reason string
}

func (e *BadChunk) Error() string {
	return fmt.Sprintf("result of chunk %05d is not usable: %s", e.Index, e.Reason)
}

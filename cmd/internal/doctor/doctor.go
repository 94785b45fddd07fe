// Package doctor tries whether a machine can work on a share, and says what to do where it can't.
//
// It has three parts, each a function that reports its findings one by one as they are made: Machine tests
// this machine, Share the share as this machine sees it, and Peer the share between this machine and
// another that runs the same test at the same time. What mount options, permissions and limits mean is
// decided by functions of plain values; what a share does is tried on it, with files of our own in a
// fresh folder under .distenc/probe that is removed again.
//
// What network file systems really do, and so what there is to look for, was measured with kernel NFS
// and SMB clients and servers; docs/doctor.md says what each finding means.
package doctor

import "fmt"

// Level is how bad a finding is.
type Level string

// Fail: distenc can't work like this, or can't keep its promises. Advice: it works, but something would
// be better otherwise.
const (
	OK     Level = "ok"
	Advice Level = "advice"
	Fail   Level = "FAIL"
)

// Finding is what one check found: one line for people, one object for programs.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Seen  string `json:"seen"`
	Why   string `json:"why,omitempty"` // it matters
	Do    string `json:"do,omitempty"`  // what mends it, or where to look further
}

// Tell takes findings, one at a time.
type Tell func(Finding)

func ok(check, format string, args ...any) Finding {
	return Finding{Check: check, Level: OK, Seen: fmt.Sprintf(format, args...)}
}

func advice(check, format string, args ...any) Finding {
	return Finding{Check: check, Level: Advice, Seen: fmt.Sprintf(format, args...)}
}

func failed(check, format string, args ...any) Finding {
	return Finding{Check: check, Level: Fail, Seen: fmt.Sprintf(format, args...)}
}

// because adds why the finding matters and what to do about it.
func (f Finding) because(why, do string) Finding {
	f.Why, f.Do = why, do
	return f
}

// String is the finding for people, in whole lines.
func (f Finding) String() string {
	text := fmt.Sprintf("%-7s %-16s %s\n", f.Level, f.Check, f.Seen)
	for _, more := range []struct{ what, text string }{{"why:", f.Why}, {"do:", f.Do}} {
		if more.text != "" {
			text += fmt.Sprintf("%24s %-4s %s\n", "", more.what, more.text)
		}
	}
	return text
}

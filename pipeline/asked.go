package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

const (
	askedPrefix = "asked."
	maxAsked    = 4 << 10 // bytes of one note
	mostAsked   = 100     // notes that a report has
)

// NoteAsked notes in the job's log folder who asked what of it. Nothing is decided by it.
func NoteAsked(f *sharefs.FS, job, what, by string) error {
	if err := f.MkdirAll(LogDir(job)); err != nil {
		return err
	}
	line := fmt.Sprintf("%s %s, asked by %s\n", time.Now().UTC().Format(time.RFC3339), what, RawName(by))
	return f.Create(JobLog(job, askedPrefix+Nonce(nonceLen)+".txt"), []byte(line))
}

// LoadAsked reads those notes, the oldest first by the clocks of those who wrote them. What can't be read is left out.
func LoadAsked(f *sharefs.FS, job string) (all []string) {
	names, _ := f.List(LogDir(job))
	for _, name := range names {
		if !strings.HasPrefix(name, askedPrefix) || len(all) == mostAsked {
			continue
		}
		if line, err := f.Read(JobLog(job, name), maxAsked); err == nil {
			all = append(all, RawName(strings.TrimSpace(string(line))).String())
		}
	}
	slices.Sort(all)
	return all
}

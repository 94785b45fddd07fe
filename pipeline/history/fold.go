package history

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// Folder folds the entries of days that are over into their months' files. It is for a master while it leads, but two
// do no harm. Not safe for concurrent use.
type Folder struct {
	fs    *sharefs.FS
	loose loose
	seen  map[string]time.Time // files, since when
}

// NewFolder returns a folder that has seen nothing yet.
func NewFolder(f *sharefs.FS) *Folder {
	return &Folder{fs: f, loose: newLoose(f), seen: map[string]time.Time{}}
}

// Fold does what is to be done now. today ("2026-11-29") is the first day that is not over; by a wrong clock it is only
// done too early or too late.
func (k *Folder) Fold(today time.Time) error {
	all, err := list(k.fs)
	if err != nil {
		return err
	}
	k.watch(all)
	entries, err := k.loose.byMonth(all.entries)
	if err != nil {
		return err
	}
	over := func(_ string, e *Entry) bool { return e.day() >= today.UTC().Format(dayForm) }
	months := slices.Collect(maps.Keys(all.months))
	for m, due := range entries {
		if maps.DeleteFunc(due, over); len(due) > 0 && len(all.months[m]) == 0 {
			months = append(months, m)
		}
	}
	for _, m := range months {
		if len(entries[m]) > 0 || len(all.months[m]) > 1 {
			err = errors.Join(err, k.month(m, all.months[m], entries[m]))
		}
	}
	for _, n := range all.temporary {
		if time.Since(k.seen[n]) > pipeline.DeadFor {
			err = errors.Join(err, k.fs.Remove(pipeline.HistoryFile(n)))
		}
	}
	return err
}

// watch notes since when each file is seen.
func (k *Folder) watch(all files) {
	names := slices.Concat(append(slices.Collect(maps.Values(all.months)), all.temporary)...)
	seen := map[string]time.Time{}
	for _, n := range names {
		if seen[n] = k.seen[n]; seen[n].IsZero() {
			seen[n] = time.Now()
		}
	}
	k.seen = seen
}

// month folds entries into a month's files where none has all of them yet, and else removes what one file makes
// superfluous. A file that is not whole stays, and its entries come into the next one.
func (k *Folder) month(name string, names []string, due map[string]*Entry) error {
	union, whole := maps.Clone(due), map[string]*month{}
	if union == nil {
		union = map[string]*Entry{}
	}
	for _, n := range names {
		m, err := readEntries(k.fs, n)
		if err != nil {
			return err
		}
		maps.Copy(union, m.entries)
		if m.whole {
			whole[n] = m
		}
	}
	for _, m := range whole {
		if m.has(union) {
			return k.tidy(whole, due)
		}
	}
	text, err := monthText(name, union)
	if err == nil && len(text) > maxMonth {
		err = fmt.Errorf("cannot fold the history of %s: it would be larger than %d bytes", name, maxMonth)
	}
	if err != nil {
		return err
	}
	return k.fs.PublishMaking(pipeline.HistoryMonth(name), text)
}

// tidy removes the entries and files that the fullest file of a month has too. Of two that have the same the later name
// stays, whoever asks: no two masters remove one another's.
func (k *Folder) tidy(whole map[string]*month, due map[string]*Entry) error {
	fullest := ""
	for _, n := range slices.Sorted(maps.Keys(whole)) {
		if fullest == "" || len(whole[n].entries) >= len(whole[fullest].entries) {
			fullest = n
		}
	}
	full := whole[fullest]
	if time.Since(k.seen[fullest]) < sharefs.StaleNames {
		return nil
	}
	if err := k.fs.Durable(pipeline.HistoryFile(fullest)); err != nil {
		return err
	}
	var err error
	for n, m := range whole {
		if n != fullest && full.has(m.entries) {
			err = errors.Join(err, k.fs.Remove(pipeline.HistoryFile(n)))
		}
	}
	for job := range due {
		if full.entries[job] != nil {
			err = errors.Join(err, k.fs.Remove(pipeline.HistoryEntry(job)))
		}
	}
	return err
}

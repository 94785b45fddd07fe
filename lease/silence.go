package lease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// textLimit is far more than any heartbeat's text has, in bytes.
const textLimit = 4096

// stamp is what moves when a holder beats.
type stamp struct {
	there bool
	mtime int64 // ns by the server's clock; only ever compared with itself
	text  string
}

func readStamp(share *sharefs.FS, name string) (stamp, error) {
	file, err := share.OpenRead(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sharefs.ErrNotRegular) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, err
	}
	defer func() { _ = file.Close() }()
	text := make([]byte, textLimit)
	n, err := file.Read(text) // once: all of a beat comes at a time, and there are many
	if err != nil && err != io.EOF {
		return stamp{}, fmt.Errorf("cannot read %q: %w", name, err)
	}
	info, err := file.Stat()
	if err != nil {
		return stamp{}, fmt.Errorf("cannot stat %q: %w", name, err)
	}
	return stamp{there: true, mtime: info.ModTime().UnixNano(), text: string(text[:n])}, nil
}

// pulse is what is known of one heartbeat file.
type pulse struct {
	stamp
	silent time.Duration // how long it was watched without moving
	moves  int           // times it was seen to move
	scan   int           // the last scan that saw it
}

// silence counts for how long heartbeats have not moved, on this process's monotonic clock.
type silence struct {
	share  *sharefs.FS
	dir    string
	probe  string // this observer's own file, written before every scan
	terms  Terms
	pulses map[string]*pulse // by stem
	scans  int               // number of the current scan
	last   time.Time         // when the last good scan began; zero if the last one was not good
	gaps   []time.Duration   // the last few times between good scans
}

// usualOver is how many gaps are looked at for the usual scan interval, which is the smallest of them.
const usualOver = 4

func newSilence(share *sharefs.FS, dir, probe string, terms Terms) *silence {
	return &silence{share: share, dir: dir, probe: probe, terms: terms, pulses: map[string]*pulse{}}
}

// observe reads the heartbeats of stems once and forgets all others. A heartbeat that could not be
// read gets no silence added and makes an error, but leaves the others' counts valid (bad is false). An
// error of the probe or the listing makes the whole scan a bad one: nothing was counted.
func (s *silence) observe(ctx context.Context, stems []string) (bad bool, err error) {
	began := time.Now()
	if err := s.touch(ctx); err != nil {
		s.last = time.Time{}
		return true, err
	}
	add := s.counts(began)
	s.scans++
	seen := make(map[string]*pulse, len(stems))
	for _, stem := range stems {
		p := s.pulses[stem]
		if p == nil {
			p = &pulse{}
		}
		seen[stem] = p
		now, readErr := readStamp(s.share, path.Join(s.dir, stem+beatSuffix))
		if readErr != nil {
			err = errors.Join(err, readErr)
			continue
		}
		p.update(now, s.scans, add)
	}
	s.pulses = seen
	return false, err
}

// touch proves that the share takes this node's writes and answers its listings: without that, a silent
// heartbeat says nothing about its writer. The listing also makes names visible that this node's cache
// knows as absent.
func (s *silence) touch(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.share.Overwrite(s.probe, []byte("probe\n"))
	if errors.Is(err, fs.ErrNotExist) {
		err = s.share.Create(s.probe, []byte("probe\n"))
	}
	if err != nil {
		return err
	}
	_, err = s.share.List(s.dir)
	return err
}

// counts returns how much silence this scan can add: the time since the last good one, or nothing if that
// is longer than usual, since then this process or the share stood still.
func (s *silence) counts(began time.Time) time.Duration {
	last := s.last
	s.last = began
	if last.IsZero() {
		return 0
	}
	gap, limit := began.Sub(last), 2*s.terms.Heartbeat
	if len(s.gaps) > 0 {
		limit = max(limit, 2*slices.Min(s.gaps))
	}
	s.gaps = append(s.gaps, gap)
	s.gaps = s.gaps[max(0, len(s.gaps)-usualOver):]
	if gap > limit {
		return 0
	}
	return gap
}

// update takes in what a scan saw. A file that is missing has not moved; one that was not seen in the scan
// before gets nothing added, since nobody watched it meanwhile.
func (p *pulse) update(now stamp, scan int, add time.Duration) {
	watched := p.scan == scan-1 && p.scan > 0
	first := p.scan == 0
	p.scan = scan
	switch {
	case first:
		p.stamp = now
	case now.there && now != p.stamp:
		p.stamp, p.silent = now, 0
		p.moves++
	case watched:
		p.silent += add
	}
}

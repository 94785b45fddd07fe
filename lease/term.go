package lease

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// begin starts a term with an epoch above all that were seen, and removes the silent rivals' files.
func (e *Election) begin(ctx context.Context, rivals []string) (context.Context, error) {
	e.epoch = min(e.epoch+1, maxEpoch)
	me := Leader{Node: e.node, Epoch: e.epoch, Since: time.Now().Truncate(time.Second)}
	if err := e.share.Create(e.lockName(), nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	l := newLease(e.share, path.Join(e.dir, me.stem()+beatSuffix), e.lockName(), me.Since.UTC().Format(time.RFC3339),
		e.opts)
	if err := l.begin(ctx); err != nil {
		l.release()
		return nil, err
	}
	known := map[string]stamp{}
	for _, stem := range rivals {
		known[stem] = e.watch.pulses[stem].stamp
		if err := e.share.Remove(path.Join(e.dir, stem+beatSuffix)); err != nil {
			e.log.Debug("a silent leader's file stays", "leader", stem, "error", err)
		}
	}
	e.setLeader(me)
	e.log.Info("this node leads", "node", e.node, "epoch", e.epoch)
	lead, cancel := context.WithCancelCause(ctx)
	e.term = &term{lease: l, cancel: cancel, done: make(chan struct{})}
	go e.term.run(lead, e.terms, Guard{
		Alive:  func() bool { return true },
		Owned:  func(context.Context) (bool, error) { return e.reigns(me, known) },
		Pause:  func() { cancel(ErrSilent) },
		Resume: func() {},
	})
	return lead, nil
}

func (t *term) run(ctx context.Context, terms Terms, g Guard) {
	defer close(t.done)
	if err := t.lease.Keep(ctx, terms, g); err != nil {
		t.cancel(ErrDeposed)
	}
}

// reigns reports whether a listing made now still has our heartbeat and no moving one of a higher epoch. A
// file that was not there when the term began was made since, and that is a movement too.
func (e *Election) reigns(me Leader, known map[string]stamp) (bool, error) {
	names, err := e.share.List(e.dir)
	if err != nil {
		return false, err
	}
	there := false
	for _, name := range names {
		l, ok := parseLeader(name)
		there = there || ok && l.stem() == me.stem()
		if !ok || me.compare(l) >= 0 {
			continue
		}
		now, err := readStamp(e.share, path.Join(e.dir, name))
		if err == nil && now.there && now != known[l.stem()] {
			return false, nil
		}
	}
	return there, nil
}

// Resign ends the term, if there is one, and removes its heartbeat, so that another node leads after its
// next look. It does not wait long for a share that hangs.
func (e *Election) Resign() {
	if t := e.term; t != nil {
		t.cancel(context.Canceled)
		<-t.done
		t.lease.release(t.lease.beats)
		e.term = nil
	}
}

// Close resigns and removes the probe file.
func (e *Election) Close() {
	e.Resign()
	within(context.Background(), func() { _ = e.share.Remove(e.probe) })
}

// Leaders returns the leaders whose heartbeat files are in dir, the highest epoch first. It does not know
// which of them live: one that was killed stays in the list until its successor leads.
func Leaders(share *sharefs.FS, dir string) ([]Leader, error) {
	names, err := share.List(dir)
	if err != nil {
		return nil, err
	}
	var all []Leader
	for _, name := range names {
		l, ok := parseLeader(name)
		if !ok {
			continue
		}
		if s, err := readStamp(share, path.Join(dir, name)); err == nil {
			l.Since, l.Beat = parseSince(s.text), time.Unix(0, s.mtime).UTC()
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Leader) int { return -a.compare(b) })
	return all, nil
}

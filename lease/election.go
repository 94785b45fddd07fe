package lease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// ErrDeposed is the cause of a term's end when a leader with a higher epoch was seen.
var ErrDeposed = errors.New("another leader has a higher epoch")

// ErrSilent is the cause of a term's end when the leader's own heartbeat could not be written for so long
// that others may soon lead.
var ErrSilent = errors.New("the leader's heartbeat could not be written")

// Leader is who leads, or the last one known to.
type Leader struct {
	Node  string
	Epoch int
	Since time.Time // by the leader's wall clock, for people
	Beat  time.Time // the last heartbeat, by the share's clock, for people; only Leaders fills it in
}

// Election lets one of several nodes lead at a time. It saves work, no more: two can lead at once for a
// few heartbeats, and what they do must be right all the same.
//
// A leader has the heartbeat file dir/<epoch>.<node>.hb, whose name is used for one term only, and locks
// dir/lock, which is never removed. A node leads when all other leaders' heartbeats are gone or have been
// silent for the expiry, or less where their process ran on this machine and is gone; of two that began
// together the one whose node sorts last stays.
type Election struct {
	options
	opts  []Option
	share *sharefs.FS
	dir   string
	node  string
	probe string
	terms Terms
	watch *silence
	locks *prober

	mu     sync.Mutex
	leader Leader // guarded by mu

	epoch int // the highest ever seen
	term  *term
}

// term is one time of leading.
type term struct {
	lease  *Lease
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when no more beats are made
}

// NewElection returns node's part in the election in dir. The node's name was never used by another
// process; probe is a file of its own, written while it stands by. Lead and Resign are called by one
// goroutine.
func NewElection(share *sharefs.FS, dir, node, probe string, terms Terms, opts ...Option) *Election {
	o := newOptions(Flock(share), opts)
	return &Election{
		options: o, opts: opts, share: share, dir: dir, node: node, probe: probe, terms: terms,
		watch: newSilence(share, dir, probe, terms), locks: newProber(o, terms),
	}
}

// Lead waits until this node leads. The context it returns is a child of ctx and ends with the term, its
// cause says why (ErrDeposed, ErrSilent); then Lead may be called again. An error is ctx's, or fs.ErrNotExist where
// a folder is gone: whoever knows that this is the share may make it again.
func (e *Election) Lead(ctx context.Context) (context.Context, error) {
	e.Resign()
	var announced string // the leader that was logged last
	for {
		rivals, vacant, err := e.findRivals(ctx)
		if err == nil && vacant {
			var lead context.Context
			if lead, err = e.begin(ctx, rivals); err == nil {
				return lead, nil
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		announced = e.announce(announced, err)
		if err := sharefs.Sleep(ctx, e.terms.Heartbeat); err != nil {
			return nil, err
		}
	}
}

// announce logs whom this node stands by for, once for each leader.
func (e *Election) announce(announced string, err error) string {
	if err != nil {
		e.contact.Lost(err)
		return announced
	}
	e.contact.Back()
	leader := e.Leader()
	if leader.Node != announced {
		e.log.Info("another node leads; standing by", "leader", leader.Node, "since", leader.Since)
	}
	return leader.Node
}

// Leader returns who leads as far as this node knows: itself, or the one it last stood by for. It is safe
// for concurrent use.
func (e *Election) Leader() Leader {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leader
}

func (e *Election) setLeader(l Leader) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leader = l
}

// findRivals returns the rivals' heartbeats, by stem, and whether all are silent.
func (e *Election) findRivals(ctx context.Context) (rivals []string, vacant bool, err error) {
	names, err := e.share.List(e.dir)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if l, ok := parseLeader(name); ok && l.Node != e.node {
			rivals = append(rivals, l.stem())
			e.epoch = max(e.epoch, l.Epoch)
		}
	}
	if bad, err := e.watch.observe(ctx, rivals); bad || err != nil {
		return nil, false, err
	}
	best, alive := Leader{}, 0
	for _, stem := range rivals {
		if p := e.watch.pulses[stem]; p.silent >= e.terms.Expiry || e.locks.gone(p) {
			continue
		}
		alive++
		if l, _ := parseLeader(stem + beatSuffix); best.compare(l) < 0 {
			best = l
		}
	}
	if alive == 0 {
		return rivals, true, nil
	}
	p := e.watch.pulses[best.stem()]
	best.Since = parseSince(p.text)
	e.setLeader(best)
	e.locks.forget([]string{best.Node})
	freed := e.locks.freed(best.Node, e.lockName(), p)
	return rivals, alive == 1 && freed && p.silent >= e.terms.hinted(), nil
}

func (e *Election) lockName() string { return path.Join(e.dir, "lock") }

func (l Leader) stem() string { return fmt.Sprintf("%d.%s", l.Epoch, l.Node) }

func (l Leader) compare(other Leader) int {
	return cmp.Or(cmp.Compare(l.Epoch, other.Epoch), cmp.Compare(l.Node, other.Node))
}

// maxEpoch is more elections than a share ever sees: a file that somebody made up must not leave a leader
// without a higher number.
const maxEpoch = 1 << 53

func parseLeader(name string) (l Leader, ok bool) {
	stem, ok := strings.CutSuffix(name, beatSuffix)
	epoch, node, ok2 := strings.Cut(stem, ".")
	n, err := strconv.Atoi(epoch)
	l = Leader{Node: node, Epoch: n}
	return l, ok && ok2 && err == nil && n > 0 && n <= maxEpoch && node != "" && l.stem() == stem
}

// parseSince reads the second field of a leader's heartbeat; a text that is not one gives the zero time.
func parseSince(text string) time.Time {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, fields[1])
	if err != nil {
		return time.Time{}
	}
	return t
}

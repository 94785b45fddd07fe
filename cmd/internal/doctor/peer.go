package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// PeerOptions are for Peer: the share that two machines test between them.
type PeerOptions struct {
	Root     fs.FS // the machine's root folder
	Share    *sharefs.FS
	Patience time.Duration // to wait for the other machine
}

// Peer tests the share between this machine and another that runs the same at the same time.
func Peer(ctx context.Context, o PeerOptions, tell Tell) {
	cluster, err := pipeline.LoadCluster(o.Share)
	if err != nil {
		tell(failed("peer", "%v", err))
		return
	}
	mine := myCard(o.Root, cluster.Share)
	defer func() { _ = o.Share.RemoveDir(peerDir) }() // unless others are still in it
	r, theirs, err := meet(ctx, o.Share, mine, o.Patience)
	if errors.Is(err, ErrAlone) {
		tell(failed("peer", "no other machine came within %v", o.Patience).because("",
			fmt.Sprintf("run `distenc doctor --peer` on the other machine at the same time; `id` in its .distenc/cluster.json "+
				"must be %q as well, or it has another share", cluster.Share)))
		return
	}
	if err != nil {
		tell(failed("peer", "%v", err))
		return
	}
	tell(judgeCard(mine, theirs))
	err = r.betweenMachines(ctx, cluster, theirs.Host, tell)
	r.leave(err)
	if err != nil {
		tell(failed("peer", "the test with %s broke off: %v", theirs.Host, err).because("", "run it again on both"))
	}
}

func myCard(root fs.FS, share string) card {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	boot, _ := fs.ReadFile(root, "proc/sys/kernel/random/boot_id") // none: each is taken for a machine of its own
	return card{Host: host, Share: share, Boot: strings.TrimSpace(string(boot))}
}

func judgeCard(mine, theirs card) Finding {
	switch {
	case mine.Share != theirs.Share:
		return failed("peer", "%s has share %s under the name of share %s", theirs.Host, theirs.Share, mine.Share).because(
			"the marker of one of them is stale", "mount the share again on both")
	case mine.Boot != "" && mine.Boot == theirs.Boot:
		return advice("peer", "the other process is on this very machine").because(
			"it sees the same caches, which tells nothing of other machines", "run it on another machine")
	}
	return ok("peer", "%s, with the same share %s", theirs.Host, mine.Share)
}

// betweenMachines are the tests between two machines.
func (r room) betweenMachines(ctx context.Context, cluster *pipeline.ClusterInfo, host string, tell Tell) error {
	loser := "this machine" // that tries for the lock
	if r.me == first {
		loser = host
	}
	err := each(tell,
		func() (Finding, error) { return r.race(ctx, "claims") },
		func() (Finding, error) { return r.lock(ctx, "locks", loser) },
		func() (Finding, error) { return r.clocks(ctx, host) })
	if err != nil {
		return err
	}
	mine, theirs, err := r.watch(ctx)
	if err != nil {
		return err
	}
	for _, f := range judgeVisibility(host, mine, theirs) {
		tell(f)
	}
	tell(judgeExpiry(cluster, worst(mine, theirs)))
	return nil
}

// clocks finds out how far apart the two machines' clocks are, each measured against the share's.
func (r room) clocks(ctx context.Context, host string) (Finding, error) {
	desk := r.dir + "/times-" + r.me
	if err := r.share.MkdirAll(desk); err != nil {
		return Finding{}, err
	}
	o, err := shareClock(r.share, desk)
	if err != nil {
		return Finding{}, err
	}
	type times struct{ Ahead, Within time.Duration }
	var theirs times
	if err := r.both(ctx, "clock", times{o.ahead, o.within}, &theirs); err != nil {
		return Finding{}, err
	}
	apart := theirs.Ahead - o.ahead // how far ours is ahead of theirs
	way := "behind"
	if apart > 0 {
		way = "ahead of"
	}
	f := ok("clocks", "this machine's is %s %s that of %s, to within %s; nothing depends on it", short(apart.Abs()), way,
		host, short(o.within+theirs.Within+clockTick))
	if apart.Abs() > time.Minute {
		f.Level, f.Do = Advice, "set both by NTP, for the people who read logs"
	}
	return f, nil
}

// several is how many times the worst delay the expiry must be.
const several = 5

// judgeExpiry says which expiry is safe where changes are seen that late.
func judgeExpiry(cluster *pipeline.ClusterInfo, seen time.Duration) Finding {
	terms, err := cluster.Terms()
	if err != nil {
		return failed("expiry", "%v", err).because("", "mend [lease] in the master's configuration")
	}
	// A beat may be made a heartbeat after the one before it, and be seen late.
	least := lease.MinBeats * terms.Heartbeat
	safe := max(least, terms.Heartbeat+several*seen).Round(time.Second)
	measured := fmt.Sprintf("%d heartbeats are %v, and the worst delay was %s", lease.MinBeats, least, short(seen))
	if terms.Expiry < safe {
		return failed("expiry", "%v is too short: %s", terms.Expiry, measured).because(
			"workers that are well would lose their chunks",
			fmt.Sprintf("set expiry = \"%v\" or more in [lease], where the master reads it", safe))
	}
	return ok("expiry", "%v is safe, and so is anything from %v on: %s", terms.Expiry, safe, measured)
}

//go:build linux

package lab_test

import (
	"time"

	"github.com/distenc/distenc/test/lab"
)

// fault is what happens to the machines in the middle of a job. c1 has the leading master and a worker, c2
// the master that stands by and a worker, c3 a worker.
type fault struct {
	name   string
	short  bool                   // in the short form too
	hits   int                    // the client whose claims are followed; 0: everyone's
	strike func(l *lab.Lab) error // in the middle of the job
	lasts  time.Duration          // until it is mended, if the hit client's claims are gone; 0: until the job is done
	mend   func(l *lab.Lab) error // makes all as it was
}

var faults = []fault{
	{
		name:   "undisturbed",
		strike: func(*lab.Lab) error { return nil },
		mend:   func(*lab.Lab) error { return nil },
	},
	{
		name: "worker loses power", short: true, hits: 3,
		strike: func(l *lab.Lab) error { l.Clients[2].PowerOff(); return nil },
		mend:   func(l *lab.Lab) error { return l.Clients[2].PowerOn() },
	},
	{
		name: "worker cut off for 60 s", hits: 3, lasts: time.Minute,
		strike: func(l *lab.Lab) error { return l.Clients[2].Cut() },
		mend:   func(l *lab.Lab) error { return l.Clients[2].Heal() },
	},
	{
		name: "worker frozen for 30 s", hits: 3, lasts: 2 * expiry,
		strike: func(l *lab.Lab) error { return l.Clients[2].Freeze() },
		mend:   func(l *lab.Lab) error { return l.Clients[2].Thaw() },
	},
	{
		name:   "every clock 90 s wrong",
		strike: func(l *lab.Lab) error { return setClocks(l, 90*time.Second) },
		mend:   func(l *lab.Lab) error { return setClocks(l, 0) },
	},
	{
		name: "server loses power", lasts: time.Second,
		strike: func(l *lab.Lab) error { l.Server.PowerOff(); return nil },
		mend:   func(l *lab.Lab) error { return l.Server.PowerOn() },
	},
	{
		name: "master loses power", short: true, hits: 1,
		strike: func(l *lab.Lab) error { l.Clients[0].PowerOff(); return nil },
		mend:   func(l *lab.Lab) error { return l.Clients[0].PowerOn() },
	},
}

// setClocks sets the machines' clocks ahead and behind in turn.
func setClocks(l *lab.Lab, offset time.Duration) error {
	for _, n := range l.Nodes() {
		if err := n.SetClock(offset); err != nil {
			return err
		}
		offset = -offset
	}
	return nil
}

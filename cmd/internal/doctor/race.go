package doctor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

const (
	// minPace is more than the clocks' ticks, which the common start is no better than; maxPace lets the
	// race end where the share is slow.
	minPace, maxPace = 16 * time.Millisecond, 300 * time.Millisecond
	// delay is the time from the agreement on a start until the start.
	delay = 2 * time.Second
)

// gun is the start of the race: when, and the time between two claims. Each claim that fails takes longer
// than one that is won; without a common pace the loser of the first falls behind, and they never meet.
type gun struct {
	At   time.Time
	Pace time.Duration
}

// race lets both claim the same names the way workers claim chunks, and compares what they believe with
// what is there.
func (r room) race(ctx context.Context, check string) (Finding, error) {
	g, err := r.lineUp(ctx)
	if err != nil {
		return Finding{}, err
	}
	mine, theirs := r.claimAll(ctx, g), conformance.Claimed{}
	if err := r.both(ctx, "raced", mine, &theirs); err != nil {
		return Finding{}, err
	}
	there, err := r.share.List(conformance.Claims(r.dir))
	return judgeRace(check, mine, theirs, there), err
}

// lineUp makes the prizes and agrees on a start, by the share's clock: a start that is agreed on by
// messages alone would let one of them finish before the other has read it. Where the clock is no use,
// they just meet less.
func (r room) lineUp(ctx context.Context) (g gun, err error) {
	desk := path.Join(r.dir, "desk-"+r.me)
	if err := r.share.MkdirAll(desk); err != nil {
		return g, err
	}
	clock, err := shareClock(r.share, desk)
	if err != nil {
		return g, err
	}
	pace, err := r.pace(ctx, desk)
	if err == nil && r.me == first {
		err = conformance.Fill(r.share, r.dir)
	}
	if err != nil {
		return g, err
	}
	var theirs time.Duration
	if err := r.both(ctx, "ready", pace, &theirs); err != nil {
		return g, err
	}
	if r.me == second {
		err = r.hear(ctx, "start", &g)
		g.At = clamp(g.At.Add(-clock.ahead))
		return g, err
	}
	g = gun{time.Now().Add(delay), min(maxPace, max(minPace, 2*pace, 2*theirs))}
	return g, r.say("start", gun{g.At.Add(clock.ahead), g.Pace})
}

// pace measures how long a claim that is won and one that is lost take together.
func (r room) pace(ctx context.Context, desk string) (time.Duration, error) {
	name := path.Join(desk, "prize")
	if err := r.share.Create(name, nil); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := r.share.Claim(ctx, name, name+".won"); err != nil {
		return 0, err
	}
	_, _ = r.share.Claim(ctx, name, name+".lost") // fails: it is gone
	return time.Since(began), nil
}

// clamp keeps a start that came from another's clock within reason.
func clamp(start time.Time) time.Time {
	now := time.Now()
	if d := start.Sub(now); d < 0 || d > delay {
		return now
	}
	return start
}

func (r room) claimAll(ctx context.Context, g gun) conformance.Claimed {
	return conformance.ClaimAll(ctx, r.share, r.dir, r.me, func(i int) {
		luck := rand.N(g.Pace/2 + 1) // so that neither is always first
		_ = sharefs.Sleep(ctx, time.Until(g.At.Add(time.Duration(i)*g.Pace+luck)))
	})
}

// judgeRace finds names that both believe to have won, and those that neither has.
func judgeRace(check string, mine, theirs conformance.Claimed, there []string) Finding {
	const prizes = conformance.Prizes
	score := conformance.Judge(there, mine, theirs)
	seen := fmt.Sprintf("%d claimed here, %d there", len(mine.Won), len(theirs.Won))
	odd := slices.Concat(mine.Odd, theirs.Odd)
	unsafe := func(format string, args ...any) Finding {
		return failed(check, format, args...).because(conformance.Unsafe, "do not use this share")
	}
	switch {
	case score.Twice > 0:
		return unsafe("%d of %d files were won twice (%s)", score.Twice, prizes, seen)
	case score.Differ:
		return unsafe("what was told and what is there differ (%s, %d are there)", seen, len(there))
	case odd != nil:
		return advice(check, "%s; unclear: %s", seen, some(odd)).
			because("an unclear claim waits for the expiry", "look for errors in the kernel's log (dmesg)")
	case score.Nobody > 0:
		return unsafe("%d of %d files were won by nobody", score.Nobody, prizes)
	case len(mine.Won) == 0 || len(theirs.Won) == 0:
		return ok(check, "%d files, one winner each (%s: they hardly met)", prizes, seen)
	}
	return ok(check, "%d files, one winner each (%s)", prizes, seen)
}

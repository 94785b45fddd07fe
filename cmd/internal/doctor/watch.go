package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// change is one kind of change whose way to the other machine is timed. The one that changes waits until
// the other answers by a file; so the times are one machine's own, and include the answer's way back.
type change struct {
	name   string
	text   string // for people
	rounds int
	lease  bool // a heartbeat or a claim goes this way, so the expiry must allow for it
	make   func(share *sharefs.FS, dir string, round int) error
	seen   func(share *sharefs.FS, dir string, round int) bool
	late   string        // what to do if it comes late
	give   time.Duration // how long it is waited for
}

var changes = []change{
	{name: "new", text: "a new file is listed", rounds: 5, lease: true, make: create, seen: listed, give: giveUp},
	{name: "moved", text: "a renamed file is listed", rounds: 5, lease: true, seen: listed, give: giveUp,
		make: func(share *sharefs.FS, dir string, round int) error {
			_, err := share.Move(context.Background(), numbered(dir+"-from", round), numbered(dir, round))
			return err
		}},
	{name: "beat", text: "a heartbeat is read", rounds: 5, lease: true, seen: reads, give: giveUp,
		make: func(share *sharefs.FS, dir string, round int) error {
			return share.Overwrite(numbered(dir, 0), beat(round))
		}},
	{name: "replaced", text: "a replaced file is read by one who reads it all the time", rounds: 2, seen: reads,
		make: func(share *sharefs.FS, dir string, round int) error {
			return share.Replace(numbered(dir, 0), beat(round))
		},
		late: "on SMB: mount with closetimeo=0; distenc itself reads such files seldom",
		give: 20 * time.Second},
	{name: "absent", text: "a new file opens for one who knew it as absent", rounds: 1, make: create,
		seen: func(share *sharefs.FS, dir string, round int) bool {
			_, err := share.Stat(numbered(dir, round))
			return err == nil
		},
		late: "nothing: NFS keeps absent names for up to a minute, and distenc lists before it opens",
		give: giveUp},
}

// prepare makes the folders of a kind of change, the files that are moved, and the text that is changed; none of that
// is timed.
func (c change) prepare(share *sharefs.FS, dir string) error {
	var err error
	for _, d := range []string{dir, dir + "-from", dir + "-seen"} {
		err = cmp.Or(err, share.MkdirAll(d))
	}
	for round := range c.rounds {
		err = cmp.Or(err, create(share, dir+"-from", round+1))
	}
	return cmp.Or(err, share.Create(numbered(dir, 0), beat(0)))
}

func create(share *sharefs.FS, dir string, round int) error {
	return share.Create(numbered(dir, round), nil)
}

func numbered(dir string, round int) string { return path.Join(dir, strconv.Itoa(round)) }

func listed(share *sharefs.FS, dir string, round int) bool {
	names, err := share.List(dir)
	return err == nil && slices.Contains(names, strconv.Itoa(round))
}

func beat(round int) []byte { return fmt.Appendf(nil, "%04d\n", round) }

// reads reports whether the file holds this round's text or a later one.
func reads(share *sharefs.FS, dir string, round int) bool {
	data, err := share.Read(numbered(dir, 0), 100)
	return err == nil && string(data) >= string(beat(round))
}

// giveUp is how long a change is waited for: a little longer than NFS keeps an absent name by default.
const giveUp = 75 * time.Second

// timing is how a kind of change fared.
type timing struct {
	Worst  time.Duration // from the change until the answer was seen
	Unseen bool          // not within the limit, which Worst is then
	Error  string
}

// watch makes changes for the other, and answers the other's, all at the same time. It returns how each
// kind of our own changes fared, and the other's.
func (r room) watch(ctx context.Context) (mine, theirs map[string]timing, err error) {
	for _, c := range changes {
		if err := c.prepare(r.share, r.stage(c, r.me)); err != nil {
			return nil, nil, err
		}
	}
	ready := ""
	if err := r.both(ctx, "stage", "", &ready); err != nil {
		return nil, nil, err
	}
	watching, stop := context.WithCancel(ctx)
	var watchers, changers sync.WaitGroup
	defer watchers.Wait()
	defer stop()
	var mu sync.Mutex
	mine = map[string]timing{}
	for _, c := range changes {
		watchers.Go(func() { r.answer(watching, c) })
		changers.Go(func() {
			t := r.time(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			mine[c.name] = t
		})
	}
	changers.Wait()
	if err := r.say("times", mine); err != nil {
		return nil, nil, err
	}
	return mine, theirs, r.hearWithin(ctx, giveUp+stepWait, "times", &theirs)
}

func (r room) stage(c change, who string) string { return path.Join(r.dir, c.name+"-"+who) }

// answer watches the other's changes of one kind. Its first answer says that it has begun to look.
func (r room) answer(ctx context.Context, c change) {
	dir := r.stage(c, r.other)
	_ = c.seen(r.share, dir, 1) // it is known as absent from here on
	for round := range c.rounds + 1 {
		err := poll(ctx, time.Hour, func() (bool, error) { return round == 0 || c.seen(r.share, dir, round), nil })
		if err != nil || r.share.Create(numbered(dir+"-seen", round), nil) != nil {
			return // the other sees that no answer comes
		}
	}
}

// time makes all changes of one kind and waits for the answers.
func (r room) time(ctx context.Context, c change) (t timing) {
	dir := r.stage(c, r.me)
	answered := func(round int) error {
		return poll(ctx, c.give, func() (bool, error) { return listed(r.share, dir+"-seen", round), nil })
	}
	if answered(0) != nil {
		return timing{Error: errGone.Error()}
	}
	for round := 1; round <= c.rounds; round++ {
		// At no fixed distance from what the caches did before.
		_ = sharefs.Sleep(ctx, time.Duration(round*137)*time.Millisecond)
		began := time.Now()
		if err := c.make(r.share, dir, round); err != nil {
			return timing{Error: err.Error()}
		}
		err := answered(round)
		t.Worst = max(t.Worst, time.Since(began))
		if err != nil {
			t.Unseen = true
			return t
		}
	}
	return t
}

// tardy is the delay from which on a change counts as late: several times what was seen on NFS and SMB.
const tardy = 2 * time.Second

// judgeVisibility returns how late changes are seen: ours there, and theirs here.
func judgeVisibility(host string, mine, theirs map[string]timing) (out []Finding) {
	for _, c := range changes {
		out = append(out, c.judge(host, mine[c.name], theirs[c.name]))
	}
	return out
}

func (c change) judge(host string, there, here timing) Finding {
	seen := fmt.Sprintf("%s: %s on %s, %s here", c.text, there, host, here)
	late := max(there.Worst, here.Worst) > tardy || there.Unseen || here.Unseen
	switch {
	case there.Error != "" || here.Error != "":
		return failed("seen", "%s", seen).because("it could not be tested", "see `dmesg` on both machines")
	case c.lease && (there.Unseen || here.Unseen):
		return failed("seen", "%s", seen).because(
			"heartbeats and claims must be seen", "mount with the options that docs/doctor.md has for this file system")
	case c.lease && late:
		return advice("seen", "%s", seen).because(
			"work starts later, and the expiry must be longer", "look for actimeo, acdirmax or a slow network")
	case there.Unseen || here.Unseen:
		return advice("seen", "%s", seen).because("the old text is read for as long as somebody reads it", c.late)
	case late:
		f := ok("seen", "%s", seen)
		f.Do = c.late
		return f
	}
	return ok("seen", "%s", seen)
}

func (t timing) String() string {
	switch {
	case t.Error != "":
		return t.Error
	case t.Unseen:
		return "not within " + short(t.Worst)
	}
	return "within " + short(t.Worst)
}

// worst is the longest delay of what leases rest on.
func worst(all ...map[string]timing) (longest time.Duration) {
	for _, times := range all {
		for _, c := range changes {
			if c.lease {
				longest = max(longest, times[c.name].Worst)
			}
		}
	}
	return longest
}

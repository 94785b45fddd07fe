package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// room is a folder in which two processes test the share between them. They go through the same steps;
// what one has to say at a step is a file of its own under a name that is used once, and the other waits
// until a listing shows it.
type room struct {
	share     *sharefs.FS
	dir       string
	me, other string // first and second
	greeting  string // the file by which they met, or ""
}

const (
	first  = "first"
	second = "second"
)

// roomOf is a room as one of the two sees it.
func roomOf(share *sharefs.FS, dir, who string) room {
	r := room{share: share, dir: dir, me: first, other: second}
	if who == second {
		r.me, r.other = second, first
	}
	return r
}

const (
	// look is the pause between two looks at the share.
	look = 100 * time.Millisecond
	// stepWait is how long the other may take for a step. A lock alone can take 26 s while a server that
	// was just started waits for its old clients.
	stepWait = time.Minute
	// maxMessage bounds what the other says at a step, in bytes.
	maxMessage = 1 << 20
)

// errGone is for an other that does not answer any more.
var errGone = errors.New("the other machine does not answer any more")

// errOther is for an other that gave up and said so.
var errOther = errors.New("the other machine gave up")

// say tells the other what this side has at a step. The name appears with its content, at once.
func (r room) say(step string, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	name := path.Join(r.dir, r.me+"."+step)
	if err := r.share.Create(name+".tmp", data); err != nil {
		return err
	}
	_, err = r.share.Move(context.Background(), name+".tmp", name)
	return err
}

// hear waits for what the other has at a step.
func (r room) hear(ctx context.Context, step string, what any) error {
	return r.hearWithin(ctx, stepWait, step, what)
}

func (r room) hearWithin(ctx context.Context, patience time.Duration, step string, what any) error {
	name, gaveUp := r.other+"."+step, r.other+"."+givenUp
	err := poll(ctx, patience, func() (bool, error) {
		names, err := r.share.List(r.dir)
		switch {
		case err != nil:
			return false, err
		case slices.Contains(names, name):
			return true, nil
		case slices.Contains(names, gaveUp):
			return false, errOther
		}
		return false, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: nothing for %v at step %q", errGone, patience, step)
	}
	if err != nil {
		return err
	}
	return pipeline.ReadJSON(r.share, path.Join(r.dir, name), maxMessage, what)
}

// givenUp is the step of a side that leaves before the end.
const givenUp = "gave-up"

// both says and hears at one step.
func (r room) both(ctx context.Context, step string, mine, theirs any) error {
	if err := r.say(step, mine); err != nil {
		return err
	}
	return r.hear(ctx, step, theirs)
}

// leave ends a side's part. The one that hears of the other's end, or does not within some seconds,
// clears the room; both may.
func (r room) leave(failure error) {
	if failure != nil {
		_ = r.say(givenUp, failure.Error()) // it finds out by itself, only later
	}
	var bye string
	if r.say("bye", "") == nil && !errors.Is(failure, errGone) && !errors.Is(failure, errOther) {
		_ = r.hearWithin(context.Background(), 5*time.Second, "bye", &bye)
	}
	r.clear()
}

// clear removes the room, as far as the other does not hold on to it.
func (r room) clear() {
	if r.greeting != "" {
		_ = r.share.Remove(r.greeting) // what stays is swept by a later doctor
	}
	clearAll(r.share, r.dir)
}

// poll calls f until it is done, fails, or the time is over.
func poll(ctx context.Context, patience time.Duration, f func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		done, err := f()
		if done || err != nil {
			return err
		}
		if err := sharefs.Sleep(ctx, look); err != nil {
			return err
		}
	}
}

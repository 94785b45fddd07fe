package sharefs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"
)

// Outcome is what became of a move, by the listings.
type Outcome int

// Only Won entitles to anything. None of the others entitles anyone to delete anything.
const (
	Unknown Outcome = iota // a listing failed, or the move was given up with src in place; it may still land late
	Won                    // dst is there, and it is ours, since nobody else ever uses that name
	Fenced                 // the answer was success, and dst is not there: not done, undone, or taken away since
	Lost                   // neither name is there: somebody else moved src
)

func (o Outcome) String() string { return [...]string{"unknown", "won", "fenced", "lost"}[o] }

// check is what is done after a success.
type check int

const (
	look  check = iota // is src gone?
	list               // is dst there, by a listing?
	trust              // nothing
)

const (
	moveTries = 1 + 8                 // the first and eight repetitions, 5 s in all
	movePause = 20 * time.Millisecond // before the first repetition; each next one is about twice as long
)

var (
	errFenced = errors.New("the rename was answered with success, but the name is not there")
	errLost   = errors.New("neither name is there")
)

// Move renames src to dst. The caller has made dst up and never uses it for anything else, so a dst that
// is there is proof of success, whatever the rename answered. Any outcome but Won comes with an error
// that explains it. Repetitions end with ctx (outcome Unknown); a ctx that has ended before moves nothing.
//
// Who relies on the move beyond a crash of the file server calls Durable(dst) first.
func (f *FS) Move(ctx context.Context, src, dst string) (Outcome, error) {
	return f.move(ctx, src, dst, moveTries, look)
}

// MoveTrusting is Move that takes a success for what it says, where Move looks whether src is still there. It is for a
// file of which later listings decide: one that a success left where it was is seen there and moved again, by Move.
func (f *FS) MoveTrusting(ctx context.Context, src, dst string) (Outcome, error) {
	return f.move(ctx, src, dst, moveTries, trust)
}

// MoveOnce is Move without repetitions, for a src that people named: they may give that name to another
// file, and a request that was repeated could still land, with that file, over the first one. After any
// outcome but Won, dst is not used again.
func (f *FS) MoveOnce(ctx context.Context, src, dst string) (Outcome, error) {
	return f.move(ctx, src, dst, 1, look)
}

// Claim is Move for a name that many want: it lists the destination after a success too, because a
// server that lost power can have answered several with success.
func (f *FS) Claim(ctx context.Context, src, dst string) (Outcome, error) {
	return f.move(ctx, src, dst, moveTries, list)
}

func (f *FS) move(ctx context.Context, src, dst string, tries int, after check) (Outcome, error) {
	outcome, err := Unknown, ctx.Err()
	if err == nil {
		outcome, err = f.moveTries(ctx, src, dst, tries, after)
	}
	if err != nil {
		return outcome, fmt.Errorf("cannot move %q to %q: %w", src, dst, err)
	}
	return outcome, nil
}

func (f *FS) moveTries(ctx context.Context, src, dst string, tries int, after check) (Outcome, error) {
	pause := movePause
	for try := 1; ; try++ {
		outcome, again, err := f.moveOnce(src, dst, after)
		if !again || try == tries {
			return outcome, err
		}
		if Sleep(ctx, Jitter(pause)) != nil {
			return Unknown, errors.Join(ctx.Err(), err)
		}
		if outcome == Fenced {
			// A rename that a server which lost power has undone leaves an SMB client with a dst that it
			// takes for another name of src's file. Renaming one name of a file to another does nothing
			// and is a success (rename(2)): nobody is asked, until the client has looked dst up anew.
			_, _ = f.ops.Lstat(dst)
		}
		pause *= 2
	}
}

// moveOnce renames once and looks. again: src is still there and the error may pass.
func (f *FS) moveOnce(src, dst string, after check) (outcome Outcome, again bool, err error) {
	err = f.ops.Rename(src, dst)
	if errors.Is(err, ErrName) {
		return Unknown, false, err
	}
	if err == nil && (after == trust || after == look && !f.exists(src)) {
		return Won, false, nil
	}
	there, listErr := f.listed(dst)
	switch {
	case listErr != nil:
		return Unknown, false, errors.Join(err, listErr)
	case there:
		return Won, false, nil
	}
	there, listErr = f.listed(src)
	switch {
	case listErr != nil:
		return Unknown, false, errors.Join(err, listErr)
	case err == nil:
		return Fenced, there, errFenced
	case !there:
		return Lost, false, fmt.Errorf("%w: %w", errLost, err)
	}
	return Unknown, !permanent(err), err
}

// exists reports whether a look-up, which a cache may answer, finds the name.
func (f *FS) exists(name string) bool {
	_, err := f.ops.Lstat(name)
	return err == nil
}

// listed reports whether a listing made now holds the name.
func (f *FS) listed(name string) (bool, error) {
	names, err := f.List(path.Dir(name))
	if err != nil {
		return false, err
	}
	_, found := slices.BinarySearch(names, path.Base(name))
	return found, nil
}

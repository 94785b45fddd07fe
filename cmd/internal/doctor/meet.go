package doctor

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// peerDir is where doctors of several machines find each other. Each puts a file "<nonce>.hello" there; one
// with a higher nonce takes it by renaming it to "<nonce>.met.<its own nonce>", which only one can, and has
// made the room "<nonce>.<its own nonce>" before.
const peerDir = pipeline.ProbeDir + "/" + folderPrefix + "peer"

const (
	helloSuffix = ".hello"
	metInfix    = ".met."
	// helloWait is how long one that was met may take to come into the room; the hello of one that died
	// waits in vain for that long.
	helloWait = 15 * time.Second
)

// errTaken is for a hello that somebody took, who did not wait for the answer.
var errTaken = errors.New("another machine came and went")

// ErrAlone is the error if nobody came.
var ErrAlone = errors.New("no other machine came")

// meet waits for another doctor and returns the room that is theirs, with both names of machines.
func meet(ctx context.Context, share *sharefs.FS, mine card, patience time.Duration) (r room, theirs card, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, ErrAlone)
	defer cancel()
	for ctx.Err() == nil {
		var r room
		r, err = pairUp(ctx, share, pipeline.Nonce(12))
		if errors.Is(err, errTaken) || errors.Is(err, fs.ErrNotExist) {
			continue // another has just cleared up
		}
		if err != nil {
			break
		}
		if err = r.say("card", mine); err == nil {
			err = r.hearWithin(ctx, helloWait, "card", &theirs)
		}
		if err == nil {
			return r, theirs, nil
		}
		r.clear() // the hello of one that died, or one that found another
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return room{}, card{}, err
}

// card is how doctors introduce themselves to each other.
type card struct {
	Host  string
	Share string // the share's id
	Boot  string // differs with each start of a machine: two processes on one have the same
}

// pairUp says hello and looks for others, until it was met or has met one.
func pairUp(ctx context.Context, share *sharefs.FS, me string) (room, error) {
	hello := path.Join(peerDir, me+helloSuffix)
	err := share.MkdirAll(peerDir)
	if err == nil {
		err = share.Create(hello, nil)
	}
	if err != nil {
		return room{}, err
	}
	defer func() { _ = share.Remove(hello) }() // renamed, if somebody met us
	for {
		names, err := share.List(peerDir)
		if err != nil {
			return room{}, err
		}
		there := false
		for _, name := range names {
			if by, met := strings.CutPrefix(name, me+metInfix); met {
				r := roomOf(share, path.Join(peerDir, me+"."+by), first)
				r.greeting = path.Join(peerDir, name)
				return r, nil
			}
			there = there || name == me+helloSuffix
		}
		if !there {
			return room{}, errTaken
		}
		for _, name := range names {
			if other, ok := strings.CutSuffix(name, helloSuffix); ok && other < me {
				if r, won := take(ctx, share, other, me); won {
					return r, nil
				}
			}
		}
		if err := sharefs.Sleep(ctx, 2*look); err != nil {
			return room{}, err
		}
	}
}

// take meets another that said hello.
func take(ctx context.Context, share *sharefs.FS, other, me string) (room, bool) {
	r := roomOf(share, path.Join(peerDir, other+"."+me), second)
	r.greeting = path.Join(peerDir, other+metInfix+me)
	if share.MkdirAll(r.dir) != nil {
		return room{}, false
	}
	outcome, _ := share.Claim(ctx, path.Join(peerDir, other+helloSuffix), r.greeting)
	if outcome != sharefs.Won {
		_ = share.RemoveDir(r.dir) // empty: nobody knows of it
		return room{}, false
	}
	return r, true
}

// Package conformance is the one list of what a share has to do so that distenc is safe on it. `distenc doctor` goes
// through it on a real mount, and sharefstest runs it as tests on any share.
package conformance

import (
	"bytes"
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

// Check is one thing that a share has to do.
type Check struct {
	Name string
	// Try tries it in an empty folder of the share, which it leaves with files in it.
	Try func(share *sharefs.FS, dir string) Result
}

// Result is what a check found.
type Result struct {
	Broken  bool
	Seen    string
	Took    time.Duration // what Seen ends with; 0: nothing
	Why, Do string        // why it matters that the share is broken, and what a person can do about it
}

// Checks are all that one process can try alone. What two have to try together is the race for claims (see Prizes).
var Checks = []Check{
	{"rename", tryRename},
	{"link", tryLink},
	{"O_EXCL", tryExclusive},
	{"overwrite", tryOverwrite},
	{"replace", tryReplace},
	{"mkdir", tryFolder},
	{"fsync", trySync},
	{"listing", tryListing},
	{"in use", tryInUse},
}

// Unsafe is why most of it matters.
const Unsafe = "the share's safety rests on it: chunks could be encoded twice, or lost"

const useAnother = "use NFS, SMB or a local disk"

// trial is a row of steps in one folder. The first error stays.
type trial struct {
	share *sharefs.FS
	dir   string
	err   error
}

func (t *trial) path(name string) string { return path.Join(t.dir, name) }

func (t *trial) step(err error) {
	if t.err == nil {
		t.err = err
	}
}

// want notes an error if something is not as it should be.
func (t *trial) want(ok bool, format string, args ...any) {
	if !ok {
		t.step(fmt.Errorf(format, args...))
	}
}

func (t *trial) folder(name string) { t.step(t.share.MkdirAll(t.path(name))) }

func (t *trial) create(name, text string) { t.step(t.share.Create(t.path(name), []byte(text))) }

// holds wants a file's content.
func (t *trial) holds(name, text string) {
	data, err := t.share.Read(t.path(name), 1000)
	t.step(err)
	t.want(bytes.Equal(data, []byte(text)), "%q holds %q, not %q", t.path(name), data, text)
}

// lists wants a folder to have that many names.
func (t *trial) lists(dir string, n int) {
	names, err := t.share.List(t.path(dir))
	t.step(err)
	t.want(len(names) == n, "the listing of %q has %d names, not %d", t.path(dir), len(names), n)
}

// end is ok if no step failed.
func (t *trial) end(ok Result, prefix, why, do string) Result {
	if t.err != nil {
		return Result{Broken: true, Seen: prefix + t.err.Error(), Why: why, Do: do}
	}
	return ok
}

// tryRename moves files the way chunks are claimed and results are committed.
func tryRename(share *sharefs.FS, dir string) Result {
	const n = 20
	t := &trial{share: share, dir: dir}
	t.folder("from")
	t.folder("to/deeper")
	var took []time.Duration
	for i := 0; i < n && t.err == nil; i++ {
		name := fmt.Sprintf("%03d", i)
		t.create("from/"+name, name)
		began := time.Now()
		_, err := share.Claim(context.Background(), t.path("from/"+name), t.path("to/"+name))
		took = append(took, time.Since(began))
		t.step(err)
	}
	t.lists("to", n+1) // and the folder
	t.lists("from", 0)
	t.holds("to/000", "000")
	_, err := share.Move(context.Background(), t.path("to/000"), t.path("to/deeper/again"))
	t.step(err)
	t.step(share.Durable(t.path("to/deeper/again")))
	t.holds("to/deeper/again", "000")
	outcome, err := share.Move(context.Background(), t.path("to/000"), t.path("from/nobody"))
	t.want(outcome == sharefs.Lost && errors.Is(err, fs.ErrNotExist), "a move of a missing name is %v (%v)", outcome, err)
	if len(took) == 0 { // nothing could be made
		return t.end(Result{}, "", Unsafe, useAnother)
	}
	slices.Sort(took)
	ok := Result{Seen: fmt.Sprintf("%d of %d done and seen at once; a claim takes", n, n), Took: took[len(took)/2]}
	return t.end(ok, "", Unsafe, useAnother)
}

// tryLink publishes twice under one name: the first must win.
func tryLink(share *sharefs.FS, dir string) Result {
	broken := func(why, do, format string, args ...any) Result {
		return Result{Broken: true, Seen: fmt.Sprintf(format, args...), Why: why, Do: do}
	}
	name := path.Join(dir, "published")
	_, first, err := share.PublishData(name, []byte("first"))
	if err != nil {
		return broken("plans, decisions and outputs are published by hard links",
			"use a file system and a mount with hard links",
			"%v", err)
	}
	winner, second, err := share.PublishData(name, []byte("second"))
	if err != nil || !first || second || string(winner) != "first" {
		return broken(Unsafe, useAnother, "a second link to one name was not refused (%q, %v)", winner, err)
	}
	if err := share.CheckLinks(dir); err != nil {
		return broken("that is how it is known who published", "on mergerfs mount with `use_ino`, on SMB with `serverino`",
			"%v", err)
	}
	return Result{Seen: "the first to publish a name wins"}
}

// tryExclusive creates a file twice.
func tryExclusive(share *sharefs.FS, dir string) Result {
	name := path.Join(dir, "exclusive")
	err := share.Create(name, []byte("one"))
	again := share.Create(name, []byte("two"))
	t := &trial{share: share, dir: dir}
	t.want(err == nil && errors.Is(again, fs.ErrExist), "a file could be created twice (%v, %v)", err, again)
	t.holds("exclusive", "one")
	return t.end(Result{Seen: "a file is created once"}, "", Unsafe, useAnother)
}

// tryOverwrite writes a heartbeat.
func tryOverwrite(share *sharefs.FS, dir string) Result {
	t := &trial{share: share, dir: dir}
	err := share.Overwrite(t.path("x"), []byte("0000\n"))
	t.want(errors.Is(err, fs.ErrNotExist), "a file that is not there can be overwritten (%v)", err)
	t.create("x", "0001\n")
	before, err := share.Stat(t.path("x"))
	t.step(err)
	t.step(share.Overwrite(t.path("x"), []byte("0002\n")))
	after, err := share.Stat(t.path("x"))
	t.step(err)
	if t.err == nil {
		t.want(sharefs.SameFile(before, after), "a file that is overwritten becomes another one")
		t.want(!after.ModTime().Before(before.ModTime()), "a file that is overwritten gets an earlier date")
	}
	t.holds("x", "0002\n")
	return t.end(Result{Seen: "the file stays the same one, with a new text"}, "", "heartbeats are written that way",
		useAnother)
}

// tryReplace gives a file new content at once.
func tryReplace(share *sharefs.FS, dir string) Result {
	t := &trial{share: share, dir: dir}
	t.folder("replaced")
	t.step(share.Replace(t.path("replaced/x"), []byte("a long first text")))
	t.step(share.Replace(t.path("replaced/x"), []byte("short")))
	t.holds("replaced/x", "short")
	t.lists("replaced", 1)
	return t.end(Result{Seen: "a file gets its new text at once"}, "", "states and settings are written that way",
		useAnother)
}

// tryFolder makes and removes folders.
func tryFolder(share *sharefs.FS, dir string) Result {
	t := &trial{share: share, dir: dir}
	made, err := share.Mkdir(t.path("folder"))
	t.step(err)
	again, err := share.Mkdir(t.path("folder"))
	t.step(err)
	t.want(t.err != nil || made && !again, "a folder was made %t, and a second time %t", made, again)
	_, err = share.Mkdir(t.path("missing/x"))
	t.want(errors.Is(err, fs.ErrNotExist), "a folder can be made in one that is missing (%v)", err)
	t.create("folder/x", "")
	t.want(share.MkdirAll(t.path("folder/x")) != nil, "a file passes for a folder")
	t.step(share.RemoveDir(t.path("folder")))
	t.lists("folder", 1) // not empty: it stays
	t.step(share.Remove(t.path("folder/x")))
	t.step(share.Remove(t.path("folder/x")))
	t.step(share.RemoveDir(t.path("folder")))
	t.step(share.RemoveDir(t.path("folder")))
	_, err = share.List(t.path("folder"))
	t.want(errors.Is(err, fs.ErrNotExist), "a folder that was removed can be listed (%v)", err)
	return t.end(Result{Seen: "a folder is made once, and removed only when it is empty"}, "", Unsafe, useAnother)
}

// trySync makes names durable the way results are.
func trySync(share *sharefs.FS, dir string) Result {
	const n = 5
	t := &trial{share: share, dir: dir}
	began := time.Now()
	for i := range n {
		name := fmt.Sprintf("sync%d", i)
		t.create(name, "x")
		t.step(share.Durable(t.path(name)))
	}
	ok := Result{Seen: "of a file and its folder; writing and syncing takes", Took: time.Since(began) / n}
	return t.end(ok, "", "what was said to be done must outlast a power cut",
		"see the server's log for errors of its disk")
}

// tryListing looks whether a listing made after a change shows it.
func tryListing(share *sharefs.FS, dir string) Result {
	t := &trial{share: share, dir: dir}
	t.folder("listing")
	for i := 0; i < 10 && t.err == nil; i++ {
		t.create("listing/x", "")
		t.lists("listing", 1)
		t.step(share.Remove(t.path("listing/x")))
		t.lists("listing", 0)
	}
	return t.end(Result{Seen: "shows this machine's own changes at once"}, "stale: ",
		"a listing is how it is known what a rename did", "mount without options that cache listings")
}

// tryInUse moves and removes a file that is being read, as happens to a chunk whose holder is too late.
func tryInUse(share *sharefs.FS, dir string) Result {
	t := &trial{share: share, dir: dir}
	t.create("used", "text")
	file, err := share.OpenRead(t.path("used"))
	t.step(err)
	if t.err == nil {
		_, err = share.Move(context.Background(), t.path("used"), t.path("moved"))
		t.step(err)
		text, err := io.ReadAll(file)
		t.step(err)
		t.want(string(text) == "text", "a file that was moved while it was open holds %q", text)
		t.step(share.Remove(t.path("moved")))
		t.step(file.Close())
	}
	names, err := share.List(dir)
	t.step(err)
	t.want(!slices.Contains(names, "moved"), "a file that was removed while it was open is still listed")
	return t.end(Result{Seen: "a file that is being read can be moved and removed"}, "",
		"a chunk is taken from a holder that is gone while its file is still open", useAnother)
}

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// ShareOptions say what share is tested, and how.
type ShareOptions struct {
	Root  fs.FS // the machine's root folder, for /proc
	Share *sharefs.FS
	// Second starts another process of this machine that calls Second with the name of a room, and
	// waits for its end.
	Second func(ctx context.Context, room string) error
}

// folderPrefix marks the folders that a doctor works in, below pipeline.ProbeDir.
const folderPrefix = "doctor."

// Share tests the share as this machine sees it. It must be one already: see Unusable.
func Share(ctx context.Context, o ShareOptions, tell Tell) {
	m := mountOf(o.Root, o.Share.Root())
	for _, f := range adviseMount(m, kernelOf(o.Root)) {
		tell(f)
	}
	tell(checkSpace("space: share", o.Share.Root(), spaceLimits{scarce: 10 << 30, none: 256 << 20}))
	dir := path.Join(pipeline.ProbeDir, folderPrefix+pipeline.Nonce(12))
	if err := makeProbe(o.Share, dir); err != nil {
		tell(cannotWrite(o.Share, m, me(), err))
		return
	}
	defer clearAll(o.Share, dir)
	tell(ok("write", "files can be made, read and removed in %s", pipeline.ProbeDir))
	tell(checkFolders(o.Share, me()))
	tell(checkInbox(o.Share))
	sweepOld(o.Share, dir)
	for _, check := range []func(*sharefs.FS, string) Finding{checkRename, checkLink, checkExclusive, checkSync, checkListing} {
		tell(check(o.Share, dir))
	}
	tell(checkClock(o.Share, dir))
	for _, f := range checkOwner(o.Share, dir, m) {
		tell(f)
	}
	for _, f := range checkNames(o.Share, dir) {
		tell(f)
	}
	secondProcess(ctx, o, path.Join(dir, "room"), tell)
}

// makeProbe makes our folder and tries the simplest thing in it.
func makeProbe(share *sharefs.FS, dir string) error {
	if _, err := share.Mkdir(dir); err != nil {
		return err
	}
	name := path.Join(dir, "first")
	err := share.Create(name, []byte("doctor\n"))
	if err == nil {
		_, err = share.Read(name, 100)
	}
	if err == nil {
		err = share.Remove(name)
	}
	if err != nil {
		clearAll(share, dir)
	}
	return err
}

// clearAll removes a folder of ours with what is in it, as far as that is possible.
func clearAll(share *sharefs.FS, dir string) {
	entries, err := share.Entries(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if name := path.Join(dir, e.Name()); e.IsDir() {
			clearAll(share, name)
		} else {
			_ = share.Remove(name) // what stays is removed by a later doctor
		}
	}
	_ = share.RemoveDir(dir)
}

// leftover is the age from which on what a doctor left behind is nobody's: none runs for so long.
const leftover = time.Hour

// sweepOld removes what doctors that were killed left behind. Both ages are the share's.
func sweepOld(share *sharefs.FS, fresh string) {
	now, err := share.Stat(fresh)
	if err != nil {
		return
	}
	entries, err := share.Entries(pipeline.ProbeDir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := path.Join(pipeline.ProbeDir, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), folderPrefix) {
			continue
		}
		if st, err := share.Stat(name); err == nil && now.ModTime().Sub(st.ModTime()) > leftover {
			clearAll(share, name)
		}
	}
}

const unsafe = "the share's safety rests on it: chunks could be encoded twice, or lost"

// checkRename moves files the way chunks are claimed.
func checkRename(share *sharefs.FS, dir string) Finding {
	const n = 20
	from, to := path.Join(dir, "from"), path.Join(dir, "to")
	err := errors.Join(share.MkdirAll(from), share.MkdirAll(to))
	var took []time.Duration
	for i := 0; i < n && err == nil; i++ {
		name := fmt.Sprintf("%03d", i)
		if err = share.Create(path.Join(from, name), nil); err != nil {
			break
		}
		began := time.Now()
		_, err = share.Claim(context.Background(), path.Join(from, name), path.Join(to, name))
		took = append(took, time.Since(began))
	}
	if err == nil {
		err = wantNames(share, to, n)
	}
	if err == nil {
		err = wantNames(share, from, 0)
	}
	if err != nil {
		return failed("rename", "%v", err).because(unsafe, "use NFS, SMB or a local disk")
	}
	slices.Sort(took)
	return ok("rename", "%d of %d done and seen at once; a claim takes %s", n, n, short(took[n/2]))
}

func wantNames(share *sharefs.FS, dir string, n int) error {
	names, err := share.List(dir)
	if err == nil && len(names) != n {
		err = fmt.Errorf("the listing of %q has %d names, not %d", dir, len(names), n)
	}
	return err
}

// checkLink publishes twice under one name: the first must win.
func checkLink(share *sharefs.FS, dir string) Finding {
	name := path.Join(dir, "published")
	_, first, err := share.PublishData(name, []byte("first"))
	if err != nil {
		return failed("link", "%v", err).because("plans, decisions and outputs are published by hard links", "use a file system and a mount with hard links")
	}
	winner, second, err := share.PublishData(name, []byte("second"))
	if err != nil || !first || second || string(winner) != "first" {
		return failed("link", "a second link to one name was not refused (%q, %v)", winner, err).because(unsafe, "use NFS, SMB or a local disk")
	}
	if err := share.CheckLinks(dir); err != nil {
		return failed("link", "%v", err).because("that is how it is known who published", "on mergerfs mount with `use_ino`, on SMB with `serverino`")
	}
	return ok("link", "the first to publish a name wins")
}

func checkExclusive(share *sharefs.FS, dir string) Finding {
	name := path.Join(dir, "exclusive")
	err := share.Create(name, nil)
	if again := share.Create(name, nil); err != nil || !errors.Is(again, fs.ErrExist) {
		return failed("O_EXCL", "a file could be created twice (%v, %v)", err, again).because(unsafe, "use NFS, SMB or a local disk")
	}
	return ok("O_EXCL", "a file is created once")
}

// checkSync makes a name durable the way results are.
func checkSync(share *sharefs.FS, dir string) Finding {
	const n = 5
	began := time.Now()
	for i := range n {
		name := path.Join(dir, fmt.Sprintf("sync%d", i))
		err := share.Create(name, []byte("x"))
		if err == nil {
			err = share.Durable(name)
		}
		if err != nil {
			return failed("fsync", "%v", err).because("what was said to be done must outlast a power cut", "see the server's log for errors of its disk")
		}
	}
	return ok("fsync", "of a file and its folder; writing and syncing takes %s", short(time.Since(began)/n))
}

// checkListing looks whether a listing made after a change has it.
func checkListing(share *sharefs.FS, dir string) Finding {
	dir = path.Join(dir, "listing")
	if err := share.MkdirAll(dir); err != nil {
		return failed("listing", "%v", err)
	}
	var err error
	for i := 0; i < 10 && err == nil; i++ {
		name := path.Join(dir, "x")
		if err = share.Create(name, nil); err == nil {
			err = wantNames(share, dir, 1)
		}
		if err == nil {
			err = errors.Join(share.Remove(name), wantNames(share, dir, 0))
		}
	}
	if err != nil {
		return failed("listing", "stale: %v", err).because("a listing is how it is known what a rename did", "mount without options that cache listings")
	}
	return ok("listing", "shows this machine's own changes at once")
}

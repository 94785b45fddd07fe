package doctor

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
	"github.com/distenc/distenc/pipeline"
)

// ShareOptions are the share to test, and how.
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
	for _, f := range adviseWay(m, o.Share.Root()) {
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
	for _, c := range conformance.Checks {
		tell(judgeCheck(c.Name, c.Try(o.Share, dir)))
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

// judgeCheck returns what a check of the conformance suite found.
func judgeCheck(check string, r conformance.Result) Finding {
	f := ok(check, "%s", r.Seen)
	if r.Took > 0 {
		f.Seen += " " + short(r.Took)
	}
	if r.Broken {
		f.Level = Fail
	}
	return f.because(r.Why, r.Do)
}

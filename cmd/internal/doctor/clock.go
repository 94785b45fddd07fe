package doctor

import (
	"fmt"
	"path"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// offset is how far the clock that stamps files is ahead of ours, known to within some time.
type offset struct{ ahead, within time.Duration }

// shareClock makes files and looks at their mtime: the best of several tries.
func shareClock(share *sharefs.FS, dir string) (offset, error) {
	best := offset{within: time.Hour}
	for i := range 8 {
		name := path.Join(dir, fmt.Sprintf("clock%d", i))
		before := time.Now()
		if err := share.Create(name, []byte("x")); err != nil {
			return best, err
		}
		took := time.Since(before)
		st, err := share.Stat(name)
		if err != nil {
			return best, err
		}
		if took/2 < best.within {
			best = offset{st.ModTime().Sub(before.Add(took / 2)), took / 2}
		}
	}
	return best, nil
}

// clockTick is the coarsest step that file systems of today stamp in (the kernel's own tick), and a bit.
const clockTick = 20 * time.Millisecond

// checkClock finds out whose clock stamps files; it is for people, since no two clocks are ever compared.
func checkClock(share *sharefs.FS, dir string) Finding {
	o, err := shareClock(share, dir)
	if err != nil {
		return failed("clock", "%v", err)
	}
	return judgeClock(o)
}

func judgeClock(o offset) Finding {
	apart := o.ahead.Abs()
	if apart <= o.within+clockTick {
		return ok("clock", "files are stamped with this machine's time, to within %s", short(o.within+clockTick))
	}
	way := "ahead of"
	if o.ahead < 0 {
		way = "behind"
	}
	seen := fmt.Sprintf("files are stamped by the server's clock, which is %s %s this machine's", short(apart), way)
	if apart < time.Minute {
		return ok("clock", "%s", seen)
	}
	return advice("clock", "%s", seen).because(
		"distenc compares no clocks, so nothing goes wrong; but logs, `status` and file dates mislead people",
		"set both by NTP (timedatectl set-ntp true)")
}

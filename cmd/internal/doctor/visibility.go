package doctor

import (
	"fmt"
	"time"
)

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

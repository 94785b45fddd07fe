package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// rule is what one mount option means for distenc. hit returns the part of the mount that it objects to, or "".
type rule struct {
	level   Level
	hit     func(m mount, k kernel) string
	why, do string
}

// kernel is a Linux version.
type kernel struct{ major, minor int }

func (k kernel) atLeast(major, minor int) bool {
	return k.major > major || k.major == major && k.minor >= minor
}

// option objects to an option that is there.
func option(name string) func(mount, kernel) string {
	return func(m mount, _ kernel) string { return given(m, name) }
}

// given is an option as it stands in the list, or "".
func given(m mount, name string) string {
	value, there := m.options[name]
	switch {
	case !there:
		return ""
	case value == "":
		return name
	}
	return name + "=" + value
}

const (
	noExclusion = "locks exclude nobody on other machines. Nothing goes wrong, but a dead worker's chunk is noticed " +
		"only after the full expiry"
	ioErrors = "a pause of the server becomes I/O errors: chunks and jobs fail that would only have had to wait"
)

// anyRules hold for every file system.
var anyRules = []rule{
	{Fail, option("ro"), "nothing can be written", "mount it read-write"},
}

var nfsRules = []rule{
	{Advice, firstOf(option("soft"), option("softerr")), ioErrors, "mount with `hard`, the default"},
	{Advice, firstOf(option("nolock"), localFlock), noExclusion, "mount without `nolock` and `local_lock`"},
	{Advice, option("noac"), "every look asks the server, which is slow; distenc opens and lists instead of trusting " +
		"caches", "mount without `noac`"},
	{Advice, longCache, "what other machines do is seen later than it need be",
		"mount without actimeo, acregmax and acdirmax; the defaults are 60 s"},
	{Advice, nfsVersion("3"), "version 3 keeps a dead machine's locks until it is back, so that its chunks always wait " +
		"for the full expiry", "mount with vers=4.2 if the server has it"},
	{Fail, nfsVersion("2"), "files of 2 GiB and more can't be written", "mount with vers=4.2"},
}

var smbRules = []rule{
	{Advice, absent("hard"), ioErrors, "mount with `hard`, which is not the default here"},
	{Advice, option("nobrl"), noExclusion, "mount without `nobrl`"},
	{Fail, value("cache", "loose"), "other machines' files are seen late or never",
		"mount with cache=strict, the default"},
	{Advice, value("cache", "none"), "every read goes to the server", "mount with cache=strict, the default"},
	{Fail, option("nostrictsync"),
		"an fsync does not reach the server: what was said to be done can be gone after its power failed",
		"mount without `nostrictsync`"},
	{Advice, lateClose, "a file that is replaced elsewhere is seen late or never by a machine that reads it often, and " +
		"each file that is published waits a second", "mount with closetimeo=0"},
	{Advice, option("noserverino"), "inode numbers are made up here, and change; they tell one file from another",
		"mount without `noserverino`"},
	{Advice, option("mfsymlinks"),
		"files with a certain content pass for symbolic links, which distenc does not take as sources",
		"mount without `mfsymlinks`, unless other programs need it"},
	{Advice, longCache, "what other machines do is seen later than it need be",
		"mount without actimeo, acregmax and acdirmax; the default is 1 s"},
	{Advice, groupMode("file_mode", 0o060),
		"files look as if the group might not write to them, and programs that check first refuse",
		"mount with file_mode=0664"},
	{Advice, groupMode("dir_mode", 0o070),
		"folders look as if the group might not write to them, and programs that check first refuse",
		"mount with dir_mode=02775"},
	{Fail, value("vers", "1.0"), "SMB 1 is neither safe nor fast, and has no durable open files", "mount with vers=3.1.1"},
}

func firstOf(hits ...func(mount, kernel) string) func(mount, kernel) string {
	return func(m mount, k kernel) string {
		for _, hit := range hits {
			if s := hit(m, k); s != "" {
				return s
			}
		}
		return ""
	}
}

func absent(name string) func(mount, kernel) string {
	return func(m mount, _ kernel) string {
		if m.has(name) {
			return ""
		}
		return "not `" + name + "`"
	}
}

func value(name string, bad ...string) func(mount, kernel) string {
	return func(m mount, _ kernel) string {
		if m.is(name, bad...) {
			return given(m, name)
		}
		return ""
	}
}

// localFlock: local_lock=posix leaves flock(2), the one that distenc uses, to the server (nfs(5)).
func localFlock(m mount, _ kernel) string {
	if m.is("local_lock", "flock", "all") {
		return given(m, "local_lock")
	}
	return ""
}

// longCache objects to attributes that are cached for longer than NFS's default of 60 s.
func longCache(m mount, _ kernel) string {
	for _, name := range []string{"actimeo", "acregmin", "acregmax", "acdirmin", "acdirmax"} {
		if m.number(name) > 60 {
			return given(m, name)
		}
	}
	return ""
}

func nfsVersion(major string) func(mount, kernel) string {
	return func(m mount, _ kernel) string {
		for _, name := range []string{"vers", "nfsvers"} {
			if v := m.options[name]; v == major || strings.HasPrefix(v, major+".") {
				return given(m, name)
			}
		}
		return ""
	}
}

// lateClose objects to a close that is put off; Linux 6.0 is the first with the option.
func lateClose(m mount, k kernel) string {
	if !k.atLeast(6, 0) || m.is("closetimeo", "0") {
		return ""
	}
	if s := given(m, "closetimeo"); s != "" {
		return s
	}
	return "closetimeo is 1 s by default"
}

// groupMode objects to a mode, in octal, that lacks bits.
func groupMode(name string, bits int64) func(mount, kernel) string {
	return func(m mount, _ kernel) string {
		var mode int64
		if _, err := fmt.Sscanf(m.options[name], "%o", &mode); err != nil || mode&bits == bits {
			return ""
		}
		return given(m, name)
	}
}

// asyncHint is for what no client can see.
const asyncHint = "on the server: `exportfs -v` must say `sync` for it; with `async` it says done of what a power " +
	"cut then undoes. That can't be seen from here"

// adviseMount returns what a mount is, and what its options mean.
func adviseMount(m mount, k kernel) []Finding {
	is := ok("mount", "%s %s on %s (%s)", m.kind, m.source, m.point, m.text)
	rules := anyRules
	switch {
	case m.nfs():
		is.Do = asyncHint
		rules = slices.Concat(rules, nfsRules)
	case m.smb():
		rules = slices.Concat(rules, smbRules)
	default:
		is = otherFileSystem(m, is)
	}
	out := []Finding{is}
	for _, r := range rules {
		if seen := r.hit(m, k); seen != "" {
			out = append(out, Finding{Check: "mount option", Level: r.level, Seen: seen, Why: r.why, Do: r.do})
		}
	}
	if len(out) == 1 && (m.nfs() || m.smb()) {
		out = append(out, ok("mount option", "nothing to object to"))
	}
	return out
}

var (
	local = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay"}
	fat   = []string{"vfat", "msdos"}
)

// otherFileSystem judges one that is neither NFS nor SMB.
func otherFileSystem(m mount, is Finding) Finding {
	switch {
	case slices.Contains(local, m.kind):
		is.Seen += ": this machine's own disk"
	case m.kind == "tmpfs" || m.kind == "ramfs":
		is.Level = Advice
		is = is.because("it is kept in memory, and gone when the machine is switched off", "use it for trials only")
	case slices.Contains(fat, m.kind):
		is.Level = Fail
		is = is.because("files end at 4 GiB, and it has no links and no owners", "use another file system")
	default:
		is.Level = Advice
		is = is.because("distenc was tried on NFS, SMB and local disks, not on this",
			"trust the checks below, and run `distenc doctor --peer` on two machines")
	}
	return is
}

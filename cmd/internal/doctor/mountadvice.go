package doctor

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule is what some mount options mean for distenc.
type rule struct {
	level   Level
	options string // what it objects to, as mount.objection reads it
	why, do string
}

// longCache is any caching of attributes for longer than NFS's default of 60 s.
const longCache = "actimeo>60 acregmin>60 acregmax>60 acdirmin>60 acdirmax>60"

const (
	noExclusion = "locks exclude nobody on other machines. Nothing goes wrong, but a dead worker's chunk is noticed " +
		"only after the full expiry"
	ioErrors = "a pause of the server becomes I/O errors: chunks and jobs fail that would only have had to wait"
)

// anyRules hold for every file system.
var anyRules = []rule{
	{Fail, "ro", "nothing can be written", "mount it read-write"},
}

// local_lock=posix leaves flock(2), the one that distenc uses, to the server (nfs(5)).
var nfsRules = []rule{
	{Advice, "soft softerr", ioErrors, "mount with `hard`, the default"},
	{Advice, "nolock local_lock=flock local_lock=all", noExclusion, "mount without `nolock` and `local_lock`"},
	{Advice, "noac", "every look asks the server, which is slow; distenc opens and lists instead of trusting " +
		"caches", "mount without `noac`"},
	{Advice, longCache, "what other machines do is seen later than it need be",
		"mount without actimeo, acregmax and acdirmax; the defaults are 60 s"},
	{Advice, "vers=3 nfsvers=3", "version 3 keeps a dead machine's locks until it is back, so that its chunks always " +
		"wait for the full expiry", "mount with vers=4.2 if the server has it"},
	{Fail, "vers=2 nfsvers=2", "files of 2 GiB and more can't be written", "mount with vers=4.2"},
}

// The kernels that know closetimeo, those of Linux 6.0 and later, list it always.
var smbRules = []rule{
	{Advice, "hard!", ioErrors, "mount with `hard`, which is not the default here"},
	{Advice, "nobrl", noExclusion, "mount without `nobrl`"},
	{Fail, "cache=loose", "other machines' files are seen late or never",
		"mount with cache=strict, the default"},
	{Advice, "cache=none", "every read goes to the server", "mount with cache=strict, the default"},
	{Fail, "nostrictsync",
		"an fsync does not reach the server: what was said to be done can be gone after its power failed",
		"mount without `nostrictsync`"},
	{Advice, "closetimeo>0", "a file that is replaced elsewhere is seen late or never by a machine that reads it often, " +
		"and each file that is published waits a second", "mount with closetimeo=0"},
	{Advice, "noserverino", "inode numbers are made up here, and change; they tell one file from another",
		"mount without `noserverino`"},
	{Advice, "mfsymlinks",
		"files with a certain content pass for symbolic links, which distenc does not take as sources",
		"mount without `mfsymlinks`, unless other programs need it"},
	{Advice, longCache, "what other machines do is seen later than it need be",
		"mount without actimeo, acregmax and acdirmax; the default is 1 s"},
	{Advice, "file_mode&060",
		"files look as if the group might not write to them, and programs that check first refuse",
		"mount with file_mode=0664"},
	{Advice, "dir_mode&070",
		"folders look as if the group might not write to them, and programs that check first refuse",
		"mount with dir_mode=02775"},
	{Fail, "vers=1.0", "SMB 1 is neither safe nor fast, and has no durable open files", "mount with vers=3.1.1"},
}

// objected is one word of a rule's options. "name" objects to an option that is there and "name!" to one that is not;
// "name=value" to a value, "vers=3" also to 3.1; "name>60" to a greater number; "name&060" to an octal mode that lacks
// one of these bits.
var objected = regexp.MustCompile(`^(\w+)([!=>&]?)(.*)$`)

// objection returns the option, as it stands in the list, that the first fitting word objects to; "" if none fits.
func (m mount) objection(words string) string {
	for word := range strings.FieldsSeq(words) {
		parts := objected.FindStringSubmatch(word)
		name := parts[1]
		value, there := m.options[name]
		switch {
		case !there && parts[2] == "!":
			return "not `" + name + "`"
		case there && objects(parts[2], parts[3], value):
			return strings.TrimSuffix(name+"="+value, "=")
		}
	}
	return ""
}

func objects(to, limit, value string) bool {
	switch to {
	case "=":
		return value == limit || strings.HasPrefix(value, limit+".")
	case ">":
		n, err := strconv.Atoi(value)
		most, _ := strconv.Atoi(limit) // the tables' own
		return err == nil && n > most
	case "&":
		mode, err := strconv.ParseUint(value, 8, 32)
		bits, _ := strconv.ParseUint(limit, 8, 32)
		return err == nil && mode&bits != bits
	}
	return to == ""
}

// asyncHint is for what no client can see.
const asyncHint = "on the server: `exportfs -v` must say `sync` for it; with `async` it says done of what a power " +
	"cut then undoes. That can't be seen from here"

// adviseMount returns what a mount is, and what its options mean.
func adviseMount(m mount) []Finding {
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
		if seen := m.objection(r.options); seen != "" {
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

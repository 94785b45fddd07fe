package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"golang.org/x/sys/unix"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// MachineOptions are what the machine is to do.
type MachineOptions struct {
	Root           fs.FS // the machine's root folder, for what stands in /proc
	Temp           string
	Profiles       []Profile
	Rehearse       Rehearse
	Slots, Threads int   // encodes side by side, and threads of each
	Cores          int   // that programs here can keep busy
	Memory         int64 // that programs here can have at most, in bytes; 0: not known
	// Secrets is the absolute path of a configuration that holds some, "" where none does.
	Secrets string
}

// Profile is a name and what files with it are encoded with.
type Profile struct {
	Name     string
	Settings pipeline.Settings
}

// Rehearse sends a small film through all stages with some settings, and returns its number of chunks. A
// *pipeline.Refusal says what is wrong with the settings, any other error what the machine can't do.
type Rehearse func(ctx context.Context, t media.Tools, set pipeline.Settings) (chunks int, err error)

// Machine tests this machine: its tools, whether they can encode with each profile's settings, and its
// limits.
func Machine(ctx context.Context, o MachineOptions, tell Tell) {
	if found, all := findTools(ctx, tell); all {
		present := findEncoders(ctx, found, o.Profiles, tell)
		missing := findMetrics(ctx, found, o.Profiles, tell)
		for _, p := range o.Profiles {
			e, err := encoder.Named(p.Settings.Encoder)
			if (err != nil || slices.Contains(present, e)) && !slices.Contains(missing, p.Settings.Quality.Metric) {
				tell(tryProfile(ctx, found, p, o.Rehearse))
			}
		}
		checkMemory(o, present, tell)
	}
	tell(cores(o, runtime.NumCPU()))
	if o.Secrets != "" {
		tell(checkSecrets(o.Root, o.Secrets))
	}
	tell(checkOpenFiles(o.Root))
	tell(checkInotify(o.Root))
	tell(checkSpace("space: temporary", o.Temp, spaceLimits{scarce: 100 << 20}))
}

// cores tells what encodes are shared out over. The machine has so many processors.
func cores(o MachineOptions, processors int) Finding {
	of := ""
	if o.Cores < processors {
		of = fmt.Sprintf(" of this machine's %d, by the limit of a control group (a container's, or CPUQuota= of a unit) or by GOMAXPROCS",
			processors)
	}
	return ok("cores", "%d%s, for %s with %s each", o.Cores, of,
		english.Plural(o.Slots, "encode", "encodes side by side"), english.Plural(o.Threads, "thread", ""))
}

// checkSecrets looks at who can read a configuration with the addresses of notices.
func checkSecrets(root fs.FS, file string) Finding {
	info, err := fs.Stat(root, strings.TrimPrefix(file, "/"))
	if err != nil {
		return advice("secrets", "cannot look at %q: %v", file, err)
	}
	if info.Mode().Perm()&0o004 != 0 {
		return advice("secrets", "everybody on this machine can read %s (mode %04o)", file, info.Mode().Perm()).because(
			"whoever reads the URLs in [notify] can send messages in your name, or by your mail account",
			fmt.Sprintf("chgrp distenc %s && chmod 640 %[1]s (the group whose members use distenc here)", file))
	}
	return ok("secrets", "%s has mode %04o", file, info.Mode().Perm())
}

// fieldsOf returns the fields of the first line of a file that begins with prefix.
func fieldsOf(root fs.FS, name, prefix string) []string {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, prefix) {
			return strings.Fields(line)
		}
	}
	return nil
}

// wantedFiles is how many chunks one merge opens at once: 8 hours in chunks of 20 s are 1440.
const wantedFiles = 4096

// checkOpenFiles looks at the hard limit: the soft one is raised for the tools.
func checkOpenFiles(root fs.FS) Finding {
	f := fieldsOf(root, "proc/self/limits", "Max open files")
	if len(f) < 5 {
		return advice("open files", "the limit can't be read from /proc/self/limits")
	}
	if n, err := strconv.Atoi(f[4]); err == nil && n < wantedFiles {
		return advice("open files", "at most %d at once", n).because("the merge opens all chunks of a job at once",
			fmt.Sprintf("raise the hard limit to %d or more (LimitNOFILE= in the unit, `ulimit -Hn` in a shell)", wantedFiles))
	}
	return ok("open files", "at most %s at once", f[4])
}

// checkInotify looks at what is left to see local changes at once.
func checkInotify(root fs.FS) Finding {
	watches, instances := sysctl(root, "fs/inotify/max_user_watches"), sysctl(root, "fs/inotify/max_user_instances")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err == nil {
		_ = unix.Close(fd)
	}
	seen := fmt.Sprintf("%d watches, %d instances for each user", watches, instances)
	if err == nil && watches >= 1024 {
		return ok("inotify", "%s", seen)
	}
	if err != nil {
		seen += fmt.Sprintf("; a new one: %v", err)
	}
	return advice("inotify", "%s", seen).because("files dropped on this machine are seen by the next scan only",
		"raise fs.inotify.max_user_watches and max_user_instances (sysctl); nothing else depends on it")
}

func sysctl(root fs.FS, name string) int {
	data, err := fs.ReadFile(root, "proc/sys/"+name)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return n
}

// spaceLimits are bytes below which space is scarce, or too little to begin.
type spaceLimits struct{ scarce, none uint64 }

// checkSpace looks at a file system's free bytes and names.
func checkSpace(check, dir string, limit spaceLimits) Finding {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return advice(check, "cannot ask %q for its free space: %v", dir, err)
	}
	return judgeSpace(check, dir, limit, space{
		free: st.Bavail * uint64(st.Frsize), total: st.Blocks * uint64(st.Frsize), names: st.Files, freeNames: st.Ffree,
	})
}

// space is what statfs(2) returns; names is 0 where the file system makes inodes as it needs them.
type space struct{ free, total, names, freeNames uint64 }

func judgeSpace(check, dir string, limit spaceLimits, s space) Finding {
	seen := fmt.Sprintf("%s free of %s in %s", humanize.IBytes(s.free), humanize.IBytes(s.total), dir)
	few := s.names > 0 && s.freeNames < 10_000
	if few {
		seen += fmt.Sprintf(", only %d more files", s.freeNames)
	}
	const why, do = "a job needs room for its pieces and its results, about twice its source", "make room"
	switch {
	case s.free < limit.none:
		return failed(check, "%s", seen).because(why, do)
	case s.free < limit.scarce || few:
		return advice(check, "%s", seen).because(why, do)
	}
	return ok(check, "%s", seen)
}

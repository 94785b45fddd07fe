package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// MachineOptions are what the machine is to do.
type MachineOptions struct {
	Root           fs.FS // the machine's root folder, for what stands in /proc
	Temp           string
	Leads          bool // a master may run here
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
	if found, encodes, merges := findTools(ctx, o.Leads, tell); encodes {
		present := findEncoders(ctx, found, o.Profiles, tell)
		missing := findMetrics(ctx, found, o.Profiles, tell)
		if merges {
			tryProfiles(ctx, o, found, present, missing, tell)
		} else {
			tell(advice("profiles", "not tried: that takes mkvtoolnix, too").because(
				"a film may fail here that others can encode", "on Debian: apt install mkvtoolnix, where it can be had"))
		}
		checkMemory(o, present, tell)
	}
	tell(cores(o, runtime.NumCPU()))
	if o.Secrets != "" {
		tell(checkSecrets(o.Root, o.Secrets))
	}
	for _, f := range checkLimits(o.Root) {
		tell(f)
	}
	tell(checkSpace("space: temporary", o.Temp, spaceLimits{scarce: 100 << 20}))
}

// tryProfiles tries those profiles whose encoder and metric this machine has.
func tryProfiles(ctx context.Context, o MachineOptions, t media.Tools, present []encoder.Encoder,
	missing []pipeline.Metric, tell Tell,
) {
	for _, p := range o.Profiles {
		e, err := encoder.Named(p.Settings.Encoder)
		if (err != nil || slices.Contains(present, e)) && !slices.Contains(missing, p.Settings.Quality.Metric) {
			tell(tryProfile(ctx, t, p, o.Rehearse))
		}
	}
}

// cores tells what encodes are shared out over. The machine has so many processors.
func cores(o MachineOptions, processors int) Finding {
	of := ""
	if o.Cores < processors {
		of = fmt.Sprintf(" of this machine's %d, by the limit of a control group (a container's, or CPUQuota= of a unit) "+
			"or by GOMAXPROCS", processors)
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

// spaceLimits are bytes below which space is scarce, or too little to begin.
type spaceLimits struct{ scarce, none uint64 }

// checkSpace looks at a file system's free bytes and names.
func checkSpace(check, dir string, limit spaceLimits) Finding {
	s, err := sharefs.SpaceOf(dir)
	if err != nil {
		return advice(check, "cannot ask %q for its free space: %v", dir, err)
	}
	return judgeSpace(check, dir, limit, s)
}

func judgeSpace(check, dir string, limit spaceLimits, s sharefs.Space) Finding {
	seen := fmt.Sprintf("%s free of %s in %s", humanize.IBytes(s.Free), humanize.IBytes(s.Total), dir)
	few := s.Files > 0 && s.FreeFiles < 10_000
	if few {
		seen += fmt.Sprintf(", only %d more files", s.FreeFiles)
	}
	const why, do = "a job needs room for its pieces and its results, about twice its source", "make room"
	switch {
	case s.Free < limit.none:
		return failed(check, "%s", seen).because(why, do)
	case s.Free < limit.scarce || few:
		return advice(check, "%s", seen).because(why, do)
	}
	return ok(check, "%s", seen)
}

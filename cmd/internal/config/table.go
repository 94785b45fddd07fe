package config

import (
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// key is one setting: where its value goes, what that must be, and who may set it. Its kind is the type of the value.
// Its default and what it means stand in config.example.toml, which is read as the weakest of all files.
type key struct {
	name string // dotted; a profile's and a sidecar's without the section
	in   func(t target) any
	rule rule // nil: the type has all rules
	may  scope
}

// target is what is being filled.
type target struct {
	machine *Config
	job     *pipeline.Settings
	file    *Sidecar
}

// scope is who may set a key, and whether a running daemon takes another value.
type scope uint8

const (
	inMachine scope = 1 << iota // the machine's file, and a variable
	inShare                     // the share's own file
	inProfile                   // a profile, and the sidecar of a file
	inSidecar                   // the sidecar alone
	atStart                     // a running daemon keeps the value that it began with

	inFiles = inMachine | inShare
)

// keys is the table of all settings but the encoders' options, which have a key for each encoder in a profile. Where
// the share is, what is run, who can read over the network and who is told what is not for all who can write to the
// share.
var keys = []key{
	{"share", func(t target) any { return &t.machine.Share }, absolute, inMachine | atStart},
	{"watch.settle", func(t target) any { return &t.machine.Watch.Settle }, least(100 * time.Millisecond), inFiles},
	{"watch.poll", func(t target) any { return &t.machine.Watch.Poll }, least(100 * time.Millisecond), inFiles},
	{"split.chunk", func(t target) any { return (*chunk)(&t.machine.Split.Chunk) }, nil, inFiles},
	{"split.pieces", func(t target) any { return &t.machine.Split.Pieces }, nil, inFiles},
	{"lease.heartbeat", func(t target) any { return &t.machine.Lease.Heartbeat },
		least(100 * time.Millisecond), inFiles | atStart},
	{"lease.expiry", func(t target) any { return &t.machine.Lease.Expiry },
		least(lease.MinBeats * 100 * time.Millisecond), inFiles | atStart},
	{"lease.attempts", func(t target) any { return &t.machine.Lease.Attempts }, between(1, 100), inFiles | atStart},
	{"worker.slots", func(t target) any { return &t.machine.Worker.Slots }, between(0, 1024), inFiles | atStart},
	{"worker.nice", func(t target) any { return &t.machine.Worker.Nice }, between(0, 19), inFiles | atStart},
	{"worker.io_class", func(t target) any { return &t.machine.Worker.IOClass },
		oneOf("best-effort", "idle"), inFiles | atStart},
	{"worker.hours", func(t target) any { return &t.machine.Worker.Hours }, nil, inFiles},
	{"worker.max_load", func(t target) any { return &t.machine.Worker.MaxLoad }, notNegative, inFiles},
	{"disk.min_free", func(t target) any { return (*size)(&t.machine.Disk.MinFree) }, nil, inFiles},
	{"output.source", func(t target) any { return &t.machine.Output.Source }, nil, inFiles},
	{"http.listen", func(t target) any { return &t.machine.HTTP.Listen }, address, inMachine | atStart},
	{"http.hosts", func(t target) any { return (*hosts)(&t.machine.HTTP.Hosts) }, hostNames, inMachine | atStart},
	{"http.control", func(t target) any { return &t.machine.HTTP.Control }, absolute, inMachine | atStart},
	{"http.certificate", func(t target) any { return &t.machine.HTTP.Certificate }, absolute, inMachine | atStart},
	{"http.key", func(t target) any { return &t.machine.HTTP.Key }, absolute, inMachine | atStart},
	{"hooks.started", func(t target) any { return &t.machine.Hooks.Started }, program, inMachine},
	{"hooks.done", func(t target) any { return &t.machine.Hooks.Done }, program, inMachine},
	{"hooks.failed", func(t target) any { return &t.machine.Hooks.Failed }, program, inMachine},
	{"hooks.timeout", func(t target) any { return &t.machine.Hooks.Timeout }, least(time.Second), inMachine},
	{"notify.urls", func(t target) any { return (*addresses)(&t.machine.Notify.URLs) }, nil, inMachine},
	{"notify.on", func(t target) any { return (*events)(&t.machine.Notify.On) }, nil, inMachine},
	{"notify.digest", func(t target) any { return &t.machine.Notify.Digest }, least(time.Duration(0)), inMachine},
	{"log.format", func(t target) any { return &t.machine.Log.Format }, oneOf("text", "json"), inFiles | atStart},
	{"log.level", func(t target) any { return &t.machine.Log.Level }, oneOf("debug", "info", "warn", "error"), inFiles},

	{"container", func(t target) any { return &t.job.Container }, nil, inProfile},
	{"audio", func(t target) any { return &t.job.Audio }, nil, inProfile},
	{"subtitles", func(t target) any { return &t.job.Subtitles }, nil, inProfile},
	{"crop", func(t target) any { return &t.job.Crop }, nil, inProfile},
	{"scale", func(t target) any { return &t.job.Scale }, nil, inProfile},
	{"deinterlace", func(t target) any { return &t.job.Deinterlace }, nil, inProfile},
	{"max_size", func(t target) any { return &t.job.MaxSize }, nil, inProfile},
	{"odd", func(t target) any { return &t.job.Odd }, nil, inProfile},
	{"quality", func(t target) any { return &t.job.Quality }, nil, inProfile},
	{"size", func(t target) any { return &t.job.Size }, nil, inProfile},
	{"name", func(t target) any { return &t.job.Name }, nil, inProfile},
	{"dates", func(t target) any { return &t.job.Dates }, nil, inProfile},

	{"profile", func(t target) any { return &t.file.Profile }, namesProfile, inSidecar},
	{"priority", func(t target) any { return &t.file.Priority }, between(-pipeline.MaxPriority, pipeline.MaxPriority),
		inSidecar},
	{"again", func(t target) any { return &t.file.Again }, nil, inSidecar},
	{"paused", func(t target) any { return &t.file.Paused }, nil, inSidecar},
	{"nonce", func(t target) any { return &t.file.Nonce }, nonce, inSidecar},
	{promised, func(t target) any { return &t.file.Size }, least(int64(0)), inSidecar},
}

// promised is the key of a file's announced size. A whole number as size, which the film's size can't be, is the same:
// earlier versions of `add` write it so, and know no other.
const promised = "bytes"

// find returns the key of that name that one of the scopes may set. An encoder's name is one of a profile's: its
// options.
func find(name string, may scope) (key, bool) {
	if i := slices.IndexFunc(keys, func(k key) bool { return k.name == name && k.may&may != 0 }); i >= 0 {
		return keys[i], true
	}
	return key{name: name, in: func(target) any { return new(string) },
		may: inProfile}, may&inProfile != 0 && isEncoder(name)
}

// encoders are the names of all encoders, each a key of a profile.
var encoders = encoder.Names()

func isEncoder(name string) bool { return slices.Contains(encoders, name) }

// names lists the keys that one of the scopes may set, each behind a section's name.
func names(section string, may scope) (all []string) {
	if may&inProfile != 0 {
		for _, name := range encoders {
			all = append(all, section+name)
		}
	}
	for _, k := range keys {
		if k.may&may != 0 {
			all = append(all, section+k.name)
		}
	}
	return all
}

// sections are the tables of a configuration.
func sections() []string {
	all := []string{"profiles"}
	for _, k := range keys {
		if section, _, in := strings.Cut(k.name, "."); in {
			all = append(all, section)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// variable is the name of the environment variable that sets the key.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

func variables() (all []string) {
	for _, k := range keys {
		if k.may&inMachine != 0 {
			all = append(all, k.variable())
		}
	}
	return all
}

// Package config reads the settings of one machine: a typed value that never changes after Load.
//
// Settings come, strongest first, from flags, from DISTENC_* variables, from the machine's TOML
// (--config, else /etc/distenc/distenc.toml where it exists), from distenc.toml on the share, and from
// the defaults in keys.go. So one file on the share can serve every machine, and a machine overrides
// what is its own.
//
// A file is read strictly before anything is merged: a key that does not exist, a wrong type or a
// duration without a unit is an error that names file, line and key. Viper merges afterwards; it would
// ignore unknown keys, and take 30 for 30 ns.
package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Config is what one process runs with. It is a value: copies are independent, nothing changes it.
type Config struct {
	Share  string // absolute path of the share's root; empty where none is set
	Watch  Watch
	Split  Split
	Lease  Lease
	Worker Worker
	Disk   Disk
	Output Output
	HTTP   HTTP
	Hooks  Hooks
	Log    Log

	profiles map[string]Profile // by lower-case name; always has DefaultProfile
}

// Watch says when a file in the inbox is complete.
type Watch struct {
	Settle time.Duration // size and mtime have stood still this long
	Poll   time.Duration // between two scans
}

// Split says how a source is cut.
type Split struct {
	Chunk  time.Duration // wanted length of a chunk, in the film's time
	Pieces string        // copy | range
}

// Lease is what all machines of a share must agree on. A running cluster goes by the values published
// in .distenc/cluster.json; these are what a master publishes there.
type Lease struct {
	Heartbeat time.Duration // between two heartbeats
	Expiry    time.Duration // a claim whose heartbeat has not moved for this long is taken back
	Attempts  int           // failures of one chunk until it is set aside
}

// Worker is this machine's share of the work.
type Worker struct {
	Slots   int     // encodes side by side; 0 chooses from the cores
	Nice    int     // niceness of the encoders, 0 to 19
	IOClass string  `mapstructure:"io_class"` // best-effort | idle: the encoders' I/O scheduling class
	Hours   Hours   // when chunks may be claimed
	MaxLoad float64 `mapstructure:"max_load"` // load average of others above which none is claimed; 0: no limit
}

// Disk guards the share's free space.
type Disk struct {
	MinFree int64 `mapstructure:"min_free"` // bytes; below it no file is taken in and no chunk claimed; 0: no guard
}

// Output says what becomes of the files.
type Output struct {
	Source string // archive | delete: what becomes of a source once its output is published
}

// HTTP is the master's read-only page.
type HTTP struct {
	Listen string   // host:port; empty: none
	Hosts  []string // by which it may be asked for, besides this machine's loopback names and the host in Listen
}

// Hooks are programs that the master runs when a job ends, with the job as JSON on standard input.
type Hooks struct {
	Done    []string // program and arguments; empty: none
	Failed  []string
	Timeout time.Duration // then the hook is stopped
}

// Log says how this process reports.
type Log struct {
	Format string // text | json
	Level  string // debug | info | warn | error
}

// Profile is a named set of encoding settings. A key that a profile does not set is taken from
// [profiles.default].
type Profile struct {
	Name        string // in lower case
	X264        string // the x264 command line's own options
	Container   string // mkv | mp4
	Audio       string // copy | aac <kbit/s>k
	Subtitles   string // copy | none
	Scale       string // none | <width>x<height>, with " enlarge" behind it if small pictures are enlarged
	Deinterlace string // no | yes
	Odd         string // refuse | crop | pad
}

// DefaultProfile is the name of the profile for files that choose none.
const DefaultProfile = "default"

// Profile returns the profile of that name, whatever its case.
func (c Config) Profile(name string) (Profile, bool) {
	p, ok := c.profiles[strings.ToLower(name)]
	return p, ok
}

// ProfileNames lists the profiles in alphabetical order, in lower case.
func (c Config) ProfileNames() []string {
	return slices.Sorted(maps.Keys(c.profiles))
}

// Package config reads the settings of one machine: a typed value that never changes after Load.
//
// Settings come, strongest first, from flags, from DISTENC_* variables, from the machine's TOML (--config, else
// /etc/distenc/distenc.toml where it exists), from distenc.toml on the share, and from the defaults, which are
// config.example.toml itself. So one file on the share can serve every machine, and a machine overrides what is its
// own.
//
// Each file is checked by itself, against the table of keys (table.go): a key that does not exist, a wrong type or a
// duration without a unit is an error that names file, line and key. A value is decoded there, into the type that it
// has from then on; viper only chooses the strongest.
package config

import (
	"reflect"
	"time"

	"github.com/distenc/distenc/cmd/internal/notices"
	"github.com/distenc/distenc/pipeline"
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
	Notify notices.Settings
	Log    Log

	profiles map[string]pipeline.Settings // by lower-case name; always has DefaultProfile
}

// Watch says when a file in the inbox is complete.
type Watch struct {
	Settle time.Duration // size and mtime have stood still this long
	Poll   time.Duration // between two scans
}

// Split says how a source is cut.
type Split struct {
	Chunk  time.Duration // wanted length of a chunk, in the film's time; 0: the encoder's own
	Pieces pipeline.Pieces
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
	IOClass string  // best-effort | idle: the encoders' I/O scheduling class
	Hours   Hours   // when chunks may be claimed
	MaxLoad float64 // load average of others above which none is claimed; 0: no limit
}

// Disk guards the share's free space.
type Disk struct {
	MinFree int64 // bytes; below it no file is taken in and no chunk claimed; 0: no guard
}

// Output says what becomes of the files.
type Output struct {
	Source pipeline.SourceDisposal
}

// HTTP is the master's page.
type HTTP struct {
	Listen string   // host:port; empty: none
	Hosts  []string // by which it may be asked for, besides this machine's loopback names and the host in Listen
	// Control is the file with the tokens of those who may steer; empty: the page is for reading only.
	Control string
	// Certificate and Key are files in PEM; both empty: no TLS.
	Certificate, Key string
}

// Hooks are programs that the master runs when a job begins or ends, with the job as JSON on standard input.
type Hooks struct {
	Started []string // program and arguments; empty: none
	Done    []string
	Failed  []string
	Timeout time.Duration // then the hook is stopped
}

// Log says how this process reports.
type Log struct {
	Format string // text | json
	Level  string // debug | info | warn | error
}

// DefaultProfile is the name of the profile for files that choose none.
const DefaultProfile = "default"

// Fixed lists the keys whose values differ, and which a running daemon does not take.
func (c Config) Fixed(now Config) (all []string) {
	for _, k := range keys {
		if k.may&atStart != 0 && !reflect.DeepEqual(k.in(target{machine: &c}), k.in(target{machine: &now})) {
			all = append(all, k.name)
		}
	}
	return all
}

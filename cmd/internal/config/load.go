package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"

	"github.com/spf13/viper"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/lease"
)

// Flag is a flag that was given on the command line and sets a key.
type Flag struct {
	Name  string // as typed: --slots
	Key   string // worker.slots
	Value string
}

// Source is where Load looks, besides the share.
type Source struct {
	File    string   // --config; empty: MachineFile if it exists
	Flags   []Flag   // only those that were given
	Environ []string // os.Environ()
	NoShare bool     // leave the share's own file out, for who looks why the share can't be read
}

// Load reads all sources and checks the result. A mistake in them is an *Error, or several joined;
// any other error is a file that could not be read this time.
func Load(s Source) (Config, error) {
	overrides, where, err := s.overrides()
	if err != nil {
		return Config{}, err
	}
	files, err := s.files(overrides)
	if err != nil {
		return Config{}, err
	}
	defaults, err := read("", []byte(distenc.ExampleConfig), inMachine)
	if err != nil {
		return Config{}, err
	}
	v, profiles := viper.New(), defaults.profiles
	for name, value := range defaults.values {
		v.SetDefault(name, value)
	}
	set := map[string]string{} // key: file and line, variable or flag that set it last
	for _, f := range files {
		if err := v.MergeConfigMap(f.values); err != nil {
			return Config{}, &Error{Where: f.file, Err: err}
		}
		for name, choices := range f.profiles {
			profiles[name] = profiles[name].With(choices)
		}
		for name := range f.values {
			set[name] = at(f.file, f.line(name))
		}
	}
	for name, value := range overrides.values {
		v.Set(name, value)
	}
	maps.Copy(set, where)
	c := Config{profiles: inherit(profiles)}
	for _, k := range keys {
		if value := v.Get(k.name); value != nil {
			reflect.ValueOf(k.in(target{machine: &c})).Elem().Set(reflect.ValueOf(value))
		}
	}
	return c, checkExpiry(c.Lease, set)
}

func checkExpiry(agreed Lease, set map[string]string) error {
	if agreed.Expiry >= lease.MinBeats*agreed.Heartbeat {
		return nil
	}
	return &Error{Where: cmp.Or(set["lease.expiry"], set["lease.heartbeat"]), Key: "lease.expiry", Problem: fmt.Sprintf(
		"must be at least %d heartbeats, is %s with a heartbeat of %s", lease.MinBeats, agreed.Expiry, agreed.Heartbeat)}
}

package config

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/viper"

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

// loader collects the layers, the weakest first, and remembers who set what.
type loader struct {
	viper *viper.Viper
	set   map[string]string // key: file:line, variable or flag that set it last
}

// Load reads all sources and checks the result. A mistake in them is an *Error, or several joined;
// any other error is a file that could not be read this time.
func Load(s Source) (Config, error) {
	overrides, err := s.overrides()
	if err != nil {
		return Config{}, err
	}
	files, err := s.files(overrides)
	if err != nil {
		return Config{}, err
	}
	l := loader{viper: viper.New(), set: map[string]string{}}
	for _, k := range keys {
		l.viper.SetDefault(k.name, k.value)
	}
	for _, f := range files {
		if err := l.merge(f); err != nil {
			return Config{}, err
		}
	}
	for _, o := range overrides {
		l.viper.Set(o.key, o.value)
		l.set[o.key] = o.where
	}
	return l.config()
}

func (l loader) merge(f file) error {
	for name, line := range f.lines {
		l.set[name] = at(f.name, line)
	}
	if err := l.viper.MergeConfigMap(f.values); err != nil {
		return &Error{Where: f.name, Err: err}
	}
	return nil
}

// config takes the merged values out of viper and checks their rules.
func (l loader) config() (Config, error) {
	var c Config
	var given map[string]Profile
	if err := errors.Join(l.viper.Unmarshal(&c), l.viper.UnmarshalKey("profiles", &given)); err != nil {
		return Config{}, &Error{Problem: "cannot merge the configuration", Err: err}
	}
	c.profiles = inherit(given)
	if err := errors.Join(l.checkKeys(), l.checkExpiry(c.Lease), l.checkProfiles(given)); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (l loader) checkKeys() error {
	var all []error
	for _, k := range keys {
		if problem := k.rule(l.value(k)); problem != "" {
			all = append(all, &Error{Where: l.set[k.name], Key: k.name, Problem: problem})
		}
	}
	return errors.Join(all...)
}

// value is the merged value of a key in the key's own type.
func (l loader) value(k key) any {
	switch k.value.(type) {
	case int:
		return l.viper.GetInt(k.name)
	case time.Duration:
		return l.viper.GetDuration(k.name)
	case float64:
		return l.viper.GetFloat64(k.name)
	case []string, hosts:
		return l.viper.GetStringSlice(k.name)
	case int64, Hours:
		return l.viper.Get(k.name)
	default:
		return l.viper.GetString(k.name)
	}
}

func (l loader) checkExpiry(set Lease) error {
	if set.Expiry >= lease.MinBeats*set.Heartbeat {
		return nil
	}
	where := l.set["lease.expiry"]
	if where == "" {
		where = l.set["lease.heartbeat"]
	}
	return &Error{Where: where, Key: "lease.expiry", Problem: fmt.Sprintf(
		"must be at least %d heartbeats, is %s with a heartbeat of %s", lease.MinBeats, set.Expiry, set.Heartbeat)}
}
